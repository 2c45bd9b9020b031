//! Points: lots granted, spent soonest-to-expire first, given back and taken back.

use super::PlanError;
use super::budgets::Wish;
use super::work::{Line, Work};
use crate::{
    Account, Adjust, Cap, CapUse, Day, EntryKind, Expiry, ExpiryRule, Given, Grant, Granted, LocalTime, Lot, LotId,
    Negative, OverCap, Period, Points, RoundTo, Taken, Unit,
};
use chrono::Datelike;

impl Work<'_> {
    /// Grants points as far as the rule's cap and the tenant's budgets allow. Gives what was granted.
    pub(super) fn grant(&mut self, policy: &str, rule: &str, grant: &Grant) -> Result<Points, PlanError> {
        let Some(room) = self.cap_room(policy, rule, grant.cap) else { return Ok(Points::ZERO) };
        let amount = match self.case.settings.over_cap {
            _ if grant.amount <= room => grant.amount,
            OverCap::Reduce => room,
            OverCap::Refuse => Points::ZERO,
        };
        if amount <= Points::ZERO {
            return Ok(Points::ZERO);
        }
        let given = Given::Points(LotId(self.case.decision.clone(), self.lots_made));
        let wish = Wish { policy, rule, unit: Unit::Points, amount: amount.get(), given };
        let amount = Points::new(self.take_budgets(wish));
        if amount == Points::ZERO {
            return Ok(Points::ZERO);
        }
        let cap = grant.cap.map(|cap| self.use_cap(policy, rule, cap, amount)).transpose()?;
        let starts = self.case.today.plus(i32::try_from(grant.pending_days).unwrap_or(i32::MAX));
        let expires = self.last_day(starts, grant.expiry);
        let lot = self.add_lot(EntryKind::Accrual, policy, rule, amount, starts, expires)?;
        let (policy, rule) = (policy.to_owned(), rule.to_owned());
        self.plan.applied.granted.push(Granted {
            policy,
            rule,
            lot,
            wanted: grant.amount,
            granted: amount,
            expires,
            starts,
            cap,
        });
        self.count(|counts| counts.earned = amount.get());
        Ok(amount)
    }

    fn add_lot(
        &mut self,
        kind: EntryKind,
        policy: &str,
        rule: &str,
        amount: Points,
        starts: Day,
        expires: Option<Day>,
    ) -> Result<LotId, PlanError> {
        let id = LotId(self.case.decision.clone(), self.lots_made);
        self.lots_made = self.lots_made.saturating_add(1);
        let mut line = Line::new(Account::Points, kind, amount.get(), rule).by(policy).lots(vec![(id.clone(), amount)]);
        (line.starts, line.expires) = (Some(starts), expires);
        self.post(line)?;
        if let Some(member) = &mut self.member {
            insert_lot(&mut member.lots, Lot { id: id.clone(), left: amount, starts, expires });
        }
        self.repay_debt();
        Ok(id)
    }

    /// What the cap leaves in its present period; nothing without a member.
    fn cap_room(&self, policy: &str, rule: &str, cap: Option<Cap>) -> Option<Points> {
        let member = self.member.as_ref()?;
        let Some(cap) = cap else { return Some(Points::new(crate::AMOUNT_MAX)) };
        let used = match cap.period {
            Period::Event => self.used_by_event(policy, rule),
            _ => member.caps.get(&cap_name(policy, rule, cap.period, &self.case.now)).map_or(0, |c| c.used.get()),
        };
        Some(Points::new(cap.limit.get().saturating_sub(used).max(0)))
    }

    /// What the rule has granted in this very event under a cap per event.
    fn used_by_event(&self, policy: &str, rule: &str) -> i64 {
        let same = |g: &&Granted| {
            let per_event = matches!(&g.cap, Some((_, used)) if used.period == Period::Event);
            per_event && g.policy == policy && g.rule == rule
        };
        self.plan.applied.granted.iter().filter(same).map(|g| g.granted.get()).fold(0, i64::saturating_add)
    }

    fn use_cap(&mut self, policy: &str, rule: &str, cap: Cap, amount: Points) -> Result<(String, CapUse), PlanError> {
        let name = cap_name(policy, rule, cap.period, &self.case.now);
        let from = period_start(cap.period, &self.case.now);
        let mut used = CapUse { period: cap.period, from, used: Points::ZERO };
        if let Some(member) = &mut self.member
            && cap.period != Period::Event
        {
            let entry = member.caps.entry(name.clone()).or_insert(used);
            entry.used = entry.used.plus(amount)?;
        }
        used.used = amount;
        Ok((name, used))
    }

    /// The last day points that start then can be spent.
    fn last_day(&self, starts: Day, expiry: Expiry) -> Option<Day> {
        let days = |n: u32| starts.plus(i32::try_from(n).unwrap_or(i32::MAX));
        match expiry {
            Expiry::Never => None,
            Expiry::Days(n) => Some(days(n)),
            Expiry::On(day) => Some(day),
            Expiry::Standard => match self.case.settings.expiry {
                ExpiryRule::Never | ExpiryRule::Inactivity(_) => None,
                ExpiryRule::Rolling(n, round) => Some(rounded(days(n), round)),
                ExpiryRule::Calendar(month, day, least) => Some(next_date(days(least), month, day)),
            },
        }
    }

    /// Spends points, soonest to expire first, never-expiring last, ties by age.
    ///
    /// # Errors
    /// [`PlanError::Overdrawn`] if fewer can be spent.
    pub(super) fn spend(
        &mut self,
        kind: EntryKind,
        policy: &str,
        rule: &str,
        amount: Points,
    ) -> Result<Vec<Taken>, PlanError> {
        let today = self.case.today;
        let member = self.member.as_mut().ok_or(PlanError::MemberRequired)?;
        if amount == Points::ZERO {
            return Ok(Vec::new());
        }
        // What other quotes hold is promised.
        let held = member.spendable(today).minus(member.held(self.case.at).0)?;
        if amount > held {
            return Err(PlanError::Overdrawn { asked: amount, held });
        }
        let taken = take_soonest(&mut member.lots, today, amount);
        let lots = taken.iter().map(|t| (t.lot.clone(), t.amount.negated())).collect();
        self.post(Line::new(Account::Points, kind, amount.negated().get(), rule).by(policy).lots(lots))?;
        Ok(taken)
    }

    /// Points spent on a returned sale come back with their own dates; if those have passed they run out at once.
    pub(super) fn give_back(&mut self, taken: &[Taken]) -> Result<(), PlanError> {
        let amount = Points::sum(taken.iter().map(|t| t.amount))?;
        if amount == Points::ZERO {
            return Ok(());
        }
        let lots = taken.iter().map(|t| (t.lot.clone(), t.amount)).collect();
        self.post(Line::new(Account::Points, EntryKind::Reversal, amount.get(), "return").lots(lots))?;
        if let Some(member) = &mut self.member {
            for t in taken {
                match member.lots.iter_mut().find(|lot| lot.id == t.lot) {
                    Some(lot) => lot.left = lot.left.plus(t.amount)?,
                    None => {
                        let lot = Lot { id: t.lot.clone(), left: t.amount, starts: t.starts, expires: t.expires };
                        insert_lot(&mut member.lots, lot);
                    }
                }
            }
        }
        // First, so that what has run out repays no debt.
        self.expire_points()?;
        self.repay_debt();
        Ok(())
    }

    /// Takes back points a sale granted: from its own lot, but for what ran out of it, then as the tenant's setting
    /// says. Gives what was taken.
    pub(super) fn take_back(&mut self, granted: &Granted, amount: Points) -> Result<Points, PlanError> {
        let today = self.case.today;
        let negative = self.case.settings.negative;
        let forgotten = self.is_forgotten(granted);
        let Some(member) = &mut self.member else { return Ok(Points::ZERO) };
        let mut lots = Vec::new();
        let mut missing = amount.get();
        if let Some(own) = member.lots.iter_mut().find(|lot| lot.id == granted.lot) {
            let takes =
                if negative == Negative::PendingOnly && own.starts <= today { 0 } else { missing.min(own.left.get()) };
            own.left = Points::new(own.left.get() - takes);
            missing -= takes;
            if takes != 0 {
                lots.push((own.id.clone(), Points::new(-takes)));
            }
        }
        member.lots.retain(|lot| lot.left != Points::ZERO);
        // In doubt for the member: nothing is taken twice.
        let gone = if forgotten { missing } else { take_ran_out(&mut member.ran_out, &granted.lot, missing) };
        missing -= gone;
        if negative != Negative::PendingOnly {
            let other = take_soonest(&mut member.lots, today, Points::new(missing));
            missing -= other.iter().map(|t| t.amount.get()).sum::<i64>();
            lots.extend(other.into_iter().map(|t| (t.lot, t.amount.negated())));
        }
        if negative == Negative::Allow {
            member.debt = member.debt.plus(Points::new(missing))?;
            missing = 0;
        }
        let taken = Points::new(amount.get() - gone - missing);
        if taken != Points::ZERO {
            let line = Line::new(Account::Points, EntryKind::Reversal, taken.negated().get(), &granted.rule);
            self.post(line.by(&granted.policy).lots(lots))?;
        }
        Ok(taken)
    }

    /// A correction by staff.
    pub(super) fn adjust(&mut self, adjust: &Adjust) -> Result<(), PlanError> {
        let amount = Points::checked(adjust.delta)?;
        if amount == Points::ZERO {
            return Err(PlanError::BadAmount { amount: 0, why: "corrects nothing" });
        }
        match adjust.account {
            Account::Points if adjust.delta >= 0 => {
                let starts = self.case.today;
                let expires = self.last_day(starts, Expiry::Standard);
                self.add_lot(EntryKind::Adjustment, "", &adjust.note, amount, starts, expires).map(|_| ())
            }
            Account::Points => self.spend(EntryKind::Adjustment, "", &adjust.note, amount.negated()).map(|_| ()),
            account => self.adjust_stored(account, adjust),
        }
    }
}

