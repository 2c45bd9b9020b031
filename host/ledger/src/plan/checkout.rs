//! Receipts: what vouchers and points pay, what policies take off, what is left to pay.

use super::PlanError;
use super::budgets::{BUDGET, Wish};
use super::work::Work;
use crate::{Act, Checkout, EntryKind, Event, Fen, Given, LineDiscount, Points, Receipt, Unit, share};

/// The payment method that spends the member's stored value.
pub(super) const STORED_VALUE: &str = "stored_value";

impl Work<'_> {
    /// Checks the receipt, uses presented vouchers and redeems points, and asks the rulebook about the rest.
    pub(super) fn ready_checkout(&mut self, checkout: &Checkout) -> Result<(), PlanError> {
        let mut receipt = checkout.receipt.clone();
        self.check_receipt(&receipt)?;
        let by_vouchers = self.use_vouchers(checkout)?;
        receipt.payable = receipt.total.minus(by_vouchers)?;
        let by_points = self.redeem(&receipt)?;
        receipt.payable = receipt.payable.minus(by_points)?;
        self.said.due.payable = receipt.payable;
        self.ask(Event::Receipt(receipt));
        Ok(())
    }

    fn check_receipt(&self, receipt: &Receipt) -> Result<(), PlanError> {
        let max = self.case.envelope.lines_max;
        if receipt.lines.len() > max {
            return Err(PlanError::TooManyLines { lines: receipt.lines.len(), max });
        }
        let lines = Fen::sum(receipt.lines.iter().map(|line| line.amount))?;
        let total = Fen::checked(receipt.total.get())?;
        if lines != total {
            return Err(PlanError::TotalDiffers { lines, total });
        }
        Ok(())
    }

    fn redeem(&mut self, receipt: &Receipt) -> Result<Fen, PlanError> {
        let asked = receipt.redeem_points;
        if asked == Points::ZERO {
            return Ok(Fen::ZERO);
        }
        if asked < Points::ZERO {
            return Err(PlanError::BadAmount { amount: asked.get(), why: "points cannot be redeemed" });
        }
        let per_yuan = self.case.settings.points_per_yuan;
        if per_yuan <= 0 {
            return Err(PlanError::PointsCannotPay);
        }
        // Down: a fraction of a fen is the shop's.
        let worth = Fen::new(share(asked.get(), 100, per_yuan)?);
        if worth > receipt.payable {
            let most = Points::new(share(receipt.payable.get().max(0), per_yuan, 100)?);
            return Err(PlanError::RedeemTooMuch { asked, payable: receipt.payable, most });
        }
        let taken = self.spend(EntryKind::Redemption, "", "redeem", asked)?;
        self.plan.applied.redeemed.extend(taken);
        self.said.due.redeemed = asked;
        Ok(worth)
    }

    /// A policy takes something off one line; policies together never more than the line costs.
    pub(super) fn discount_line(&mut self, policy: &str, rule: &str, discount: &LineDiscount) {
        let line = match &self.event {
            Some(Event::Receipt(receipt)) => receipt.lines.get(usize::try_from(discount.line).unwrap_or(usize::MAX)),
            _ => None,
        };
        let off = self.off_lines.get(&discount.line).copied().unwrap_or_default();
        let most = line.map_or(0, |line| line.amount.get().saturating_sub(off.get()).max(0));
        let amount = self.discount(policy, rule, discount.amount.min(Fen::new(most)));
        self.off_lines.insert(discount.line, Fen::new(off.get().saturating_add(amount.get())));
    }

    /// A policy takes something off the receipt; never more than is left to pay. Gives what it took.
    pub(super) fn discount(&mut self, policy: &str, rule: &str, wanted: Fen) -> Fen {
        let wanted = wanted.min(self.said.due.payable).max(Fen::ZERO);
        if wanted == Fen::ZERO {
            return wanted;
        }
        let wish = Wish { policy, rule, unit: Unit::Money, amount: wanted.get(), given: Given::Discount };
        let amount = Fen::new(self.take_budgets(wish));
        if amount == Fen::ZERO {
            return amount;
        }
        self.said.due.payable = Fen::new(self.said.due.payable.get() - amount.get());
        self.plan.applied.discount = Fen::new(self.plan.applied.discount.get().saturating_add(amount.get()));
        self.said.discount(policy, rule, amount, wanted);
        amount
    }

    /// What follows once the policies have answered: counts, and stored value that pays.
    pub(super) fn after_effects(&mut self) -> Result<(), PlanError> {
        let (Act::Receipt(checkout) | Act::Quote(checkout)) = self.case.act else { return Ok(()) };
        let payments = checkout.receipt.payments.iter().filter(|p| p.method == STORED_VALUE).map(|p| p.amount);
        // The till may not know of a discount yet: never more than there is to pay.
        let stored = Fen::sum(payments)?.min(self.said.due.payable);
        if stored > Fen::ZERO {
            self.pay_stored(stored)?;
        }
        if self.member.is_some() {
            let spend = self.said.due.payable.get();
            self.count(|counts| (counts.spend, counts.visits) = (spend, 1));
        }
        Ok(())
    }

    /// A quote keeps its reservations and what the calendar did, and nothing else.
    pub(super) fn keep_holds_only(&mut self) {
        let hold = self.hold();
        self.plan.entries.truncate(self.settled);
        // What it would take from shared budgets is taken, as long as somebody is there to hold it.
        let promised = self.member.is_some();
        self.plan.stock.retain(|moved| promised && moved.name.starts_with(BUDGET));
        self.plan.notices.clear();
        self.plan.applied = crate::Applied::default();
        let Some(before) = self.before.take() else { return };
        self.member = before.member;
        let quoted = std::mem::replace(&mut self.vouchers, before.vouchers);
        self.touched = before.touched;
        let here = &self.case.decision;
        let held =
            |v: &crate::Voucher| matches!(&v.state, crate::VoucherState::Reserved { quote, .. } if quote == here);
        for (code, voucher) in quoted.into_iter().filter(|(_, v)| held(v)) {
            self.touched.insert(code.clone());
            self.vouchers.insert(code, voucher);
        }
        if let Some(hold) = hold {
            self.keep_hold(hold);
        }
    }
}
