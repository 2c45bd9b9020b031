//! What an import brought.

use crate::answer::{Answer, Problem};
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// How many refusals a summary keeps in words; all are counted.
pub(crate) const REFUSALS_KEPT_MAX: usize = 20;

/// A receipt the host did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The idempotency key it was sent under.
    pub key: String,
    /// HTTP status.
    pub status: u16,
    /// Why.
    pub problem: Problem,
}

/// What an import brought, counted from the host's answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Receipts taken.
    pub receipts: u64,
    /// Receipts returned in full.
    pub returns: u64,
    /// Members registered.
    pub members: u64,
    /// Points given by receipts and registrations, before returns.
    pub points: i64,
    /// How returns moved points: zero or below.
    pub points_returned: i64,
    /// Vouchers issued.
    pub vouchers: u64,
    /// Moves to a tier.
    pub tier_ups: u64,
    /// Requests that had to be sent again.
    pub retries: u64,
    /// Requests that were refused for good.
    pub refused: u64,
    /// The first of them.
    pub refusals: Vec<Refusal>,
    /// The SHA-256 of every answer to a receipt, each byte the XOR of all: the same where the same bytes were
    /// answered, in whatever order.
    pub answers: [u8; 32],
    /// How long it has taken so far.
    pub took: Duration,
}

impl Summary {
    /// Whole seconds so far.
    pub fn seconds(&self) -> u64 {
        self.took.as_secs()
    }

    /// Counts what an answer gave.
    pub(crate) fn count_gifts(&mut self, answer: &Answer) {
        self.points += answer.points_earned();
        self.vouchers += answer.effects_of("voucher");
        self.tier_ups += answer.effects_of("tier");
    }

    /// Counts a receipt and what it gave.
    pub(crate) fn count_receipt(&mut self, answer: &Answer, bytes: &[u8]) {
        self.receipts += 1;
        self.count_gifts(answer);
        self.mix(&Sha256::digest(bytes).into());
    }

    fn mix(&mut self, answers: &[u8; 32]) {
        self.answers.iter_mut().zip(answers).for_each(|(all, one)| *all ^= one);
    }

    /// Counts what another summary has counted; how long that took does not add up.
    pub(crate) fn add(&mut self, part: Self) {
        self.receipts += part.receipts;
        self.returns += part.returns;
        self.members += part.members;
        self.points += part.points;
        self.points_returned += part.points_returned;
        self.vouchers += part.vouchers;
        self.tier_ups += part.tier_ups;
        self.retries += part.retries;
        self.refused += part.refused;
        self.mix(&part.answers);
        let room = REFUSALS_KEPT_MAX.saturating_sub(self.refusals.len());
        self.refusals.extend(part.refusals.into_iter().take(room));
    }
}