/// Puts a lot where it belongs: there is one order only, so that a lot that comes back stands where it stood.
pub(super) fn insert_lot(lots: &mut Vec<Lot>, lot: Lot) {
    let before =
        |other: &Lot| (other.starts, lot_order(&other.id), &other.id) <= (lot.starts, lot_order(&lot.id), &lot.id);
    let at = lots.partition_point(before);
    lots.insert(at, lot);
}

/// Takes up to `missing` off what ran out of a lot. Gives how much.
fn take_ran_out(ran_out: &mut Vec<Lot>, lot: &LotId, missing: i64) -> i64 {
    let mut gone = 0;
    for known in ran_out.iter_mut().filter(|known| known.id == *lot) {
        let takes = known.left.get().min(missing - gone);
        known.left = Points::new(known.left.get() - takes);
        gone += takes;
    }
    ran_out.retain(|known| known.left != Points::ZERO);
    gone
}

fn lot_order(id: &LotId) -> (u64, u32) {
    let seq = id.0.as_str().rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or(u64::MAX);
    (seq, id.1)
}

/// Takes up to `amount` from spendable lots: soonest to expire first, never-expiring last, ties by age.
fn take_soonest(lots: &mut Vec<Lot>, today: Day, amount: Points) -> Vec<Taken> {
    let mut order: Vec<&mut Lot> = lots.iter_mut().filter(|lot| lot.starts <= today).collect();
    order.sort_by_key(|lot| (lot.expires.is_none(), lot.expires, lot.starts));
    let mut missing = amount.get();
    let mut taken = Vec::new();
    for lot in order {
        let takes = missing.min(lot.left.get());
        if takes <= 0 {
            continue;
        }
        lot.left = Points::new(lot.left.get() - takes);
        missing -= takes;
        taken.push(Taken { lot: lot.id.clone(), amount: Points::new(takes), starts: lot.starts, expires: lot.expires });
    }
    lots.retain(|lot| lot.left != Points::ZERO);
    taken
}

