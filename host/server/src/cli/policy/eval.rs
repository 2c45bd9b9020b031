//! `punchcard policy eval`: one question, or every receipt of a file of baskets.

use super::{
    Said,
    settings::Settings,
    subject::{Compiling, Subject, excerpt},
    table::{Table, counted, grouped},
    trial::{self, Trial},
};
use crate::cases;
use anyhow::{Context as _, anyhow};
use clap::Args;
use engine::{LogLine, Source};
use ledger::{Answer, Effect, Event, Facts, Outcome, PolicyDecision, Reason, RuledEffect};
use serde_json::{Map, Value, json};
use std::{
    fmt::Write as _,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

/// Bytes of an event or of facts read from a file.
const INPUT_BYTES_MAX: u64 = 4 << 20;

/// Ask a policy about one event, or about every receipt of a file of baskets.
#[derive(Debug, Args)]
pub struct Eval {
    /// A folder, a .rhai file or a .wasm file.
    path: PathBuf,
    /// The event as JSON, as in cases.json; `-` reads standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "baskets")]
    event: Option<PathBuf>,
    /// The facts as JSON, as in cases.json; without, a member nobody knows anything about.
    #[arg(long, value_name = "FILE", conflicts_with = "baskets")]
    facts: Option<PathBuf>,
    /// Receipts as JSON lines, packed or plain; `shipped` is two real weeks of 154 stores, built in.
    #[arg(long, value_name = "FILE")]
    baskets: Option<PathBuf>,
    /// With --baskets: every member's tier.
    #[arg(long, value_name = "TIER", requires = "baskets", default_value = "")]
    member_tier: String,
    /// With --baskets: stop after so many receipts.
    #[arg(long, value_name = "N", requires = "baskets")]
    limit: Option<usize>,
    #[command(flatten)]
    settings: Settings,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    compiling: Compiling,
}

impl Eval {
    pub(super) fn run(&self) -> anyhow::Result<Said> {
        let subject = Subject::at(&self.path, self.compiling)?;
        let told = subject.policy.description();
        let params = told.settle(&self.settings.given(told)?)?;
        let warning = subject.found.warning.clone();
        let said = match (&self.baskets, &self.event) {
            (Some(baskets), _) => {
                let trial = Trial { subject: &subject, params, tier: &self.member_tier, limit: self.limit };
                Ok(Said::well(trial::shown(&subject, &trial.run(baskets)?, self.json)))
            }
            (None, Some(event)) => self.one(&subject, params, event),
            (None, None) => {
                Err(anyhow!("give --event FILE for one question, or --baskets shipped for two weeks of receipts"))
            }
        };
        said.map(|said| said.warning(warning.as_deref()))
    }

    fn one(&self, subject: &Subject, params: Vec<ledger::ParamValue>, event: &Path) -> anyhow::Result<Said> {
        let said = |why: String| anyhow!("{}", why.trim());
        let event = cases::event(read(event)?).map_err(said).with_context(|| event.display().to_string())?;
        let facts = match &self.facts {
            Some(path) => read_facts(path, subject).with_context(|| path.display().to_string())?,
            None => Facts { member: Some(ledger::MemberFacts::default()), ..Facts::default() },
        };
        let traced = subject.engine.trace(&subject.rulebook(params)?, &facts, &event)?;
        let Some(decision) = traced.decision.0.first() else {
            return Err(anyhow!("{} does not handle the event {}", self.path.display(), event.kind().as_str()));
        };
        let asked = Asked { subject, event: &event, decision, log: &traced.log };
        let well = matches!(decision.answer, Answer::Decided { .. });
        Ok(Said { text: if self.json { asked.json() } else { asked.text() }, well })
    }
}

fn read(path: &Path) -> anyhow::Result<Value> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(INPUT_BYTES_MAX).read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|file| file.take(INPUT_BYTES_MAX).read_to_string(&mut text))
    };
    read.with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}

fn read_facts(path: &Path, subject: &Subject) -> anyhow::Result<Facts> {
    let written: Map<String, Value> = serde_json::from_value(read(path)?).context("facts are an object")?;
    cases::facts(written, subject.policy.description()).map_err(|why| anyhow!("{}", why.trim()))
}

/// One answered question.
struct Asked<'a> {
    subject: &'a Subject,
    event: &'a Event,
    decision: &'a PolicyDecision,
    log: &'a [LogLine],
}

