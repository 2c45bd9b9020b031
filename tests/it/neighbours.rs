//! One tenant's policies run to their limits while another's till sells: the neighbour is served without an error.
//! How much slower is printed, from one run with and without.

use ledger::{ParamValue, Settings};
use std::time::{Duration, Instant};
use tests::{
    faults::{figure, permille},
    http::{AMY, Host, Till, receipt},
};
use tokio::{
    task::{JoinHandle, JoinSet},
    time::sleep,
};

/// How long each half is measured.
const MEASURED: Duration = Duration::from_secs(4);
/// The neighbour's till posts this often: far more than a till does.
const EVERY: Duration = Duration::from_millis(10);
/// Clients of the tenant that misbehaves.
const FLAT_OUT: u64 = 8;
/// Never ends by itself.
const LOOPS: &str = r#"
fn describe() { #{ name: "loops", summary: "" } }
fn on_receipt(ctx, receipt) { loop { } }
"#;

/// Posts steadily; gives how long each answer took, all of them without an error.
async fn sell_steadily(till: &Till, name: &str) -> Vec<Duration> {
    let (began, mut took) = (Instant::now(), Vec::new());
    while began.elapsed() < MEASURED {
        let sent = Instant::now();
        let told = till.sell(&receipt(&format!("{name}-{}", took.len()), &[1_000])).await.ok();
        took.push(sent.elapsed());
        assert_eq!(told.pointer("/points/earned"), Some(&10.into()));
        sleep(EVERY.saturating_sub(sent.elapsed())).await;
    }
    took
}

fn flat_out(till: &Till) -> Vec<JoinHandle<()>> {
    let client = |client| {
        let till = till.clone();
        tokio::spawn(async move {
            for number in 0_u64.. {
                let told = till.sell(&receipt(&format!("L-{client}-{number}"), &[1_000])).await.ok();
                let reasons = told.pointer("/reasons").map(ToString::to_string).unwrap_or_default();
                assert!(reasons.contains("规则未执行"), "the loop was stopped, and its tenant reads why: {reasons}");
            }
        })
    };
    (0..FLAT_OUT).map(client).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_whose_policies_loop_costs_its_neighbour_no_error() {
    let host = Host::open().await;
    let (good, bad) = (host.demo().await, host.tenant("acme", &[], &ledger::Settings::default()).await);
    bad.add_script(LOOPS, 8).await;
    good.till.join(AMY).await;
    bad.till.join(AMY).await;
    sell_steadily(&good.till, "warm").await;
    let alone = sell_steadily(&good.till, "alone").await;
    let clients = flat_out(&bad.till);
    let beside = sell_steadily(&good.till, "beside").await;
    assert!(clients.iter().all(|client| !client.is_finished()), "they looped all the time, without an error");
    clients.iter().for_each(JoinHandle::abort);
    let us = |took: &[Duration], of_thousand| permille(took, of_thousand).as_micros();
    figure(&format!(
        "neighbour of a tenant that loops flat out: alone p50 {} us, p99 {} us ({} receipts); beside p50 {} us, p99 {} us ({})",
        us(&alone, 500),
        us(&alone, 990),
        alone.len(),
        us(&beside, 500),
        us(&beside, 990),
        beside.len()
    ));
    assert!(!alone.is_empty() && !beside.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_whose_rulebook_cannot_be_read_is_told_so_and_nobody_else_is() {
    let host = Host::open().await;
    let (broken, whole) = (host.tenant("broken", &[], &Settings::default()).await, host.demo().await);
    for till in [&broken.till, &whole.till] {
        till.join(AMY).await;
    }
    broken.add_script("fn describe() { #{ name: \"s\", summary: \"\" } } fn on_receipt(ctx, receipt) {}", 1).await;
    // Past the door, which checks parameters before it publishes.
    let (db, now) = (&host.app.db, host.clock.now());
    let mut book = db::policy::current_rulebook(db, &broken.id).await.expect("readable").expect("a rulebook");
    book.entries[0].params.insert("unheard_of".to_owned(), ParamValue::Number(1));
    db::policy::publish(db, &broken.id, book.version, &book.entries, now, "test", "").await.expect("published");
    let mut selling = JoinSet::new();
    for n in 0..32 {
        let (till, fine) = if n % 2 == 0 { (broken.till.clone(), 500) } else { (whole.till.clone(), 200) };
        selling.spawn(async move { (till.sell(&receipt(&format!("R-{n}"), &[1_000])).await.status, fine) });
    }
    let told = selling.join_all().await;
    assert!(told.iter().all(|(status, fine)| status == fine), "{told:?}");
}
