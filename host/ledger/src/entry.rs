//! Written lines of the ledger.

use crate::{Account, Day, LotId, Points};
use serde::{Deserialize, Serialize};

/// The five kinds of entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Given by a policy, or paid in.
    Accrual,
    /// Spent.
    Redemption,
    /// Ran out.
    Expiry,
    /// Corrected by staff.
    Adjustment,
    /// Undone by a return or a cancellation.
    Reversal,
}

impl EntryKind {
    /// The name it has in the database and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accrual => "accrual",
            Self::Redemption => "redemption",
            Self::Expiry => "expiry",
            Self::Adjustment => "adjustment",
            Self::Reversal => "reversal",
        }
    }
}

/// One line of one account: never changed, never deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Whose account of which kind is said by the row; which account here.
    pub account: Account,
    /// 1, 2, 3 … without a gap.
    pub seq: i64,
    /// Why the balance moved.
    pub kind: EntryKind,
    /// How much it moved, in points or fen.
    pub delta: i64,
    /// The balance behind it.
    pub balance_after: i64,
    /// The policy that asked, empty if none did.
    pub policy: String,
    /// Its rule, or the host's reason.
    pub rule: String,
    /// Lots it made, took from or gave back to, with the signed change of each.
    pub lots: Vec<(LotId, Points)>,
    /// The first day an accrual can be spent.
    pub starts: Option<Day>,
    /// The last day an accrual can be spent.
    pub expires: Option<Day>,
}
