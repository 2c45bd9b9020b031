//! `punchcard policy publish`, `list`, `rollback` and `unpublish`.

use super::{
    Said,
    book::{Book, Kept, Line, Page},
    place::Found,
    settings::Settings,
    subject::{Compiling, Subject, shown},
    table::{Table, counted},
    test,
};
use crate::cases::Given;
use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use ledger::Description;
use std::path::PathBuf;

/// Bytes of a name in a rulebook.
const NAME_BYTES_MAX: usize = 64;
/// Policies of one rulebook, as the admin interface has it.
const POLICIES_MAX: usize = 32;
/// Digits of a digest that are shown: enough to tell versions apart.
const DIGEST_DIGITS: usize = 12;

/// Check, test and publish a policy in a tenant's rulebook.
#[derive(Debug, Args)]
pub struct Publish {
    /// A folder, a .rhai file or a .wasm file, with cases.json beside it.
    path: PathBuf,
    #[command(flatten)]
    kept: Kept,
    /// Its name in the rulebook, if not the one it gives itself.
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    settings: Settings,
    /// Its place in the rulebook, counted from 1: policies see what those before them took off a receipt.
    #[arg(long, value_name = "N")]
    position: Option<usize>,
    /// Why; kept with the rulebook.
    #[arg(long, default_value = "")]
    note: String,
    #[command(flatten)]
    compiling: Compiling,
}

/// Show a tenant's rulebook and its versions.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    kept: Kept,
}

/// Publish the policies of an earlier rulebook again.
#[derive(Debug, Args)]
pub struct Rollback {
    #[command(flatten)]
    kept: Kept,
    /// Which version, if not the one before.
    #[arg(long, value_name = "VERSION")]
    to: Option<i64>,
}

/// Take a policy out of the rulebook.
#[derive(Debug, Args)]
pub struct Unpublish {
    /// Its name in the rulebook.
    name: String,
    #[command(flatten)]
    kept: Kept,
}

impl Publish {
    pub(super) async fn run(&self) -> anyhow::Result<Said> {
        let found = Found::at(&self.path)?;
        let book = self.kept.open().await?;
        let engine = book.engine().map_or_else(|| self.compiling.engine(), Ok)?;
        let subject = Subject::admit(found, engine)?;
        let cases = self.tested(&subject)?;
        let name = self.name.clone().unwrap_or_else(|| subject.policy.description().name.clone());
        check_name(&name)?;
        let before = book.current().await?;
        let (lines, dropped) = self.next(&name, &subject, &before)?;
        book.store(&name, &subject).await?;
        if lines == before.entries {
            return Ok(Said::well(format!(
                "{name} is in force already, with these settings; rulebook version {} stays\n",
                before.version
            )));
        }
        let note = if self.note.is_empty() { format!("publish {name}") } else { self.note.clone() };
        let version = book.publish(before.version, &lines, &note).await?;
        let text = format!("{cases} hold\n{}", changed(&before, version, &lines));
        Ok(Said::well(text).warning(dropped.as_deref()).warning(subject.found.warning.as_deref()))
    }

    /// Runs the cases as they are written: they say themselves which settings they are about.
    fn tested(&self, subject: &Subject) -> anyhow::Result<String> {
        let report = test::run(subject, &Settings::default())?;
        if report.failed() > 0 {
            let findings = report.findings().join("");
            bail!(
                "{} of {} do not hold, so nothing was published\n{findings}",
                report.failed(),
                counted(report.cases.len(), "case")
            );
        }
        Ok(counted(report.cases.len(), "case"))
    }

    /// The rulebook with this policy in its place, and what of its settings does not fit it any more.
    fn next(&self, name: &str, subject: &Subject, before: &Page) -> anyhow::Result<(Vec<Line>, Option<String>)> {
        let told = subject.policy.description();
        let mut lines = before.entries.clone();
        let at = lines.iter().position(|line| line.name == name);
        let kept = at.map(|at| lines.remove(at).params).unwrap_or_default();
        let (mut params, dropped) = carried(told, kept);
        params.extend(self.settings.given(told)?);
        told.settle(&params)?;
        let place = match self.position {
            None => at.unwrap_or(lines.len()),
            Some(place) if (1..=lines.len() + 1).contains(&place) => place - 1,
            Some(place) => bail!("position {place} is outside the rulebook; it is from 1 to {}", lines.len() + 1),
        };
        lines.insert(place, Line { name: name.to_owned(), digest: subject.admitted.digest.clone(), params });
        if lines.len() > POLICIES_MAX {
            bail!("a rulebook has at most {POLICIES_MAX} policies; take one out first");
        }
        Ok((lines, dropped))
    }
}

