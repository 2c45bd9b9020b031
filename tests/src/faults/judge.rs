//! The verdict: what was answered against what stands in the books.

use super::books::{Books, Decided, Line};
use sandbox::{Claim, HistoryLine, Outcome, claims};
use std::collections::{BTreeMap, HashMap};

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Finding {
    /// A host answered, and nothing of it is there.
    #[error("{0} was acknowledged and is lost")]
    Lost(String),
    /// One key, or one receipt, was decided more than once.
    #[error("{0} stands {1} times in the books")]
    Doubled(String, usize),
    /// The answer read is not the answer stored.
    #[error("{0} was answered with other bytes than are stored")]
    OtherBytes(String),
    /// It was refused, and yet it is there.
    #[error("{0} was refused and is there all the same")]
    NotRefused(String),
    /// One key was answered in two ways.
    #[error("{0}")]
    TwoAnswers(String),
    /// The answer names other points than the entries give.
    #[error("decision {0} says {1} points and gives {2}")]
    OtherPoints(String, i64, i64),
    /// Entries are not numbered 1, 2, 3 …, or do not add up.
    #[error("entry {1} of {0} does not follow the one before")]
    BadEntry(String, i64),
    /// A balance is not the sum of its entries.
    #[error("{0} stands at {1} where entries sum to {2}")]
    BadBalance(String, i64, i64),
}

/// Everything in the books that contradicts the history, or the books themselves.
pub fn judge(history: &[HistoryLine], books: &Books) -> Vec<Finding> {
    let mut findings = Vec::new();
    let by_key = group(books, |decided| Some(&decided.key));
    by_history(history, &by_key, &mut findings);
    for (natural, decisions) in group(books, |decided| decided.natural.as_ref()) {
        if decisions.len() > 1 {
            findings.push(Finding::Doubled(natural.to_owned(), decisions.len()));
        }
    }
    for decided in books.decisions.iter().filter(|decided| decided.said != decided.given) {
        findings.push(Finding::OtherPoints(decided.name.clone(), decided.said, decided.given));
    }
    sums(books, &mut findings);
    findings.sort();
    findings
}

/// Decisions of one name together.
type Grouped<'a> = HashMap<&'a str, Vec<&'a Decided>>;

fn group(books: &Books, name: impl Fn(&Decided) -> Option<&String>) -> Grouped<'_> {
    let mut grouped = Grouped::new();
    for decided in &books.decisions {
        if let Some(name) = name(decided) {
            grouped.entry(name).or_default().push(decided);
        }
    }
    grouped
}

fn by_history(history: &[HistoryLine], by_key: &Grouped<'_>, findings: &mut Vec<Finding>) {
    let claims = match claims(history) {
        Ok(claims) => claims,
        Err(two) => return findings.push(Finding::TwoAnswers(two.to_string())),
    };
    for (key, claim) in claims {
        let found = by_key.get(key.as_str()).map_or(0, Vec::len);
        match (claim, found) {
            (Claim::Must(_), 0) => findings.push(Finding::Lost(key)),
            (Claim::MustNot, 1) => findings.push(Finding::NotRefused(key)),
            (_, 0 | 1) => {}
            (_, times) => findings.push(Finding::Doubled(key, times)),
        }
    }
    for line in history.iter().filter(|line| line.outcome == Outcome::Ok) {
        let stored = by_key.get(line.key.as_str()).and_then(|found| found.first());
        if stored.is_some_and(|stored| line.reply.as_ref() != Some(&stored.reply)) {
            findings.push(Finding::OtherBytes(line.key.clone()));
        }
    }
}

/// Every account's entries in order, and its balance as their sum.
fn sums(books: &Books, findings: &mut Vec<Finding>) {
    let mut sums: BTreeMap<_, i64> = books.balances.keys().map(|account| (account, 0)).collect();
    for (account, lines) in &books.lines {
        let mut lines: Vec<Line> = lines.clone();
        lines.sort_by_key(|line| line.seq);
        let mut sum = 0;
        let follows = (1..).zip(&lines).find(|(seq, line)| {
            sum += line.delta;
            line.seq != *seq || line.balance_after != sum
        });
        findings.extend(follows.map(|(_, line)| Finding::BadEntry(title(account), line.seq)));
        sums.insert(account, lines.iter().map(|line| line.delta).sum());
    }
    for (account, sum) in sums {
        let stands = books.balances.get(account).copied().unwrap_or_default();
        if stands != sum {
            findings.push(Finding::BadBalance(title(account), stands, sum));
        }
    }
}

fn title((member, account): &(String, String)) -> String {
    format!("{account} of {member}")
}
