//! Runs a policy's `cases.json` on the engine that will run the policy: the gate before publishing.
//!
//! The SDK runs the very same files natively while a rule is written. `rules-sdk/README.md` describes the format.

mod diff;
mod read;

pub use read::{event, facts};

use engine::{Engine, EvalFault, Placed, Policy, Rulebook};
use ledger::{Answer, ParamValue, Reason, RuledEffect};
use read::{Case, ExpectedReason};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt::Write as _};

/// Settings by their names, as a merchant gives them.
pub type Given = BTreeMap<String, ParamValue>;

/// Cases one file may hold. Each costs about a millisecond at worst; more than this is no test but a load.
pub const CASES_MAX: usize = 1_000;

/// Why a file of cases could not be run at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CasesError {
    /// It is no file of cases.
    #[error("the file of cases: {0}")]
    Malformed(String),
    /// It holds no case.
    #[error("the file has no cases; a policy without cases is not published")]
    Empty,
    /// It holds too many.
    #[error("the file has {0} cases; at most {CASES_MAX} are run")]
    TooMany(usize),
    /// The machine failed, not the policy.
    #[error(transparent)]
    Fault(#[from] EvalFault),
}

/// What came of a file of cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Every case, in the order of the file.
    pub cases: Vec<Ran>,
}

/// What came of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Its name in the file.
    pub name: String,
    /// Wasm fuel or Rhai operations; 0 if it was not run.
    pub fuel_used: u64,
    /// What is wrong, as indented lines for reading; absent if the case holds.
    pub failure: Option<String>,
    /// Lines the policy noted.
    pub log: Vec<String>,
}

impl Report {
    /// How many cases do not hold.
    pub fn failed(&self) -> usize {
        self.cases.iter().filter(|case| case.failure.is_some()).count()
    }

    /// One finding for each case that does not hold.
    pub fn findings(&self) -> Vec<String> {
        let finding = |(number, case): (usize, &Ran)| {
            let failure = case.failure.as_ref()?;
            Some(format!("case {} ({}):\n{failure}", number + 1, case.name))
        };
        self.cases.iter().enumerate().filter_map(finding).collect()
    }
}

/// Runs every case of a file. `set` stands where a case leaves a parameter out; what neither sets is the default.
///
/// # Errors
/// [`CasesError`] if there is nothing to run or the machine fails. A case that cannot be read is a failed case.
pub fn run(engine: &Engine, policy: &Policy, json: &str, set: &Given) -> Result<Report, CasesError> {
    let written = read::file(json).map_err(CasesError::Malformed)?;
    match written.len() {
        0 => return Err(CasesError::Empty),
        count if count > CASES_MAX => return Err(CasesError::TooMany(count)),
        _ => {}
    }
    let cases = written.iter().map(|case| run_one(engine, policy, case, set)).collect::<Result<_, _>>()?;
    Ok(Report { cases })
}

fn run_one(engine: &Engine, policy: &Policy, written: &Map<String, Value>, set: &Given) -> Result<Ran, CasesError> {
    let name = written.get("name").and_then(Value::as_str).unwrap_or("without a name").to_owned();
    let unread = |failure: String| Ran { name: name.clone(), fuel_used: 0, failure: Some(failure), log: Vec::new() };
    let case = match read::case(written, policy.description(), set) {
        Ok(case) => case,
        Err(failure) => return Ok(unread(failure)),
    };
    let placed = match Placed::new(&policy.description().name, policy.clone(), case.params.clone()) {
        Ok(placed) => placed,
        Err(why) => return Ok(unread(format!("  params: {why}\n"))),
    };
    let traced = engine.trace(&Rulebook::new(vec![placed]), &case.facts, &case.event)?;
    let fuel_used = traced.decision.0.iter().map(|decision| decision.fuel_used).sum();
    // A policy that does not handle the event has decided nothing.
    let nothing = Answer::Decided { effects: Vec::new(), reasons: Vec::new() };
    let answer = traced.decision.0.into_iter().next().map_or(nothing, |decision| decision.answer);
    let log = traced.log.into_iter().map(|line| line.text).collect();
    Ok(Ran { name, fuel_used, failure: judge(&case, &answer), log })
}

/// What of a case does not hold, in words.
fn judge(case: &Case, answer: &Answer) -> Option<String> {
    let (effects, reasons) = match answer {
        Answer::Decided { effects, reasons } => (effects, reasons),
        Answer::Failed { code, text } => return Some(format!("  the policy failed ({code}): {text}\n")),
    };
    let mut report = differences(&case.effects, effects);
    for expected in &case.reasons {
        if !reasons.iter().any(|reason| expected.fits(reason)) {
            // Writing to a String cannot fail.
            let _ = writeln!(report, "  no reason like {}; there are:", diff::compact(expected));
            for reason in reasons {
                let _ = writeln!(report, "    {}", diff::compact(reason));
            }
        }
    }
    Some(report).filter(|report| !report.is_empty())
}

fn differences(expected: &[RuledEffect], decided: &[RuledEffect]) -> String {
    if expected == decided {
        return String::new();
    }
    let lines = diff::lines(&diff::pretty(expected), &diff::pretty(decided));
    format!("  effects differ (- expected, + decided):\n{lines}")
}

impl ExpectedReason {
    /// Compares what the case lists, and nothing else.
    fn fits(&self, reason: &Reason) -> bool {
        fn same<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
            wanted.is_none() || wanted == found
        }
        let numbers = reason.compared.as_ref();
        let compared = self.compared.as_ref().is_none_or(|wanted| {
            numbers.is_some()
                && same(wanted.what.as_ref(), numbers.map(|c| &c.what))
                && same(wanted.have.as_ref(), numbers.map(|c| &c.have))
                && same(wanted.need.as_ref(), numbers.map(|c| &c.need))
        });
        let (outcome, text) = (Some(&reason.outcome), Some(&reason.text));
        self.rule == reason.rule && same(self.outcome.as_ref(), outcome) && same(self.text.as_ref(), text) && compared
    }
}

#[cfg(test)]
mod tests;
