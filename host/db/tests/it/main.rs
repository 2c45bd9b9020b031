//! What the database promises, on SQLite and on PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    reason = "a test that cannot go on has failed"
)]

mod build;
mod contradictions;
mod hosts;
mod journal;
mod nouns;
mod once;
mod open;
mod oracle;
mod property;
mod refusals;

use db::testing::Scratch;

/// Runs a test on an empty database of each kind.
async fn on_each(test: impl AsyncFn(&Scratch)) {
    let all = Scratch::each().await.unwrap();
    if all.len() == 1 {
        eprintln!("PostgreSQL is not installed: on SQLite only");
    }
    for scratch in all {
        test(&scratch).await;
    }
}

/// The oracle has nothing to say.
async fn whole(scratch: &Scratch) {
    assert_eq!(db::audit::oracle(&scratch.db).await.unwrap(), vec![]);
}
