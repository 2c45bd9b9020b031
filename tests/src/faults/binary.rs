//! The real binary: found, started, killed, stopped.

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant, SystemTime},
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// How long a host may take to be ready. The first start of a demo compiles five policies.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long a host may take to end, after SIGTERM or by itself: its drain time, and a checkpoint.
const STOP_WITHIN: Duration = Duration::from_secs(20);
/// How long a command such as an audit may take.
const DONE_WITHIN: Duration = Duration::from_secs(120);

/// Where the binary is: `PUNCHCARD_BIN`, or beside the test's own folder. Never one older than its sources.
///
/// # Errors
/// What to do when there is none.
pub fn punchcard() -> anyhow::Result<PathBuf> {
    if let Ok(path) = std::env::var("PUNCHCARD_BIN") {
        return Ok(path.into());
    }
    let test = std::env::current_exe().context("the test does not know where it is")?;
    let target = test.parent().and_then(Path::parent).context("the test is in no target folder")?;
    let binary = target.join("punchcard");
    ensure!(binary.exists(), "there is no {}: run `cargo build --workspace` first", binary.display());
    if let Some(newer) = newer_source(&binary)? {
        bail!("{} is older than {newer}: run `cargo build --workspace` first", binary.display());
    }
    Ok(binary)
}

/// The first source, as cargo lists them beside the binary, that changed after it was built.
fn newer_source(binary: &Path) -> anyhow::Result<Option<String>> {
    let Ok(list) = std::fs::read_to_string(binary.with_extension("d")) else { return Ok(None) };
    let built = changed(binary)?;
    let sources = list.split_once(": ").map_or("", |(_, sources)| sources);
    // A source that is gone was replaced by one that is listed.
    let newer = |path: &&str| changed(Path::new(path)).is_ok_and(|at| at > built);
    Ok(sources.split_whitespace().find(newer).map(str::to_owned))
}

fn changed(path: &Path) -> std::io::Result<SystemTime> {
    path.metadata()?.modified()
}

/// `punchcard demo` in a folder: merchant, till and rulebook, without baskets.
///
/// # Errors
/// As [`punchcard`].
pub fn demo(data: &Path, database: Option<&str>) -> anyhow::Result<Command> {
    let mut command = Command::new(punchcard()?);
    command.args(["demo", "--listen", "127.0.0.1:0", "--json", "--no-import", "--data"]).arg(data);
    database.inspect(|url| {
        command.args(["--database", url]);
    });
    Ok(command)
}

/// `punchcard serve` as one of several hosts of a database.
///
/// # Errors
/// As [`punchcard`].
pub fn serve(data: &Path, database: &str, stream: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(punchcard()?);
    command.args(["serve", "--listen", "127.0.0.1:0", "--stream", stream, "--database", database, "--data"]).arg(data);
    Ok(command)
}

/// Runs a command of the binary to its end; what it printed, if it succeeded.
///
/// # Errors
/// What it printed, if it did not.
pub async fn ran_well(args: &[&str], data: &Path) -> anyhow::Result<String> {
    let mut command = Command::new(punchcard()?);
    command.args(args).arg("--data").arg(data).kill_on_drop(true);
    let output = timeout(DONE_WITHIN, command.output()).await.context("the command does not end")??;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let wrong = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "punchcard {} failed: {said} {wrong}", args.join(" "));
    Ok(said)
}

/// A host that is ready. Killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// What it said when it was ready.
    pub said: Value,
    /// From its start until then.
    pub ready_in: Duration,
}

impl Running {
    /// Starts a host and waits for the line that says it is ready. What it logs goes to `host.log` in `logs`.
    ///
    /// # Errors
    /// If it ends or stays silent, with the end of its log.
    pub async fn start(mut command: Command, logs: &Path) -> anyhow::Result<Self> {
        let log = logs.join("host.log");
        let began = Instant::now();
        let errors = OpenOptions::new().create(true).append(true).open(&log)?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).kill_on_drop(true);
        let mut child = command.spawn().context("the host cannot be started")?;
        let output = child.stdout.take().context("the host has no output")?;
        let mut lines = BufReader::new(output).lines();
        let first = timeout(READY_WITHIN, lines.next_line()).await.context("the host is not ready in time")??;
        let Some(said) = first.and_then(|line| serde_json::from_str(&line).ok()) else {
            bail!("the host did not say that it is ready; its log ends: {}", tail(&log));
        };
        // Whatever else it prints must not block it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { child, said, ready_in: began.elapsed() })
    }

    /// Starts a host and kills it so long after, ready or not.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn killed_in_start(mut command: Command, after: Duration) -> anyhow::Result<()> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().context("the host cannot be started")?;
        tokio::time::sleep(after).await;
        Ok(child.kill().await?)
    }

    /// Where it listens.
    ///
    /// # Errors
    /// If it did not say so.
    pub fn url(&self) -> anyhow::Result<String> {
        let url = self.said.get("url").or_else(|| self.said.get("ready")).and_then(Value::as_str);
        Ok(url.with_context(|| format!("the host does not say where it listens: {}", self.said))?.to_owned())
    }

    /// SIGKILL, now; waits until it is gone.
    ///
    /// # Errors
    /// If it had ended by itself before.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the host had ended before it was killed: {status}");
        }
        Ok(self.child.kill().await?)
    }

    /// Waits until it ends by itself; its exit code, if it has one.
    ///
    /// # Errors
    /// If it does not end.
    pub async fn ended(mut self) -> anyhow::Result<Option<i32>> {
        Ok(timeout(STOP_WITHIN, self.child.wait()).await.context("the host does not end")??.code())
    }

    /// SIGTERM; waits until it has ended well.
    ///
    /// # Errors
    /// If it ends with an error, or not at all.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        terminate(self.child.id().context("the host had ended before it was stopped")?)?;
        let status = timeout(STOP_WITHIN, self.child.wait()).await.context("the host does not stop")??;
        ensure!(status.success(), "the host ended with {status}");
        Ok(())
    }

    /// Its process, for whoever must signal it.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }
}

#[expect(unsafe_code, reason = "there is no safe way to send a signal")]
fn terminate(process: u32) -> anyhow::Result<()> {
    // SAFETY: a plain system call without pointers, on a child we have not waited for.
    let done = unsafe { libc::kill(process.cast_signed(), libc::SIGTERM) };
    ensure!(done == 0, "SIGTERM could not be sent: {}", std::io::Error::last_os_error());
    Ok(())
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text = File::open(log).and_then(std::io::read_to_string).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
}
