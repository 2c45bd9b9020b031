//! GoRules' engine, in a process of its own: see `zen/src/main.rs`.

use super::{
    Verdict,
    given::{Asked, Given},
};
use crate::{cases::Case, rounds::Side};
use anyhow::{Context as _, Result};
use std::{
    io::{BufRead as _, BufReader, Lines, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// The running program. It ends when its input does.
pub struct Zen {
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Zen {
    /// Starts it with all inputs, and gives its verdicts; nothing if it was not built.
    pub fn start(cases: &[Case], given: Given) -> Result<Option<(Self, Vec<Verdict>)>> {
        let program = std::env::current_exe()?.with_file_name("zen");
        if !program.exists() {
            return Ok(None);
        }
        let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = (child.stdin.take().context("input")?, child.stdout.take().context("output")?);
        let mut zen = Self { _child: child, input, output: BufReader::new(output).lines() };
        let asked: Vec<Asked<'_>> = cases.iter().map(|case| Asked::of(case, given)).collect();
        let verdicts = serde_json::from_str(&zen.ask(&serde_json::to_string(&asked)?)?)?;
        Ok(Some((zen, verdicts)))
    }

    fn ask(&mut self, line: &str) -> Result<String> {
        writeln!(self.input, "{line}")?;
        self.output.next().context("the zen process ended")?.context("its answer")
    }

    /// A side that evaluates over there, for as long as it is told, by the clock over there.
    pub fn side(&mut self, name: &'static str) -> Side<'_> {
        Side::timed(name, |slice| {
            let times = self.ask(&slice.as_micros().to_string()).expect("answers");
            serde_json::from_str(&times).expect("times")
        })
    }
}
