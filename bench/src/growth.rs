//! P7: what a decision takes when there is more of everything: members, tenants, history. One client, the whole way
//! without HTTP, random members.

use crate::{
    Effort,
    cases::{Case, Dice, cases},
    engine::{engine, standard_settings},
    rounds::Rounds,
    table::{Table, Target, short},
    world::{Size, World, member_id},
};
use anyhow::{Context as _, Result};
use db::{
    policy::{PolicyRow, RulebookEntry},
    snapshot::MemberRef,
    testing::Scratch,
};
use ledger::{Act, Checkout, ParamValue, Receipt, StoreId, TenantId, TillId, UnixMs, sha256_hex};
use punchcard::{
    app::App,
    apply::{Asked, apply_event},
    clock::Clock,
    shipped::Shipped,
};
use std::{collections::BTreeMap, time::Instant};
use tests::NOON;
use tokio::task::JoinSet;

/// Pages of the embedded database and how far its checkpoints are apart, as the host sets them.
const PAGE_BYTES: u32 = 1_024;
const CHECKPOINT_PAGES: u32 = 16_384;
/// Acts under way while every tenant is met for the first time.
const WARMING: usize = 64;

/// A host on a filled database.
struct Grown {
    app: App,
    tenants: Vec<TenantId>,
    members_each: usize,
    asked: usize,
    dice: Dice,
    cases: Vec<Case>,
    _scratch: Scratch,
}

/// What the tenants' rulebook is.
#[derive(Clone, Copy)]
enum Book {
    Standard,
    /// A script: ten thousand copies of a component's machine code would fill the disk before anything is measured.
    Script,
}

impl Book {
    fn shipped(self) -> Result<(Shipped, BTreeMap<String, ParamValue>)> {
        Ok(match self {
            Self::Standard => (Shipped::named("standard").context("shipped")?, standard_settings()?),
            Self::Script => (Shipped::named("weekend-double").context("shipped")?, BTreeMap::new()),
        })
    }
}

impl Grown {
    /// Fills a database without waiting for the disk, then opens it as a host would.
    async fn open(size: Size, history: usize, book: Book) -> Result<Self> {
        let scratch = Scratch::sqlite().await?;
        db::testing::without_sync(&scratch.db).await?;
        let mut world = World::fill(&scratch.db, size).await?;
        world.settle(&scratch.db, history).await?;
        let tenants: Vec<TenantId> = world.shops.into_iter().map(|shop| shop.shop.tenant).collect();
        publish(&scratch, &tenants, book).await?;
        let scratch = scratch.reopen_tuned(PAGE_BYTES, CHECKPOINT_PAGES).await?;
        let app = tests::host(&scratch.db, &Clock::manual(NOON), "b");
        let members_each = size.members / size.tenants;
        let mut grown =
            Self { app, tenants, members_each, asked: 0, dice: Dice::new(13), cases: cases(&[])?, _scratch: scratch };
        grown.warm().await?;
        Ok(grown)
    }

    /// Meets every tenant once: rulebooks are read and policies loaded at the first decision.
    async fn warm(&mut self) -> Result<()> {
        let mut running = JoinSet::new();
        for tenant in 0..self.tenants.len() {
            if running.len() == WARMING {
                running.join_next().await.context("a task")???;
            }
            let (app, asked) = (self.app.clone(), self.asked(tenant)?);
            running.spawn(async move { apply_event(&app, asked).await.map(drop).map_err(anyhow::Error::from) });
        }
        while let Some(done) = running.join_next().await {
            done??;
        }
        Ok(())
    }

    /// A receipt of a random member.
    fn asked(&mut self, tenant: usize) -> Result<Asked> {
        self.asked += 1;
        let case = &self.cases[self.asked % self.cases.len()];
        let receipt = Receipt { receipt: format!("G-{}", self.asked), ..case.receipt().clone() };
        let member = member_id(tenant, self.dice.below(self.members_each))?;
        let (store, till) = (StoreId::new("S1")?, TillId::new("T1")?);
        let natural_key = Some(format!("receipt/{store}/{till}/{}", receipt.receipt));
        let act = Act::Receipt(Checkout { receipt, ..Checkout::default() });
        Ok(Asked {
            tenant: self.tenants[tenant].clone(),
            principal: "till:k1".to_owned(),
            idempotency_key: format!("grown-{}", self.asked),
            input_hash: sha256_hex(serde_json::to_string(&act)?.as_bytes()),
            natural_key,
            store: Some(store),
            till: Some(till),
            business_at: NOON,
            member: Some(MemberRef::Id(member)),
            sale: None,
            identities: Vec::new(),
            profile_sealed: None,
            act,
        })
    }

