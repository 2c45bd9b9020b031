//! Power cuts: what was answered is on the disk, whatever of the rest is lost or torn.

use anyhow::{Context as _, ensure};
use punchcard::{config::Config, host::Opened};
use sandbox::{HistoryLine, Outcome, Until, WhenLost};
use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;
use tests::faults::{
    Books, Cut, Finding, Running, Scene, Source, TENANT, Trace, cuts, demo, figure, judge, ran_well, seed, times,
    traced, with_failing_sync, write_image,
};
use tokio::{process::Command, task::JoinSet, time::sleep};

/// Images in CI; `PUNCHCARD_POWER_CUT_IMAGES` for more.
const IMAGES: u64 = 600;
/// Images on which the binary itself is started.
const STARTED: usize = 12;
/// Images of each of the two writers that check the check itself.
const WRITER_IMAGES: u64 = 100;
/// Receipts posted to the traced host: enough for the log to be copied into the file on the way.
const RECEIPTS: u64 = 800;
/// Receipts the traced writer writes.
const WRITTEN: &str = "120";
/// Which syncs of a restarted host fail, one host each.
const FAILING_SYNCS: [u64; 3] = [12, 20, 33];
/// How a host ends when its disk fails.
const DISK_FAILED: i32 = 74;
/// Images are opened by so many at once.
const WORKERS: u64 = 3;
/// How long a trace may take to be complete after its process ended.
const TRACE_PAUSE: Duration = Duration::from_millis(20);
const TRACE_TRIES: u32 = 500;

