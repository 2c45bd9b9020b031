//! What a durable decision costs: `cg test -p db --test it measure -- --ignored --nocapture --test-threads=1`.
//! No test fails on a time; both sides of a ratio come from one run.

use crate::build::*;
use db::journal::Written;
use db::{Db, testing::Scratch};
use ledger::{Day, DecisionId, Lot, LotId, Points};
use std::time::Instant;

const MEMBERS: usize = 20_000;
const RECORD_BYTES: usize = 3_000;
const REPLY_BYTES: usize = 1_000;

/// Members, and a number generator that is the same in every run.
struct World {
    shops: Vec<Shop>,
    members: Vec<Vec<Amy>>,
    random: u64,
    filler: String,
}

impl World {
    async fn open(db: &Db, tenants: usize) -> Self {
        let mut world = Self {
            shops: Vec::new(),
            members: Vec::new(),
            random: 7,
            filler: "{\"sku\":\"6901234567890\"}".repeat(200),
        };
        for tenant in 0..tenants {
            let mut shop = Shop::open(db, &format!("shop-{tenant:05}")).await;
            let mut members: Vec<Amy> = (0..MEMBERS / tenants).map(|n| member(tenant, n)).collect();
            for part in members.chunks_mut(200) {
                let batch: Vec<Written> = part.iter_mut().map(|who| shop.grant(who, 10)).collect();
                write(db, &batch).await;
            }
            world.shops.push(shop);
            world.members.push(members);
        }
        // Index pages filled in order are full; random keys split them once. Measure after that.
        for _ in 0..MEMBERS / 64 {
            let batch = world.batch(64);
            write(db, &batch).await;
        }
        world
    }

    fn next(&mut self, below: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as usize % below
    }

    fn decision(&mut self) -> Written {
        let tenant = self.next(self.shops.len());
        let who = self.next(self.members[tenant].len());
        let (store, till, key) = (self.next(8), self.next(8), self.next(usize::MAX));
        let mut one = self.shops[tenant].grant(&mut self.members[tenant][who], 12);
        one.idempotency_key = Some(format!("{key:016x}{key:016x}"));
        one.natural_key = Some(format!("receipt:S{store}:T{till}:2026-11-21:{:08}", one.seq));
        one.principal = format!("key:S{store}T{till}");
        one.record = self.filler[..RECORD_BYTES].to_owned();
        one.reply = self.filler.as_bytes()[..REPLY_BYTES].to_vec();
        one
    }

    fn batch(&mut self, size: usize) -> Vec<Written> {
        (0..size).map(|_| self.decision()).collect()
    }
}

fn member(tenant: usize, n: usize) -> Amy {
    let mut who = Amy::new(&format!("m{tenant:05}{n:020}"));
    for i in 0..6 {
        who.state.lots.push(Lot {
            id: LotId(DecisionId::new(format!("{STREAM}-{n}{i}")).unwrap(), 0),
            left: Points::new(10),
            starts: Day::new(20_000 + i),
            expires: Some(Day::new(20_365 + i)),
        });
    }
    for i in 0..12 {
        let totals = ledger::Totals { spend: 12_800, visits: 1, earned: 128, ..ledger::Totals::default() };
        who.state.days.push(ledger::DayTotals { day: Day::new(20_000 + i), totals });
    }
    who
}

/// Processor time of this process in µs, all threads together.
fn processor_us() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) * 10_000.0
}

/// What one run of batches came to.
struct Rate {
    per_second: f64,
    reading: f64,
    p99_ms: f64,
    processor_us: f64,
}

