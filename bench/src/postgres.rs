//! pgbench's tpcb-like transaction, on the PostgreSQL that the host's own journal is measured on.

use anyhow::{Context as _, Result, ensure};
use std::process::Command;

/// Branches of pgbench's bank: as many as clients, or they would wait for each other's rows.
const SCALE: &str = "16";
/// Clients that came out best on two cores.
const CLIENTS: &str = "8";

/// A database pgbench can be run in.
pub struct Pgbench {
    program: String,
    host: String,
    database: String,
}

impl Pgbench {
    /// Fills pgbench's tables in the database at this address; nothing if pgbench is not installed.
    pub fn fill(url: &str) -> Result<Option<Self>> {
        let bin = std::env::var("PUNCHCARD_POSTGRES_BIN").unwrap_or_else(|_| "/usr/lib/postgresql/15/bin".to_owned());
        let program = format!("{bin}/pgbench");
        if !std::path::Path::new(&program).exists() {
            return Ok(None);
        }
        let (address, host) = url.split_once("?host=").context("a socket's folder")?;
        let database = address.rsplit('/').next().context("a database")?.to_owned();
        let bench = Self { program, host: host.to_owned(), database };
        bench.run(&["-i", "-q", "-s", SCALE])?;
        Ok(Some(bench))
    }

    fn run(&self, args: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.program);
        command.args(["-h", &self.host, "-U", "punchcard"]).args(args).arg(&self.database);
        let output = command.output()?;
        ensure!(output.status.success(), "pgbench: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Transactions a second over so many seconds.
    pub fn rate(&self, seconds: u64) -> Result<f64> {
        let printed = self.run(&["-n", "-c", CLIENTS, "-j", "2", "-T", &seconds.to_string()])?;
        let rate = printed.lines().find_map(|line| line.strip_prefix("tps = ")).context("tps")?;
        Ok(rate.split_whitespace().next().context("a rate")?.parse()?)
    }
}