impl Asked<'_> {
    fn json(&self) -> String {
        let log: Vec<&str> = self.log.iter().map(|line| line.text.as_str()).collect();
        let mut told = json!({
            "policy": self.decision.policy,
            "digest": self.decision.digest,
            "fuel_used": self.decision.fuel_used,
            "fuel_max": self.subject.fuel_max(self.event),
            "log": log,
        });
        let answer = match &self.decision.answer {
            Answer::Decided { effects, reasons } => json!({"effects": effects, "reasons": reasons}),
            Answer::Failed { code, text } => json!({"failed": {"code": code, "text": text}}),
        };
        if let (Value::Object(told), Value::Object(answer)) = (&mut told, answer) {
            told.extend(answer);
        }
        format!("{told:#}\n")
    }

    fn text(&self) -> String {
        let (used, most) = (self.decision.fuel_used, self.subject.fuel_max(self.event));
        let mut text = match &self.decision.answer {
            Answer::Decided { effects, reasons } => decided(effects, reasons),
            Answer::Failed { code, text } => format!("the policy failed ({code}): {text}{}\n", self.place(text)),
        };
        for line in self.log {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "log: {}", line.text);
        }
        let _ = writeln!(text, "\n{} of {} {}", grouped(used), grouped(most), self.subject.unit());
        text
    }

    fn place(&self, text: &str) -> String {
        match &self.subject.found.source {
            Source::Rhai(script) => excerpt(script, text).unwrap_or_default(),
            Source::Wasm(_) => String::new(),
        }
    }
}

fn decided(effects: &[RuledEffect], reasons: &[Reason]) -> String {
    let mut gives = Table::default();
    for ruled in effects {
        gives.row([format!("  {}", ruled.rule), in_words(&ruled.effect)]);
    }
    let mut why = Table::default();
    for reason in reasons {
        why.row([format!("  {}", outcome(reason.outcome)), reason.rule.clone(), said(reason)]);
    }
    let (asked, given) = (counted(effects.len(), "effect"), counted(reasons.len(), "reason"));
    format!("{asked}\n{gives}{given}\n{why}")
}

fn said(reason: &Reason) -> String {
    match &reason.compared {
        None => reason.text.clone(),
        Some(c) => format!("{} ({}: has {}, needs {})", reason.text, c.what, c.have, c.need),
    }
}

pub(super) const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Applied => "applied",
        Outcome::Missed => "missed",
        Outcome::Skipped => "skipped",
    }
}

/// An effect as a sentence.
fn in_words(effect: &Effect) -> String {
    match effect {
        Effect::GrantPoints(grant) => format!("gives {} points{}", grant.amount, options(grant)),
        Effect::DeductPoints(points) => format!("takes {points} points"),
        Effect::IssueVoucher(v) => {
            let goods =
                if v.categories.is_empty() { String::new() } else { format!(" for {}", v.categories.join(", ")) };
            let from =
                if v.min_spend.get() == 0 { String::new() } else { format!(" from {} yuan", v.min_spend.in_yuan()) };
            format!(
                "gives the voucher {:?} ({}) of {} yuan{from}{goods}, {} days",
                v.title,
                v.template,
                v.face.in_yuan(),
                v.valid_days
            )
        }
        Effect::VoidVoucher(code) => format!("takes away the voucher {code}"),
        Effect::SetTier(change) => {
            let until = change.until.map(|day| format!(" until {day}")).unwrap_or_default();
            format!("moves to the tier {:?}{until}", change.tier)
        }
        Effect::DiscountLine(d) => format!("takes {} yuan off line {}", d.amount.in_yuan(), d.line),
        Effect::DiscountOrder(fen) => format!("takes {} yuan off the receipt", fen.in_yuan()),
        Effect::SetOdds(odds) => {
            format!("answers the draw {:?} with {}", odds.campaign, counted(odds.prizes.len(), "prize"))
        }
        Effect::GiftStoredValue(fen) => format!("gives {} yuan of stored value", fen.in_yuan()),
        Effect::SendMessage(message) => format!("sends {:?}: {}", message.template, message.text),
        Effect::SetTag(tag) if tag.on => format!("sets the tag {:?}", tag.name),
        Effect::SetTag(tag) => format!("clears the tag {:?}", tag.name),
        Effect::Reject(text) => format!("refuses the event: {text}"),
    }
}

/// What a grant says besides its amount.
fn options(grant: &ledger::Grant) -> String {
    let mut text = String::new();
    if grant.pending_days > 0 {
        text += &format!(", spendable after {} days", grant.pending_days);
    }
    match grant.expiry {
        ledger::Expiry::Standard => {}
        ledger::Expiry::Never => text += ", for ever",
        ledger::Expiry::Days(days) => text += &format!(", for {days} days"),
        ledger::Expiry::On(day) => text += &format!(", until {day}"),
    }
    if let Some(cap) = grant.cap {
        let period = format!("{:?}", cap.period).to_lowercase();
        text += &format!(", at most {} a {period}", cap.limit);
    }
    text
}
