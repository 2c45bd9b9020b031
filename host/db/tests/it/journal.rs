//! The batch read and the batch write.

use crate::{build::*, on_each, whole};
use db::{
    journal::CommitOutcome,
    snapshot::{MemberRef, Want},
};
use ledger::{Applied, Counter, Notice, Receipt, Sale, StockUse, UnixMs, VoucherState};

#[tokio::test]
async fn what_a_batch_writes_the_next_read_finds() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let mut shop = Shop::open(db, "shop").await;
        let mut amy = Amy::new("amy");
        let mut first = shop.grant(&mut amy, 100);
        first.new_identities.push(("phone".to_owned(), "index-of-13800000000".to_owned()));
        first.plan.vouchers.push(Shop::voucher(&first, "V1"));
        let second = shop.grant(&mut amy, 28);
        write(db, &[first.clone(), second.clone()]).await;

        let found = read(
            db,
            Want {
                idempotency_key: second.idempotency_key.clone(),
                natural_key: first.natural_key.clone(),
                member: Some(MemberRef::Identity { kind: "phone", index: "index-of-13800000000".to_owned() }),
                sale: first.natural_key.clone(),
                ..want(&shop.tenant)
            },
        )
        .await;

        let one = &found.found[0];
        assert_eq!(one.by_key.as_ref().unwrap().reply, second.reply);
        assert_eq!(one.by_natural.as_ref().unwrap().decision_id, first.decision_id);
        let member = one.member.as_ref().unwrap();
        assert_eq!((member.version, &member.state), (2, &amy.state));
        assert_eq!(one.vouchers, first.plan.vouchers);
        assert_eq!(one.sale.as_ref().unwrap().record, first.record);
        let tenant = &found.tenants[&shop.tenant];
        assert_eq!((tenant.config_version, &tenant.head), (1, &shop.head));
        whole(scratch).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let shop = Shop::open(db, "shop").await;
        let unknown =
            Want { natural_key: Some("receipt:none".to_owned()), ..want_member(&shop.tenant, &member_id("amy")) };
        let nowhere = want(&tenant("nowhere"));

        let found = db::snapshot::read(db, STREAM, &[unknown, nowhere]).await.unwrap();

        assert_eq!(found.found, vec![Default::default(), Default::default()]);
        assert_eq!(found.tenants.keys().collect::<Vec<_>>(), vec![&shop.tenant]);
        assert_eq!(found.tenants[&shop.tenant].head, shop.head);
    })
    .await;
}

#[tokio::test]
async fn several_writes_of_one_member_leave_the_last_state_and_every_entry() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let mut shop = Shop::open(db, "shop").await;
        let (mut amy, mut bob) = (Amy::new("amy"), Amy::new("bob"));
        let first = [shop.grant(&mut amy, 100), shop.grant(&mut bob, 7), shop.grant(&mut amy, -40)];
        write(db, &first).await;
        let second = [shop.grant(&mut amy, 1), shop.grant(&mut amy, 2), shop.grant(&mut amy, 3)];
        write(db, &second).await;

        let member = db::member::find(db, &shop.tenant, &MemberRef::Id(member_id("amy"))).await.unwrap().unwrap();
        assert_eq!((member.version, &member.state), (5, &amy.state));
        let history = db::member::history(db, &shop.tenant, &member_id("amy"), None, 3).await.unwrap();
        let deltas: Vec<i64> = history.iter().map(|one| one.entries[0].delta).collect();
        assert_eq!(deltas, vec![3, 2, 1]);
        let behind = Some(&history[2].decision_id);
        let rest = db::member::history(db, &shop.tenant, &member_id("amy"), behind, 100).await.unwrap();
        assert_eq!(rest.iter().map(|one| one.entries[0].delta).collect::<Vec<_>>(), vec![-40, 100]);
        whole(scratch).await;
    })
    .await;
}

#[tokio::test]
async fn a_batch_of_256_decisions_is_one_call_and_one_commit() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let mut shop = Shop::open(db, "shop").await;
        let mut members: Vec<Amy> = (0..200).map(|n| Amy::new(&format!("m{n}"))).collect();
        let batch: Vec<_> = (0..256).map(|n| shop.grant(&mut members[n % 200], 5)).collect();
        let wants: Vec<_> = batch.iter().map(|one| want_member(&one.tenant, &one.member.as_ref().unwrap().0)).collect();
        let before = db.counts();

        write(db, &batch).await;
        let commits = commits(scratch, before).await;
        db::snapshot::read(db, STREAM, &wants).await.unwrap();

        let after = db.counts();
        assert_eq!((after.batch_writes - before.batch_writes, after.batch_reads - before.batch_reads), (1, 1));
        assert_eq!(commits, 1);
        whole(scratch).await;
    })
    .await;
}

/// By how many transactions everything of the batch was written.
async fn commits(scratch: &db::testing::Scratch, before: db::Counts) -> u64 {
    match scratch.db.kind() {
        db::Kind::Sqlite => scratch.db.counts().commits - before.commits,
        // Each row names the transaction that wrote it.
        db::Kind::Postgres => {
            let writers = "select count(distinct writer) from (select cast(xmin as text) as writer from decision
                           union all select cast(xmin as text) from member) as rows";
            scratch.told(writers).await.unwrap()[0].parse().unwrap()
        }
    }
}

