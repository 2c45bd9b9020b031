//! PostgreSQL crashes and comes back, and commits whose answer never arrives.

use anyhow::{Context as _, bail, ensure};
use db::testing::Cluster;
use sandbox::{LoadReport, Outcome, Until, WhenLost};
use sqlx::{ConnectOptions as _, PgConnection, postgres::PgConnectOptions};
use std::{
    str::FromStr as _,
    time::{Duration, Instant},
};
use tests::faults::{
    Books, Dice, Proxy, Running, Scene, Source, TENANT, demo, figure, judge, permille, plant, ran_well, seed, times,
    unknown,
};
use tokio::{task::JoinHandle, time::sleep};

/// Crashes of the database in CI; `PUNCHCARD_RESTART_CYCLES` for more.
const CYCLES: u64 = 20;
/// Sessions ended in the middle of a commit in CI; `PUNCHCARD_TERMINATIONS` for more.
const TERMINATIONS: u64 = 25;
/// Commits whose answer is lost in CI; `PUNCHCARD_LOST_ANSWERS` for more. Every so many lose theirs.
const LOST_ANSWERS: u64 = 40;
const LOST_EVERY: u64 = 5;
/// Receipts of one load while answers are lost.
const RECEIPTS: u64 = 200;
/// One load: it begins before a crash and ends about when the database has recovered.
const LOAD: Duration = Duration::from_millis(1_000);
/// What a client waits when nobody listens.
const LOST_PAUSE: WhenLost = WhenLost::Wait(Duration::from_millis(20));
/// A recovered database must be used again within so long.
const HEALED_WITHIN: Duration = Duration::from_secs(5);
/// How long between two looks for a session that commits, and how long the test looks at all.
const LOOK_PAUSE: Duration = Duration::from_millis(2);
const LOOK_MAX: Duration = Duration::from_secs(45);
/// How often unknown requests are sent again until each has its answer.
const ROUNDS_MAX: u32 = 20;

/// Ends every session that is just committing a batch; how many.
const TERMINATE: &str = "select count(*) from (
    select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'punchcard' and state = 'active' and query like '%with settings as%'
      and pid <> pg_backend_pid()) ended";

/// A host on a PostgreSQL of its own.
struct Stage {
    dir: tempfile::TempDir,
    cluster: Cluster,
    host: Running,
    scene: Scene,
}

impl Stage {
    async fn set(seed: u64) -> anyhow::Result<Self> {
        Self::of(cluster()?, None, seed).await
    }

    /// The host reaches the database by way of `url`, or directly.
    async fn of(cluster: Cluster, url: Option<&str>, seed: u64) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let host = Running::start(demo(dir.path(), Some(url.unwrap_or(&cluster.url)))?, dir.path()).await?;
        let scene = Scene::new(&host.said, dir.path(), seed)?;
        scene.register(&scene.till(&host.url()?)?).await?;
        Ok(Self { dir, cluster, host, scene })
    }

    fn load(&self, until: Until) -> anyhow::Result<JoinHandle<anyhow::Result<LoadReport>>> {
        let (scene, till) = (self.scene.clone(), self.scene.till(&self.host.url()?)?);
        Ok(tokio::spawn(async move { scene.load(&till, until, LOST_PAUSE).await }))
    }

    /// Sends what has no answer again until it has one; how many there were at first.
    async fn settle(&self) -> anyhow::Result<usize> {
        let till = self.scene.till(&self.host.url()?)?;
        let first = unknown(&self.scene.history()?)?;
        let mut open = first.clone();
        for _ in 0..ROUNDS_MAX {
            self.scene.send_again(&till, &open).await?;
            open = unknown(&self.scene.history()?)?;
            if open.is_empty() {
                return Ok(first.len());
            }
        }
        bail!("{} requests have no answer yet, such as {:?}", open.len(), open.first())
    }

    /// Judges the books, then lets the host's own audit and replay do so. Gives the number of answers.
    async fn inspect(self) -> anyhow::Result<usize> {
        let history = self.scene.history()?;
        let books = Books::read(&Source::Address(self.cluster.url.clone()), TENANT).await?;
        let findings = judge(&history, &books);
        ensure!(findings.is_empty(), "{findings:?}; see {}", self.dir.keep().display());
        // A till that is told 503 knows that it may try again; 500 would mean that we do not know what happened.
        let at_a_loss = history.iter().find_map(|line| line.error.as_ref().filter(|error| error.contains("with 500")));
        if let Some(told) = at_a_loss {
            let log = std::fs::read_to_string(self.dir.path().join("host.log"))?;
            let why: Vec<&str> = log.lines().filter(|line| line.contains("failed on our side")).take(3).collect();
            bail!("a till was told: {told}; the host's log: {why:?}");
        }
        self.host.stop().await?;
        ran_well(&["audit", "--database", &self.cluster.url], self.dir.path()).await?;
        ran_well(&["replay", "--database", &self.cluster.url], self.dir.path()).await?;
        Ok(history.iter().filter(|line| line.outcome == Outcome::Ok).count())
    }
}

