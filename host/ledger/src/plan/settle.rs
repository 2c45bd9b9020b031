//! Bringing a member up to date: what the calendar has done since the last event.
//!
//! The nightly order, also run before every act so that a late night changes nothing, and after it so that
//! nothing is told as held that has run out:
//! pending points become spendable and repay a debt, then points and vouchers whose last day has passed expire.
//! Tier reviews are events of their own and run before and after.

use super::PlanError;
use super::points::period_end;
use super::work::{Line, Work};
use crate::{Account, EntryKind, ExpiryRule, Lot, LotId, Period, Points, STAT_DAYS_MAX, VoucherState};

impl Work<'_> {
    /// Applies what the calendar did up to today.
    pub(super) fn settle(&mut self) -> Result<(), PlanError> {
        self.repay_debt();
        self.expire_points()?;
        self.settle_vouchers();
        self.forget_old();
        Ok(())
    }

    /// Takes what has run out: its last day has passed, or the member has been idle for as long as the setting says.
    pub(super) fn expire_points(&mut self) -> Result<(), PlanError> {
        let today = self.case.today;
        let Some(member) = &mut self.member else { return Ok(()) };
        let (expiry, active) = (self.case.settings.expiry, member.active);
        let idle = |lot: &Lot| match expiry {
            // What was granted to an idle member lives as long as if it had woken them.
            ExpiryRule::Inactivity(days) => {
                active.max(lot.starts).plus(i32::try_from(days).unwrap_or(i32::MAX)) < today
            }
            _ => false,
        };
        let gone = |lot: &Lot| lot.starts <= today && (idle(lot) || lot.expires.is_some_and(|last| last < today));
        let expired: Vec<(LotId, Points)> =
            member.lots.iter().filter(|lot| gone(lot)).map(|lot| (lot.id.clone(), lot.left.negated())).collect();
        member.lots.retain(|lot| !gone(lot));
        for (lot, delta) in expired {
            self.post(Line::new(Account::Points, EntryKind::Expiry, delta.get(), "expiry").lots(vec![(lot, delta)]))?;
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

    /// Drops cap counters and daily totals that not even the latest receipt can ask for.
    fn forget_old(&mut self) {
        let back = |days: u32| 0_i32.saturating_sub_unsigned(days);
        let late = self.case.today.plus(back(self.case.settings.late_days_max));
        let oldest = late.plus(back(STAT_DAYS_MAX));
        let Some(member) = &mut self.member else { return };
        member.caps.retain(|_, cap| cap.period == Period::Life || period_end(cap.period, cap.from) >= late);
        member.days.retain(|totals| totals.day > oldest);
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
