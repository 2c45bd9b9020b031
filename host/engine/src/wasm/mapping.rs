//! Every field of every kind arrives where it belongs: distinct values in, the same values out.

use super::contract::punchcard::policy::types as wit;
use super::{Question, input::Input, output};
use ledger::*;

fn facts() -> Facts {
    Facts {
        now: LocalTime { day: Day::new(1), year: 2, month: 3, day_of_month: 4, weekday: 5, hour: 6, minute: 7 },
        store: Some(StoreId::new("store-8").unwrap()),
        member: Some(MemberFacts {
            id: MemberId::new("member-9").unwrap(),
            tier: "tier-10".into(),
            tier_pinned: true,
            tier_since: Day::new(11),
            joined: Day::new(12),
            birthday: Some(MonthDay { month: 1, day: 13 }),
            referred: true,
            tags: vec!["tag-14".into(), "tag-15".into()],
            points: Points::new(-16),
            pending: Points::new(17),
            stored_principal: Fen::new(18),
            stored_gift: Fen::new(19),
        }),
        expiring: vec![ExpiringLot { amount: Points::new(20), expires: Day::new(21) }],
        vouchers: vec![VoucherFacts {
            code: VoucherCode::new("code-22").unwrap(),
            template: "template-23".into(),
            face: Fen::new(24),
            min_spend: Fen::new(25),
            valid_until: Some(Day::new(26)),
            presented: true,
        }],
        stats: vec![
            Stat { metric: Metric::Visits, days: 27, value: 28 },
            Stat { metric: Metric::SpendFen, days: 0, value: 29 },
        ],
    }
}

fn question<'a>(facts: &'a Facts, event: &'a Event) -> Question<'a> {
    const STATS: [StatNeed; 3] = [
        StatNeed { metric: Metric::SpendFen, days: 0 },
        StatNeed { metric: Metric::Draws, days: 1 },
        StatNeed { metric: Metric::Visits, days: 27 },
    ];
    Question { params: &[], stats: &STATS, facts, event }
}

#[test]
fn every_fact_arrives_in_its_place() {
    let (facts, event) = (facts(), Event::SignIn);
    let input = Input::new(question(&facts, &event));
    let given = format!("{:?}", input.facts());
    let wanted = "Facts { \
        now: LocalTime { day: 1, year: 2, month: 3, day-of-month: 4, weekday: 5, hour: 6, minute: 7 }, \
        store: \"store-8\", \
        member: Some(Member { id: \"member-9\", tier: \"tier-10\", tier-pinned: true, tier-since: 11, joined: 12, \
        birthday: Some(MonthDay { month: 1, day: 13 }), referred: true, tags: [\"tag-14\", \"tag-15\"], points: -16, \
        pending: 17, stored-principal: 18, stored-gift: 19 }), \
        expiring: [ExpiringLot { amount: 20, expires: 21 }], \
        vouchers: [Voucher { code: \"code-22\", template: \"template-23\", face: 24, min-spend: 25, \
        valid-until: Some(26), presented: true }], \
        stats: [29, 0, 28] }";
    assert_eq!(given, wanted);
}

#[test]
fn what_is_absent_arrives_as_absent() {
    let (facts, event) = (Facts::default(), Event::Follow(None));
    let input = Input::new(question(&facts, &event));
    let given = input.facts();
    assert!(given.member.is_none() && given.store.is_empty() && given.vouchers.is_empty());
    assert_eq!(format!("{:?}", input.event()), "Event::Follow(None)");
}

fn receipt() -> Receipt {
    Receipt {
        receipt: "r-1".into(),
        till: Some(TillId::new("till-2").unwrap()),
        lines: vec![Line {
            sku: "sku-3".into(),
            department: "department-4".into(),
            category: "category-5".into(),
            brand: "brand-6".into(),
            quantity_milli: -7,
            amount: Fen::new(-8),
            discount: Fen::new(9),
        }],
        total: Fen::new(10),
        payable: Fen::new(11),
        payments: vec![Payment { method: "method-12".into(), amount: Fen::new(13) }],
        redeem_points: Points::new(14),
    }
}

