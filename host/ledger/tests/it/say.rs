//! Short words for what acts and policies say.

use crate::world::{World, member};
use ledger::{
    Account, Act, Adjust, Answer, Cap, Checkout, Decision, DecisionId, Digest, Effect, Event, Expiry, Fen, Grant, Join,
    Line, Payment, Period, PlanError, Points, PolicyDecision, Receipt, Reply, Return, ReturnLine, RuledEffect,
    VoucherCode, VoucherIssue,
};

pub fn points(amount: i64) -> Effect {
    Effect::GrantPoints(grant(amount))
}

pub fn grant(amount: i64) -> Grant {
    Grant { amount: Points::new(amount), pending_days: 0, expiry: Expiry::Standard, cap: None }
}

pub fn capped(amount: i64, limit: i64, period: Period) -> Effect {
    Effect::GrantPoints(Grant { cap: Some(Cap { limit: Points::new(limit), period }), ..grant(amount) })
}

pub fn pending(amount: i64, days: u32) -> Effect {
    Effect::GrantPoints(Grant { pending_days: days, ..grant(amount) })
}

pub fn lasting(amount: i64, expiry: Expiry) -> Effect {
    Effect::GrantPoints(Grant { expiry, ..grant(amount) })
}

/// A voucher of 20 yuan, valid 30 days, for receipts from 100 yuan.
pub fn voucher(template: &str) -> VoucherIssue {
    VoucherIssue {
        template: template.into(),
        title: format!("{template}券"),
        face: Fen::new(2_000),
        min_spend: Fen::new(10_000),
        valid_days: 30,
        categories: Vec::new(),
    }
}

/// What one policy answers; each effect with its rule.
pub fn says<'a>(policy: &str, effects: impl IntoIterator<Item = (&'a str, Effect)>) -> PolicyDecision {
    let ruled = effects.into_iter().map(|(rule, effect)| RuledEffect { rule: rule.into(), effect });
    PolicyDecision {
        policy: policy.into(),
        digest: Digest::new("d".repeat(64)).unwrap(),
        answer: Answer::Decided { effects: ruled.collect(), reasons: Vec::new() },
        fuel_used: 1,
    }
}

pub fn one<'a>(effects: impl IntoIterator<Item = (&'a str, Effect)>) -> Decision {
    Decision(vec![says("p", effects)])
}

/// A receipt of single goods with these prices, in fen.
pub fn receipt(number: &str, prices: &[i64]) -> Checkout {
    let line = |price: &i64| Line { quantity_milli: 1_000, amount: Fen::new(*price), ..Line::default() };
    let lines: Vec<Line> = prices.iter().map(line).collect();
    of_lines(number, lines)
}

pub fn of_lines(number: &str, lines: Vec<Line>) -> Checkout {
    let total = Fen::new(lines.iter().map(|line| line.amount.get()).sum());
    Checkout { receipt: Receipt { receipt: number.into(), lines, total, ..Receipt::default() }, ..Checkout::default() }
}

pub fn with_stored(mut checkout: Checkout, fen: i64) -> Checkout {
    checkout.receipt.payments.push(Payment { method: "stored_value".into(), amount: Fen::new(fen) });
    checkout
}

pub fn redeeming(mut checkout: Checkout, points: i64) -> Checkout {
    checkout.receipt.redeem_points = Points::new(points);
    checkout
}

pub fn presenting(mut checkout: Checkout, codes: &[&VoucherCode]) -> Checkout {
    checkout.vouchers = codes.iter().map(|code| (*code).clone()).collect();
    checkout
}

pub fn tick() -> Act {
    Act::Event(Event::Custom("tick".into(), String::new()))
}

impl World {
    /// A world with this registered member.
    pub fn with(mut self, who: &str) -> Self {
        self.join(who, Event::Register).unwrap();
        self
    }

    pub fn join(&mut self, who: &str, event: Event) -> Result<Reply, PlanError> {
        self.act(who, Act::Join(Join { member: member(who), event, birthday: None, referrer: None }))
    }

    pub fn sell(&mut self, who: &str, checkout: Checkout) -> Result<Reply, PlanError> {
        self.act(who, Act::Receipt(checkout))
    }

    /// Everything left of a sale comes back.
    pub fn take_all(&mut self, who: &str, receipt: &str) -> Result<Reply, PlanError> {
        self.take(who, receipt, None)
    }

    pub fn take(&mut self, who: &str, receipt: &str, lines: Option<Vec<ReturnLine>>) -> Result<Reply, PlanError> {
        let back = Return { return_id: format!("T{}", self.next), lines };
        self.act_on(Some(who), Act::Return(back), Some(receipt))
    }

    pub fn adjust(&mut self, who: &str, account: Account, delta: i64) -> Result<Reply, PlanError> {
        self.act(who, Act::Adjust(Adjust { account, delta, note: "test".into() }))
    }

    /// Brings a member up to date and does nothing else.
    pub fn settle(&mut self, who: &str) {
        self.act(who, Act::Cancel(DecisionId::new("nobody-0").unwrap())).unwrap();
    }

    /// Codes of the vouchers of a template, in the order they were issued.
    pub fn codes(&self, template: &str) -> Vec<VoucherCode> {
        let issued = self.moves.iter().filter(|m| m.from.is_none()).map(|m| &m.code);
        issued.filter(|code| self.vouchers[*code].template == template).cloned().collect()
    }
}

pub fn whole_line(line: u32) -> ReturnLine {
    ReturnLine { line, quantity_milli: None, amount: None }
}

pub fn part_line(line: u32, quantity_milli: i64) -> ReturnLine {
    ReturnLine { line, quantity_milli: Some(quantity_milli), amount: None }
}
