//! What is known of a member between two events.

use crate::{
    BudgetUse, Day, DecisionId, Fen, MemberId, Metric, MonthDay, Period, Points, STAT_DAYS_MAX, StoreId, TillId, UnixMs,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One member's part of the ledger: the fold of all its entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberState {
    /// Who.
    pub id: MemberId,
    /// The day of joining.
    pub joined: Day,
    /// Went through registration, not only following.
    #[serde(default, skip_serializing_if = "is_default")]
    pub registered: bool,
    /// Month and day of birth.
    #[serde(default, skip_serializing_if = "is_default")]
    pub birthday: Option<MonthDay>,
    /// Who referred the member.
    #[serde(default, skip_serializing_if = "is_default")]
    pub referrer: Option<MemberId>,
    /// Tags policies or staff set.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tags: BTreeSet<String>,
    /// Where the member stands.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tier: Tier,
    /// The three accounts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub accounts: Accounts,
    /// Lots with something left, oldest first: by first day, then as they were granted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lots: Vec<Lot>,
    /// What ran out of lots, and on which day (as `expires`), kept about a year: a return does not take it again.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ran_out: Vec<Lot>,
    /// Points taken back after they had been spent; grants repay it first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub debt: Points,
    /// What open quotes hold, oldest first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub holds: Vec<Hold>,
    /// What capped rules, and budgets of the member's own, have granted in their present period.
    #[serde(default, skip_serializing_if = "is_default")]
    pub caps: BTreeMap<String, CapUse>,
    /// Totals per local day, oldest first, no older than any statistic of a late receipt needs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub days: Vec<DayTotals>,
    /// Totals of all time.
    #[serde(default, skip_serializing_if = "is_default")]
    pub life: Totals,
    /// The last day with a purchase, a sign-in or a recharge.
    #[serde(default, skip_serializing_if = "is_default")]
    pub active: Day,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A tier and how it came about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Its name; empty for none.
    pub name: String,
    /// The day it began.
    pub since: Day,
    /// The last day it holds without a new review.
    #[serde(default, skip_serializing_if = "is_default")]
    pub until: Option<Day>,
    /// Set by hand: it may rise and does not fall.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pinned: bool,
    /// The decision that set it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cause: Option<DecisionId>,
}

/// The three accounts of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// Points, pending ones included; may be below zero.
    pub points: AccountState,
    /// Stored value paid in, in fen.
    pub principal: AccountState,
    /// Stored value given, in fen.
    pub gift: AccountState,
}

/// Balance and length of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountState {
    /// The sum of all its entries.
    pub balance: i64,
    /// How many entries it has.
    pub entries: i64,
}

/// Which account an entry belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// Points.
    Points,
    /// Stored value paid in.
    Principal,
    /// Stored value given.
    Gift,
}

impl Account {
    /// The name it has in the database and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::Principal => "principal",
            Self::Gift => "gift",
        }
    }
}

/// Names a lot: the decision that granted it and its place among that decision's grants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LotId(pub DecisionId, pub u32);

/// Points granted together, with one start and one expiry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lot {
    /// Its name.
    pub id: LotId,
    /// What is left of it.
    pub left: Points,
    /// The first day it can be spent.
    pub starts: Day,
    /// The last day it can be spent; absent = never runs out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub expires: Option<Day>,
}

/// What a quote promises until it is confirmed or cancelled, or its time is up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// The quote.
    pub quote: DecisionId,
    /// Store, till and number of its receipt: another quote for it, and the receipt itself, take its place.
    pub receipt: (Option<StoreId>, Option<TillId>, String),
    /// When the hold ends by itself (Unix ms).
    pub until_ms: i64,
    /// Points it would spend.
    #[serde(default, skip_serializing_if = "is_default")]
    pub points: Points,
    /// Stored value it would spend.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stored: Fen,
    /// What it would take from budgets, taken already.
    #[serde(default, skip_serializing_if = "is_default")]
    pub budgets: Vec<BudgetUse>,
}

/// What a capped rule has granted in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapUse {
    /// Which kind of period.
    pub period: Period,
    /// The period's first day (0 for life).
    pub from: Day,
    /// Granted in it.
    pub used: Points,
}

/// What statistics count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Totals {
    /// Paid on receipts, less returns.
    #[serde(skip_serializing_if = "is_default")]
    pub spend: i64,
    /// Receipts, less those returned whole.
    #[serde(skip_serializing_if = "is_default")]
    pub visits: i64,
    /// Points granted, less those taken back.
    #[serde(skip_serializing_if = "is_default")]
    pub earned: i64,
    /// Days signed in.
    #[serde(skip_serializing_if = "is_default")]
    pub sign_ins: i64,
    /// Principal paid in.
    #[serde(skip_serializing_if = "is_default")]
    pub recharged: i64,
    /// Draws.
    #[serde(skip_serializing_if = "is_default")]
    pub draws: i64,
}

