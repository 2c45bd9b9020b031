//! A policy from disk, admitted as the host would admit it and ready to be asked.

use super::{
    place::Found,
    table::{Table, grouped},
};
use crate::host::compiler;
use anyhow::{Context as _, anyhow};
use clap::Args;
use engine::{Admitted, ArtifactKey, Compiler, Engine, Limits, Placed, Policy, Refusal, Rulebook, Source};
use ledger::{Event, ParamKind, ParamValue, StatNeed};
use std::path::{Path, PathBuf};

/// Where components are compiled.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Compiling {
    /// Compile components in this process, without the limits of a child: for components you built yourself.
    #[arg(long)]
    pub(super) in_process: bool,
}

impl Compiling {
    /// An engine with the limits of every host, and a seal that means nothing outside this process.
    pub(super) fn engine(self) -> anyhow::Result<Engine> {
        let compiler = if self.in_process { Compiler::InProcess } else { compiler()? };
        Engine::new(Limits::default(), ArtifactKey::new([0; 32]), compiler).context("cannot start the sandbox")
    }
}

/// A policy that passed the host's checks.
pub(super) struct Subject {
    pub found: Found,
    pub engine: Engine,
    pub policy: Policy,
    pub admitted: Admitted,
}

impl Subject {
    /// Reads and admits the policy at a path.
    ///
    /// # Errors
    /// What is missing, or the host's refusal with the line it is about.
    pub(super) fn at(path: &Path, compiling: Compiling) -> anyhow::Result<Self> {
        let found = Found::at(path)?;
        Self::admit(found, compiling.engine()?)
    }

    /// Admits a policy on this engine.
    ///
    /// # Errors
    /// The engine's refusal with the line it is about.
    pub(super) fn admit(found: Found, engine: Engine) -> anyhow::Result<Self> {
        let admitted = engine.admit(&found.source).map_err(|refusal| refused(&found, &refusal))?;
        let policy = engine.load(&admitted.digest, &admitted.artifact)?;
        Ok(Self { found, engine, policy, admitted })
    }

    /// A rulebook of this policy alone.
    pub(super) fn rulebook(&self, params: Vec<ParamValue>) -> anyhow::Result<Rulebook> {
        let name = &self.policy.description().name;
        Ok(Rulebook::new(vec![Placed::new(name, self.policy.clone(), params)?]))
    }

    /// What its cost is counted in.
    pub(super) fn unit(&self) -> &'static str {
        match self.found.source {
            Source::Wasm(_) => "fuel",
            Source::Rhai(_) => "operations",
        }
    }

    /// The most it may use on an event.
    pub(super) fn fuel_max(&self, event: &Event) -> u64 {
        let lines = if let Event::Receipt(receipt) = event { receipt.lines.len() } else { 0 };
        match self.found.source {
            Source::Wasm(_) => self.engine.limits().fuel_for(lines),
            Source::Rhai(_) => self.engine.limits().operations_for(lines),
        }
    }

    /// What it says about itself, as a page.
    pub(super) fn page(&self) -> String {
        let told = self.policy.description();
        let (language, most) = match self.found.source {
            Source::Wasm(_) => ("Wasm component", self.engine.limits().component_bytes_max),
            Source::Rhai(_) => ("Rhai script", self.engine.limits().script_bytes_max),
        };
        let size = format!("{} bytes of at most {}", grouped(bytes(&self.found.source)), grouped(most as u64));
        let events = told.events.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(", ");
        let mut facts = Table::new(["name", told.name.as_str()]);
        facts.row(["summary", told.summary.as_str()]);
        facts.row(["language", language]);
        facts.row(["digest", self.admitted.digest.as_str()]);
        facts.row(["size", &size]);
        facts.row(["events", &events]);
        facts.row(["stats", &stats(&told.stats)]);
        if told.params.is_empty() {
            return format!("{facts}\nno parameters\n");
        }
        let mut params = Table::new(["parameter", "default", "takes", "label"]);
        for param in &told.params {
            params.row([param.name.as_str(), &shown(&param.default), &takes(&param.kind), &param.label]);
        }
        format!("{facts}\n{params}")
    }
}

/// Bytes of the upload.
pub(super) fn bytes(source: &Source) -> u64 {
    source.bytes().len() as u64
}

/// A value as one would write it behind `--params name=`.
pub(super) fn shown(value: &ParamValue) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn takes(kind: &ParamKind) -> String {
    match kind {
        // The bounds of "any number" are noise.
        ParamKind::Number(low, high) if (*low, *high) == (-ledger::AMOUNT_MAX, ledger::AMOUNT_MAX) => {
            "a whole number".to_owned()
        }
        kind => kind.in_words(),
    }
}

fn stats(needs: &[StatNeed]) -> String {
    let one = |need: &StatNeed| {
        let metric = serde_json::to_value(need.metric).ok().and_then(|name| name.as_str().map(str::to_owned));
        let window = if need.days == 0 { "of all time".to_owned() } else { format!("over {} days", need.days) };
        format!("{} {window}", metric.unwrap_or_default())
    };
    if needs.is_empty() { "none".to_owned() } else { needs.iter().map(one).collect::<Vec<_>>().join(", ") }
}

/// A refusal with the file, and the line of a script it is about.
fn refused(found: &Found, refusal: &Refusal) -> anyhow::Error {
    let excerpt = match &found.source {
        Source::Rhai(text) => excerpt(text, &refusal.text).unwrap_or_default(),
        Source::Wasm(_) => String::new(),
    };
    anyhow!("{} is refused ({}): {}{excerpt}", found.file.display(), refusal.code, refusal.text)
}

/// The line a text like `line 3, column 5: …` is about, with a mark under the column.
pub(super) fn excerpt(script: &str, text: &str) -> Option<String> {
    let (place, _) = text.strip_prefix("line ")?.split_once(':')?;
    let (line, column) = match place.split_once(", column ") {
        Some((line, column)) => (line.parse::<usize>().ok()?, column.parse::<usize>().ok()?),
        None => (place.parse::<usize>().ok()?, 0),
    };
    let shown = script.lines().nth(line.checked_sub(1)?)?;
    let mark = match column.checked_sub(1) {
        None => String::new(),
        // Tabs before the mark stay tabs, so that it stands under its column.
        Some(before) => {
            let blank = shown.chars().take(before).map(|c| if c == '\t' { c } else { ' ' }).collect::<String>();
            format!("\n{:>5}   {blank}^", "")
        }
    };
    Some(format!("\n{line:>5} | {shown}{mark}"))
}

/// Where a path leads, for messages.
pub(super) fn path_of(folder: &Path, name: &str) -> PathBuf {
    if folder.as_os_str().is_empty() { PathBuf::from(name) } else { folder.join(name) }
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn the_line_is_shown_with_its_column() {
        let script = "fn a() {\n\tlet x = ;\n}\n";
        let shown = excerpt(script, "line 2, column 10: expecting a value");
        assert_eq!(shown.as_deref(), Some("\n    2 | \tlet x = ;\n        \t        ^"));
        assert_eq!(excerpt(script, "line 2: somewhere").as_deref(), Some("\n    2 | \tlet x = ;"));
        assert_eq!(excerpt(script, "line 9, column 1: beyond"), None);
        assert_eq!(excerpt(script, "nowhere"), None);
    }
}