fn cluster() -> anyhow::Result<Cluster> {
    Cluster::start()?.context("PostgreSQL is not installed; make test installs it")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_crashes_and_recovers_has_lost_and_doubled_nothing() {
    let (cycles, seed) = (times("PUNCHCARD_RESTART_CYCLES", CYCLES), seed());
    let stage = Stage::set(seed).await.expect("a stage");
    let (mut healed, mut again) = (Vec::new(), 0);
    for cycle in 0..cycles {
        let before = Duration::from_millis(Dice::nth(seed, cycle).within(50..400));
        healed.push(crash(&stage, before).await.unwrap_or_else(|why| panic!("seed {seed}, crash {cycle}: {why:#}")));
        again += stage.settle().await.unwrap_or_else(|why| panic!("seed {seed}, after crash {cycle}: {why:#}"));
    }
    let answers = stage.inspect().await.unwrap_or_else(|why| panic!("seed {seed}: {why:#}"));
    figure(&format!(
        "PostgreSQL crashes: {cycles} immediate stops under load, seed {seed}: {answers} answers, 0 lost, 0 doubled; \
         {again} without an answer sent again; healed in p50 {} ms, max {} ms; audit and replay clean",
        permille(&healed, 500).as_millis(),
        permille(&healed, 1_000).as_millis()
    ));
    assert!(permille(&healed, 1_000) <= HEALED_WITHIN, "a recovered database was not used again in time");
}

/// Crashes the database under load; how long after its recovery the first receipt was taken.
async fn crash(stage: &Stage, before: Duration) -> anyhow::Result<Duration> {
    let load = stage.load(Until::Elapsed(LOAD))?;
    sleep(before).await;
    tokio::task::block_in_place(|| stage.cluster.crash().and_then(|()| stage.cluster.start_again()))?;
    let recovered = Instant::now();
    let till = stage.scene.till(&stage.host.url()?)?;
    while stage.scene.load(&till, Until::Count(1), LOST_PAUSE).await?.ok == 0 {
        ensure!(recovered.elapsed() < HEALED_WITHIN * 4, "the host does not use the recovered database");
    }
    let healed = recovered.elapsed();
    load.await??;
    Ok(healed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_session_is_ended_is_there_once_or_not_at_all() {
    let (wanted, seed) = (times("PUNCHCARD_TERMINATIONS", TERMINATIONS), seed());
    let stage = Stage::set(seed).await.expect("a stage");
    let load = stage.load(Until::Elapsed(LOOK_MAX)).expect("a load");
    let ended = terminate(&stage.cluster.url, wanted).await.expect("sessions ended");
    load.abort();
    let _ended_by_us = load.await;
    let again = stage.settle().await.unwrap_or_else(|why| panic!("seed {seed}: {why:#}"));
    let answers = stage.inspect().await.unwrap_or_else(|why| panic!("seed {seed}: {why:#}"));
    figure(&format!(
        "unknown commits: {ended} sessions ended in the middle of a commit, seed {seed}: {answers} answers, 0 lost, \
         0 doubled; {again} without an answer sent again; audit and replay clean"
    ));
    assert!(ended >= wanted, "only {ended} of {wanted} sessions were found committing");
}

/// Ends sessions that are committing, until it were so many or the time is over.
async fn terminate(url: &str, wanted: u64) -> anyhow::Result<u64> {
    let mut connection: PgConnection = PgConnectOptions::from_str(url)?.connect().await?;
    let (began, mut ended) = (Instant::now(), 0);
    while ended < wanted && began.elapsed() < LOOK_MAX {
        let now: i64 = sqlx::query_scalar(TERMINATE).fetch_one(&mut connection).await?;
        ended += now.unsigned_abs();
        sleep(if now > 0 { LOOK_PAUSE * 25 } else { LOOK_PAUSE }).await;
    }
    Ok(ended)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_found_again_and_not_repeated() {
    let (wanted, seed) = (times("PUNCHCARD_LOST_ANSWERS", LOST_ANSWERS), seed());
    let cluster = cluster().expect("a cluster");
    let proxy = Proxy::start(&cluster.url, LOST_EVERY).expect("a proxy");
    let stage = Stage::of(cluster, Some(&proxy.url), seed).await.expect("a stage");
    let (mut sent, mut unanswered) = (0, 0);
    while proxy.lost() < wanted && sent < wanted * LOST_EVERY * 8 {
        let report = stage.load(Until::Count(RECEIPTS)).expect("a load").await.expect("ran").expect("written");
        sent += RECEIPTS;
        unanswered += report.unknown + report.failed;
    }
    let lost = proxy.lost();
    let answers = stage.inspect().await.unwrap_or_else(|why| panic!("seed {seed}: {why:#}"));
    figure(&format!(
        "unknown commits: the answers to {lost} commits lost, seed {seed}: {answers} answers, 0 lost, 0 doubled, \
         {unanswered} noticed by a till; audit and replay clean"
    ));
    assert!(lost >= wanted, "only {lost} of {wanted} answers were lost");
    assert_eq!(unanswered, 0, "a till noticed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_judge_finds_what_is_planted_in_postgresql() {
    let stage = Stage::set(7).await.expect("a stage");
    stage.load(Until::Count(40)).expect("a load").await.expect("ran").expect("written");
    let books = Source::Address(stage.cluster.url.clone());
    let mut history = stage.scene.history().expect("a history");
    let before = judge(&history, &Books::read(&books, TENANT).await.expect("books"));

    let planted = plant(&books, &mut history).await.expect("planted");
    let after = judge(&history, &Books::read(&books, TENANT).await.expect("books"));

    assert_eq!(before, vec![]);
    assert!(planted.iter().all(|finding| after.contains(finding)), "{planted:?} but {after:?}");
}