#[tokio::test]
async fn open_vouchers_come_with_the_member_and_closed_ones_only_when_presented() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let mut shop = Shop::open(db, "shop").await;
        let mut amy = Amy::new("amy");
        let mut issue = shop.grant(&mut amy, 1);
        issue.plan.vouchers = vec![Shop::voucher(&issue, "V1"), Shop::voucher(&issue, "V2")];
        let mut used = issue.plan.vouchers[0].clone();
        write(db, &[issue]).await;
        let mut redeem = shop.grant(&mut amy, 1);
        used.state = VoucherState::Used { by: redeem.decision_id.clone() };
        redeem.plan.vouchers.push(used.clone());
        write(db, &[redeem]).await;

        let open = read(db, want_member(&shop.tenant, &amy.state.id)).await.found.remove(0).vouchers;
        let presented = Want { vouchers: vec![used.code.clone()], ..want_member(&shop.tenant, &amy.state.id) };
        let both = read(db, presented).await.found.remove(0).vouchers;

        assert_eq!(open.iter().map(|v| v.code.as_str()).collect::<Vec<_>>(), vec!["V2"]);
        assert_eq!(both.len(), 2);
        assert_eq!(both[0], used);
        assert_eq!(
            db::voucher::counts(db, &shop.tenant, "welcome").await.unwrap(),
            vec![("issued".to_owned(), 1), ("used".to_owned(), 1)]
        );
        whole(scratch).await;
    })
    .await;
}

#[tokio::test]
async fn a_returned_sale_is_found_with_what_is_left_of_it() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let mut shop = Shop::open(db, "shop").await;
        let sale = shop.decision("receipt");
        let (name, left) = (sale.natural_key.clone().unwrap(), left_of(&sale.decision_id, 1));
        let mut back = shop.decision("return");
        back.plan.sale = Some((name.clone(), left));
        let mut again = shop.decision("return");
        let last = left_of(&sale.decision_id, 2);
        again.plan.sale = Some((name.clone(), last.clone()));
        write(db, &[sale.clone(), back]).await;
        write(db, &[again]).await;

        let found = read(db, Want { sale: Some(name), ..want(&shop.tenant) }).await.found.remove(0).sale.unwrap();

        assert_eq!((found.record, found.left), (sale.record, Some(last)));
        whole(scratch).await;
    })
    .await;
}

pub fn left_of(decision: &ledger::DecisionId, returns: u32) -> Sale {
    let (left, applied) = (Receipt::default(), Applied::default());
    Sale { decision: decision.clone(), member: None, left, applied, returns, whole: false }
}

#[tokio::test]
async fn counters_add_up_over_batches_and_notices_wait_in_the_outbox() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let mut shop = Shop::open(db, "shop").await;
        let mut batch = vec![shop.decision("draw"), shop.decision("draw")];
        for one in &mut batch {
            one.plan.stock.push(StockUse { name: "prize".to_owned(), delta: 2, max: Some(5), since: 0 });
            one.plan.notices.push(Notice {
                topic: "message".to_owned(),
                body: serde_json::json!({"to": "amy"}),
                due: None,
            });
        }
        write(db, &batch).await;
        let mut give_back = shop.decision("return");
        give_back.plan.stock.push(StockUse { name: "prize".to_owned(), delta: -1, max: Some(5), since: 0 });
        write(db, &[give_back]).await;

        let found = read(db, want(&shop.tenant)).await;
        assert_eq!(found.tenants[&shop.tenant].stock["prize"], Counter { used: 3, max: Some(5), since: 0 });
        let waiting =
            scratch.told("select outbox_id, topic, body, state from outbox order by outbox_id").await.unwrap();
        assert_eq!(
            waiting,
            vec!["h1-1.0 | message | {\"to\":\"amy\"} | waiting", "h1-2.0 | message | {\"to\":\"amy\"} | waiting"]
        );
        whole(scratch).await;
    })
    .await;
}

/// What a counter with periods is after these moves of (how much, which period), each a batch of its own.
async fn counted(scratch: &db::testing::Scratch, name: &str, moves: &[(i64, i64)]) -> (Vec<bool>, Counter) {
    let mut shop = Shop::open(&scratch.db, name).await;
    let mut done = Vec::new();
    for (delta, since) in moves {
        let mut one = shop.decision("receipt");
        one.plan.stock.push(StockUse { name: "budget".to_owned(), delta: *delta, max: Some(10), since: *since });
        done.push(matches!(commit(&scratch.db, &[one]).await, CommitOutcome::Committed));
        if done.last() == Some(&false) {
            shop.rewind(1);
        }
    }
    let mut found = read(&scratch.db, want(&shop.tenant)).await;
    (done, found.tenants.remove(&shop.tenant).unwrap().stock["budget"])
}

