//! Several hosts, callers that go away, connections that break.

use crate::{build::*, on_each, whole};
use db::{
    Db,
    journal::{self, CommitOutcome, Written},
    testing::Scratch,
};
use ledger::DecisionId;
use std::time::Duration;

/// The same decision as another host would make it, on its own stream.
fn elsewhere(one: &Written, seq: i64) -> Written {
    let decision_id = DecisionId::new(format!("h2-{seq}")).unwrap();
    Written {
        seq,
        natural_key: Some(format!("receipt:{decision_id}")),
        idempotency_key: Some(format!("key-{decision_id}")),
        decision_id,
        ..one.clone()
    }
}

#[tokio::test]
async fn of_two_hosts_on_one_version_exactly_one_commits() {
    let Some(scratch) = Scratch::postgres().await.unwrap() else { return };
    let other = Db::open(&scratch.url).await.unwrap();
    let mut shop = Shop::open(&scratch.db, "shop").await;
    let mut amy = Amy::new("amy");
    write(&scratch.db, &[shop.grant(&mut amy, 1)]).await;
    let mut theirs = 0;
    for _ in 0..40 {
        let mut next = amy.clone();
        let mine = [shop.grant(&mut next, 1)];
        let second = [elsewhere(&mine[0], theirs + 1)];
        let done = tokio::join!(commit(&scratch.db, &mine), journal::commit(&other, "h2", &second));
        match done {
            (CommitOutcome::Committed, CommitOutcome::Stale) => {}
            (CommitOutcome::Stale, CommitOutcome::Committed) => {
                shop.rewind(1);
                theirs += 1;
            }
            both => panic!("{both:?}"),
        }
        amy = next;
    }
    whole(&scratch).await;
}

#[tokio::test]
async fn two_hosts_with_crossing_batches_never_wait_for_each_other_for_ever() {
    let Some(scratch) = Scratch::postgres().await.unwrap() else { return };
    let other = Db::open(&scratch.url).await.unwrap();
    let mut shop = Shop::open(&scratch.db, "shop").await;
    let (mut mine, mut theirs) = (0, 0);
    for round in 0..30 {
        let (mut amy, mut bob) = (Amy::new(&format!("a{round}")), Amy::new(&format!("b{round}")));
        let first = [shop.grant(&mut amy.clone(), 1), shop.grant(&mut bob.clone(), 1)];
        let second = [elsewhere(&shop.grant(&mut bob, 2), theirs + 1), elsewhere(&shop.grant(&mut amy, 2), theirs + 2)];
        shop.rewind(2);
        let done = tokio::join!(commit(&scratch.db, &first), journal::commit(&other, "h2", &second));
        let (one, two) = (matches!(done.0, CommitOutcome::Committed), matches!(done.1, CommitOutcome::Committed));
        assert!(one != two, "{done:?}");
        if two {
            theirs += 2;
            shop.rewind(2);
        } else {
            mine += 2;
        }
    }
    assert_eq!(mine + theirs, 60);
    whole(&scratch).await;
}

#[tokio::test]
async fn a_commit_whose_connection_dies_is_unknown_and_reading_back_tells() {
    let Some(scratch) = Scratch::postgres().await.unwrap() else { return };
    let mut shop = Shop::open(&scratch.db, "shop").await;
    let mut amy = Amy::new("amy");
    write(&scratch.db, &[shop.grant(&mut amy, 1)]).await;
    let next = shop.grant(&mut amy, 1);
    let hold = async {
        scratch.sql("begin; select 1 from member for update; select pg_sleep(1.5); commit").await.unwrap();
    };
    let kill = async {
        let waiting = "select cast(pg_terminate_backend(pid) as text) from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock' and query like '%settings%'";
        while scratch.told(waiting).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let late = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        commit(&scratch.db, std::slice::from_ref(&next)).await
    };
    let ((), (), outcome) = tokio::join!(hold, kill, late);
    assert!(matches!(outcome, CommitOutcome::Unknown(_)), "{outcome:?}");
    let asked = db::snapshot::Want { idempotency_key: next.idempotency_key.clone(), ..want(&shop.tenant) };
    assert_eq!(read(&scratch.db, asked).await.found[0].by_key, None);
    write(&scratch.db, &[next]).await;
    whole(&scratch).await;
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_all_or_nothing() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let mut shop = Shop::open(db, "shop").await;
        let mut amy = Amy::new("amy");
        for wait in 0..30 {
            let batch = [shop.grant(&mut amy, 1), shop.grant(&mut amy, 2)];
            let _gone = tokio::time::timeout(Duration::from_micros(wait * 60), commit(db, &batch)).await;
            let asked = db::snapshot::Want { idempotency_key: batch[1].idempotency_key.clone(), ..want(&shop.tenant) };
            while read(db, asked.clone()).await.found[0].by_key.is_none() {
                let outcome = commit(db, &batch).await;
                assert!(matches!(outcome, CommitOutcome::Committed | CommitOutcome::Stale), "{outcome:?}");
            }
        }
        whole(scratch).await;
    })
    .await;
}

#[tokio::test]
async fn a_transaction_left_by_its_caller_does_not_stop_the_next() {
    on_each(async |scratch| {
        let db = &scratch.db;
        for n in 0..30_u64 {
            let (id, settings) = (tenant(&format!("t{n}")), ledger::Settings::default());
            let make = db::tenant::create(db, &id, "shop", &settings, ledger::UnixMs::new(1));
            let _gone = tokio::time::timeout(Duration::from_micros(n * 40), make).await;
        }
        let mut shop = Shop::open(db, "last").await;
        write(db, &[shop.grant(&mut Amy::new("amy"), 1)]).await;
        whole(scratch).await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let error = Db::open("postgres://nobody@127.0.0.1:1/none").await.unwrap_err();
    assert!(matches!(error, db::DbError::Unreachable(_)), "{error:?}");
}
