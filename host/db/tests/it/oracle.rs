//! The oracle notices whatever is planted, and names it.

use crate::{build::*, on_each, whole};
use db::{Kind, testing::Scratch};

/// A small ledger of everything.
async fn ledger(scratch: &Scratch) {
    let mut shop = Shop::open(&scratch.db, "shop").await;
    let mut amy = Amy::new("amy");
    let mut first = shop.grant(&mut amy, 100);
    first.new_identities.push(("openid".to_owned(), "o-1".to_owned()));
    first.plan.vouchers.push(Shop::voucher(&first, "V1"));
    first.plan.notices.push(ledger::Notice { topic: "message".to_owned(), body: serde_json::json!({}), due: None });
    let sale = (first.natural_key.clone().unwrap(), crate::journal::left_of(&first.decision_id, 1));
    let mut second = shop.grant(&mut amy, -30);
    second.plan.sale = Some(sale);
    write(&scratch.db, &[first, second, shop.grant(&mut amy, 5)]).await;
}

/// Texts that plant a difference, and the invariant that must be named. `decision` is unlocked first.
const PLANTS: [(&str, &str); 15] = [
    ("L1_a_balance", "update member set points = points + 1"),
    ("L1_a_balance", "update member set gift_seq = 9"),
    ("L1_L2_entries", "update decision set entries = replace(entries, '\"seq\":2', '\"seq\":4')"),
    ("L1_L2_entries", "update decision set entries = replace(entries, '\"delta\":-30', '\"delta\":-3')"),
    ("L1_every_entry", "update decision set member_id = 'bob' where seq = 3"),
    ("D_streams", "delete from decision where seq = 2"),
    ("D_a_version", "update member set version = 7"),
    ("D_a_chain", "update decision set before_seq = 1 where seq = 3"),
    ("M_a_member", "update member set state = replace(state, '\"balance\":75', '\"balance\":76')"),
    ("M_a_member", "update member set tier = 'gold'"),
    ("V2_a_voucher", "update voucher set state = 'used'"),
    ("V_every_voucher", "update voucher set member_id = 'bob'"),
    ("S_every", "update sale_left set natural_key = 'receipt:none'"),
    ("I_every", "update identity set member_id = 'bob'"),
    ("O1_every", "update outbox set decision_id = 'h1-9'"),
];

#[tokio::test]
async fn every_planted_difference_is_named() {
    for (invariant, plant) in PLANTS {
        on_each(async |scratch| {
            ledger(scratch).await;
            whole(scratch).await;
            let unlock = match scratch.db.kind() {
                Kind::Sqlite => "drop trigger decision_update; drop trigger decision_delete",
                Kind::Postgres => "drop trigger decision_once on decision",
            };
            scratch.sql(unlock).await.unwrap();
            scratch.sql(plant).await.unwrap();
            let broken = db::audit::oracle(&scratch.db).await.unwrap();
            assert!(broken.iter().any(|(name, _)| name.starts_with(invariant)), "{plant}: {broken:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn pages_of_entries_are_complete_and_in_order() {
    on_each(async |scratch| {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        let mut members: Vec<Amy> = (0..150).map(|n| Amy::new(&format!("m{n:03}"))).collect();
        let batch: Vec<_> = (0..400).map(|n| shop.grant(&mut members[n * 7 % 150], 1)).collect();
        write(&scratch.db, &batch).await;
        for limit in [1, 7, 333, 1_000] {
            let mut all = Vec::new();
            let mut after = None;
            loop {
                let at = after.as_ref().map(|(member, account, seq)| (member, *account, *seq));
                let page = db::audit::entries(&scratch.db, &shop.tenant, at, limit).await.unwrap();
                let Some(last) = page.last() else { break };
                after = Some((last.member.clone(), last.entry.account, last.entry.seq));
                assert!(page.len() <= limit as usize);
                all.extend(page.into_iter().map(|row| (row.member, row.entry.account, row.entry.seq)));
                if limit == 1 && all.len() > 20 {
                    break;
                }
            }
            assert!(all.is_sorted());
            assert!(limit == 1 || all.len() == 800, "{limit}: {}", all.len());
        }
    })
    .await;
}
