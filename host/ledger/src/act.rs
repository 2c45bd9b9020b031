//! What somebody asks the ledger to do; most acts carry the event that policies are asked about.

use crate::{Account, DecisionId, Event, Fen, MemberId, MonthDay, Receipt, VoucherCode};
use serde::{Deserialize, Serialize};

/// Something asked of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// An event with nothing else to it: sign-in, follow, bind, draw, birthday, review, custom.
    Event(Event),
    /// A new member, or one who only followed and now registers.
    Join(Join),
    /// A receipt, final.
    Receipt(Checkout),
    /// A receipt, not yet final: what it would give; presented vouchers are held for it.
    Quote(Checkout),
    /// A quote that will not be confirmed: its holds are let go.
    Cancel(DecisionId),
    /// Goods of a receipt come back.
    Return(Return),
    /// Principal paid into stored value.
    Recharge(Fen),
    /// Staff correct a balance.
    Adjust(Adjust),
}

/// How somebody becomes a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// The id a new member gets.
    pub member: MemberId,
    /// `follow`, `register` or `bind`: the event policies see.
    pub event: Event,
    /// Month and day of birth.
    pub birthday: Option<MonthDay>,
    /// Who referred the new member.
    pub referrer: Option<MemberId>,
}

/// A receipt with what the member presents.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Checkout {
    /// The receipt as the till sent it.
    pub receipt: Receipt,
    /// Vouchers presented, in the order the member wants them used.
    pub vouchers: Vec<VoucherCode>,
    /// The quote this confirms.
    pub quote: Option<DecisionId>,
}

/// Goods that come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    /// The till's number of this return; names it together with the sale.
    pub return_id: String,
    /// What comes back; absent = everything that is left.
    pub lines: Option<Vec<ReturnLine>>,
}

/// Part of one line of the sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnLine {
    /// Which line of the sale, counted from 0.
    pub line: u32,
    /// Thousandths of a unit that come back; absent = all that is left of the line.
    #[serde(default)]
    pub quantity_milli: Option<i64>,
    /// What the returned part cost; absent = its share of the line, rounded down, all of it with the rest.
    #[serde(default)]
    pub amount: Option<Fen>,
}

/// A correction by staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjust {
    /// Which account.
    pub account: Account,
    /// How much, either sign.
    pub delta: i64,
    /// Why; kept with the entry.
    pub note: String,
}
