//! When a receipt counts: on its own day within the tenant's bound, on the server's day outside it.

use ledger::Settings;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::http::{AMY, Host, RECEIPTS, Tenant, receipt};

fn dated(number: usize, at: &str) -> Value {
    let mut sale = receipt(&format!("R-{number}"), &[1_000]);
    sale["business_at"] = json!(at);
    sale
}

/// Weekends give twice, so that the points tell the day.
async fn tenant(host: &Host) -> Tenant {
    let policies = [("standard", BTreeMap::new()), ("weekend-double", BTreeMap::new())];
    let tenant = host.tenant("demo", &policies, &Settings::default()).await;
    tenant.till.join(AMY).await;
    tenant
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_receipt_counts_on_its_own_day_within_thirty_days() {
    let host = Host::open().await;
    let till = tenant(&host).await.till;
    // The server's Monday is 2 March 2026.
    for (number, (at, earned)) in [
        ("2026-03-02T10:00:00+08:00", 10),
        ("2026-03-01T23:59:59+08:00", 20),
        ("2026-03-01T15:59:59Z", 20),
        ("2026-03-01T16:00:00Z", 10),
        ("2026-02-28T00:00:00+08:00", 20),
        ("2026-01-31T00:00:00+08:00", 20),
        ("2026-01-25T12:00:00+08:00", 10),
        ("2025-03-01T12:00:00+08:00", 10),
        ("2026-03-07T12:00:00+08:00", 10),
        ("2036-03-01T12:00:00+08:00", 10),
    ]
    .into_iter()
    .enumerate()
    {
        let told = till.sell(&dated(number, at)).await.ok();
        assert_eq!(told["points"]["earned"], earned, "{at}");
    }
    let day_end = till.get("/api/v1/pos/day-end?day=2026-01-31").await.ok();
    assert_eq!(day_end["totals"]["receipt"], json!({"count": 1, "amount_fen": 1_000}));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_receipt_counts_on_its_own_day_however_old() {
    let host = Host::open().await;
    let tenant = tenant(&host).await;
    let import = tenant.import().await;
    let path = format!("{RECEIPTS}?store=s9&till=t9");
    let told = import.post(&path, "k-1", &dated(1, "2019-06-01T12:00:00+08:00")).await.ok();
    assert_eq!(told["points"]["earned"], 20, "1 June 2019 was a Saturday");
    let nowhere = import.post(RECEIPTS, "k-2", &dated(2, "2019-06-01T12:00:00+08:00")).await;
    assert_eq!(nowhere.refusal(), (400, "malformed".to_owned()));
    let own = tenant.till.post(&path, "k-1", &dated(1, "2019-06-01T12:00:00+08:00")).await.ok();
    assert_eq!(own["points"]["earned"], 10, "a till's key stays at its till");
    assert_eq!(tenant.till.get(&format!("{RECEIPTS}/R-1")).await.ok()["answer"], own);
}
