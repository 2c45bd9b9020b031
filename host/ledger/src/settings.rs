//! What a tenant decides about its ledger; the first value of every choice is the default.

use crate::{Fen, Period, Points, Zone};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A tenant's settings. Missing fields take their defaults, so old rows stay readable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Days begin at midnight here.
    pub zone: Zone,
    /// When points run out unless a policy says otherwise.
    pub expiry: ExpiryRule,
    /// What a return does when the points it takes back are already spent.
    pub negative: Negative,
    /// What a cap does to a grant that exceeds it.
    pub over_cap: OverCap,
    /// How many points pay for one yuan; 0 = points cannot pay.
    pub points_per_yuan: i64,
    /// How many vouchers one receipt may use.
    pub vouchers_per_receipt: u32,
    /// How stored value is spent.
    pub stored_spend: StoredSpend,
    /// How many days back a receipt may be dated and still be scored by its own date.
    pub late_days_max: u32,
    /// How long a reservation holds, in seconds.
    pub reserve_seconds: u32,
    /// The tier a new member begins in; empty = none.
    pub first_tier: String,
    /// What policies may give in all, in a store or to a member.
    pub budgets: Vec<Budget>,
    /// The most points a policy may grant in an hour; one that would grant more is stopped until the hour ends.
    pub breakers: BTreeMap<String, i64>,
    /// The most points (or fen of stored value), either sign, that one person may correct alone.
    pub adjust_alone_max: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            zone: Zone::default(),
            expiry: ExpiryRule::Never,
            negative: Negative::Allow,
            over_cap: OverCap::Reduce,
            points_per_yuan: 100,
            vouchers_per_receipt: 1,
            stored_spend: StoredSpend::ProRata,
            late_days_max: 30,
            reserve_seconds: 300,
            first_tier: String::new(),
            budgets: Vec::new(),
            breakers: BTreeMap::new(),
            adjust_alone_max: 10_000,
        }
    }
}

/// When points run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiryRule {
    /// Not at all.
    #[default]
    Never,
    /// So many days after they become spendable, moved on to the end of the day, month or year.
    Rolling(u32, RoundTo),
    /// At the end of this month and day, the first that leaves at least so many days.
    Calendar(u8, u8, u32),
    /// When the member has neither bought, signed in nor recharged for so many days.
    Inactivity(u32),
}

/// Where a rolling expiry is moved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundTo {
    /// The day itself.
    Day,
    /// The last day of its month.
    Month,
    /// The last day of its year.
    Year,
}

/// What a return does when the points it takes back are already spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Negative {
    /// The balance goes below zero; later grants repay it first.
    #[default]
    Allow,
    /// Only what is held is taken back; the rest is recorded as waived.
    WithinBalance,
    /// Only points of the sale that are still pending are taken back.
    PendingOnly,
}

/// What a cap or a budget does to a grant that exceeds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverCap {
    /// Grants what is left of it.
    #[default]
    Reduce,
    /// Grants nothing.
    Refuse,
}

/// The most that policies may give. Another unit, scope or period is counted anew, from nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// What people call it, and what its counter is called by: no two budgets share one.
    pub name: String,
    /// What is counted.
    pub unit: Unit,
    /// The most that is given in one period.
    pub limit: i64,
    /// Who shares it.
    #[serde(default)]
    pub scope: Scope,
    /// When it begins anew; [`Period::Event`] is none.
    #[serde(default = "for_ever")]
    pub period: Period,
    /// Whose grants count; empty = every policy's.
    #[serde(default)]
    pub policies: Vec<String>,
    /// What becomes of a grant that exceeds what is left.
    #[serde(default)]
    pub over: OverCap,
}

fn for_ever() -> Period {
    Period::Life
}

/// What a budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Points granted.
    Points,
    /// Fen: face value of vouchers, discounts, stored value given.
    Money,
    /// Everything given, one by one: grants of points, vouchers, discounts, gifts of stored value.
    Count,
}

impl Unit {
    /// The name it has in settings and counters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::Money => "money",
            Self::Count => "count",
        }
    }
}

/// Who shares a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The whole tenant.
    #[default]
    Global,
    /// Each store has its own; what happens outside every store does not count.
    Store,
    /// Each member has their own; what nobody is named for does not count.
    Member,
}

/// How stored value is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredSpend {
    /// Principal and gift in proportion; the rounding falls on the principal.
    #[default]
    ProRata,
    /// Principal until it is gone.
    PrincipalFirst,
    /// Gift until it is gone.
    GiftFirst,
}

/// Limits of the platform: no tenant and no policy can change them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope {
    /// Points all grants of one event may give together.
    pub points_per_event_max: Points,
    /// Vouchers one event may issue.
    pub vouchers_per_event_max: u32,
    /// Face value of one voucher.
    pub voucher_face_max: Fen,
    /// Stored value one event may give.
    pub gift_per_event_max: Fen,
    /// Worth of one prize: the law's 50,000 yuan.
    pub prize_fen_max: Fen,
    /// Effects of all policies together.
    pub effects_max: usize,
    /// Lines of a receipt.
    pub lines_max: usize,
    /// Days a voucher may be valid, and points may stay pending or live.
    pub days_max: u32,
}

impl Default for Envelope {
    fn default() -> Self {
        Self {
            points_per_event_max: Points::new(10_000_000),
            vouchers_per_event_max: 20,
            voucher_face_max: Fen::new(5_000_000),
            gift_per_event_max: Fen::new(5_000_000),
            prize_fen_max: Fen::new(5_000_000),
            effects_max: 256,
            lines_max: 2_000,
            days_max: 3_660,
        }
    }
}
