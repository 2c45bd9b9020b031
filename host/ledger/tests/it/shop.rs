//! The rulebook of the trial shop: one policy with a rule of every kind, and one that asks for whatever the test
//! writes into the event.

use crate::say::{capped, grant, lasting, points, says, voucher};
use ledger::{
    Award, Cap, Decision, Effect, Event, Expiry, Facts, Fen, Grant, Metric, Odds, Period, Points, PolicyDecision,
    Prize, Receipt, RuledEffect, StatNeed, Tag, TierChange,
};

/// Statistics the shop's policies look at.
pub const NEEDS: [StatNeed; 2] =
    [StatNeed { metric: Metric::SpendFen, days: 365 }, StatNeed { metric: Metric::Visits, days: 0 }];

/// Both policies, in order.
pub fn rulebook(facts: &Facts, event: &Event) -> Decision {
    Decision(vec![shop(facts, event), wild(facts, event)])
}

/// Every kind of cap and expiry, a voucher, a tier, tags, gifts and a draw.
pub fn shop(facts: &Facts, event: &Event) -> PolicyDecision {
    match event {
        Event::SignIn => says("shop", [("sign-in", capped(12, 12, Period::Day))]),
        Event::Register => {
            says("shop", [("register", points(30)), ("welcome", Effect::IssueVoucher(voucher("welcome")))])
        }
        Event::Bind => says("shop", [("bind", points(10))]),
        Event::Receipt(receipt) => says("shop", on_receipt(facts, receipt)),
        Event::Recharge(paid) => says("shop", [("gift", Effect::GiftStoredValue(Fen::new(paid.get() / 10)))]),
        Event::Draw(_) => says("shop", [("wheel", Effect::SetOdds(odds()))]),
        _ => says("shop", []),
    }
}

fn on_receipt(facts: &Facts, receipt: &Receipt) -> Vec<(&'static str, Effect)> {
    let paid = receipt.payable.get().max(0);
    let spent = facts.stats.first().map_or(0, |s| s.value) + paid;
    let monthly = Cap { limit: Points::new(150), period: Period::Month };
    let mut effects = vec![
        ("spend", capped(paid / 100, 400, Period::Day)),
        ("later", Effect::GrantPoints(Grant { cap: Some(monthly), pending_days: 7, ..grant(paid / 500) })),
        ("week", capped(paid / 400, 60, Period::Week)),
        ("visit", capped(5, 30, Period::Year)),
        ("first", capped(40, 40, Period::Life)),
        ("short", lasting(paid / 1_000, Expiry::Days(3))),
    ];
    effects.extend(receipt.lines.iter().map(|_| ("line", capped(2, 5, Period::Event))));
    effects.extend(rewards(paid));
    if spent >= 50_000 {
        let until = Some(facts.now.day.plus(365));
        effects.push(("gold", Effect::SetTier(TierChange { tier: "gold".into(), until })));
    }
    effects
}

fn rewards(paid: i64) -> impl Iterator<Item = (&'static str, Effect)> {
    let rewards = [
        (10_000, "thanks", Effect::IssueVoucher(voucher("thanks"))),
        (15_000, "big", Effect::SetTag(Tag { name: "big".into(), on: true })),
        (20_000, "cashback", Effect::GiftStoredValue(Fen::new(paid / 50))),
    ];
    rewards.into_iter().filter(move |(least, ..)| paid >= *least).map(|(_, rule, effect)| (rule, effect))
}

/// Asks for what the event carries: JSON in a custom event's data or in the first line's brand. A voucher code
/// `FIRST` stands for the first voucher the member holds.
fn wild(facts: &Facts, event: &Event) -> PolicyDecision {
    let text = match event {
        Event::Custom(_, data) => data.as_str(),
        Event::Receipt(receipt) => receipt.lines.first().map_or("", |line| line.brand.as_str()),
        _ => "",
    };
    let asked: Vec<RuledEffect> = serde_json::from_str(text).unwrap_or_default();
    let named = asked.iter().map(|e| (e.rule.as_str(), meant(facts, &e.effect)));
    says("wild", named.collect::<Vec<_>>())
}

fn meant(facts: &Facts, effect: &Effect) -> Effect {
    match (effect, facts.vouchers.first()) {
        (Effect::VoidVoucher(code), Some(held)) if code.as_str() == "FIRST" => Effect::VoidVoucher(held.code.clone()),
        _ => effect.clone(),
    }
}

pub fn odds() -> Odds {
    let prize = |id: &str, weight, stock, award| Prize { id: id.into(), name: id.into(), weight, stock, award };
    Odds {
        campaign: "spring".into(),
        cost: Points::new(5),
        per_day: 3,
        prizes: vec![
            prize("phone", 1, Some(1), Award::Goods("phone".into())),
            prize("points", 20, Some(3), Award::Points(Points::new(50))),
            prize("coupon", 20, None, Award::Voucher(voucher("prize"))),
            prize("cash", 20, Some(2), Award::Gift(Fen::new(100))),
            prize("hug", 9, None, Award::Nothing),
        ],
        none_weight: 30,
    }
}
