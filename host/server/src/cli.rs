//! The command line.

mod admin;
mod data;
mod demo;
mod draw;
pub mod policy;
mod serve;

use crate::{
    config::Config,
    host::Opened,
    telemetry::{self, LogFormat},
};
use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

/// Membership for shops on WeChat: every policy a sandboxed component or script, every point in a ledger.
#[derive(Debug, Parser)]
#[command(name = "punchcard", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the host.
    Serve(serve::Serve),
    /// Try everything: a host with a demo merchant, a till, a WeChat account and real baskets.
    Demo(demo::Demo),
    /// Write, check, test and publish policies.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Draws that anybody can verify.
    #[command(subcommand)]
    Draw(draw::DrawCommand),
    /// Bring the database up to this version.
    Migrate(Where),
    /// Rebuild every balance from entries, verify the hash chain, name the first difference.
    Audit(data::Audit),
    /// Decide again what was decided, and compare byte for byte.
    Replay(data::Replay),
    /// Say whether this installation is fit to serve.
    Doctor(Where),
    /// Write a consistent copy of an embedded database.
    Backup(data::Backup),
    /// Tenants and what belongs to them.
    #[command(flatten)]
    Admin(admin::AdminCommand),
}

/// Which installation a command works on.
#[derive(Debug, Clone, Args)]
pub struct Where {
    /// A configuration file; what it leaves out has defaults.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The data directory: key file, and the embedded database.
    #[arg(long)]
    data: Option<PathBuf>,
    /// `postgres://…` instead of the embedded database.
    #[arg(long, env = "PUNCHCARD_DATABASE")]
    database: Option<String>,
}

impl Where {
    fn config(&self) -> anyhow::Result<Config> {
        let mut config = match &self.config {
            Some(path) => Config::load(path)?,
            None => Config::default(),
        };
        if let Some(data) = &self.data {
            config.data_dir.clone_from(data);
        }
        config.database = self.database.clone().or(config.database);
        Ok(config)
    }

    /// Opens the installation for a command.
    async fn open(&self) -> anyhow::Result<Opened> {
        Opened::open(self.config()?).await
    }
}

/// Where the host listens, and as whom.
#[derive(Debug, Clone, Args)]
pub struct Listening {
    /// Address and port to listen on.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Names this host's chain of decisions; no two hosts of one database share it.
    #[arg(long, default_value = "a")]
    stream: String,
}

impl Cli {
    /// Runs the command given on the command line.
    pub fn run() -> ExitCode {
        let command = Self::parse().command;
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(why) => return failed(&why.into()),
        };
        runtime.block_on(command.run()).unwrap_or_else(|why| failed(&why))
    }
}

#[expect(clippy::print_stderr, reason = "the command line's way to say what went wrong")]
fn failed(why: &anyhow::Error) -> ExitCode {
    eprintln!("punchcard: {why:#}");
    ExitCode::FAILURE
}

impl Command {
    async fn run(self) -> anyhow::Result<ExitCode> {
        if !matches!(self, Self::Serve(_)) {
            telemetry::start_logs(LogFormat::Text, "warn").context("the log filter")?;
        }
        match self {
            Self::Serve(serve) => serve.run().await,
            Self::Demo(demo) => demo.run().await,
            Self::Policy(policy) => policy.run().await,
            Self::Draw(draw) => draw.run().await,
            Self::Migrate(place) => data::migrate(&place).await,
            Self::Audit(audit) => audit.run().await,
            Self::Replay(replay) => replay.run().await,
            Self::Doctor(place) => data::doctor(&place).await,
            Self::Backup(backup) => backup.run().await,
            Self::Admin(admin) => admin.run().await,
        }
    }
}