fn events() -> Vec<(Event, &'static str)> {
    let returned = Returned { receipt: "r-1".into(), amount: Fen::new(2), whole: true };
    let code = VoucherCode::new("code").unwrap();
    let voucher = |change| Event::Voucher(code.clone(), change);
    vec![
        (Event::Follow(Some("scene".into())), "Event::Follow(Some(\"scene\"))"),
        (Event::Register, "Event::Register"),
        (Event::Bind, "Event::Bind"),
        (Event::Referral(MemberId::new("new").unwrap()), "Event::Referral(\"new\")"),
        (Event::SignIn, "Event::SignIn"),
        (
            Event::Receipt(receipt()),
            "Event::Receipt(Receipt { receipt: \"r-1\", till: \"till-2\", lines: [Line { sku: \"sku-3\", \
             department: \"department-4\", category: \"category-5\", brand: \"brand-6\", quantity-milli: -7, amount: -8, \
             discount: 9 }], total: 10, payable: 11, payments: [Payment { method: \"method-12\", amount: 13 }], \
             redeem-points: 14 })",
        ),
        (Event::Return(returned), "Event::Return(Returned { receipt: \"r-1\", amount: 2, whole: true })"),
        (Event::Recharge(Fen::new(5)), "Event::Recharge(5)"),
        (Event::Draw("spring".into()), "Event::Draw(\"spring\")"),
        (Event::Birthday, "Event::Birthday"),
        (Event::TierReview, "Event::TierReview"),
        (voucher(VoucherChange::Issued), "Event::Voucher((\"code\", VoucherChange::Issued))"),
        (voucher(VoucherChange::Used), "Event::Voucher((\"code\", VoucherChange::Used))"),
        (voucher(VoucherChange::Restored), "Event::Voucher((\"code\", VoucherChange::Restored))"),
        (voucher(VoucherChange::Expired), "Event::Voucher((\"code\", VoucherChange::Expired))"),
        (voucher(VoucherChange::Voided), "Event::Voucher((\"code\", VoucherChange::Voided))"),
        (Event::Custom("name".into(), "{}".into()), "Event::Custom((\"name\", \"{}\"))"),
    ]
}

#[test]
fn every_event_arrives_as_itself() {
    let facts = Facts::default();
    for (event, wanted) in events() {
        let input = Input::new(question(&facts, &event));
        assert_eq!(format!("{:?}", input.event()), wanted);
    }
}

#[test]
fn every_kind_of_setting_arrives_as_itself() {
    let params = [
        ParamValue::Texts(vec!["a".into()]),
        ParamValue::Number(1),
        ParamValue::Texts(vec!["b".into(), "c".into()]),
        ParamValue::Flag(true),
        ParamValue::Text("t".into()),
        ParamValue::Numbers(vec![2, 3]),
    ];
    let (facts, event) = (Facts::default(), Event::SignIn);
    let input = Input::new(Question { params: &params, ..question(&facts, &event) });
    let wanted = "[ParamValueParam::Texts([\"a\"]), ParamValueParam::Number(1), ParamValueParam::Texts([\"b\", \"c\"]), \
        ParamValueParam::Flag(true), ParamValueParam::Text(\"t\"), ParamValueParam::Numbers([2, 3])]";
    assert_eq!(format!("{:?}", input.params()), wanted);
}

fn wit_voucher() -> wit::VoucherIssue {
    wit::VoucherIssue {
        template: "t".into(),
        title: "title".into(),
        face: 1,
        min_spend: 2,
        valid_days: 3,
        categories: vec!["c".into()],
    }
}

fn voucher() -> VoucherIssue {
    VoucherIssue {
        template: "t".into(),
        title: "title".into(),
        face: Fen::new(1),
        min_spend: Fen::new(2),
        valid_days: 3,
        categories: vec!["c".into()],
    }
}

fn effects() -> Vec<(wit::Effect, Effect)> {
    let mut effects = grants();
    effects.extend([
        (wit::Effect::DeductPoints(4), Effect::DeductPoints(Points::new(4))),
        (wit::Effect::IssueVoucher(wit_voucher()), Effect::IssueVoucher(voucher())),
        (wit::Effect::VoidVoucher("code".into()), Effect::VoidVoucher(VoucherCode::new("code").unwrap())),
        (
            wit::Effect::SetTier(wit::TierChange { tier: "gold".into(), until: Some(5) }),
            Effect::SetTier(TierChange { tier: "gold".into(), until: Some(Day::new(5)) }),
        ),
        (
            wit::Effect::DiscountLine(wit::LineDiscount { line: 6, amount: 7 }),
            Effect::DiscountLine(LineDiscount { line: 6, amount: Fen::new(7) }),
        ),
        (wit::Effect::DiscountOrder(8), Effect::DiscountOrder(Fen::new(8))),
        (wit::Effect::SetOdds(wit_odds()), Effect::SetOdds(odds())),
        (wit::Effect::GiftStoredValue(9), Effect::GiftStoredValue(Fen::new(9))),
        (
            wit::Effect::SendMessage(wit::Message { template: "m".into(), text: "hi".into() }),
            Effect::SendMessage(Message { template: "m".into(), text: "hi".into() }),
        ),
        (
            wit::Effect::SetTag(wit::Tag { name: "vip".into(), on: true }),
            Effect::SetTag(Tag { name: "vip".into(), on: true }),
        ),
        (wit::Effect::Reject("no".into()), Effect::Reject("no".into())),
    ]);
    effects
}

