//! What is stored of a decision: everything it depended on, and everything it did.

use ledger::{
    Applied, Decision, DecisionId, Entry, Event, Facts, MemberId, Receipt, Sale, StockUse, StoreId, TenantId, TillId, UnixMs, Voucher,
};
use serde::{Deserialize, Serialize};

/// One decision as it is stored, chained and replayed. The order of the fields is part of the format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The decision's name.
    pub id: DecisionId,
    /// Whose it is.
    pub tenant: TenantId,
    /// When it was made, on the server's clock.
    pub at: UnixMs,
    /// When it happened, as the caller said.
    pub business_at: UnixMs,
    /// Who asked.
    pub principal: String,
    /// The caller's name for the attempt.
    pub key: String,
    /// SHA-256 of what was asked.
    pub input: String,
    /// The name of the thing itself, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub natural: Option<String>,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
    /// At which till.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub till: Option<TillId>,
    /// Which kind of act.
    pub act: String,
    /// Who it concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
    /// The engine the policies ran on.
    pub engine: String,
    /// What the rulebook was asked, and what it decided.
    pub asked: Vec<Question>,
    /// Lines written to the member's accounts.
    pub entries: Vec<Entry>,
    /// Vouchers as they were left.
    pub vouchers: Vec<Voucher>,
    /// Shared counters moved.
    pub stock: Vec<StockUse>,
    /// What was changed, so that a return can undo it.
    pub applied: Applied,
    /// SHA-256 of the answer's bytes.
    pub reply: String,
}

/// A question put to a rulebook, with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Which version of the tenant's rulebook.
    pub rulebook: i64,
    /// What policies could know.
    pub facts: Facts,
    /// What happened.
    pub event: Event,
    /// What they decided.
    pub decision: Decision,
}

impl Record {
    /// The sale in this record as it was before any return.
    pub fn sale(&self) -> Option<Sale> {
        let Event::Receipt(receipt) = &self.asked.first()?.event else { return None };
        let left = Receipt { payable: self.applied.paid, ..receipt.clone() };
        let applied = self.applied.clone();
        Some(Sale { decision: self.id.clone(), member: self.member.clone(), left, applied, returns: 0, whole: false })
    }
}