/// A name fits an address and a file.
fn check_name(name: &str) -> anyhow::Result<()> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(fits) {
        bail!(
            "{name:?} cannot be a name in a rulebook: write 1 to {NAME_BYTES_MAX} letters, digits, or - _ . with --as"
        );
    }
    Ok(())
}

/// Settings of the version before that the new one still takes, and a word about the others.
fn carried(told: &Description, kept: Given) -> (Given, Option<String>) {
    let fits = |name: &String, value: &ledger::ParamValue| {
        told.params.iter().any(|param| param.name == *name && param.accept(value.clone()).is_ok())
    };
    let (keep, drop): (Given, Given) = kept.into_iter().partition(|(name, value)| fits(name, value));
    let names = drop.keys().cloned().collect::<Vec<_>>().join(", ");
    let note = format!("the new version does not take what was set for {names}; its defaults stand there now");
    (keep, Some(note).filter(|_| !drop.is_empty()))
}

impl List {
    pub(super) async fn run(&self) -> anyhow::Result<Said> {
        let book = self.kept.open().await?;
        let current = book.current().await?;
        if current.version == 0 {
            return Ok(Said::well(
                "no rulebook has been published yet; `punchcard policy publish` publishes the first\n",
            ));
        }
        let mut lines = Table::new(["#", "policy", "digest", "settings", "summary"]);
        let summaries = book.summaries(&current.entries).await?;
        for (at, (line, summary)) in current.entries.iter().zip(summaries).enumerate() {
            lines.row([(at + 1).to_string(), line.name.clone(), short(line), settings(&line.params), summary]);
        }
        let mut versions = Table::new(["version", "published", "by", "note", "policies"]);
        for page in book.history().await? {
            let names = page.entries.iter().map(|line| line.name.as_str()).collect::<Vec<_>>().join(", ");
            versions.row([page.version.to_string(), page.at, page.by, page.note, names]);
        }
        Ok(Said::well(format!("rulebook version {}\n{lines}\n{versions}", current.version)))
    }
}

impl Rollback {
    pub(super) async fn run(&self) -> anyhow::Result<Said> {
        let book = self.kept.open().await?;
        let before = book.current().await?;
        let to = match self.to {
            Some(version) => version,
            None if before.version > 1 => before.version - 1,
            None => bail!("there is no rulebook before version {}", before.version),
        };
        let lines = book.version(to).await?.entries;
        if lines == before.entries {
            return Ok(Said::well(format!("rulebook version {} already is as version {to} was\n", before.version)));
        }
        let version = book.publish(before.version, &lines, &format!("roll back to version {to}")).await?;
        Ok(Said::well(format!("as in version {to} again\n{}", changed(&before, version, &lines))))
    }
}

impl Unpublish {
    pub(super) async fn run(&self) -> anyhow::Result<Said> {
        let book = self.kept.open().await?;
        let before = book.current().await?;
        let lines: Vec<Line> = before.entries.iter().filter(|line| line.name != self.name).cloned().collect();
        if lines.len() == before.entries.len() {
            let names = before.entries.iter().map(|line| line.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(anyhow!("{} is not in the rulebook; it has {names}", self.name));
        }
        let version = publish(&book, &before, &lines, &self.name).await?;
        Ok(Said::well(changed(&before, version, &lines)))
    }
}

async fn publish(book: &Book, before: &Page, lines: &[Line], name: &str) -> anyhow::Result<i64> {
    book.publish(before.version, lines, &format!("unpublish {name}")).await.context("nothing was changed")
}

/// What a new rulebook changed.
fn changed(before: &Page, version: i64, lines: &[Line]) -> String {
    let mut table = Table::new(["#", "policy", "digest", "settings", ""]);
    for (at, line) in lines.iter().enumerate() {
        let change = match before.entries.iter().find(|known| known.name == line.name) {
            None => "new",
            Some(known) if known.digest != line.digest => "another version",
            Some(known) if known.params != line.params => "other settings",
            Some(_) => "",
        };
        table.row([(at + 1).to_string(), line.name.clone(), short(line), settings(&line.params), change.to_owned()]);
    }
    for gone in before.entries.iter().filter(|known| !lines.iter().any(|line| line.name == known.name)) {
        table.row(["-", &gone.name, &short(gone), "", "taken out"]);
    }
    format!("rulebook version {} → {version}, in force from the next event on\n{table}", before.version)
}

fn short(line: &Line) -> String {
    line.digest.as_str().chars().take(DIGEST_DIGITS).collect()
}

fn settings(params: &Given) -> String {
    if params.is_empty() {
        return "defaults".to_owned();
    }
    params.iter().map(|(name, value)| format!("{name}={}", shown(value))).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
