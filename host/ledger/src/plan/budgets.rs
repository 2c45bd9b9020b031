//! Budgets: the most that policies may give, together or one by one, in all, in a store or to a member.
//!
//! A budget that is shared counts by the server's calendar, so that its one counter moves on once for everybody; a
//! member's own counts by the event's day, as caps do.

use super::points::{period_name, period_start};
use super::work::Work;
use super::{Counter, StockUse};
use crate::{Budget, BudgetUse, Budgeted, CapUse, Day, Given, LocalTime, OverCap, Period, Points, Scope, Unit};

/// What the names of shared budgets' counters begin with.
pub(super) const BUDGET: &str = "budget/";

/// What a policy asks to give.
pub(super) struct Wish<'a> {
    pub policy: &'a str,
    pub rule: &'a str,
    /// [`Unit::Points`] or [`Unit::Money`].
    pub unit: Unit,
    pub amount: i64,
    pub given: Given,
}

impl Budget {
    fn concerns(&self, wish: &Wish<'_>) -> bool {
        let whose = self.policies.is_empty() || self.policies.iter().any(|name| name == wish.policy);
        whose && (self.unit == wish.unit || self.unit == Unit::Count)
    }

    /// What is left of an amount where only so much room is.
    fn reduced(&self, amount: i64, room: i64, given: &Given) -> i64 {
        let whole = matches!(given, Given::Voucher(_)) || self.unit == Unit::Count || self.over == OverCap::Refuse;
        if whole { 0 } else { room.clamp(0, amount) }
    }
}

/// What an amount counts as.
fn counted(unit: Unit, amount: i64) -> i64 {
    if unit == Unit::Count { amount.min(1) } else { amount }
}

impl Work<'_> {
    /// Takes an amount from every budget it counts against, as far as all of them have it. Gives how much that is.
    pub(super) fn take_budgets(&mut self, wish: Wish<'_>) -> i64 {
        let mut granted = wish.amount;
        let mut tightest = None;
        let mut uses = Vec::new();
        for budget in self.case.settings.budgets.iter().filter(|budget| budget.concerns(&wish)) {
            let Some(found) = self.budget_use(budget) else { continue };
            let room = budget.limit.saturating_sub(found.used).max(0);
            if counted(budget.unit, granted) > room {
                granted = budget.reduced(granted, room, &wish.given);
                tightest = Some((budget.name.as_str(), room));
            }
            uses.push((BudgetUse { used: 0, ..found }, budget.limit));
        }
        if uses.is_empty() {
            return granted;
        }
        if let Some((name, room)) = tightest {
            self.said.over_budget(&wish, name, room, granted);
        }
        for (used, limit) in &mut uses {
            used.used = counted(used.unit, granted);
            self.use_budget(used, *limit);
        }
        let (policy, rule) = (wish.policy.to_owned(), wish.rule.to_owned());
        let uses = uses.into_iter().map(|(used, _)| used).collect();
        let budgeted = Budgeted { policy, rule, given: wish.given, wanted: wish.amount, granted, uses };
        self.plan.applied.budgeted.push(budgeted);
        granted
    }

    /// What is used of a budget in its present period; nothing where it does not count.
    fn budget_use(&self, budget: &Budget) -> Option<BudgetUse> {
        let (unit, period) = (budget.unit, budget.period);
        let name = format!("{BUDGET}{}/{}/{}", budget.name, unit.as_str(), period_name(period));
        let name = match budget.scope {
            Scope::Global => name,
            Scope::Store => format!("{name}/{}", self.case.store.as_ref()?.as_str()),
            Scope::Member => {
                let since = period_start(period, &self.case.now);
                let name = format!("{name}/{}", since.get());
                let used = self.member.as_ref()?.caps.get(&name).map_or(0, |cap| cap.used.get());
                return Some(BudgetUse { name, member: true, unit, period, since, used });
            }
        };
        if self.here().day != self.case.today {
            // History that is brought in was given by others, long ago.
            return None;
        }
        let since = self.counts_since(&name, period);
        let counter = self.stock_of(&name);
        let used = if counter.since == i64::from(since.get()) { counter.used } else { 0 };
        Some(BudgetUse { name, member: false, unit, period, since, used })
    }

    fn here(&self) -> LocalTime {
        self.case.settings.zone.local(self.case.at)
    }

    /// The period a shared counter is in. A host whose clock is behind counts where the others are already.
    fn counts_since(&self, name: &str, period: Period) -> Day {
        let counter = Day::new(i32::try_from(self.stock_of(name).since).unwrap_or(i32::MAX));
        period_start(period, &self.here()).max(counter)
    }

    /// Takes from a budget.
    pub(super) fn use_budget(&mut self, used: &BudgetUse, limit: i64) {
        if used.used == 0 {
            return;
        }
        if !used.member {
            let (name, since) = (used.name.clone(), i64::from(used.since.get()));
            self.use_stock(StockUse { name, delta: used.used, max: Some(limit), since });
        } else if let Some(member) = &mut self.member {
            let cap = CapUse { period: used.period, from: used.since, used: Points::ZERO };
            let cap = member.caps.entry(used.name.clone()).or_insert(cap);
            cap.used = Points::new(cap.used.get().saturating_add(used.used));
        }
    }

    /// Gives back to a budget what it still counts: one that has begun anew counts nothing of it.
    pub(super) fn give_to_budget(&mut self, used: &BudgetUse) {
        if used.used == 0 {
            return;
        }
        if !used.member {
            let Counter { used: counted, max, since } = self.stock_of(&used.name);
            let delta = -used.used.min(counted);
            if self.counts_since(&used.name, used.period) == used.since && delta < 0 {
                self.use_stock(StockUse { name: used.name.clone(), delta, max, since });
            }
        } else if let Some(member) = &mut self.member {
            if let Some(cap) = member.caps.get_mut(&used.name) {
                cap.used = Points::new(cap.used.get().saturating_sub(used.used));
            }
            member.caps.retain(|_, cap| cap.used != Points::ZERO);
        }
    }

    /// A return gives back up to `amount` of what was given to the budgets it came from. Gives what is left over.
    pub(super) fn return_to_budgets(&mut self, budgeted: &mut [Budgeted], given: &Given, amount: i64) -> i64 {
        let mut left = amount;
        for one in budgeted.iter_mut().filter(|one| one.given == *given) {
            let back = one.granted.min(left);
            one.granted -= back;
            left -= back;
            let gone = one.granted == 0;
            for used in &mut one.uses {
                let gives = match used.unit {
                    Unit::Count if gone => used.used,
                    Unit::Count => 0,
                    _ => used.used.min(back),
                };
                used.used -= gives;
                self.give_to_budget(&BudgetUse { used: gives, ..used.clone() });
            }
        }
        left
    }
}
