//! P6: the whole path, from a signed receipt on a socket to the durable answer, against an axum echo of the same
//! requests on the same cores, against our own journal alone, and against pgbench.
//!
//! Two generators: tills as a shop has them, which sign, send and read for both sides; and bytes made beforehand, which
//! cost next to nothing and leave the cores to the server.

use crate::{
    Effort, journal,
    postgres::Pgbench,
    rounds::Rounds,
    table::{Table, Target},
    wire::{flood, post},
    world::{Size, World},
};
use anyhow::{Context as _, Result, ensure};
use axum::{Router, body::Bytes, routing};
use db::testing::Scratch;
use ledger::Settings;
use punchcard::{clock::Clock, setup::NewKey, shipped};
use sandbox::{
    Baskets, Credential, Load, MemberRef, NewMember, Receipt, Shot, Signed, Till, Until, WhenLost, counted_nonces,
    run_load, sign,
};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tests::Served;
use tokio::{net::TcpListener, task::JoinSet};

const CONNECTIONS: usize = 64;
const MEMBERS: usize = 1_000;
const RECEIPTS: &str = "/api/v1/pos/receipts";

/// The demo's policies that have a say in a receipt, set as in the demo.
pub fn demo_policies() -> Result<Vec<(&'static str, shipped::Settings)>> {
    let set = |value: serde_json::Value| Ok::<shipped::Settings, serde_json::Error>(serde_json::from_value(value)?);
    Ok(vec![
        ("standard", set(json!({"recharge_fen": [50_000], "recharge_gift_fen": [5_000]}))?),
        ("weekend-double", set(json!({}))?),
        ("birthday", set(json!({}))?),
        ("tiers", set(json!({"names": ["silver", "gold"], "thresholds": [50_000, 200_000]}))?),
    ])
}

/// The demo's settings.
pub fn demo_settings() -> Settings {
    Settings { vouchers_per_receipt: 3, ..Settings::default() }
}

/// Makes receipts, each number once: real baskets of random members.
#[derive(Clone)]
struct Register {
    baskets: Arc<Vec<Receipt>>,
    sold: Arc<AtomicUsize>,
}

impl Register {
    fn new() -> Result<Self> {
        let baskets = Baskets::shipped()?.take(MEMBERS).map(|basket| Ok(Receipt::of_basket(&basket?, None)));
        Ok(Self { baskets: Arc::new(baskets.collect::<Result<_>>()?), sold: Arc::default() })
    }

    fn receipt(&self) -> Receipt {
        let sold = self.sold.fetch_add(1, Ordering::Relaxed);
        Receipt {
            receipt: format!("B-{sold}"),
            member: Some(MemberRef::Card(card(sold * 7_919 % MEMBERS))),
            business_at: "2026-03-02T10:00:00+08:00".to_owned(),
            ..self.baskets[sold % self.baskets.len()].clone()
        }
    }

    /// Requests as bytes, signed now.
    fn requests(&self, key: &NewKey, count: usize) -> Result<Vec<Vec<u8>>> {
        (0..count).map(|_| self.request(key)).collect()
    }

    fn request(&self, key: &NewKey) -> Result<Vec<u8>> {
        let receipt = self.receipt();
        let body = serde_json::to_vec(&receipt)?;
        let timestamp_s = Clock::System.now().get().unsigned_abs() / 1_000;
        let nonce = format!("{:0>20}", receipt.receipt);
        let signed = Signed { method: "POST", path: RECEIPTS, timestamp_s, nonce: &nonce, body: &body };
        let headers = [
            ("idempotency-key", receipt.receipt.as_str()),
            ("punchcard-key", &key.key_id),
            ("punchcard-timestamp", &timestamp_s.to_string()),
            ("punchcard-nonce", &nonce),
            ("punchcard-signature", &sign(key.secret.as_str(), &signed)),
        ];
        post(RECEIPTS, &headers, &body)
    }

    /// Answers a second to so many receipts of tills, 64 at a time.
    async fn tills(&self, till: &Till, count: u64) -> Result<f64> {
        let load = Load { clients: CONNECTIONS, until: Until::Count(count), when_lost: WhenLost::End };
        let register = self.clone();
        let shot = move |_| {
            let receipt = register.receipt();
            Shot { key: receipt.receipt.clone(), receipt }
        };
        let began = Instant::now();
        let report = run_load(till, &load, shot, None).await?;
        ensure!(report.ok == count, "{} of {count} answered", report.ok);
        Ok(count as f64 / began.elapsed().as_secs_f64())
    }
}

fn card(member: usize) -> String {
    format!("C{member:08}")
}

