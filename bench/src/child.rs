//! What must be measured in a process of its own: system calls, memory. The child is this program again.

use crate::{engine, tenants};
use anyhow::{Context as _, Result, bail, ensure};
use std::{path::Path, process::Command};

const CHILD: &str = "__child";

/// Does what a child was started for; nothing in a process that is no child.
pub fn main() -> Option<Result<()>> {
    let mut args = std::env::args().skip(1);
    (args.next()? == CHILD).then(|| {
        let (what, of) = (args.next().context("what")?, args.next().context("of what")?);
        match what.as_str() {
            "evaluate" => engine::evaluate_often(of.parse()?),
            "load" => tenants::load_all(Path::new(&of)),
            other => bail!("a child is not started for {other}"),
        }
    })
}

fn own(what: &str, of: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([CHILD, what, of]);
    Ok(command)
}

/// What a child printed.
pub fn output(what: &str, of: &str) -> Result<String> {
    let output = own(what, of)?.output()?;
    ensure!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// The system calls of a child's main thread that evaluates so often; nothing without strace. The engine's clock has
/// a thread of its own, whose sleeps depend on time and not on evaluations.
pub fn system_calls(evaluations: usize) -> Result<Option<u64>> {
    if Command::new("strace").arg("-V").output().is_err() {
        return Ok(None);
    }
    let summary = tempfile::NamedTempFile::new()?;
    let child = own("evaluate", &evaluations.to_string())?;
    let mut strace = Command::new("strace");
    strace.args(["-c", "-U", "calls,name", "-o"]).arg(summary.path()).arg(child.get_program()).args(child.get_args());
    let output = strace.output()?;
    ensure!(output.status.success(), "strace: {}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(summary.path())?;
    let total = text.lines().rev().find(|line| line.trim_end().ends_with("total")).context("strace's total")?;
    Ok(Some(total.split_whitespace().next().context("a count")?.parse()?))
}
