//! P5: what a durable decision costs: the batch read and the batch write, against a transaction for each on the same
//! schema, against pgbench, and against nothing but syncing a file.

use crate::{
    Effort,
    postgres::Pgbench,
    rounds::{Rounds, percentile},
    table::{Table, Target},
    world::{Size, World, read_and_write, write},
};
use anyhow::{Context as _, Result};
use db::{Db, journal::Written, testing::Scratch};
use std::{fs::File, os::unix::fs::FileExt as _, path::Path, time::Instant};

const MEMBERS: usize = 20_000;
/// Callers of the side that opens a transaction for each.
const CALLERS: usize = 64;
/// Bytes a database overwrites and syncs at least: two pages of 4 KiB.
const SYNCED: usize = 8 << 10;
/// Pages of the embedded database and how much its log holds between checkpoints, as the host sets them.
const PAGE_BYTES: u32 = 1_024;
const LOG_BYTES: u32 = 4 << 20;

/// How much is done in a round.
struct Work {
    rounds: usize,
    batches: usize,
    singles: usize,
    plain: usize,
    pgbench_s: u64,
}

impl Work {
    fn of(effort: Effort) -> Self {
        Self {
            rounds: effort.pick(2, 7, 15),
            batches: effort.pick(5, 30, 40),
            singles: effort.pick(20, 100, 200),
            plain: effort.pick(100, 500, 800),
            pgbench_s: effort.pick(1, 1, 3),
        }
    }
}

/// One round's figures of every side.
#[derive(Default)]
struct Sides {
    /// Decisions a second, 64 in flight, and the µs of every batch.
    by_64: Rounds,
    batches_64: Vec<f64>,
    /// The same with 256.
    by_256: Rounds,
    /// One client's µs.
    single: Rounds,
    /// Decisions a second in transactions of their own.
    plain: Rounds,
    /// µs of an overwrite and its sync.
    sync: Rounds,
    /// pgbench's transactions a second.
    pgbench: Rounds,
}

/// Adds P5's rows.
pub async fn measure(table: &mut Table, effort: Effort) -> Result<()> {
    let work = Work::of(effort);
    let cluster = Scratch::postgres().await?;
    let pgbench = cluster.as_ref().and_then(|scratch| Pgbench::fill(&scratch.url).transpose()).transpose()?;
    let sqlite = Scratch::sqlite().await?;
    let found = sides(&sqlite.db, &work, pgbench.as_ref()).await?;
    one_each(table, "SQLite", &found, 4.0);
    latency(table, &found);
    let against_pgbench = |table: &mut Table, store, flight, ours: &Rounds, found: &Sides, bound| {
        let what = format!("{store} journal, {flight} in flight, ÷ pgbench tpcb-like, 8 clients");
        let measured = format!("{:.0}/s against {:.0}/s", ours.p50(), found.pgbench.p50());
        table.ratio("P5", &what, measured, ours.over(&found.pgbench), Target::AtLeast(bound));
    };
    if pgbench.is_some() {
        against_pgbench(table, "SQLite", 64, &found.by_64, &found, 4.0);
    }
    log_bytes(table, effort).await?;
    drop(sqlite);
    let (Some(scratch), Some(pgbench)) = (cluster, pgbench) else {
        table.absent("P5", "PostgreSQL journal ÷ pgbench tpcb-like", "PostgreSQL 15 is not installed");
        return Ok(());
    };
    let found = sides(&scratch.db, &work, Some(&pgbench)).await?;
    let plain = format!("{:.0}/s against {:.0}/s", found.by_64.p50(), found.plain.p50());
    table.note(
        "P5",
        "PostgreSQL journal, 64 in flight, ÷ a transaction for each",
        plain,
        format!("{:.2} ×", found.by_64.over(&found.plain)),
    );
    against_pgbench(table, "PostgreSQL", 64, &found.by_64, &found, 4.0);
    against_pgbench(table, "PostgreSQL", 256, &found.by_256, &found, 5.0);
    Ok(())
}

fn one_each(table: &mut Table, store: &str, found: &Sides, bound: f64) {
    table.ratio(
        "P5",
        &format!("{store} journal, 64 in flight, ÷ a transaction for each, 64 callers"),
        format!("{:.0}/s against {:.0}/s", found.by_64.p50(), found.plain.p50()),
        found.by_64.over(&found.plain),
        Target::AtLeast(bound),
    );
}

fn latency(table: &mut Table, found: &Sides) {
    table.ratio(
        "P5",
        "SQLite journal, one client, ÷ overwriting and syncing 8 KiB of a file",
        format!(
            "p50 {:.0} µs, p99 {:.0} µs against p50 {:.0} µs, p99 {:.0} µs",
            found.single.p50(),
            found.single.p99(),
            found.sync.p50(),
            found.sync.p99()
        ),
        found.single.over(&found.sync),
        Target::AtMost(3.0),
    );
    // Of all rounds together: one round has too few batches for a hundredth of them.
    let of = |of_hundred| percentile(found.batches_64.clone(), of_hundred) / 1e3;
    let (p50, p99) = (of(50), of(99));
    table.number(
        "P5",
        "SQLite journal, 64 in flight, p99 of a batch",
        format!("p50 {p50:.1} ms, p99 {p99:.1} ms of {} batches", found.batches_64.len()),
        (p99, "ms"),
        Target::AtMost(30.0),
    );
}