async fn join(till: &Till) -> Result<()> {
    let mut running = JoinSet::new();
    for first in 0..CONNECTIONS {
        let till = till.clone();
        running.spawn(async move {
            for member in (first..MEMBERS).step_by(CONNECTIONS) {
                let phone = format!("139{member:08}");
                let new = NewMember { phone, card: card(member), at: None, business_at: None };
                till.register(&format!("join-{member}"), &new).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(())
}

/// An axum server that answers with what it was sent; its address.
async fn echo() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let router = Router::new().route(RECEIPTS, routing::post(|body: Bytes| async { body }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// A till of the same key at another address.
fn till_at(host: &Served, address: &str) -> Result<Till> {
    let key = &host.till;
    let credential =
        Credential { key: key.key_id.clone(), secret: wechat::Secret::new(key.secret.as_str().to_owned()) };
    let now = || Duration::from_millis(Clock::System.now().get().unsigned_abs());
    Ok(Till::new(&format!("http://{address}"), credential, Arc::new(now), counted_nonces("echo"))?)
}

/// What each side came to, round by round.
#[derive(Default)]
struct Sides {
    /// From tills.
    tills: Rounds,
    echo_tills: Rounds,
    /// From bytes.
    bytes: Rounds,
    times: Rounds,
    echo_bytes: Rounds,
    journal: Rounds,
    pgbench: Rounds,
}

/// Adds P6's rows.
pub async fn measure(table: &mut Table, effort: Effort) -> Result<()> {
    let host = Served::start(&demo_policies()?, &demo_settings()).await;
    let address = host.url.strip_prefix("http://").context("an address")?.to_owned();
    let till = host.signing(&host.till);
    join(&till).await?;
    let (register, echo) = (Register::new()?, echo().await?);
    let echo_till = till_at(&host, &echo)?;
    let beside = Scratch::sqlite().await?;
    let mut world = World::fill(&beside.db, Size { tenants: 1, members: 20_000 }).await?;
    world.settle(&beside.db, 20_000).await?;
    let cluster = Scratch::postgres().await?;
    let pgbench = cluster.as_ref().and_then(|scratch| Pgbench::fill(&scratch.url).transpose()).transpose()?;
    let receipts = effort.pick(300, 3_000, 5_000);
    let mut found = Sides::default();
    // The first round fills caches and tables, and does not count.
    for round in 0..=effort.pick(2, 7, 15) {
        let sides = if round == 0 { &mut Sides::default() } else { &mut found };
        sides.tills.add_figure(register.tills(&till, receipts as u64).await?);
        sides.echo_tills.add_figure(register.tills(&echo_till, 3 * receipts as u64).await?);
        let whole = flood(&address, CONNECTIONS, register.requests(&host.till, receipts)?).await?;
        sides.bytes.add_figure(whole.per_second);
        sides.times.add(whole.times);
        let plain = flood(&echo, CONNECTIONS, register.requests(&host.till, 7 * receipts)?).await?;
        sides.echo_bytes.add_figure(plain.per_second);
        sides.journal.add_figure(journal::rate(&beside.db, &mut world, effort.pick(5, 30, 40)).await?);
        if let Some(pgbench) = &pgbench {
            sides.pgbench.add_figure(tokio::task::block_in_place(|| pgbench.rate(1))?);
        }
    }
    rows(table, &found, pgbench.is_some());
    Ok(())
}

fn rows(table: &mut Table, found: &Sides, has_pgbench: bool) {
    let against = |ours: &Rounds, other: &Rounds| format!("{:.0}/s against {:.0}/s", ours.p50(), other.p50());
    table.number(
        "P6",
        "receipts of 64 tills to durable answers, 4 policies, SQLite, of an axum echo to the same tills",
        against(&found.tills, &found.echo_tills),
        (found.tills.over(&found.echo_tills) * 100.0, "%"),
        Target::AtLeast(20.0),
    );
    table.note(
        "P6",
        "the same, both sides sent bytes that were signed beforehand",
        format!(
            "{}; p50 {:.1} ms, p99 {:.1} ms",
            against(&found.bytes, &found.echo_bytes),
            found.times.p50(),
            found.times.p99()
        ),
        format!("{:.1} %", found.bytes.over(&found.echo_bytes) * 100.0),
    );
    table.number(
        "P6",
        "whole path from bytes, of our journal's rate alone, 64 in flight",
        against(&found.bytes, &found.journal),
        (found.bytes.over(&found.journal) * 100.0, "%"),
        Target::AtLeast(90.0),
    );
    const TPCB: &str = "whole path from bytes ÷ pgbench tpcb-like, 8 clients";
    if has_pgbench {
        let measured = against(&found.bytes, &found.pgbench);
        table.ratio("P6", TPCB, measured, found.bytes.over(&found.pgbench), Target::AtLeast(2.0));
    } else {
        table.absent("P6", TPCB, "PostgreSQL 15 is not installed");
    }
}
