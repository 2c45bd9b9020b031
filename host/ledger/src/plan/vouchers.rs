//! Vouchers: issued, held for a quote, used, given back.

use super::budgets::Wish;
use super::work::Work;
use super::{PlanError, StockUse};
use crate::{
    Act, Checkout, DecisionId, Fen, Given, Receipt, Settings, Unit, UnixMs, Voucher, VoucherCode, VoucherIssue,
    VoucherRefusal, VoucherState,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Letters and digits nobody confuses: no 0 O 1 I L U.
const CODE_LETTERS: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 18 of 30 letters: 88 random bits.
const CODE_LENGTH: usize = 18;

impl Work<'_> {
    /// Uses (or, for a quote, holds) the presented vouchers. Gives what they pay.
    pub(super) fn use_vouchers(&mut self, checkout: &Checkout) -> Result<Fen, PlanError> {
        let mut paid = Fen::ZERO;
        let mut used = 0;
        for code in &checkout.vouchers {
            match self.usable(code, checkout, used, paid) {
                Ok(amount) => {
                    paid = paid.plus(amount)?;
                    used += 1;
                    self.mark_used(code);
                    self.said.voucher_used(code, amount);
                }
                Err(refusal) => self.said.voucher_refused(code, &refusal),
            }
        }
        Ok(paid)
    }

    /// What this voucher pays on the receipt, or why it pays nothing.
    fn usable(&self, code: &VoucherCode, checkout: &Checkout, used: u32, paid: Fen) -> Result<Fen, VoucherRefusal> {
        let member = self.member.as_ref().ok_or(VoucherRefusal::Unknown)?;
        let voucher = self.vouchers.get(code).filter(|v| v.member == member.id).ok_or(VoucherRefusal::Unknown)?;
        let max = self.case.settings.vouchers_per_receipt;
        if used >= max {
            return Err(VoucherRefusal::TooMany { max });
        }
        voucher.worth(&checkout.receipt, checkout.quote.as_ref(), self.case.now.day, paid)
    }

    fn mark_used(&mut self, code: &VoucherCode) {
        let decision = self.case.decision.clone();
        let until = reserve_until(self.case.at, self.case.settings);
        if let Some(voucher) = self.vouchers.get_mut(code) {
            voucher.state = match self.case.act {
                Act::Quote(_) => VoucherState::Reserved { quote: decision, until_ms: until.get() },
                _ => VoucherState::Used { by: decision },
            };
        }
        self.touched.insert(code.clone());
        self.plan.applied.vouchers_used.push(code.clone());
    }

    /// Lets go of everything a quote holds.
    pub(super) fn release(&mut self, quote: &DecisionId) {
        for code in self.let_go(quote) {
            self.said.voucher_restored(&code);
        }
    }

    /// Makes everything of the member that a quote holds free again. Gives which vouchers.
    pub(super) fn let_go(&mut self, quote: &DecisionId) -> Vec<VoucherCode> {
        let Some(member) = &self.member else { return Vec::new() };
        let holds = |v: &Voucher| matches!(&v.state, VoucherState::Reserved { quote: q, .. } if q == quote);
        let held = |v: &Voucher| v.member == member.id && holds(v);
        let mut free = Vec::new();
        for (code, voucher) in self.vouchers.iter_mut().filter(|(_, v)| held(v)) {
            voucher.state = VoucherState::Issued;
            self.touched.insert(code.clone());
            free.push(code.clone());
        }
        self.let_hold_go(quote);
        free
    }

    /// Issues a voucher, if its template has stock left.
    pub(super) fn issue(&mut self, policy: &str, rule: &str, issue: &VoucherIssue) {
        let Some(member) = self.member.as_ref().map(|m| m.id.clone()) else { return };
        let counter = format!("voucher/{}", issue.template);
        let max = self.stock_of(&counter).max;
        if !self.in_stock(&issue.template) {
            self.said.missed(policy, rule, &format!("{}已发完", issue.title));
            return;
        }
        let Some(code) = self.next_code() else { return };
        let given = Given::Voucher(code.clone());
        if self.take_budgets(Wish { policy, rule, unit: Unit::Money, amount: issue.face.get(), given }) == 0 {
            return;
        }
        // Only templates with a limit are counted: an unlimited counter would be one hot row for nothing.
        if max.is_some() {
            self.use_stock(StockUse { name: counter, delta: 1, max, since: 0 });
        }
        let today = self.case.now.day;
        let voucher = Voucher {
            code: code.clone(),
            member,
            template: issue.template.clone(),
            title: issue.title.clone(),
            face: issue.face,
            min_spend: issue.min_spend,
            valid_from: today,
            valid_until: Some(today.plus(i32::try_from(issue.valid_days).unwrap_or(i32::MAX))),
            categories: issue.categories.clone(),
            issued_by: self.case.decision.clone(),
            state: VoucherState::Issued,
        };
        self.said.voucher_issued(policy, rule, &voucher);
        self.plan.applied.vouchers_issued.push(code.clone());
        self.touched.insert(code.clone());
        self.vouchers.insert(code, voucher);
    }

    /// The template has no limit, or has not reached it.
    pub(super) fn in_stock(&self, template: &str) -> bool {
        let counter = self.stock_of(&format!("voucher/{template}"));
        counter.max.is_none_or(|max| counter.used < max)
    }

    /// Takes a voucher of the member away, but for one that a quote holds: it has been promised.
    pub(super) fn void(&mut self, policy: &str, rule: &str, code: &VoucherCode) {
        let Some(member) = &self.member else { return };
        let may = |v: &Voucher| v.member == member.id && v.state == VoucherState::Issued;
        let Some(voucher) = self.vouchers.get_mut(code).filter(|v| may(v)) else { return };
        voucher.state = VoucherState::Voided;
        self.plan.applied.vouchers_voided.push(code.clone());
        self.touched.insert(code.clone());
        self.said.voucher_voided(policy, rule, code);
    }

    /// The next voucher code of this decision, drawn from its random seed.
    fn next_code(&mut self) -> Option<VoucherCode> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.case.code_seed).ok()?;
        mac.update(self.case.decision.as_str().as_bytes());
        mac.update(&self.codes_made.to_be_bytes());
        self.codes_made = self.codes_made.saturating_add(1);
        let bytes = mac.finalize().into_bytes();
        let letters = bytes.iter().filter(|b| **b < 240).filter_map(|b| CODE_LETTERS.get(usize::from(b % 30)));
        let text: String = letters.take(CODE_LENGTH).map(|b| char::from(*b)).collect();
        VoucherCode::new(text).ok()
    }
}

