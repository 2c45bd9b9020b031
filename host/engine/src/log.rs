//! Lines a policy notes for its author: counted, cut and escaped.

use crate::{FailCode, Limits, error::Failure};

/// A line a policy noted while it was evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Name of the policy in the rulebook.
    pub policy: String,
    /// What it noted, control characters escaped, at most [`Limits::log_bytes_max`] bytes.
    pub text: String,
}

/// The lines of one evaluation.
#[derive(Debug)]
pub(crate) struct Log {
    lines: Vec<String>,
    calls_max: usize,
    bytes_max: usize,
}

impl Log {
    /// An empty log under these limits.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { lines: Vec::new(), calls_max: limits.log_calls_max, bytes_max: limits.log_bytes_max }
    }

    /// Keeps a line.
    ///
    /// # Errors
    /// [`FailCode::HostCalls`] past the limit of calls.
    pub(crate) fn note(&mut self, text: &str) -> Result<(), Failure> {
        if self.lines.len() >= self.calls_max {
            return Err(Failure::new(
                FailCode::HostCalls,
                format!("log was called more than {} times in one evaluation", self.calls_max),
            ));
        }
        self.lines.push(printable(text, self.bytes_max));
        Ok(())
    }

    /// The log so far; an empty one stays behind.
    pub(crate) fn taken(&mut self) -> Self {
        Self { lines: std::mem::take(&mut self.lines), ..*self }
    }

    /// The lines, as noted by this policy.
    pub(crate) fn into_lines(self, policy: &str) -> impl Iterator<Item = LogLine> {
        self.lines.into_iter().map(move |text| LogLine { policy: policy.to_owned(), text })
    }
}

/// `text` with control characters escaped, cut to `bytes_max` bytes at a character.
pub(crate) fn printable(text: &str, bytes_max: usize) -> String {
    let mut kept = String::with_capacity(text.len().min(bytes_max));
    for c in text.chars() {
        let before = kept.len();
        if c.is_control() {
            kept.extend(c.escape_default())
        } else {
            kept.push(c)
        }
        if kept.len() > bytes_max {
            kept.truncate(before);
            break;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_commands_and_new_lines_are_shown_not_sent() {
        assert_eq!(printable("a\u{1b}[31m\n好", 100), "a\\u{1b}[31m\\n好");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        assert_eq!(printable("好好好", 7), "好好");
    }

    #[test]
    fn the_call_after_the_last_allowed_one_fails() {
        let mut log = Log::new(&Limits { log_calls_max: 1, ..Limits::default() });
        assert!(log.note("first").is_ok());
        assert_eq!(log.note("second").unwrap_err().code, FailCode::HostCalls);
    }
}