async fn sides(db: &Db, work: &Work, pgbench: Option<&Pgbench>) -> Result<Sides> {
    let mut world = World::fill(db, Size { tenants: 1, members: MEMBERS }).await?;
    world.settle(db, MEMBERS).await?;
    let file = tempfile::NamedTempFile::new()?;
    let mut found = Sides::default();
    for _ in 0..work.rounds {
        found.plain.add_figure(plain(db, &mut world, work.plain).await?);
        let (rate, times) = grouped(db, &mut world, 64, work.batches).await?;
        found.by_64.add_figure(rate);
        found.batches_64.extend(times);
        found.by_256.add_figure(grouped(db, &mut world, 256, work.batches / 4 + 1).await?.0);
        if let Some(pgbench) = pgbench {
            found.pgbench.add_figure(tokio::task::block_in_place(|| pgbench.rate(work.pgbench_s))?);
        }
        found.single.add(grouped(db, &mut world, 1, work.singles).await?.1);
        found.sync.add(tokio::task::block_in_place(|| syncs(file.path(), work.singles))?);
    }
    Ok(found)
}

/// Decisions a second in batches of this size, and the µs of each batch.
async fn grouped(db: &Db, world: &mut World, size: usize, batches: usize) -> Result<(f64, Vec<f64>)> {
    let batches: Vec<Vec<Written>> = (0..batches).map(|_| world.batch(size)).collect();
    let (began, mut times) = (Instant::now(), Vec::new());
    for batch in &batches {
        let at = Instant::now();
        read_and_write(db, batch).await?;
        times.push(at.elapsed().as_secs_f64() * 1e6);
    }
    Ok(((size * batches.len()) as f64 / began.elapsed().as_secs_f64(), times))
}

/// Decisions a second as the journal alone commits them, 64 in flight.
pub async fn rate(db: &Db, world: &mut World, batches: usize) -> Result<f64> {
    Ok(grouped(db, world, 64, batches).await?.0)
}

/// Decisions a second, one plain transaction each, from so many callers at once.
async fn plain(db: &Db, world: &mut World, decisions: usize) -> Result<f64> {
    let mut callers: Vec<Vec<Written>> = vec![Vec::new(); CALLERS];
    for one in world.batch(decisions) {
        // One member's decisions stay with one caller, in order.
        let member = one.member.as_ref().context("a member")?.0.as_str();
        let caller = member.bytes().map(usize::from).fold(0, |sum, byte| (sum * 31 + byte) % CALLERS);
        callers[caller].push(one);
    }
    let began = Instant::now();
    let tasks = callers.into_iter().map(|all| {
        let db = db.clone();
        tokio::spawn(async move {
            for one in all {
                db::testing::plain::commit(&db, crate::world::STREAM, &one).await?;
            }
            anyhow::Ok(())
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await??;
    }
    Ok(decisions as f64 / began.elapsed().as_secs_f64())
}

/// The µs of overwriting the same bytes of a file and syncing them.
fn syncs(path: &Path, times: usize) -> Result<Vec<f64>> {
    let file = File::options().write(true).open(path)?;
    let bytes = [7; SYNCED];
    file.write_all_at(&bytes, 0)?;
    file.sync_all()?;
    (0..times)
        .map(|_| {
            let at = Instant::now();
            file.write_all_at(&bytes, 0)?;
            file.sync_data()?;
            Ok(at.elapsed().as_secs_f64() * 1e6)
        })
        .collect()
}

/// How much the log grows a decision: with the host's pages, and at full effort with those it was chosen among.
async fn log_bytes(table: &mut Table, effort: Effort) -> Result<()> {
    let each = grown(effort, PAGE_BYTES, 1).await?;
    table.number(
        "P5",
        "SQLite, bytes of log a decision",
        "batches of 64, pages of 1 KiB, one tenant".to_owned(),
        (each, "bytes"),
        Target::AtMost(9_000.0),
    );
    let others = [(512, 1), (2_048, 1), (4_096, 1), (512, 100), (1_024, 100), (2_048, 100), (4_096, 100)];
    for (page_bytes, tenants) in others.into_iter().take(effort.pick(0, 0, others.len())) {
        let each = grown(effort, page_bytes, tenants).await?;
        let what = format!("the same, pages of {page_bytes} bytes, {tenants} tenants");
        table.note("P5", &what, "batches of 64".to_owned(), format!("{each:.0} bytes"));
    }
    Ok(())
}

/// Bytes of log a decision, when nothing is copied out of it meanwhile.
async fn grown(effort: Effort, page_bytes: u32, tenants: usize) -> Result<f64> {
    let batches = effort.pick(5, 40, 80);
    let scratch = Scratch::sqlite_tuned(page_bytes, LOG_BYTES / page_bytes).await?;
    let mut world = World::fill(&scratch.db, Size { tenants, members: MEMBERS }).await?;
    world.settle(&scratch.db, MEMBERS).await?;
    let scratch = scratch.reopen_tuned(page_bytes, 0).await?;
    let log = scratch.file().context("a file")?.with_extension("db-wal");
    let before = std::fs::metadata(&log).map_or(0, |log| log.len());
    for _ in 0..batches {
        let batch = world.batch(64);
        write(&scratch.db, &batch).await?;
    }
    Ok((std::fs::metadata(&log)?.len() - before) as f64 / (64 * batches) as f64)
}