pub(super) fn reserve_until(at: UnixMs, settings: &Settings) -> UnixMs {
    at.after_ms(i64::from(settings.reserve_seconds).saturating_mul(1_000))
}

impl Voucher {
    /// What the voucher pays on a receipt of which `paid` is paid by other vouchers, or why nothing.
    ///
    /// # Errors
    /// [`VoucherRefusal`] with the reason in words.
    pub fn worth(
        &self,
        receipt: &Receipt,
        quote: Option<&DecisionId>,
        today: crate::Day,
        paid: Fen,
    ) -> Result<Fen, VoucherRefusal> {
        match &self.state {
            VoucherState::Issued => {}
            VoucherState::Reserved { quote: held, .. } if Some(held) == quote => {}
            VoucherState::Reserved { .. } => return Err(VoucherRefusal::Reserved),
            VoucherState::Used { .. } => return Err(VoucherRefusal::Used),
            VoucherState::Expired => return Err(VoucherRefusal::Expired),
            VoucherState::Voided => return Err(VoucherRefusal::Voided),
        }
        if today < self.valid_from {
            return Err(VoucherRefusal::NotYet { from: self.valid_from.to_string() });
        }
        if self.valid_until.is_some_and(|last| last < today) {
            return Err(VoucherRefusal::Expired);
        }
        self.worth_of_goods(receipt, paid)
    }

    fn worth_of_goods(&self, receipt: &Receipt, paid: Fen) -> Result<Fen, VoucherRefusal> {
        if receipt.total < self.min_spend {
            let missing = Fen::new(self.min_spend.get() - receipt.total.get());
            return Err(VoucherRefusal::MinSpend { need: self.min_spend.in_yuan(), missing: missing.in_yuan() });
        }
        let covered = |line: &&crate::Line| self.categories.is_empty() || self.categories.contains(&line.category);
        let goods = receipt.lines.iter().filter(covered).map(|line| line.amount.get()).fold(0_i64, i64::saturating_add);
        let left = receipt.total.get().saturating_sub(paid.get());
        let amount = Fen::new(self.face.get().min(goods).min(left));
        if amount > Fen::ZERO { Ok(amount) } else { Err(VoucherRefusal::Scope) }
    }
}