impl Totals {
    /// Adds another's counts; sums saturate, so a statistic never fails a sale.
    pub fn add(&mut self, other: &Self) {
        self.spend = self.spend.saturating_add(other.spend);
        self.visits = self.visits.saturating_add(other.visits);
        self.earned = self.earned.saturating_add(other.earned);
        self.sign_ins = self.sign_ins.saturating_add(other.sign_ins);
        self.recharged = self.recharged.saturating_add(other.recharged);
        self.draws = self.draws.saturating_add(other.draws);
    }

    /// The same counts with the other sign.
    pub fn negated(&self) -> Self {
        Self {
            spend: self.spend.saturating_neg(),
            visits: self.visits.saturating_neg(),
            earned: self.earned.saturating_neg(),
            sign_ins: self.sign_ins.saturating_neg(),
            recharged: self.recharged.saturating_neg(),
            draws: self.draws.saturating_neg(),
        }
    }

    /// One count.
    pub fn of(&self, metric: Metric) -> i64 {
        match metric {
            Metric::SpendFen => self.spend,
            Metric::Visits => self.visits,
            Metric::PointsEarned => self.earned,
            Metric::SignIns => self.sign_ins,
            Metric::RechargedFen => self.recharged,
            Metric::Draws => self.draws,
        }
    }
}

/// The totals of one local day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DayTotals {
    /// Which day.
    pub day: Day,
    /// What was counted on it.
    #[serde(flatten)]
    pub totals: Totals,
}

impl MemberState {
    /// A member who joins today, in the tenant's first tier.
    pub fn new(id: MemberId, today: Day, first_tier: &str) -> Self {
        Self {
            id,
            joined: today,
            registered: false,
            birthday: None,
            referrer: None,
            tags: BTreeSet::new(),
            tier: Tier { name: first_tier.to_owned(), since: today, ..Tier::default() },
            accounts: Accounts::default(),
            lots: Vec::new(),
            ran_out: Vec::new(),
            debt: Points::ZERO,
            holds: Vec::new(),
            caps: BTreeMap::new(),
            days: Vec::new(),
            life: Totals::default(),
            active: today,
        }
    }

    /// One account.
    pub fn account(&self, account: Account) -> AccountState {
        match account {
            Account::Points => self.accounts.points,
            Account::Principal => self.accounts.principal,
            Account::Gift => self.accounts.gift,
        }
    }

    pub(crate) fn account_mut(&mut self, account: Account) -> &mut AccountState {
        match account {
            Account::Points => &mut self.accounts.points,
            Account::Principal => &mut self.accounts.principal,
            Account::Gift => &mut self.accounts.gift,
        }
    }

    /// Points granted and not yet spendable on this day.
    pub fn pending(&self, today: Day) -> Points {
        Points::new(self.lots.iter().filter(|lot| lot.starts > today).map(|lot| lot.left.get()).sum())
    }

    /// Points that can be spent on this day; below zero while a debt is open.
    pub fn spendable(&self, today: Day) -> Points {
        Points::new(self.accounts.points.balance.saturating_sub(self.pending(today).get()))
    }

    /// Stored value, principal and gift together.
    pub fn stored(&self) -> Fen {
        Fen::new(self.accounts.principal.balance.saturating_add(self.accounts.gift.balance))
    }

    /// Points and stored value that open quotes hold at a moment: they are there, and promised.
    pub fn held(&self, now: UnixMs) -> (Points, Fen) {
        let open = self.holds.iter().filter(|hold| hold.until_ms > now.get());
        open.fold((Points::ZERO, Fen::ZERO), |(points, stored), hold| {
            let points = points.get().saturating_add(hold.points.get());
            (Points::new(points), Fen::new(stored.get().saturating_add(hold.stored.get())))
        })
    }

    /// A metric over the last `days` days up to and including `today`; 0 days = all time.
    pub fn stat(&self, metric: Metric, days: u32, today: Day) -> i64 {
        if days == 0 {
            return self.life.of(metric);
        }
        let first = today.plus(1_i32.saturating_sub_unsigned(days.min(STAT_DAYS_MAX)));
        let window = self.days.iter().filter(|d| d.day >= first && d.day <= today);
        window.map(|d| d.totals.of(metric)).fold(0, i64::saturating_add)
    }

    /// The next day the calendar changes something: a lot starts or expires, or the tier's time is up.
    pub fn next_due(&self, today: Day) -> Option<Day> {
        let starts = self.lots.iter().map(|lot| lot.starts).filter(|day| *day > today);
        let ends = self.lots.iter().filter_map(|lot| lot.expires).map(|last| last.plus(1));
        let tier = self.tier.until.map(|last| last.plus(1));
        starts.chain(ends).chain(tier).min().map(|day| day.max(today.plus(1)))
    }

    /// Counts on a day.
    pub(crate) fn count(&mut self, day: Day, counts: &Totals) {
        if *counts == Totals::default() {
            return;
        }
        self.life.add(counts);
        match self.days.binary_search_by_key(&day, |d| d.day) {
            Ok(at) => {
                if let Some(found) = self.days.get_mut(at) {
                    found.totals.add(counts);
                    if found.totals == Totals::default() {
                        self.days.remove(at);
                    }
                }
            }
            Err(at) => self.days.insert(at, DayTotals { day, totals: *counts }),
        }
    }
}