/// What was wrong with images.
#[derive(Debug, Default)]
struct Wrong {
    lost: Vec<(Cut, Vec<Finding>)>,
    corrupt: Vec<(Cut, String)>,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_loses_nothing_that_was_answered_and_corrupts_nothing() {
    let (images, seed) = (times("PUNCHCARD_POWER_CUT_IMAGES", IMAGES), seed());
    let trace = Arc::new(trace_host(seed).await.expect("a trace of the host"));
    assert!(u64::try_from(trace.acks.len()).expect("fits") >= RECEIPTS, "only {} answers", trace.acks.len());

    assert!(trace.checkpointed() > 0, "no page was copied from the log into the file");

    let wrong = examine(&trace, images, seed).await.expect("examined");
    let after_setup = |cut: &Cut| trace.acks.first().is_some_and(|first| cut.at >= first.at);
    for cut in cuts(&trace, images, seed).into_iter().filter(after_setup).take(STARTED) {
        start_on(&trace, &cut).await.unwrap_or_else(|why| panic!("seed {seed}, {cut:?}: {why:#}"));
    }

    figure(&format!(
        "power cut: {images} images of {} changes ({} pages checkpointed), {} syncs and {} answers, seed {seed}: \
         {} lost, {} corrupt",
        trace.ops.len(),
        trace.checkpointed(),
        trace.syncs,
        trace.acks.len(),
        wrong.lost.len(),
        wrong.corrupt.len()
    ));
    assert!(wrong.lost.is_empty() && wrong.corrupt.is_empty(), "seed {seed}: {wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_answers_before_it_syncs_is_found_out() {
    let seed = seed();
    let full = Arc::new(trace_writer("full").await.expect("a trace"));
    let normal = Arc::new(trace_writer("normal").await.expect("a trace"));

    let with_sync = examine(&full, WRITER_IMAGES, seed).await.expect("examined");
    let without = examine(&normal, WRITER_IMAGES, seed).await.expect("examined");

    figure(&format!(
        "power cut canary, seed {seed}: synchronous=FULL {} of {WRITER_IMAGES} images lose answers, NORMAL {}",
        with_sync.lost.len(),
        without.lost.len()
    ));
    assert!(with_sync.lost.is_empty() && with_sync.corrupt.is_empty(), "{with_sync:?}");
    assert!(!without.lost.is_empty(), "the power-cut check would not notice a missing sync");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_ends_the_host_and_loses_nothing() {
    let seed = seed();
    for n in FAILING_SYNCS {
        let answers = fail_a_sync(n, seed).await.unwrap_or_else(|why| panic!("seed {seed}, sync {n}: {why:#}"));
        figure(&format!("failed sync: the host ended at sync {n} of its log, seed {seed}: {answers} answers, 0 lost"));
    }
}

/// Lets the n-th sync fail, and judges what a restart finds; the number of answers.
async fn fail_a_sync(n: u64, seed: u64) -> anyhow::Result<usize> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data");
    Running::start(demo(&data, None)?, dir.path()).await?.kill().await?;
    let host = Running::start(with_failing_sync(&demo(&data, None)?, n), dir.path()).await?;
    let scene = Scene::new(&host.said, dir.path(), seed)?;
    let till = scene.till(&host.url()?)?;
    scene.register(&till).await?;
    scene.load(&till, Until::Count(RECEIPTS), WhenLost::End).await?;
    let code = host.ended().await?;
    ensure!(code == Some(DISK_FAILED), "the host ended with {code:?}");
    Running::start(demo(&data, None)?, dir.path()).await?.stop().await?;
    let history = scene.history()?;
    let findings = judge(&history, &Books::read(&Source::in_dir(&data), TENANT).await?);
    ensure!(findings.is_empty(), "{findings:?}");
    ran_well(&["audit"], &data).await?;
    Ok(history.iter().filter(|line| line.outcome == Outcome::Ok).count())
}

/// A demo from its first start, under load, traced until it is killed.
async fn trace_host(seed: u64) -> anyhow::Result<Trace> {
    let dir = tempfile::tempdir()?;
    let (data, trace) = (dir.path().join("data"), dir.path().join("trace"));
    std::fs::create_dir(&data)?;
    let host = Running::start(traced(&demo(&data, None)?, &trace), dir.path()).await?;
    let process = host.id().context("the host has ended")?;
    let scene = Scene::new(&host.said, dir.path(), seed)?;
    let till = scene.till(&host.url()?)?;
    scene.register(&till).await?;
    let report = scene.load(&till, Until::Count(RECEIPTS), WhenLost::End).await?;
    ensure!(report.ok == RECEIPTS, "not all receipts were taken: {report:?}");
    host.kill().await?;
    whole_trace(&trace, process, &data).await
}

async fn trace_writer(mode: &str) -> anyhow::Result<Trace> {
    let dir = tempfile::tempdir()?;
    let (data, trace) = (dir.path().join("data"), dir.path().join("trace"));
    std::fs::create_dir(&data)?;
    let mut writer = Command::new(env!("CARGO_BIN_EXE_writer"));
    writer.arg(data.join("punchcard.db")).arg(dir.path().join("acks")).args([WRITTEN, mode]);
    let mut writer = traced(&writer, &trace)
        .kill_on_drop(true)
        .spawn()
        .context("strace cannot be started; make test installs it")?;
    let process = writer.id().context("the writer has ended")?;
    ensure!(writer.wait().await?.success(), "the writer failed");
    whole_trace(&trace, process, &data).await
}

/// Reads a trace as soon as it says how the process ended.
async fn whole_trace(file: &Path, process: u32, data: &Path) -> anyhow::Result<Trace> {
    let process = process.to_string();
    // A short process number is padded with blanks.
    let is_end = |line: &str| {
        line.split_once(' ').is_some_and(|(of, what)| of == process && what.trim_start().starts_with("+++"))
    };
    for _ in 0..TRACE_TRIES {
        let written = tokio::fs::read(file).await?;
        let tail = written.get(written.len().saturating_sub(4_096)..).unwrap_or_default();
        if String::from_utf8_lossy(tail).lines().any(is_end) {
            return Trace::read(file, data);
        }
        sleep(TRACE_PAUSE).await;
    }
    anyhow::bail!("the trace does not say how process {process} ended")
}

/// Opens so many images the way a host does, and looks for every answer.
async fn examine(trace: &Arc<Trace>, images: u64, seed: u64) -> anyhow::Result<Wrong> {
    let cuts = Arc::new(cuts(trace, images, seed));
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        let (trace, cuts) = (Arc::clone(trace), Arc::clone(&cuts));
        workers.spawn(async move { work(&trace, cuts.iter().skip(usize::try_from(worker)?).step_by(3)).await });
    }
    let mut all = Wrong::default();
    while let Some(wrong) = workers.join_next().await {
        let wrong = wrong??;
        all.lost.extend(wrong.lost);
        all.corrupt.extend(wrong.corrupt);
    }
    Ok(all)
}

async fn work(trace: &Trace, cuts: impl Iterator<Item = &Cut>) -> anyhow::Result<Wrong> {
    let mut wrong = Wrong::default();
    for cut in cuts {
        let dir = in_memory()?;
        write_image(trace, cut, dir.path())?;
        match open(dir.path()).await {
            Err(why) => wrong.corrupt.push((*cut, format!("{why:#}"))),
            Ok(books) => {
                let findings = judge(&answers(trace, cut.at), &books);
                if !findings.is_empty() {
                    wrong.lost.push((*cut, findings));
                }
            }
        }
    }
    Ok(wrong)
}

/// A folder that needs no disk, if there is one: images are many, and their syncs prove nothing.
fn in_memory() -> std::io::Result<TempDir> {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
}

/// Opens an image as a host does after the power came back: key file, database, schema. Then checks the file
/// and asks the oracle.
async fn open(data: &Path) -> anyhow::Result<Books> {
    let opened = Opened::open(Config { data_dir: data.to_owned(), ..Config::default() }).await?;
    let broken = db::audit::oracle(&opened.db).await?;
    opened.db.close().await;
    ensure!(broken.is_empty(), "{broken:?}");
    let file = data.join("punchcard.db");
    let mut connection = SqliteConnectOptions::new().filename(&file).connect().await?;
    let check: String = sqlx::query_scalar("pragma integrity_check").fetch_one(&mut connection).await?;
    ensure!(check == "ok", "integrity_check: {check}");
    Books::read(&Source::File(file), TENANT).await
}

/// The binary itself starts on what a cut has left, and its own audit finds that whole.
async fn start_on(trace: &Trace, cut: &Cut) -> anyhow::Result<()> {
    let dir = in_memory()?;
    write_image(trace, cut, dir.path())?;
    Running::start(demo(dir.path(), None)?, dir.path()).await?.stop().await?;
    ran_well(&["audit"], dir.path()).await.map(drop)
}

/// What had been answered at a moment.
fn answers(trace: &Trace, at: usize) -> Vec<HistoryLine> {
    let line = |key: &str, outcome, reply| HistoryLine {
        at_us: 0,
        client: 0,
        key: key.to_owned(),
        receipt: String::new(),
        outcome,
        earned: None,
        reply,
        error: None,
    };
    let given = trace.acks.iter().filter(|ack| ack.at <= at);
    let both =
        given.map(|ack| [line(&ack.key, Outcome::Invoke, None), line(&ack.key, Outcome::Ok, Some(ack.reply.clone()))]);
    both.flatten().collect()
}
