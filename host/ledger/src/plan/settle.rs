//! Bringing a member up to date: what the calendar has done since the last event.
//!
//! The nightly order, also run before every act so that a late night changes nothing, and after it so that
//! nothing is told as held that has run out:
//! pending points become spendable and repay a debt, then points and vouchers whose last day has passed expire.
//! Tier reviews are events of their own and run before and after.

use super::PlanError;
use super::points::{insert_lot, period_end};
use super::work::{Line, Work};
use crate::{Account, Day, EntryKind, ExpiryRule, Granted, Lot, Period, Points, STAT_DAYS_MAX, VoucherState};

impl Work<'_> {
    /// Applies what the calendar did up to today.
    pub(super) fn settle(&mut self) -> Result<(), PlanError> {
        self.repay_debt();
        self.expire_points()?;
        self.settle_vouchers();
        self.settle_holds();
        self.forget_old();
        Ok(())
    }

    /// Takes what has run out: its last day has passed, or the member has been idle for as long as the setting says.
    pub(super) fn expire_points(&mut self) -> Result<(), PlanError> {
        let today = self.case.today;
        let Some(member) = &mut self.member else { return Ok(()) };
        let (expiry, active) = (self.case.settings.expiry, member.active);
        let gone = |lot: &Lot| gone_on(lot, expiry, active).filter(|day| *day <= today);
        let expired: Vec<Lot> =
            member.lots.iter().filter_map(|lot| Some(Lot { expires: Some(gone(lot)?), ..lot.clone() })).collect();
        member.lots.retain(|lot| gone(lot).is_none());
        for lot in expired {
            let delta = lot.left.negated();
            let line = Line::new(Account::Points, EntryKind::Expiry, delta.get(), "expiry");
            self.post(line.lots(vec![(lot.id.clone(), delta)]))?;
            self.note_ran_out(lot)?;
        }
        Ok(())
    }

    fn note_ran_out(&mut self, lot: Lot) -> Result<(), PlanError> {
        let Some(member) = &mut self.member else { return Ok(()) };
        match member.ran_out.iter_mut().find(|known| known.id == lot.id && known.expires == lot.expires) {
            Some(known) => known.left = known.left.plus(lot.left)?,
            None => insert_lot(&mut member.ran_out, lot),
        }
        Ok(())
    }

    fn settle_vouchers(&mut self) {
        let (today, now_ms) = (self.case.today, self.case.at.get());
        for (code, voucher) in &mut self.vouchers {
            if matches!(voucher.state, VoucherState::Reserved { until_ms, .. } if until_ms <= now_ms) {
                voucher.state = VoucherState::Issued;
                self.touched.insert(code.clone());
            }
            if voucher.state == VoucherState::Issued && voucher.valid_until.is_some_and(|last| last < today) {
                voucher.state = VoucherState::Expired;
                self.touched.insert(code.clone());
            }
        }
    }

    /// Drops cap counters and daily totals that not even the latest receipt can ask for, and notes as old as those.
    fn forget_old(&mut self) {
        let (late, oldest) = (self.earliest_receipt(), self.oldest_noted());
        let Some(member) = &mut self.member else { return };
        member.caps.retain(|_, cap| cap.period == Period::Life || period_end(cap.period, cap.from) >= late);
        member.days.retain(|totals| totals.day > oldest);
        member.ran_out.retain(|lot| lot.expires.is_some_and(|day| day > oldest));
    }

    /// The earliest day a receipt that comes in today may bear.
    fn earliest_receipt(&self) -> Day {
        self.case.today.plus(0_i32.saturating_sub_unsigned(self.case.settings.late_days_max))
    }

    /// Daily totals and what ran out are kept for days after this one.
    fn oldest_noted(&self) -> Day {
        self.earliest_receipt().plus(0_i32.saturating_sub_unsigned(STAT_DAYS_MAX))
    }

    /// The grant may have run out so long ago that it is no longer noted how much of it did.
    pub(super) fn is_forgotten(&self, granted: &Granted) -> bool {
        let lot =
            Lot { id: granted.lot.clone(), left: granted.granted, starts: granted.starts, expires: granted.expires };
        gone_on(&lot, self.case.settings.expiry, granted.starts).is_some_and(|day| day <= self.oldest_noted())
    }

    /// Spendable points repay points that were taken back after they had been spent.
    pub(super) fn repay_debt(&mut self) {
        let today = self.case.today;
        let Some(member) = &mut self.member else { return };
        let mut debt = member.debt.get();
        for lot in member.lots.iter_mut().filter(|lot| lot.starts <= today) {
            let repaid = debt.min(lot.left.get());
            lot.left = Points::new(lot.left.get() - repaid);
            debt -= repaid;
        }
        member.debt = Points::new(debt);
        member.lots.retain(|lot| lot.left != Points::ZERO);
    }
}

/// The first day the lot is no longer there.
fn gone_on(lot: &Lot, expiry: ExpiryRule, active: Day) -> Option<Day> {
    let idle = match expiry {
        // What was granted to an idle member lives as long as if it had woken them.
        ExpiryRule::Inactivity(days) => Some(active.max(lot.starts).plus(i32::try_from(days).unwrap_or(i32::MAX))),
        _ => None,
    };
    let last = [idle, lot.expires].into_iter().flatten().min()?;
    Some(last.plus(1).max(lot.starts))
}
