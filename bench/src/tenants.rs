//! P4: what many tenants cost: one module for all of them, or one each; memory; the first use of a cold one; threads.

use crate::{
    Effort,
    cases::{Case, Dice, cases, native_params},
    child,
    engine::{engine, native_json, policy, rulebook, standard_settings, standard_source, turn},
    rounds::{Rounds, Side, interleave, median, percentile},
    table::{Table, Target},
};
use anyhow::{Context as _, Result, bail};
use engine::{Engine, Rulebook, Source};
use ledger::{Digest, ParamValue};
use policy_standard::standard;
use punchcard_rules::types;
use std::{
    hint::black_box,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Tenants of one shared module.
const TENANTS: usize = 1_000;
/// What follows the digest in an artifact's file name.
const ARTIFACT: &str = "artifact";

/// Adds P4's rows.
pub fn measure(table: &mut Table, effort: Effort) -> Result<()> {
    let engine = engine()?;
    let modules = effort.pick(20, 300, 1_000);
    let artifacts = tempfile::tempdir()?;
    let admitted = admit(&engine, modules, artifacts.path())?;
    let (kib, first, slow) = load_in_child(artifacts.path())?;
    table.number(
        "P4",
        "resident KiB of one more distinct policy",
        format!("{modules} policies loaded and used once, in a process of their own"),
        (kib, "KiB"),
        Target::AtMost(100.0),
    );
    table.number(
        "P4",
        "first use of a cold policy: load, place, evaluate",
        format!("p50 {first:.2} ms, p99 {slow:.2} ms; compiled before, p50 {:.0} ms", admitted.compile_ms),
        (first, "ms"),
        Target::AtMost(1.0),
    );
    let shared = policy(&engine, &standard_source()?)?;
    let one = vec![rulebook(&shared, &standard_settings()?)?];
    let many = (0..TENANTS).map(|n| rulebook(&shared, &settings_of(n)?)).collect::<Result<Vec<_>>>()?;
    let distinct = load(&engine, artifacts.path())?;
    randomly(table, effort, &engine, [&one, &many, &distinct])?;
    threads(table, effort, &engine, &one[0])
}

/// Tenants differ in what they set.
fn settings_of(tenant: usize) -> Result<std::collections::BTreeMap<String, ParamValue>> {
    let mut set = standard_settings()?;
    set.insert("fen_per_point".to_owned(), ParamValue::Number(100 + (tenant % 7) as i64));
    Ok(set)
}

struct Compiled {
    compile_ms: f64,
}

/// Admits so many modules that differ in their bytes, on every core, and writes their artifacts into a folder.
fn admit(engine: &Engine, modules: usize, to: &Path) -> Result<Compiled> {
    let Source::Wasm(bytes) = standard_source()? else { bail!("the standard policy is a component") };
    let (next, times) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || -> Result<()> {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= modules {
                return Ok(());
            }
            let began = Instant::now();
            let admitted = engine.admit(&Source::Wasm(distinct(&bytes, n)))?;
            times.lock().expect("no panics").push(began.elapsed().as_secs_f64() * 1e3);
            std::fs::write(to.join(format!("{}.{ARTIFACT}", admitted.digest)), &admitted.artifact)?;
        }
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(work);
        work()?;
        other.join().expect("no panics")
    })?;
    Ok(Compiled { compile_ms: median(times.into_inner().expect("no panics")) })
}

/// The component with a custom section behind it: another digest, so another module to the host.
fn distinct(component: &[u8], n: usize) -> Vec<u8> {
    let mut bytes = component.to_vec();
    let (name, body) = (b"bench", (n as u32).to_le_bytes());
    bytes.extend([0, (1 + name.len() + body.len()) as u8, name.len() as u8]);
    bytes.extend(name);
    bytes.extend(body);
    bytes
}

/// Digests and artifacts in a folder.
fn stored(folder: &Path) -> Result<Vec<(Digest, Vec<u8>)>> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder)? {
        let path = file?.path();
        let digest = path.file_stem().and_then(|stem| stem.to_str()).context("a digest")?;
        found.push((Digest::new(digest)?, std::fs::read(&path)?));
    }
    Ok(found)
}

fn load(engine: &Engine, folder: &Path) -> Result<Vec<Rulebook>> {
    let settings = standard_settings()?;
    stored(folder)?.iter().map(|(digest, artifact)| rulebook(&engine.load(digest, artifact)?, &settings)).collect()
}

