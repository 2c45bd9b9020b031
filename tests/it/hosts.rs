//! Three hosts on one database, one of them killed in the middle.

use anyhow::{Context as _, ensure};
use db::testing::Cluster;
use sandbox::{LoadReport, Outcome, Until, WhenLost};
use std::{path::Path, time::Duration};
use tests::faults::{
    Books, Dice, Running, Scene, Source, TENANT, demo, figure, judge, ran_well, seed, serve, times, unknown,
};
use tokio::{task::JoinHandle, time::sleep};

/// How often one of the hosts is killed in CI; `PUNCHCARD_HOST_KILLS` for more.
const KILLS: u64 = 6;
/// One load on all hosts, with a kill in its middle.
const LOAD: Duration = Duration::from_millis(1_500);
/// The hosts, by the streams they write.
const STREAMS: [&str; 3] = ["a", "b", "c"];

#[tokio::test(flavor = "multi_thread")]
async fn three_hosts_of_one_database_lose_and_double_nothing_when_one_is_killed() {
    let (kills, seed) = (times("PUNCHCARD_HOST_KILLS", KILLS), seed());
    let dir = tempfile::tempdir().expect("a folder");
    match run(dir.path(), kills, seed).await {
        Ok(said) => figure(&said),
        Err(why) => panic!("seed {seed}: {why:#}; see {}", dir.keep().display()),
    }
}

async fn run(dir: &Path, kills: u64, seed: u64) -> anyhow::Result<String> {
    let cluster = Cluster::start()?.context("PostgreSQL is not installed; make test installs it")?;
    let url = cluster.url.as_str();
    let scene = set_up(dir, url, seed).await?;
    let (mut hosts, mut again) = (Vec::new(), 0);
    for stream in STREAMS {
        hosts.push(Running::start(serve(dir, url, stream)?, dir).await?);
    }
    for kill in 0..kills {
        let mut dice = Dice::nth(seed, kill);
        let at = usize::try_from(dice.within(0..3))?;
        again += kill_one(&mut hosts, at, &scene, Duration::from_millis(dice.within(200..1_000))).await?;
        check(&scene, url).await.with_context(|| format!("after kill {kill}"))?;
        let stream = STREAMS.get(at).context("three streams")?;
        hosts.insert(at, Running::start(serve(dir, url, stream)?, dir).await?);
    }
    for host in hosts {
        host.stop().await?;
    }
    let (answers, streams) = check(&scene, url).await?;
    ran_well(&["audit", "--database", url], dir).await?;
    ran_well(&["replay", "--database", url], dir).await?;
    Ok(format!(
        "several hosts: 3 on one database, {kills} kills under load, seed {seed}: {answers} answers in {streams} \
         streams, 0 lost, 0 doubled, entries gapless; {again} without an answer sent again to another host; audit \
         and replay clean"
    ))
}

/// Kills one of the hosts under load; another answers for what it was asked. How many had no answer.
async fn kill_one(hosts: &mut Vec<Running>, at: usize, scene: &Scene, after: Duration) -> anyhow::Result<usize> {
    let loads = hosts.iter().map(|host| load(scene, host)).collect::<anyhow::Result<Vec<_>>>()?;
    sleep(after).await;
    hosts.remove(at).kill().await?;
    for load in loads {
        load.await??;
    }
    settle(scene, hosts.first().context("two hosts are left")?).await
}

/// A demo's merchant and till on the database, and its members.
async fn set_up(dir: &Path, url: &str, seed: u64) -> anyhow::Result<Scene> {
    let host = Running::start(demo(dir, Some(url))?, dir).await?;
    let scene = Scene::new(&host.said, dir, seed)?;
    scene.register(&scene.till(&host.url()?)?).await?;
    host.stop().await?;
    Ok(scene)
}

fn load(scene: &Scene, host: &Running) -> anyhow::Result<JoinHandle<anyhow::Result<LoadReport>>> {
    let (scene, till) = (scene.clone(), scene.till(&host.url()?)?);
    Ok(tokio::spawn(async move { scene.load(&till, Until::Elapsed(LOAD), WhenLost::End).await }))
}

async fn settle(scene: &Scene, host: &Running) -> anyhow::Result<usize> {
    let open = unknown(&scene.history()?)?;
    let report = scene.send_again(&scene.till(&host.url()?)?, &open).await?;
    ensure!(usize::try_from(report.ok)? == open.len(), "not all were answered when they were sent again: {report:?}");
    Ok(open.len())
}

/// Judges the books; how many answers there were, and how many streams they stand in.
async fn check(scene: &Scene, url: &str) -> anyhow::Result<(usize, usize)> {
    let history = scene.history()?;
    let books = Books::read(&Source::Address(url.to_owned()), TENANT).await?;
    let findings = judge(&history, &books);
    ensure!(findings.is_empty(), "{findings:?}");
    let answers = history.iter().filter(|line| line.outcome == Outcome::Ok).count();
    Ok((answers, books.streams()))
}