fn grants() -> Vec<(wit::Effect, Effect)> {
    let expiries = [
        (wit::Expiry::Standard, Expiry::Standard),
        (wit::Expiry::Never, Expiry::Never),
        (wit::Expiry::Days(3), Expiry::Days(3)),
        (wit::Expiry::On(4), Expiry::On(Day::new(4))),
        (wit::Expiry::Standard, Expiry::Standard),
        (wit::Expiry::Standard, Expiry::Standard),
    ];
    let periods = [
        (wit::Period::Event, Period::Event),
        (wit::Period::Day, Period::Day),
        (wit::Period::Week, Period::Week),
        (wit::Period::Month, Period::Month),
        (wit::Period::Year, Period::Year),
        (wit::Period::Life, Period::Life),
    ];
    let grant = |(expiry, period): ((wit::Expiry, Expiry), (wit::Period, Period))| {
        let cap = wit::Cap { limit: 5, period: period.0 };
        let wit = wit::Grant { amount: 1, pending_days: 2, expiry: expiry.0, cap: Some(cap) };
        let cap = Cap { limit: Points::new(5), period: period.1 };
        let ours = Grant { amount: Points::new(1), pending_days: 2, expiry: expiry.1, cap: Some(cap) };
        (wit::Effect::GrantPoints(wit), Effect::GrantPoints(ours))
    };
    expiries.into_iter().zip(periods).map(grant).collect()
}

fn wit_odds() -> wit::Odds {
    let prize = |id: &str, award| wit::Prize { id: id.into(), name: "n".into(), weight: 1, stock: Some(2), award };
    wit::Odds {
        campaign: "c".into(),
        cost: 3,
        per_day: 4,
        prizes: vec![
            prize("0", wit::Award::Nothing),
            prize("1", wit::Award::Points(5)),
            prize("2", wit::Award::Voucher(wit_voucher())),
            prize("3", wit::Award::Gift(6)),
            prize("4", wit::Award::Goods("umbrella".into())),
        ],
        none_weight: 7,
    }
}

fn odds() -> Odds {
    let prize = |id: &str, award| Prize { id: id.into(), name: "n".into(), weight: 1, stock: Some(2), award };
    Odds {
        campaign: "c".into(),
        cost: Points::new(3),
        per_day: 4,
        prizes: vec![
            prize("0", Award::Nothing),
            prize("1", Award::Points(Points::new(5))),
            prize("2", Award::Voucher(voucher())),
            prize("3", Award::Gift(Fen::new(6))),
            prize("4", Award::Goods("umbrella".into())),
        ],
        none_weight: 7,
    }
}

#[test]
fn every_effect_comes_out_as_itself() {
    for (given, wanted) in effects() {
        let decision =
            wit::Decision { effects: vec![wit::RuledEffect { rule: "r".into(), effect: given }], reasons: vec![] };
        let (effects, _) = output::decision(decision).unwrap();
        assert_eq!(effects, vec![RuledEffect { rule: "r".into(), effect: wanted }]);
    }
}

#[test]
fn every_outcome_comes_out_as_itself() {
    let outcomes = [
        (wit::Outcome::Applied, Outcome::Applied),
        (wit::Outcome::Missed, Outcome::Missed),
        (wit::Outcome::Skipped, Outcome::Skipped),
    ];
    for (given, outcome) in outcomes {
        let compared = Some(wit::Comparison { what: "w".into(), have: 1, need: 2 });
        let reason = wit::Reason { rule: "r".into(), outcome: given, text: "t".into(), compared };
        let (_, reasons) = output::decision(wit::Decision { effects: vec![], reasons: vec![reason] }).unwrap();
        let compared = Some(Comparison { what: "w".into(), have: 1, need: 2 });
        assert_eq!(reasons, vec![Reason { rule: "r".into(), outcome, text: "t".into(), compared }]);
    }
}
