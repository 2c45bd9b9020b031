//! Prints the performance targets with what was measured: one markdown table, both sides of every ratio in one run,
//! in interleaved rounds (A B A B …) of which medians count, because a machine is never alone. Nothing fails on a
//! time; what does fail is a comparison whose two sides do not give equal results.
//!
//! `bench [--quick | --full] [--only p1,p5]`

// What the journal's own tests write.
#[expect(dead_code, reason = "the tests build more than is measured")]
#[path = "../../host/db/tests/it/build.rs"]
mod build;
mod cases;
mod child;
mod engine;
mod growth;
mod journal;
mod neighbours;
mod path;
mod peers;
mod postgres;
mod replay;
mod rounds;
mod table;
mod tenants;
mod wire;
mod world;

use anyhow::{Context as _, Result, bail};
use std::time::Instant;
use table::Table;

/// How long is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// To see that everything runs.
    Quick,
    /// Under ten minutes.
    Usual,
    /// A million members, a thousand policies.
    Full,
}

impl Effort {
    /// One of three values.
    pub fn pick<T>(self, quick: T, usual: T, full: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Usual => usual,
            Self::Full => full,
        }
    }
}

/// What the command line asks for.
struct Asked {
    effort: Effort,
    /// Target ids in lower case; empty means all.
    only: Vec<String>,
}

impl Asked {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self> {
        let mut asked = Self { effort: Effort::Usual, only: Vec::new() };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--quick" => asked.effort = Effort::Quick,
                "--full" => asked.effort = Effort::Full,
                "--only" => {
                    let ids = args.next().context("--only takes target ids, such as p1,p5")?;
                    asked.only = ids.to_lowercase().split(',').map(str::to_owned).collect();
                }
                other => bail!("unknown argument {other}; there are --quick, --full and --only p1,p5"),
            }
        }
        Ok(asked)
    }

    fn wants(&self, ids: &[&str]) -> bool {
        self.only.is_empty() || ids.iter().any(|id| self.only.iter().any(|only| only == id))
    }
}

fn main() -> Result<()> {
    if let Some(done) = child::main() {
        return done;
    }
    let asked = Asked::parse(std::env::args().skip(1))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let table = runtime.block_on(measure(&asked))?;
    table.print();
    Ok(())
}

async fn measure(asked: &Asked) -> Result<Table> {
    let effort = asked.effort;
    let mut table = Table::default();
    let began = Instant::now();
    let say = |what: &str| eprintln!("{:4} s  {what}", began.elapsed().as_secs());
    if asked.wants(&["p1"]) {
        say("P1 the shipped policy against native");
        engine::measure(&mut table, effort)?;
    }
    if asked.wants(&["p2", "p3"]) {
        say("P2, P3 one policy on every engine");
        peers::measure(&mut table, effort)?;
    }
    if asked.wants(&["p4"]) {
        say("P4 many tenants");
        tenants::measure(&mut table, effort)?;
    }
    if asked.wants(&["p5"]) {
        say("P5 the journal");
        journal::measure(&mut table, effort).await?;
    }
    if asked.wants(&["p6"]) {
        say("P6 the whole path");
        path::measure(&mut table, effort).await?;
    }
    if asked.wants(&["p7"]) {
        say("P7 growth");
        growth::measure(&mut table, effort).await?;
    }
    if asked.wants(&["p8"]) {
        say("P8 replay");
        replay::measure(&mut table, effort).await?;
    }
    if asked.wants(&["p9"]) {
        say("P9 neighbours");
        neighbours::measure(&mut table, effort).await?;
    }
    say("done");
    Ok(table)
}