/// The batch read and the batch write of `rounds` batches.
async fn rate(db: &Db, world: &mut World, size: usize, rounds: usize) -> Rate {
    let batches: Vec<Vec<Written>> = (0..rounds).map(|_| world.batch(size)).collect();
    let (mut reading, mut times) = (0.0, Vec::new());
    let (begin, processor) = (Instant::now(), processor_us());
    for batch in &batches {
        let at = Instant::now();
        let wants: Vec<_> = batch
            .iter()
            .map(|one| db::snapshot::Want {
                idempotency_key: one.idempotency_key.clone(),
                natural_key: one.natural_key.clone(),
                principal: one.principal.clone(),
                ..want_member(&one.tenant, &one.member.as_ref().unwrap().0)
            })
            .collect();
        db::snapshot::read(db, STREAM, &wants).await.unwrap();
        reading += at.elapsed().as_secs_f64();
        write(db, batch).await;
        times.push(at.elapsed().as_secs_f64() * 1e3);
    }
    let all = begin.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    let decisions = (size * rounds) as f64;
    Rate {
        per_second: decisions / all,
        reading: reading / all,
        p99_ms: times[times.len() * 99 / 100],
        processor_us: (processor_us() - processor) / decisions,
    }
}

/// Decisions a second, one plain transaction each, from 64 callers at once.
async fn plain_rate(db: &Db, world: &mut World, decisions: usize) -> f64 {
    let mut callers: Vec<Vec<Written>> = vec![Vec::new(); 64];
    for one in world.batch(decisions) {
        // One member's decisions stay with one caller, in order.
        let caller = one.member.as_ref().unwrap().0.as_str().bytes().map(usize::from).sum::<usize>() % 64;
        callers[caller].push(one);
    }
    let begin = Instant::now();
    let tasks = callers.into_iter().map(|all| {
        let db = db.clone();
        tokio::spawn(async move {
            for one in all {
                db::testing::plain::commit(&db, STREAM, &one).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    decisions as f64 / begin.elapsed().as_secs_f64()
}

async fn report(name: &str, db: &Db, world: &mut World) {
    let plain = plain_rate(db, world, 2_000).await;
    let mut line = format!("{name:24} a transaction each: {plain:5.0}/s");
    for (size, rounds) in [(1, 200), (64, 120), (256, 30)] {
        let of = rate(db, world, size, rounds).await;
        line += &format!(
            " | {size}: {:6.0}/s = {:4.1}x, {:4.0} us (read {:2.0}%, p99 {:4.1} ms)",
            of.per_second,
            of.per_second / plain,
            of.processor_us,
            of.reading * 100.0,
            of.p99_ms
        );
    }
    println!("{line}");
}

#[tokio::test]
#[ignore = "measures"]
async fn measure_rates() {
    for tenants in [1, 100] {
        for scratch in Scratch::each().await.unwrap() {
            let mut world = World::open(&scratch.db, tenants).await;
            report(&format!("{:?} {tenants} tenants", scratch.db.kind()), &scratch.db, &mut world).await;
        }
    }
}

#[tokio::test]
#[ignore = "measures"]
async fn measure_log_bytes() {
    for tenants in [1, 100] {
        for page in [512, 1024, 2048, 4096] {
            let scratch = Scratch::sqlite_tuned(page, 4 * 1024 * 1024 / page).await.unwrap();
            let mut world = World::open(&scratch.db, tenants).await;
            let line = format!("page {page} {tenants} tenants");
            report(&line, &scratch.db, &mut world).await;
            let scratch = scratch.reopen_tuned(page, 0).await.unwrap();
            let before = std::fs::metadata(scratch.file().unwrap().with_extension("db-wal")).map_or(0, |f| f.len());
            for _ in 0..40 {
                write(&scratch.db, &world.batch(64)).await;
            }
            let after = std::fs::metadata(scratch.file().unwrap().with_extension("db-wal")).unwrap().len();
            println!("{line}: log bytes a decision {}", (after - before) / (40 * 64));
        }
    }
}

/// One long run for a profiler: `PAGE` and `TENANTS` from the environment.
#[tokio::test]
#[ignore = "measures"]
async fn measure_profile() {
    let number = |name: &str, or: usize| std::env::var(name).map_or(or, |text| text.parse().unwrap());
    let page = number("PAGE", 1024) as u32;
    let scratch = Scratch::sqlite_tuned(page, 4 * 1024 * 1024 / page).await.unwrap();
    let mut world = World::open(&scratch.db, number("TENANTS", 1)).await;
    for _ in 0..3 {
        let of = rate(&scratch.db, &mut world, 64, 150).await;
        println!("{:.0}/s {:.0} us, p99 {:.1} ms", of.per_second, of.processor_us, of.p99_ms);
    }
}
