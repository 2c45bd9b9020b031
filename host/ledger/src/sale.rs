//! What a decision gave, kept so that it can be taken back exactly.

use crate::{CapUse, Day, DecisionId, Fen, LotId, MemberId, Period, Points, Receipt, Tier, Totals, Unit, VoucherCode};
use serde::{Deserialize, Serialize};

/// Points one rule granted in one decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Granted {
    /// The policy that asked.
    pub policy: String,
    /// Its rule.
    pub rule: String,
    /// The lot it became.
    pub lot: LotId,
    /// What the policy asked for.
    pub wanted: Points,
    /// What was granted and has not been taken back.
    pub granted: Points,
    /// The last day the lot can be spent.
    pub expires: Option<Day>,
    /// The first day it can be spent.
    pub starts: Day,
    /// The cap it counts against: its name, and the period it was granted in.
    #[serde(default)]
    pub cap: Option<(String, CapUse)>,
}

/// Points taken from one lot, with the lot's dates so that they can come back as they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// From which lot.
    pub lot: LotId,
    /// How many.
    pub amount: Points,
    /// The lot's first day.
    pub starts: Day,
    /// The lot's last day.
    pub expires: Option<Day>,
}

/// What a policy gave under budgets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgeted {
    /// The policy that asked.
    pub policy: String,
    /// Its rule.
    pub rule: String,
    /// What was given.
    pub given: Given,
    /// What the budgets were asked for, in points or fen.
    pub wanted: i64,
    /// What they left of it and has not been taken back.
    pub granted: i64,
    /// What it takes from each of them.
    pub uses: Vec<BudgetUse>,
}

/// What was given under a budget, so that a return finds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// Points of this lot.
    Points(LotId),
    /// This voucher.
    Voucher(VoucherCode),
    /// Something off the receipt.
    Discount,
    /// Stored value.
    Gift,
}

/// What is taken from one budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetUse {
    /// The shared counter's name, or that of the member's cap.
    pub name: String,
    /// The member's own.
    pub member: bool,
    /// What is counted.
    pub unit: Unit,
    /// In which kind of period.
    pub period: Period,
    /// The period's first day; 0 for life.
    pub since: Day,
    /// How much.
    pub used: i64,
}

/// Everything a decision changed, as far as it has not been undone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Applied {
    /// The local day it counts on.
    pub day: Day,
    /// Points granted.
    pub granted: Vec<Granted>,
    /// Points spent.
    pub redeemed: Vec<Taken>,
    /// Stored value spent: principal.
    pub principal_spent: Fen,
    /// Stored value spent: gift.
    pub gift_spent: Fen,
    /// Stored value given.
    pub gifted: Fen,
    /// Vouchers used.
    pub vouchers_used: Vec<VoucherCode>,
    /// Vouchers issued.
    pub vouchers_issued: Vec<VoucherCode>,
    /// Open vouchers taken away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vouchers_voided: Vec<VoucherCode>,
    /// The tier before, if the decision changed it.
    pub tier_before: Option<Tier>,
    /// Tags it set that were not there, and cleared that were.
    pub tags_changed: Vec<(String, bool)>,
    /// What it counted.
    pub counted: Totals,
    /// Everything policies took off the receipt, in fen.
    pub discount: Fen,
    /// What counts against budgets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub budgeted: Vec<Budgeted>,
    /// What was left to pay after vouchers, points and discounts, and has not been refunded.
    pub paid: Fen,
    /// Charges for used vouchers and spent gifts that no refund has covered yet.
    #[serde(skip_serializing_if = "is_zero")]
    pub owed: Fen,
}

fn is_zero(amount: &Fen) -> bool {
    *amount == Fen::ZERO
}

/// A receipt that was sold, and what of it is left after returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sale {
    /// The decision that scored it.
    pub decision: DecisionId,
    /// Who bought; absent for a receipt without a member.
    pub member: Option<MemberId>,
    /// What has not come back.
    pub left: Receipt,
    /// What has not been undone.
    pub applied: Applied,
    /// How many returns there have been.
    pub returns: u32,
    /// Nothing is left.
    pub whole: bool,
}