#[tokio::test]
async fn a_counter_begins_anew_with_a_later_period_and_never_goes_back_to_an_earlier_one() {
    on_each(async |scratch| {
        for (nth, (moves, fine, used, since)) in [
            (vec![(7, 3), (3, 3), (1, 3)], vec![true, true, false], 10, 3),
            (vec![(7, 3), (9, 4), (1, 4)], vec![true, true, true], 10, 4),
            (vec![(7, 3), (2, 4), (1, 3), (-1, 3)], vec![true, true, false, false], 2, 4),
            (vec![(7, 3), (11, 4), (-7, 3)], vec![true, false, true], 0, 3),
            (vec![(7, 0), (-9, 0), (-7, 0)], vec![true, false, true], 0, 0),
        ]
        .into_iter()
        .enumerate()
        {
            let (done, counter) = counted(scratch, &format!("shop{nth}"), &moves).await;
            assert_eq!((done, counter), (fine, Counter { used, max: Some(10), since }), "{moves:?}");
        }
        whole(scratch).await;
    })
    .await;
}

#[tokio::test]
async fn a_batch_over_two_periods_of_a_counter_is_planned_again() {
    on_each(async |scratch| {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        let mut batch = vec![shop.decision("receipt"), shop.decision("receipt")];
        for (one, since) in batch.iter_mut().zip([3, 4]) {
            one.plan.stock.push(StockUse { name: "budget".to_owned(), delta: 1, max: Some(10), since });
        }
        assert!(matches!(commit(&scratch.db, &batch).await, CommitOutcome::Stale));
    })
    .await;
}

#[tokio::test]
async fn a_notice_with_a_moment_of_its_own_waits_for_it() {
    on_each(async |scratch| {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        let mut one = shop.decision("quote");
        let (now, due) = (one.at, UnixMs::new(one.at.get() + 300_000));
        one.plan.notices.push(Notice { topic: "release".to_owned(), body: serde_json::json!(1), due: Some(due) });
        write(&scratch.db, &[one]).await;
        let claim = async |at: UnixMs| {
            let claimed = db::outbox::claim(&scratch.db, &shop.tenant, "release", "me", at, at.after_ms(9), 5).await;
            claimed.unwrap().len()
        };
        assert_eq!((claim(now).await, claim(due).await), (0, 1));
    })
    .await;
}

#[tokio::test]
async fn two_tenants_may_use_the_same_names_for_everything() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let (mut one, mut two) = (Shop::open(db, "one").await, Shop::open(db, "two").await);
        let (mut amy, mut other) = (Amy::new("amy"), Amy::new("amy"));
        let batch = [one.grant(&mut amy, 10), two.grant(&mut other, 20)];
        write(db, &batch).await;

        let wants = [&one, &two].map(|shop| Want {
            idempotency_key: batch[0].idempotency_key.clone(),
            ..want_member(&shop.tenant, &member_id("amy"))
        });
        let found = db::snapshot::read(db, STREAM, &wants).await.unwrap().found;

        assert_eq!(found[0].member.as_ref().unwrap().state, amy.state);
        assert_eq!(found[1].member.as_ref().unwrap().state, other.state);
        assert_eq!(found[1].by_key.as_ref().unwrap().reply, batch[1].reply);
        whole(scratch).await;
    })
    .await;
}

#[tokio::test]
async fn a_batch_leaves_the_rows_that_single_transactions_leave() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let (mut one, mut two) = (Shop::open(db, "one").await, Shop::open(db, "two").await);
        for (shop, batched) in [(&mut one, true), (&mut two, false)] {
            let (mut amy, mut bob) = (Amy::new("amy"), Amy::new("bob"));
            let mut batch = vec![shop.grant(&mut amy, 9), shop.grant(&mut bob, 1), shop.grant(&mut amy, -3)];
            let issued = vec![Shop::voucher(&batch[2], "V1")];
            batch[2].plan.vouchers = issued;
            batch[1].plan.notices.push(Notice { topic: "message".to_owned(), body: serde_json::json!([1]), due: None });
            if batched {
                write(db, &batch).await;
            } else {
                for one in &batch {
                    db::testing::plain::commit(db, STREAM, one).await.unwrap();
                }
            }
        }
        for table in ["decision", "member", "voucher", "outbox"] {
            let rows = async |name: &str| {
                let all = format!("select * from {table} where tenant_id = '{name}' order by 2, 3");
                let rows = scratch.told(&all).await.unwrap();
                rows.into_iter().map(|row| row.replacen(name, "", 1)).collect::<Vec<_>>()
            };
            assert_eq!(rows("one").await, rows("two").await, "{table}");
        }
        whole(scratch).await;
    })
    .await;
}

#[tokio::test]
async fn no_hot_statement_reads_a_whole_table() {
    let scratch = db::testing::Scratch::sqlite().await.unwrap();
    let plans = scratch.hot_plans().await.unwrap();
    assert!(plans.len() > 20, "{plans:?}");
    let tables = ["d", "m", "v", "l", "n", "t", "s", "member", "voucher", "stock", "decision", "sale_left"];
    for plan in &plans {
        let scans = tables
            .iter()
            .any(|table| plan.contains(&format!("SCAN {table} ")) || plan.ends_with(&format!("SCAN {table}")));
        assert!(!scans, "{plan}\n{plans:#?}");
    }
}
