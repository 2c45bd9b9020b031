//! How a handler asks for things, and says why.

use crate::types::{
    Comparison, Day, Decision, Effect, Fen, Grant, LineDiscount, Message, Odds, Outcome, Points, Reason, RuledEffect,
    Tag, TierChange, VoucherIssue,
};

impl Decision {
    /// Gives points: a number, or a [`Grant`] with options.
    pub fn grant(&mut self, rule: &str, points: impl Into<Grant>) {
        self.ask(rule, Effect::GrantPoints(points.into()));
    }

    /// Takes points.
    pub fn deduct(&mut self, rule: &str, points: Points) {
        self.ask(rule, Effect::DeductPoints(points));
    }

    /// Gives a voucher; see [`VoucherIssue::new`].
    pub fn issue_voucher(&mut self, rule: &str, voucher: VoucherIssue) {
        self.ask(rule, Effect::IssueVoucher(voucher));
    }

    /// Takes a voucher away.
    pub fn void_voucher(&mut self, rule: &str, code: &str) {
        self.ask(rule, Effect::VoidVoucher(code.to_owned()));
    }

    /// Moves the member to a tier without an end.
    pub fn set_tier(&mut self, rule: &str, tier: &str) {
        self.ask(rule, Effect::SetTier(TierChange { tier: tier.to_owned(), until: None }));
    }

    /// Moves the member to a tier; `until` is the last day it holds without a new review.
    pub fn set_tier_until(&mut self, rule: &str, tier: &str, until: Day) {
        self.ask(rule, Effect::SetTier(TierChange { tier: tier.to_owned(), until: Some(until) }));
    }

    /// Takes fen off one line of the receipt, counted from 0.
    pub fn discount_line(&mut self, rule: &str, line: usize, amount: Fen) {
        // A receipt with more lines than fit is refused by the host long before.
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        self.ask(rule, Effect::DiscountLine(LineDiscount { line, amount }));
    }

    /// Takes fen off the whole receipt.
    pub fn discount_order(&mut self, rule: &str, amount: Fen) {
        self.ask(rule, Effect::DiscountOrder(amount));
    }

    /// Says what the draw that was asked for can win; the host draws.
    pub fn set_odds(&mut self, rule: &str, odds: Odds) {
        self.ask(rule, Effect::SetOdds(odds));
    }

    /// Gives stored value, in fen.
    pub fn gift(&mut self, rule: &str, amount: Fen) {
        self.ask(rule, Effect::GiftStoredValue(amount));
    }

    /// Tells the member something.
    pub fn message(&mut self, rule: &str, template: &str, text: impl Into<String>) {
        self.ask(rule, Effect::SendMessage(Message { template: template.to_owned(), text: text.into() }));
    }

    /// Sets or clears a tag of the member.
    pub fn tag(&mut self, rule: &str, name: &str, on: bool) {
        self.ask(rule, Effect::SetTag(Tag { name: name.to_owned(), on }));
    }

    /// Refuses the event, with the sentence the person is told.
    pub fn reject(&mut self, rule: &str, text: impl Into<String>) {
        self.ask(rule, Effect::Reject(text.into()));
    }

    /// The rule gave something: says what.
    pub fn applied(&mut self, rule: &str, text: impl Into<String>) {
        self.explain(rule, Outcome::Applied, text.into(), None);
    }

    /// The rule gave nothing because it needed `need` of `what` and found `have`.
    ///
    /// `what` names the number for tills and phones; `spend_fen` means the receipt's total.
    pub fn missed(&mut self, rule: &str, text: impl Into<String>, what: &str, have: i64, need: i64) {
        let compared = Comparison { what: what.to_owned(), have, need };
        self.explain(rule, Outcome::Missed, text.into(), Some(compared));
    }

    /// The rule did not concern this event.
    pub fn skipped(&mut self, rule: &str, text: impl Into<String>) {
        self.explain(rule, Outcome::Skipped, text.into(), None);
    }

    fn ask(&mut self, rule: &str, effect: Effect) {
        self.effects.push(RuledEffect { rule: rule.to_owned(), effect });
    }

    fn explain(&mut self, rule: &str, outcome: Outcome, text: String, compared: Option<Comparison>) {
        self.reasons.push(Reason { rule: rule.to_owned(), outcome, text, compared });
    }
}