/// In the child: loads every artifact of a folder and uses it once, and prints what that took.
pub fn load_all(folder: &Path) -> Result<()> {
    let engine = engine()?;
    let (settings, cases) = (standard_settings()?, cases(&[])?);
    let artifacts = stored(folder)?;
    // The engine's pool and the code that loads are warm before the first that counts.
    let warm = policy(&engine, &standard_source()?)?;
    let warm = rulebook(&warm, &settings)?;
    engine.evaluate(&warm, &cases[0].facts, &cases[0].event)?;
    let (before, mut times, mut kept) = (resident_kib()?, Vec::new(), Vec::new());
    for (n, (digest, artifact)) in artifacts.iter().enumerate() {
        let case = &cases[n % cases.len()];
        let began = Instant::now();
        let rulebook = rulebook(&engine.load(digest, artifact)?, &settings)?;
        black_box(engine.evaluate(&rulebook, &case.facts, &case.event)?);
        times.push(began.elapsed().as_secs_f64() * 1e3);
        kept.push(rulebook);
    }
    let each = (resident_kib()? - before) / kept.len() as f64;
    println!("{each} {} {}", median(times.clone()), percentile(times, 99));
    Ok(())
}

fn load_in_child(folder: &Path) -> Result<(f64, f64, f64)> {
    let printed = child::output("load", &folder.display().to_string())?;
    let mut numbers = printed.split_whitespace().map(str::parse::<f64>);
    let mut next = || numbers.next().context("a number").and_then(|number| Ok(number?));
    Ok((next()?, next()?, next()?))
}

fn resident_kib() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    Ok(line.split_whitespace().next().context("KiB")?.parse()?)
}

/// The same questions to tenants in random order.
fn randomly(table: &mut Table, effort: Effort, engine: &Engine, books: [&[Rulebook]; 3]) -> Result<()> {
    let cases = cases(&[])?;
    let names = ["one tenant", "one module", "distinct modules"];
    let mut sides: Vec<Side<'_>> = names
        .into_iter()
        .zip(books)
        .map(|(name, books)| {
            let (mut at, mut dice, cases) = (0, Dice::new(11), &cases);
            Side::new(name, move || {
                let (case, book) = (&cases[turn(&mut at)], &books[dice.below(books.len())]);
                black_box(engine.evaluate(book, &case.facts, &case.event).expect("evaluates"));
            })
        })
        .collect();
    let found = interleave(&mut sides, effort.pick(3, 15, 25), Duration::from_millis(effort.pick(20, 100, 150)));
    let [one, shared, distinct] = &found[..] else { unreachable!("three sides") };
    let line =
        |many: &Rounds| format!("p50 {:.1} µs, p99 {:.1} µs against p50 {:.1} µs", many.p50(), many.p99(), one.p50());
    table.ratio(
        "P4",
        &format!("{} tenants of one module, random order, ÷ one tenant", books[1].len()),
        line(shared),
        shared.over(one),
        Target::AtMost(1.2),
    );
    table.ratio(
        "P4",
        &format!("{} distinct modules, random order, ÷ one module", books[2].len()),
        line(distinct),
        distinct.over(one),
        Target::AtMost(2.0),
    );
    Ok(())
}

/// How much two threads do of what one does, ours against the native control.
fn threads(table: &mut Table, effort: Effort, engine: &Engine, book: &Rulebook) -> Result<()> {
    let cases = cases(&[])?;
    let params = native_params(book.policies()[0].params());
    let slice = Duration::from_millis(effort.pick(50, 250, 400));
    let ours = |case: &Case| drop(black_box(engine.evaluate(book, &case.facts, &case.event).expect("evaluates")));
    let native = |case: &Case| drop(black_box(json(&params, case)));
    let (mut ours_gain, mut native_gain) = (Rounds::default(), Rounds::default());
    for _ in 0..effort.pick(3, 15, 25) {
        ours_gain.add_figure(together(2, slice, &cases, &ours) / together(1, slice, &cases, &ours));
        native_gain.add_figure(together(2, slice, &cases, &native) / together(1, slice, &cases, &native));
    }
    table.ratio(
        "P4",
        "gain of a second thread ÷ the gain of native + serde_json",
        format!("{:.2} × against {:.2} ×", ours_gain.p50(), native_gain.p50()),
        ours_gain.over(&native_gain),
        Target::AtLeast(0.85),
    );
    Ok(())
}

fn json(params: &[types::ParamValue], case: &Case) -> Vec<u8> {
    native_json::<standard::Policy>(params, case)
}

/// How often so many threads do it in a second, all together.
fn together(threads: usize, slice: Duration, cases: &[Case], once: &(impl Fn(&Case) + Sync)) -> f64 {
    let (stop, done, began) = (AtomicBool::new(false), AtomicUsize::new(0), Instant::now());
    std::thread::scope(|scope| {
        for first in 0..threads {
            let (stop, done) = (&stop, &done);
            scope.spawn(move || {
                let (mut at, mut count) = (first * 17, 0);
                while !stop.load(Ordering::Relaxed) {
                    once(&cases[turn(&mut at)]);
                    count += 1;
                }
                done.fetch_add(count, Ordering::Relaxed);
            });
        }
        std::thread::sleep(slice);
        stop.store(true, Ordering::Relaxed);
    });
    done.into_inner() as f64 / began.elapsed().as_secs_f64()
}
