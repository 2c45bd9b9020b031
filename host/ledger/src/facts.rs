//! What a policy may see when it is asked about an event.

use crate::{Day, Fen, LocalTime, MemberId, Points, StoreId, VoucherCode};
use serde::{Deserialize, Serialize};

/// Everything a policy may know, at the moment of the event.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Facts {
    /// The event's moment in the tenant's time zone.
    pub now: LocalTime,
    /// Where it happened, if in a shop.
    pub store: Option<StoreId>,
    /// Who it happened to; absent for a receipt without a member.
    pub member: Option<MemberFacts>,
    /// Lots that expire within 30 days, soonest first.
    pub expiring: Vec<ExpiringLot>,
    /// Vouchers the member could use now.
    pub vouchers: Vec<VoucherFacts>,
    /// The statistics the rulebook's policies declared they need, each once.
    pub stats: Vec<Stat>,
}

/// What a policy may know of the member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MemberFacts {
    /// The member.
    pub id: MemberId,
    /// Name of the tier; empty for none.
    pub tier: String,
    /// The tier was set by hand: it may rise and does not fall.
    pub tier_pinned: bool,
    /// The day the tier began.
    pub tier_since: Day,
    /// The day of joining.
    pub joined: Day,
    /// Month and day of birth, if known.
    pub birthday: Option<MonthDay>,
    /// Somebody referred the member.
    pub referred: bool,
    /// Tags, in alphabetical order.
    pub tags: Vec<String>,
    /// Points that can be spent, without those open quotes hold; below zero after a return of spent points.
    pub points: Points,
    /// Granted and not yet spendable.
    pub pending: Points,
    /// Stored value paid in.
    pub stored_principal: Fen,
    /// Stored value given.
    pub stored_gift: Fen,
}

impl Default for MemberFacts {
    fn default() -> Self {
        Self {
            // INVARIANT: a fixed name of valid form; `new` cannot refuse it.
            id: MemberId::new("member").unwrap_or_else(|_| unreachable!("a valid id")),
            tier: String::new(),
            tier_pinned: false,
            tier_since: Day::default(),
            joined: Day::default(),
            birthday: None,
            referred: false,
            tags: Vec::new(),
            points: Points::ZERO,
            pending: Points::ZERO,
            stored_principal: Fen::ZERO,
            stored_gift: Fen::ZERO,
        }
    }
}

/// A day of the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonthDay {
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

/// Points about to expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpiringLot {
    /// What is left of the lot.
    pub amount: Points,
    /// The last day it can be spent.
    pub expires: Day,
}

/// What a policy may know of a voucher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoucherFacts {
    /// What the member shows.
    pub code: VoucherCode,
    /// The template it was made from.
    pub template: String,
    /// What it is worth.
    pub face: Fen,
    /// The receipt's total it needs.
    pub min_spend: Fen,
    /// The last day it can be used.
    pub valid_until: Option<Day>,
    /// It was presented with this receipt.
    #[serde(default)]
    pub presented: bool,
}

/// What is counted over a window of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Paid on receipts, less returns.
    SpendFen,
    /// Receipts.
    Visits,
    /// Points granted.
    PointsEarned,
    /// Days signed in.
    SignIns,
    /// Principal paid in.
    RechargedFen,
    /// Draws.
    Draws,
}

/// The longest window a statistic may ask for, in days.
pub const STAT_DAYS_MAX: u32 = 366;

/// A statistic a policy declares it needs: the metric over the last `days` local days, the event's own
/// day included and the event itself not. 0 days means all time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatNeed {
    /// What is counted.
    pub metric: Metric,
    /// Over how many days; at most [`STAT_DAYS_MAX`].
    pub days: u32,
}

/// A statistic and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stat {
    /// What is counted.
    pub metric: Metric,
    /// Over how many days; 0 means all time.
    pub days: u32,
    /// Fen, points or a count, as the metric says.
    pub value: i64,
}