    /// The µs of so many decisions, one after the other.
    async fn times(&mut self, decisions: usize) -> Result<Vec<f64>> {
        let mut times = Vec::new();
        for _ in 0..decisions {
            let tenant = self.dice.below(self.tenants.len());
            let asked = self.asked(tenant)?;
            let at = Instant::now();
            apply_event(&self.app, asked).await?;
            times.push(at.elapsed().as_secs_f64() * 1e6);
        }
        Ok(times)
    }
}

async fn publish(scratch: &Scratch, tenants: &[TenantId], book: Book) -> Result<()> {
    let (shipped, params) = book.shipped()?;
    let source = shipped.source();
    let admitted = engine()?.admit(&source)?;
    let row = PolicyRow {
        name: shipped.name.to_owned(),
        digest: admitted.digest.clone(),
        language: if matches!(book, Book::Standard) { "wasm" } else { "rhai" }.to_owned(),
        source: source.bytes().to_vec(),
        artifact: admitted.artifact,
        description: admitted.description,
        created_at: UnixMs::new(1),
        created_by: "bench".to_owned(),
    };
    let entry = RulebookEntry { name: row.name.clone(), digest: admitted.digest, params };
    for tenant in tenants {
        db::policy::insert(&scratch.db, tenant, &row).await?;
        db::policy::publish(&scratch.db, tenant, 0, std::slice::from_ref(&entry), UnixMs::new(1), "bench", "").await?;
    }
    Ok(())
}

/// Adds P7's rows.
pub async fn measure(table: &mut Table, effort: Effort) -> Result<()> {
    let (few, many) = (1_000, effort.pick(3_000, 100_000, 1_000_000));
    let history = effort.pick(2_000, 200_000, 2_000_000);
    let (tenants, tenants_members) = (effort.pick(50, 10_000, 10_000), 20_000);
    let one = |members| Size { tenants: 1, members };
    let mut all = [
        Grown::open(one(few), 0, Book::Standard).await?,
        Grown::open(one(many), 0, Book::Standard).await?,
        Grown::open(one(few), history, Book::Standard).await?,
        Grown::open(Size { tenants: 10, members: tenants_members }, 0, Book::Script).await?,
        Grown::open(Size { tenants, members: tenants_members }, 0, Book::Script).await?,
    ];
    let mut found = vec![Rounds::default(); all.len()];
    for round in 0..=effort.pick(2, 11, 15) {
        for (grown, found) in all.iter_mut().zip(&mut found) {
            let times = grown.times(effort.pick(20, 120, 200)).await?;
            if round > 0 {
                found.add(times);
            }
        }
    }
    let [small, members, ledger, ten, thousands] = &found[..] else { unreachable!("five sides") };
    let mut row = |what: String, big: &Rounds, small: &Rounds| {
        let tail = format!("p99 {:.0} µs against {:.0} µs", big.p99(), small.p99());
        let measured = format!("p50 {:.0} µs against {:.0} µs; {tail}", big.p50(), small.p50());
        table.ratio("P7", &what, measured, big.over(small), Target::AtMost(1.3));
    };
    row(format!("a decision, {} members ÷ {}", count(many), count(few)), members, small);
    let entries = count(2 * (history + few));
    row(format!("a decision, a ledger of {entries} entries ÷ {}", count(2 * few)), ledger, small);
    row(format!("a decision, {} tenants ÷ 10, a script each", count(tenants)), thousands, ten);
    Ok(())
}

fn count(number: usize) -> String {
    match number {
        n if n >= 1_000_000 => format!("{} M", short(n as f64 / 1e6)),
        n if n >= 1_000 => format!("{} k", short(n as f64 / 1e3)),
        n => n.to_string(),
    }
}
