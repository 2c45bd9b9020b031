//! Stored decisions are made again while the host runs, and one that was altered is noticed.

use punchcard::{recheck::differs, tenants::Tenants};
use sqlx::{ConnectOptions as _, postgres::PgConnectOptions, sqlite::SqliteConnectOptions};
use std::{str::FromStr as _, sync::Arc};
use tests::http::{AMY, Host, receipt};

/// Each policy is said to have used ten times the fuel and one more.
const ALTER: &str = r#"update decision set record = replace(record, '"fuel_used":', '"fuel_used":1')"#;

async fn alter(url: &str) -> sqlx::Result<u64> {
    if url.starts_with("sqlite:") {
        let mut open = SqliteConnectOptions::from_str(url)?.connect().await?;
        sqlx::query("drop trigger decision_update").execute(&mut open).await?;
        return Ok(sqlx::query(ALTER).execute(&mut open).await?.rows_affected());
    }
    let mut open = PgConnectOptions::from_str(url)?.connect().await?;
    sqlx::query("drop trigger decision_once on decision").execute(&mut open).await?;
    Ok(sqlx::query(ALTER).execute(&mut open).await?.rows_affected())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_made_again_is_the_same_until_somebody_alters_it() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    tenant.till.join(AMY).await;
    let sold = tenant.till.sell(&receipt("R-1", &[12_800])).await.ok();
    let id = ledger::DecisionId::new(sold["decision_id"].as_str().expect("an id")).expect("an id");
    let mut known = Tenants::new(Arc::clone(&host.app.sealer));
    let (db, engine) = (&host.app.db, &host.app.engine);
    assert_eq!(differs(db, engine, &mut known, &tenant.id, &id).await.expect("readable"), None);
    assert_eq!(alter(&host.scratch.url).await.expect("doctored"), 2);
    let how = differs(db, engine, &mut known, &tenant.id, &id).await.expect("readable");
    assert!(how.is_some_and(|how| how.contains("stored") && how.contains("but now")), "it is noticed");
}
