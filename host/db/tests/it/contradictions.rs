//! Batches that contradict themselves: a bug of the caller, refused before or by the database, never written.

use crate::{build::*, on_each};
use db::{
    DbError,
    journal::{CommitOutcome, Written},
};

async fn contradiction(db: &db::Db, batch: &[Written], says: &str) {
    match commit(db, batch).await {
        CommitOutcome::Failed(DbError::BadBatch(why)) => assert!(why.contains(says), "{why}"),
        other => panic!("{says}: {other:?}"),
    }
}

#[tokio::test]
async fn a_batch_that_contradicts_itself_is_never_sent() {
    let scratch = db::testing::Scratch::sqlite().await.unwrap();
    type Spoil = fn(&mut Vec<Written>);
    let table: [(&str, Spoil); 9] = [
        ("number", |batch| batch[1].seq += 1),
        ("gap", |batch| drop(batch.remove(1))),
        ("does not name", |batch| batch[0].member = None),
        ("member's state", |batch| batch[0].plan.member = None),
        ("does not follow", |batch| batch[2].plan.entries[0].delta += 1),
        ("lead to", |batch| batch[2].plan.entries[0].seq += 1),
        ("does not follow", |batch| batch[2].member.as_mut().unwrap().1 += 1),
        ("without entries", |batch| batch[0].plan.entries.clear()),
        ("voucher of a member", |batch| {
            let voucher = Shop::voucher(&batch[0], "V1");
            batch[1].plan.vouchers.push(voucher);
        }),
    ];
    let shop = Shop::open(&scratch.db, "shop").await;
    for (says, spoil) in table {
        let (mut shop, mut amy, mut bob) = (shop.clone(), Amy::new("amy"), Amy::new("bob"));
        let mut batch = vec![shop.grant(&mut amy, 5), shop.grant(&mut bob, 6), shop.grant(&mut amy, 7)];
        spoil(&mut batch);
        contradiction(&scratch.db, &batch, says).await;
    }
    assert_eq!(scratch.db.counts().batch_writes, 0);
}

#[tokio::test]
async fn balances_that_do_not_continue_the_stored_ones_are_refused_by_the_database() {
    on_each(async |scratch| {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        let mut amy = Amy::new("amy");
        write(&scratch.db, &[shop.grant(&mut amy, 100)]).await;
        amy.state.accounts.points.balance += 1;
        let wrong_balance = shop.grant(&mut amy.clone(), 5);
        contradiction(&scratch.db, &[wrong_balance], "new balances").await;
        amy.state.accounts.points.balance -= 1;
        amy.state.accounts.principal.entries += 1;
        shop.rewind(1);
        let wrong_number = shop.grant(&mut amy.clone(), 5);
        contradiction(&scratch.db, &[wrong_number], "new balances").await;
    })
    .await;
}

#[tokio::test]
async fn an_empty_batch_does_nothing() {
    on_each(async |scratch| {
        write(&scratch.db, &[]).await;
        let found = db::snapshot::read(&scratch.db, STREAM, &[]).await.unwrap();
        assert_eq!(found, Default::default());
        assert_eq!((scratch.db.counts().batch_reads, scratch.db.counts().batch_writes), (0, 0));
    })
    .await;
}
