//! P6: the whole path, from a signed receipt on a socket to the durable answer, against an axum echo of the same
//! requests from the same generator on the same cores, against our own journal alone, and against pgbench.

use crate::{
    Effort, journal,
    postgres::Pgbench,
    rounds::Rounds,
    table::{Table, Target},
    wire::{flood, post},
    world::{Size, World},
};
use anyhow::{Context as _, Result};
use axum::{Router, body::Bytes, routing};
use db::testing::Scratch;
use ledger::Settings;
use punchcard::{clock::Clock, shipped};
use sandbox::{Baskets, MemberRef, NewMember, Receipt, Signed, Till, sign};
use serde_json::json;
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

/// Makes requests, each once: real baskets, random numbers, signed now.
struct Register<'a> {
    host: &'a Served,
    baskets: Vec<Receipt>,
    sold: usize,
}

impl<'a> Register<'a> {
    fn new(host: &'a Served) -> Result<Self> {
        let baskets = Baskets::shipped()?.take(MEMBERS).map(|basket| Ok(Receipt::of_basket(&basket?, None)));
        Ok(Self { host, baskets: baskets.collect::<Result<_>>()?, sold: 0 })
    }

    fn requests(&mut self, count: usize) -> Result<Vec<Vec<u8>>> {
        (0..count).map(|_| self.request()).collect()
    }

    fn request(&mut self) -> Result<Vec<u8>> {
        self.sold += 1;
        let now = Clock::System.now();
        let receipt = Receipt {
            receipt: format!("B-{}", self.sold),
            member: Some(MemberRef::Card(card(self.sold * 7_919 % MEMBERS))),
            business_at: "2026-03-02T10:00:00+08:00".to_owned(),
            ..self.baskets[self.sold % self.baskets.len()].clone()
        };
        let body = serde_json::to_vec(&receipt)?;
        let (timestamp_s, nonce) = (now.get().unsigned_abs() / 1_000, format!("{:020}", self.sold));
        let signed = Signed { method: "POST", path: RECEIPTS, timestamp_s, nonce: &nonce, body: &body };
        let key = &self.host.till;
        let headers = [
            ("idempotency-key", receipt.receipt.as_str()),
            ("punchcard-key", &key.key_id),
            ("punchcard-timestamp", &timestamp_s.to_string()),
            ("punchcard-nonce", &nonce),
            ("punchcard-signature", &sign(key.secret.as_str(), &signed)),
        ];
        post(RECEIPTS, &headers, &body)
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

/// Adds P6's rows.
pub async fn measure(table: &mut Table, effort: Effort) -> Result<()> {
    let host = Served::start(&demo_policies()?, &demo_settings()).await;
    let address = host.url.strip_prefix("http://").context("an address")?.to_owned();
    join(&host.signing(&host.till)).await?;
    let (mut register, echo) = (Register::new(&host)?, echo().await?);
    let beside = Scratch::sqlite().await?;
    let mut world = World::fill(&beside.db, Size { tenants: 1, members: 20_000 }).await?;
    world.settle(&beside.db, 20_000).await?;
    let cluster = Scratch::postgres().await?;
    let pgbench = cluster.as_ref().and_then(|scratch| Pgbench::fill(&scratch.url).transpose()).transpose()?;
    let (receipts, echoes) = (effort.pick(300, 3_000, 5_000), effort.pick(2_000, 20_000, 40_000));
    let [mut ours, mut times, mut echoed, mut alone, mut tpcb] = [const { Rounds { middle: vec![], tail: vec![] } }; 5];
    for round in 0..=effort.pick(2, 7, 15) {
        let whole = flood(&address, CONNECTIONS, register.requests(receipts)?).await?;
        let plain = flood(&echo, CONNECTIONS, register.requests(echoes)?).await?;
        let journal = journal::rate(&beside.db, &mut world, effort.pick(5, 30, 40)).await?;
        let pgbench = pgbench.as_ref().map(|pgbench| tokio::task::block_in_place(|| pgbench.rate(1))).transpose()?;
        // The first round fills caches and tables.
        if round > 0 {
            ours.add_figure(whole.per_second);
            times.add(whole.times);
            echoed.add_figure(plain.per_second);
            alone.add_figure(journal);
            tpcb.add_figure(pgbench.unwrap_or(f64::NAN));
        }
    }
    rows(table, &ours, &times, [&echoed, &alone, &tpcb], pgbench.is_some());
    Ok(())
}

fn rows(table: &mut Table, ours: &Rounds, times: &Rounds, others: [&Rounds; 3], has_pgbench: bool) {
    let [echoed, alone, tpcb] = others;
    let against = |other: &Rounds| format!("{:.0}/s against {:.0}/s", ours.p50(), other.p50());
    let whole = "signed receipt to durable answer, 4 policies, 64 connections, SQLite";
    table.number(
        "P6",
        &format!("{whole}, of an axum echo of the same requests"),
        format!("{}; p50 {:.1} ms, p99 {:.1} ms", against(echoed), times.p50(), times.p99()),
        (ours.over(echoed) * 100.0, "%"),
        Target::AtLeast(20.0),
    );
    table.number(
        "P6",
        "whole path, of our journal's rate alone, 64 in flight",
        against(alone),
        (ours.over(alone) * 100.0, "%"),
        Target::AtLeast(90.0),
    );
    if has_pgbench {
        table.ratio("P6", "whole path ÷ pgbench tpcb-like", against(tpcb), ours.over(tpcb), Target::AtLeast(2.0));
    } else {
        table.absent("P6", "whole path ÷ pgbench tpcb-like", "PostgreSQL 15 is not installed");
    }
}