/// The name a cap's use is kept under: policy, rule, kind of period and its first day. The kind is needed because
/// a day, a week and a month can begin together.
fn cap_name(policy: &str, rule: &str, period: Period, now: &LocalTime) -> String {
    format!("{policy}/{rule}/{}/{}", period_name(period), period_start(period, now).get())
}

pub(super) const fn period_name(period: Period) -> &'static str {
    match period {
        Period::Event => "event",
        Period::Day => "day",
        Period::Week => "week",
        Period::Month => "month",
        Period::Year => "year",
        Period::Life => "life",
    }
}

pub(super) fn period_start(period: Period, now: &LocalTime) -> Day {
    match period {
        Period::Event | Period::Day => now.day,
        Period::Week => now.day.plus(1 - i32::from(now.weekday)),
        Period::Month => now.day.plus(1 - i32::from(now.day_of_month)),
        Period::Year => now.day.plus(-i32::try_from(now.day.date().ordinal0()).unwrap_or(0)),
        Period::Life => Day::default(),
    }
}

/// The period's last day, or a little later.
pub(super) fn period_end(period: Period, from: Day) -> Day {
    match period {
        Period::Event | Period::Day => from,
        Period::Week => from.plus(6),
        Period::Month => from.plus(30),
        Period::Year => from.plus(365),
        Period::Life => Day::new(i32::MAX),
    }
}

fn rounded(day: Day, round: RoundTo) -> Day {
    let date = day.date();
    match round {
        RoundTo::Day => day,
        RoundTo::Month => day.plus(i32::from(date.num_days_in_month()) - i32::try_from(date.day()).unwrap_or(0)),
        RoundTo::Year => {
            let length = if date.leap_year() { 366 } else { 365 };
            day.plus(length - i32::try_from(date.ordinal()).unwrap_or(0))
        }
    }
}

/// The first such month and day on or after `least`; 29 February falls on the 28th in other years.
fn next_date(least: Day, month: u8, day: u8) -> Day {
    let year = least.date().year();
    let on = |year: i32| {
        (0..=3_u8)
            .filter_map(|back| {
                chrono::NaiveDate::from_ymd_opt(year, u32::from(month), u32::from(day.saturating_sub(back)))
            })
            .map(|date| Day::new(date.to_epoch_days()))
            .next()
    };
    on(year).filter(|found| *found >= least).or_else(|| on(year.saturating_add(1))).unwrap_or(least)
}
