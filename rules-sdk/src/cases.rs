//! Runs a policy's `cases.json` natively: no wasm target, no host.
//!
//! The host runs the very same file on the built component before it publishes a policy, so both sides read one
//! format. The file is `{"cases": [CASE, …]}`; a case is
//!
//! ```json
//! {
//!   "name": "signing in gives 12 points",
//!   "params": {"sign_in_points": 12},
//!   "facts": {"now": "2026-11-21T08:30", "member": {"tier": "金卡"},
//!             "stats": [{"metric": "spend_fen", "days": 365, "value": 120000}]},
//!   "event": "sign_in",
//!   "expect": {
//!     "effects": [{"rule": "sign-in", "effect": {"grant_points": {"amount": 12}}}],
//!     "reasons": [{"rule": "sign-in", "outcome": "applied"}]
//!   }
//! }
//! ```
//! `name`, `event` and `expect` are required. A field nobody knows is an error that names it.
//! `rules-sdk/README.md` lists every type, what may be left out and what it then is.

mod diff;
mod read;

use crate::guest::Policy;
use crate::types::{Decision, Reason};
use read::{Case, ExpectedReason};
use std::fmt::Write as _;

/// Runs a case file and returns how many cases it has.
///
/// # Errors
/// A report for reading: what the file says wrongly, or every case that failed with a diff.
pub fn run<P: Policy>(json: &str) -> Result<usize, String> {
    let description = P::describe();
    let cases = read::file(json)?;
    let mut report = String::new();
    for (number, case) in cases.iter().enumerate() {
        let failure = read::case(case, &description).and_then(|case| judge(&case, decide::<P>(&case)));
        if let Err(text) = failure {
            let name = case.get("name").and_then(serde_json::Value::as_str).unwrap_or("without a name");
            let _ = writeln!(report, "case {} ({name}):\n{text}", number + 1);
        }
    }
    match (report.is_empty(), cases.len()) {
        (true, 0) => Err("the file has no cases; a policy without cases is not published".to_owned()),
        (true, count) => Ok(count),
        (false, _) => Err(report),
    }
}

/// Runs a case file inside a test.
///
/// # Panics
/// With the report, if a case fails or there is none.
#[track_caller]
#[expect(clippy::panic, reason = "the way a test fails")]
pub fn check<P: Policy>(json: &str) {
    if let Err(report) = run::<P>(json) {
        panic!("\n{report}");
    }
}

fn decide<P: Policy>(case: &Case) -> Decision {
    P::evaluate(case.params.clone(), case.facts.clone(), case.event.clone())
}

fn judge(case: &Case, decision: Decision) -> Result<(), String> {
    let mut report = String::new();
    if decision.effects != case.effects {
        report += "  effects differ (- expected, + decided):\n";
        report += &diff::lines(&diff::pretty(&case.effects), &diff::pretty(&decision.effects));
    }
    for expected in &case.reasons {
        if !decision.reasons.iter().any(|reason| expected.fits(reason)) {
            let _ = writeln!(report, "  no reason like {}; there are:", diff::compact(expected));
            for reason in &decision.reasons {
                let _ = writeln!(report, "    {}", diff::compact(reason));
            }
        }
    }
    if report.is_empty() { Ok(()) } else { Err(report) }
}

impl ExpectedReason {
    /// Compares what the case lists, and nothing else.
    fn fits(&self, reason: &Reason) -> bool {
        fn same<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
            wanted.is_none() || wanted == found
        }
        let numbers = reason.compared.as_ref();
        let compared = self.compared.as_ref().is_none_or(|wanted| {
            same(wanted.what.as_ref(), numbers.map(|c| &c.what))
                && same(wanted.have.as_ref(), numbers.map(|c| &c.have))
                && same(wanted.need.as_ref(), numbers.map(|c| &c.need))
                && numbers.is_some()
        });
        let (outcome, text) = (Some(&reason.outcome), Some(&reason.text));
        self.rule == reason.rule && same(self.outcome.as_ref(), outcome) && same(self.text.as_ref(), text) && compared
    }
}

#[cfg(test)]
mod tests;
