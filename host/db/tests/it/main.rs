//! What the database promises, on SQLite and on PostgreSQL.

mod build;
mod journal;
mod measure;

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
