//! `punchcard policy test`.

use super::{
    Said,
    settings::Settings,
    subject::{Compiling, Subject},
    table::{counted, grouped},
};
use crate::cases::{self, Ran, Report};
use anyhow::Context as _;
use clap::Args;
use std::{fmt::Write as _, path::PathBuf};

/// Run a policy's cases on the engine that will run it.
#[derive(Debug, Args)]
pub struct Test {
    /// A folder, a .rhai file or a .wasm file, with cases.json beside it.
    path: PathBuf,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    compiling: Compiling,
}

impl Test {
    pub(super) fn run(&self) -> anyhow::Result<Said> {
        let subject = Subject::at(&self.path, self.compiling)?;
        let report = run(&subject, &self.settings)?;
        let said = Said { text: shown(&subject, &report), well: report.failed() == 0 };
        Ok(said.warning(subject.found.warning.as_deref()))
    }
}

/// Runs the cases; what a case leaves out is as the settings say.
pub(super) fn run(subject: &Subject, settings: &Settings) -> anyhow::Result<Report> {
    let json = subject.found.cases()?;
    let given = settings.given(subject.policy.description())?;
    let path = || subject.found.cases.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
    cases::run(&subject.engine, &subject.policy, &json, &given).with_context(path)
}

/// One line for each case, what is wrong below it, and what they cost.
fn shown(subject: &Subject, report: &Report) -> String {
    let mut text = String::new();
    for case in &report.cases {
        // Writing to a String cannot fail.
        let _ = write!(text, "{}", one(case));
    }
    let failed = match report.failed() {
        0 => "all hold".to_owned(),
        1 => "1 does not hold".to_owned(),
        many => format!("{many} do not hold"),
    };
    let _ = writeln!(text, "\n{}: {failed}", counted(report.cases.len(), "case"));
    if let Some([least, median, most]) = spread(report.cases.iter().map(|case| case.fuel_used).filter(|fuel| *fuel > 0))
    {
        let [least, median, most] = [least, median, most].map(grouped);
        let unit = subject.unit();
        let limit = grouped(subject.fuel_max(&ledger::Event::SignIn));
        let _ = writeln!(
            text,
            "{unit}: least {least}, median {median}, most {most}; at most {limit} for an event, more with lines"
        );
    }
    text
}

fn one(case: &Ran) -> String {
    let Some(failure) = &case.failure else { return format!("ok    {}\n", case.name) };
    let log: String = case.log.iter().map(|line| format!("  log: {line}\n")).collect();
    let below: String = failure.lines().chain(log.lines()).map(|line| format!("    {line}\n")).collect();
    format!("FAIL  {}\n{below}", case.name)
}

/// Least, median and most.
pub(super) fn spread(of: impl Iterator<Item = u64>) -> Option<[u64; 3]> {
    let mut all: Vec<u64> = of.collect();
    all.sort_unstable();
    Some([*all.first()?, *all.get(all.len() / 2)?, *all.last()?])
}

#[cfg(test)]
mod tests;
