//! What is written once stays as it is, whoever asks.

use crate::{build::*, on_each, whole};

#[tokio::test]
async fn decisions_and_entries_are_never_changed_or_deleted() {
    on_each(async |scratch| {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        write(&scratch.db, &[shop.grant(&mut Amy::new("amy"), 100)]).await;
        for attempt in [
            "update decision set record = ''",
            "update decision set entries = null where seq = 1",
            "delete from decision",
            "update entry set delta = 1",
            "delete from entry",
            "insert into entry (tenant_id, member_id, account, seq, delta) values ('shop', 'amy', 'points', 2, 5)",
        ] {
            assert!(scratch.sql(attempt).await.is_err(), "{attempt}");
        }
        let entries = scratch.told("select account, seq, delta from entry order by account").await.unwrap();
        assert_eq!(entries, vec!["gift | 1 | 5", "points | 1 | 100"]);
        whole(scratch).await;
    })
    .await;
}

#[tokio::test]
async fn policy_versions_and_rulebooks_are_never_changed() {
    on_each(async |scratch| {
        let shop = Shop::open(&scratch.db, "shop").await;
        let policy = crate::nouns::policy("standard", "1");
        db::policy::insert(&scratch.db, &shop.tenant, &policy).await.unwrap();
        db::policy::publish(&scratch.db, &shop.tenant, 0, &[], ledger::UnixMs::new(1), "amy", "").await.unwrap();
        for attempt in ["update policy_version set artifact = source", "update rulebook set note = 'x'"] {
            assert!(scratch.sql(attempt).await.is_err(), "{attempt}");
        }
    })
    .await;
}
