//! P9: a tenant whose policies loop to their limit, flat out, beside a tenant whose till sells steadily. Both through
//! the door, alone and beside in turn.

use crate::{
    Effort,
    rounds::Rounds,
    table::{Table, Target},
};
use anyhow::Result;
use ledger::Settings;
use std::time::{Duration, Instant};
use tests::http::{AMY, Host, Till, receipt};
use tokio::{task::JoinHandle, time::sleep};

/// The neighbour's till posts this often: far more than a till does.
const EVERY: Duration = Duration::from_millis(10);
/// Clients of the tenant that misbehaves, and how many of its policies loop.
const CLIENTS: u64 = 8;
const LOOPING: usize = 8;
/// Never ends by itself.
const LOOPS: &str = r#"
fn describe() { #{ name: "loops", summary: "" } }
fn on_receipt(ctx, receipt) { loop { } }
"#;

/// Posts steadily; gives how many ms each answer took, all of them without an error.
async fn sell_steadily(till: &Till, name: &str, long: Duration) -> Vec<f64> {
    let (began, mut took) = (Instant::now(), Vec::new());
    while began.elapsed() < long {
        let sent = Instant::now();
        till.sell(&receipt(&format!("{name}-{}", took.len()), &[1_000])).await.ok();
        took.push(sent.elapsed().as_secs_f64() * 1e3);
        sleep(EVERY.saturating_sub(sent.elapsed())).await;
    }
    took
}

fn flat_out(till: &Till, round: usize) -> Vec<JoinHandle<()>> {
    let client = |client| {
        let till = till.clone();
        tokio::spawn(async move {
            for number in 0_u64.. {
                // Refused for being too busy or answered: it goes on either way.
                till.sell(&receipt(&format!("L-{round}-{client}-{number}"), &[1_000])).await;
            }
        })
    };
    (0..CLIENTS).map(client).collect()
}

/// Adds P9's rows.
pub async fn measure(table: &mut Table, effort: Effort) -> Result<()> {
    let host = Host::open().await;
    let (good, bad) = (host.demo().await, host.tenant("acme", &[], &Settings::default()).await);
    bad.add_script(LOOPS, LOOPING).await;
    good.till.join(AMY).await;
    bad.till.join(AMY).await;
    let long = Duration::from_millis(effort.pick(300, 2_500, 4_000));
    sell_steadily(&good.till, "warm", long).await;
    let (mut alone, mut beside) = (Rounds::default(), Rounds::default());
    for round in 0..effort.pick(2, 5, 7) {
        alone.add(sell_steadily(&good.till, &format!("alone-{round}"), long).await);
        let clients = flat_out(&bad.till, round);
        beside.add(sell_steadily(&good.till, &format!("beside-{round}"), long).await);
        for client in clients {
            client.abort();
            // What was under way must be over before the next round is alone.
            let _aborted = client.await;
        }
    }
    let what = "a till's receipts beside a tenant whose policies loop flat out ÷ alone";
    let line = |beside: f64, alone: f64| format!("{beside:.1} ms against {alone:.1} ms");
    table.ratio(
        "P9",
        &format!("{what}, p99"),
        line(beside.p99(), alone.p99()),
        beside.tail_over(&alone),
        Target::AtMost(1.2),
    );
    table.note("P9", &format!("{what}, p50"), line(beside.p50(), alone.p50()), format!("{:.2} ×", beside.over(&alone)));
    Ok(())
}
