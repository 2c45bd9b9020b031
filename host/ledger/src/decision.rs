//! What policies asked for, and why.

use crate::{Day, Digest, Fen, Points, VoucherCode};
use serde::{Deserialize, Serialize};

/// One thing a policy asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Give points.
    GrantPoints(Grant),
    /// Take points.
    DeductPoints(Points),
    /// Give a voucher.
    IssueVoucher(VoucherIssue),
    /// Take a voucher away.
    VoidVoucher(VoucherCode),
    /// Move the member to a tier.
    SetTier(TierChange),
    /// Take something off one line.
    DiscountLine(LineDiscount),
    /// Take something off the whole receipt.
    DiscountOrder(Fen),
    /// The odds of the draw that was asked for.
    SetOdds(Odds),
    /// Give stored value.
    GiftStoredValue(Fen),
    /// Tell the member something.
    SendMessage(Message),
    /// Set or clear a tag.
    SetTag(Tag),
    /// Refuse the event, with the reason the person is told.
    Reject(String),
}

/// Points to give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// How many.
    pub amount: Points,
    /// Days until they can be spent; 0 = at once.
    #[serde(default)]
    pub pending_days: u32,
    /// When they run out.
    #[serde(default)]
    pub expiry: Expiry,
    /// The most this rule gives in a period.
    #[serde(default)]
    pub cap: Option<Cap>,
}

/// When granted points run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// As the tenant's setting says.
    #[default]
    Standard,
    /// Not at all.
    Never,
    /// So many days after they become spendable.
    Days(u32),
    /// After this day.
    On(Day),
}

/// At most `limit` points for this rule and member in the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// The most that is granted.
    pub limit: Points,
    /// In which period.
    pub period: Period,
}

/// A calendar period in the tenant's zone; weeks begin on Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// Each event on its own.
    Event,
    /// A local day.
    Day,
    /// Monday to Sunday.
    Week,
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
    /// For ever.
    Life,
}

/// A voucher to give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoucherIssue {
    /// Which template it counts for.
    pub template: String,
    /// What the member reads.
    pub title: String,
    /// What it is worth.
    pub face: Fen,
    /// The receipt's total it needs.
    #[serde(default)]
    pub min_spend: Fen,
    /// The last valid day is this many days after today.
    pub valid_days: u32,
    /// Goods it is for; empty = any.
    #[serde(default)]
    pub categories: Vec<String>,
}

/// A tier to move to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierChange {
    /// Name of the tier.
    pub tier: String,
    /// The last day it holds without a new review; absent = open.
    #[serde(default)]
    pub until: Option<Day>,
}

/// A discount on one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineDiscount {
    /// Which line, counted from 0.
    pub line: u32,
    /// How much comes off.
    pub amount: Fen,
}

/// The odds of a draw: weights and `none_weight` together are the denominator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Odds {
    /// Which campaign.
    pub campaign: String,
    /// Points one draw costs.
    #[serde(default)]
    pub cost: Points,
    /// Draws a member has per local day; 0 = no limit.
    #[serde(default)]
    pub per_day: u32,
    /// What can be won, in the order the draw walks them.
    pub prizes: Vec<Prize>,
    /// The share of drawing nothing.
    pub none_weight: u32,
}

/// A prize. Out of stock it falls back to no prize.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prize {
    /// Names it within the campaign.
    pub id: String,
    /// What the member reads.
    pub name: String,
    /// Its share of the denominator.
    pub weight: u32,
    /// How many can be won in all; absent = no limit.
    #[serde(default)]
    pub stock: Option<u32>,
    /// What the winner gets besides the name.
    pub award: Award,
}

/// What a prize gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Award {
    /// Nothing further.
    Nothing,
    /// Points.
    Points(Points),
    /// A voucher.
    Voucher(VoucherIssue),
    /// Stored value.
    Gift(Fen),
    /// Something handed over in the shop.
    Goods(String),
}

/// A notice to the member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Which kind of notice.
    pub template: String,
    /// What it says.
    pub text: String,
}

/// A tag to set or clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// The tag.
    pub name: String,
    /// Set or clear.
    pub on: bool,
}

/// An effect and the rule that asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuledEffect {
    /// The policy's id for the rule.
    pub rule: String,
    /// What it asks for.
    pub effect: Effect,
}

/// What became of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It gave something.
    Applied,
    /// Its condition was not met.
    Missed,
    /// It did not concern this event.
    Skipped,
}

/// The numbers a rule compared: it needed `need` of `what` and found `have`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// What was counted; `spend_fen` means the receipt's total.
    pub what: String,
    /// What there was.
    pub have: i64,
    /// What it takes.
    pub need: i64,
}

/// Why, or why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// The policy's id for the rule.
    pub rule: String,
    /// What became of it.
    pub outcome: Outcome,
    /// A sentence for the member and for support.
    pub text: String,
    /// The numbers behind it.
    #[serde(default)]
    pub compared: Option<Comparison>,
}

/// How one policy answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It decided.
    Decided {
        /// What it asks for, in order.
        effects: Vec<RuledEffect>,
        /// Why, and why not.
        reasons: Vec<Reason>,
    },
    /// It broke a limit or its own code; it asks for nothing. Deterministic, so it replays.
    Failed {
        /// Stable code of the limit or fault.
        code: String,
        /// What happened, in words.
        text: String,
    },
}

/// What one policy version of the rulebook decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDecision {
    /// Name of the policy in the rulebook.
    pub policy: String,
    /// The version that was run.
    pub digest: Digest,
    /// What it said.
    pub answer: Answer,
    /// What it cost: Wasm fuel, or Rhai operations.
    pub fuel_used: u64,
}

/// What the whole rulebook decided about one event, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Decision(pub Vec<PolicyDecision>);
