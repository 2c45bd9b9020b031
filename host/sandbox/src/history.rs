//! A record of what was asked and what was answered, for checkers that kill the host in between.

use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io::{self, BufRead, Write},
    sync::{Mutex, PoisonError},
};

/// What a line of the history says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is about to be sent.
    Invoke,
    /// It was answered: it must be in the ledger.
    Ok,
    /// It was refused or never sent: it must not be in the ledger.
    Fail,
    /// Nobody knows: it may be in the ledger.
    Info,
}

/// One line of the history, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryLine {
    /// Microseconds since 1970-01-01 UTC, on the load generator's clock.
    pub at_us: u64,
    /// Which client; its lines are in the order they happened.
    pub client: usize,
    /// The idempotency key.
    pub key: String,
    /// The receipt's number.
    pub receipt: String,
    /// What happened.
    pub outcome: Outcome,
    /// Points given, if it was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earned: Option<i64>,
    /// SHA-256 of the answer's bytes in lower-case hex, if it was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// Why not, otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Writes history lines, each at once: what is invoked is on record before it is sent.
pub struct History(Mutex<Box<dyn Write + Send>>);

impl History {
    /// A history in a file, or in anything else that can be written. Buffering is the caller's choice; a
    /// history that must outlive its own process needs none.
    pub fn new(output: impl Write + Send + 'static) -> Self {
        Self(Mutex::new(Box::new(output)))
    }

    /// Adds one line.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, line: &HistoryLine) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&text)
    }
}

/// Reads a history back.
///
/// # Errors
/// If a line cannot be read; the error names its number.
pub fn read_history(input: impl BufRead) -> io::Result<Vec<HistoryLine>> {
    let read = |(number, line): (u64, io::Result<String>)| {
        serde_json::from_str(&line?)
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, format!("line {number}: {e}")))
    };
    (1_u64..).zip(input.lines()).map(read).collect()
}

/// What a history claims of one idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It is in the ledger once, with this many points.
    Must(i64),
    /// It is in the ledger once or not at all.
    May,
    /// It is not in the ledger.
    MustNot,
}

/// One idempotency key was answered in two ways.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("key {key} was answered with {first} points, and later with {second}")]
pub struct TwoAnswers {
    /// Which key.
    pub key: String,
    /// The points of the first answer.
    pub first: i64,
    /// The points of a later one.
    pub second: i64,
}

/// What is known of each key after all its requests; one that was never answered may have been acted on.
///
/// # Errors
/// [`TwoAnswers`] if one key was answered with different points, which no host may do.
pub fn claims(history: &[HistoryLine]) -> Result<BTreeMap<String, Claim>, TwoAnswers> {
    let mut open = BTreeMap::<&str, i64>::new();
    let mut claims = BTreeMap::<String, Claim>::new();
    for line in history {
        let waiting = open.entry(&line.key).or_default();
        let claim = claims.entry(line.key.clone()).or_insert(Claim::MustNot);
        *waiting += if line.outcome == Outcome::Invoke { 1 } else { -1 };
        let earned = line.earned.unwrap_or_default();
        *claim = match (line.outcome, *claim) {
            (Outcome::Ok, Claim::Must(first)) if first != earned => {
                return Err(TwoAnswers { key: line.key.clone(), first, second: earned });
            }
            (Outcome::Ok, _) => Claim::Must(earned),
            (Outcome::Info, Claim::MustNot) => Claim::May,
            (_, known) => known,
        };
    }
    for (key, _) in open.into_iter().filter(|(_, waiting)| *waiting > 0) {
        if let Some(claim @ Claim::MustNot) = claims.get_mut(key) {
            *claim = Claim::May;
        }
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Fail, Info, Invoke, Ok as Answered};

    fn line(key: &str, outcome: Outcome, earned: Option<i64>) -> HistoryLine {
        HistoryLine {
            at_us: 1,
            client: 0,
            key: key.into(),
            receipt: "R".into(),
            outcome,
            earned,
            reply: None,
            error: None,
        }
    }

    #[test]
    fn a_key_claims_the_most_that_any_of_its_requests_proves() {
        let table: [(&[Outcome], Claim); 7] = [
            (&[Invoke, Answered], Claim::Must(7)),
            (&[Invoke, Fail], Claim::MustNot),
            (&[Invoke, Info], Claim::May),
            (&[Invoke], Claim::May),
            (&[Invoke, Info, Invoke, Answered], Claim::Must(7)),
            (&[Invoke, Answered, Invoke, Info], Claim::Must(7)),
            (&[Invoke, Invoke, Fail], Claim::May),
        ];
        for (outcomes, claim) in table {
            let history: Vec<_> = outcomes.iter().map(|o| line("k", *o, (*o == Answered).then_some(7))).collect();
            assert_eq!(claims(&history), Ok(BTreeMap::from([("k".to_owned(), claim)])), "{outcomes:?}");
        }
    }

    #[test]
    fn two_different_answers_to_one_key_are_an_error() {
        let answered = |earned| line("k", Answered, Some(earned));
        let invoked = line("k", Invoke, None);
        let history = [invoked.clone(), invoked, answered(7), answered(8)];
        let both = TwoAnswers { key: "k".into(), first: 7, second: 8 };
        assert_eq!(claims(&history), Err(both));
    }

    #[test]
    fn a_history_reads_as_it_was_written() -> anyhow::Result<()> {
        let file = std::sync::Arc::new(Mutex::new(Vec::new()));
        let lines = [line("a", Invoke, None), line("a", Answered, Some(3))];
        let history = History::new(Shared(file.clone()));
        for line in &lines {
            history.write(line)?;
        }
        let text = file.lock().map_err(|e| anyhow::anyhow!("{e}"))?.clone();
        assert_eq!(read_history(text.as_slice())?, lines);
        let torn = read_history(text.get(..text.len() - 5).unwrap_or_default());
        assert!(torn.is_err_and(|e| e.to_string().starts_with("line 2: ")));
        Ok(())
    }

    struct Shared(std::sync::Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
