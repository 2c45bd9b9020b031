//! R4: whatever policies ask for, what they get lies inside the platform's limits.

use crate::check::assert_sound;
use crate::ops::{effect, trial_shop};
use crate::runner::holds;
use crate::say::{capped, grant, lasting, of_lines, one, pending, points, receipt, says, tick, voucher};
use crate::shop::odds;
use crate::world::{World, world};
use ledger::{
    Act, Answer, Award, Decision, Effect, Event, Expiry, Fen, Grant, Line, LineDiscount, Odds, Period, PlanError,
    Points, Prize, RuledEffect, TierChange, VoucherCode, VoucherIssue,
};
use proptest::collection::vec;

/// What a custom event with these answers leaves: points, gift, vouchers.
fn left_by(decision: Decision) -> (i64, i64, usize) {
    let mut shop = world().under(move |_, event| match event {
        Event::Custom(..) => decision.clone(),
        _ => one([]),
    });
    shop = shop.with("amy");
    shop.act("amy", tick()).unwrap();
    assert_sound(&shop);
    let amy = shop.of("amy");
    (amy.accounts.points.balance, amy.accounts.gift.balance, shop.vouchers.len())
}

fn gift(fen: i64) -> Effect {
    Effect::GiftStoredValue(Fen::new(fen))
}

#[test]
fn inv_r4_a_policy_beyond_a_limit_gives_nothing_and_the_next_still_does() {
    let issue = |change: fn(&mut VoucherIssue)| {
        let mut issue = voucher("v");
        change(&mut issue);
        Effect::IssueVoucher(issue)
    };
    let table = [
        points(-1),
        points(10_000_001),
        points(i64::MIN),
        points(i64::MAX),
        pending(1, 3_661),
        lasting(1, Expiry::Days(3_661)),
        capped(1, -1, Period::Day),
        Effect::DeductPoints(Points::new(-1)),
        Effect::DeductPoints(Points::new(10_000_001)),
        gift(-1),
        gift(5_000_001),
        issue(|v| v.face = Fen::ZERO),
        issue(|v| v.face = Fen::new(5_000_001)),
        issue(|v| v.min_spend = Fen::new(-1)),
        issue(|v| v.valid_days = 3_661),
        Effect::DiscountOrder(Fen::new(-1)),
        Effect::DiscountLine(LineDiscount { line: 0, amount: Fen::new(-1) }),
        Effect::SetOdds(Odds { prizes: Vec::new(), none_weight: 0, ..odds() }),
        Effect::SetOdds(Odds { cost: Points::new(-1), ..odds() }),
    ];
    for bad in table {
        let decision =
            Decision(vec![says("bad", [("ok", points(1)), ("bad", bad.clone())]), says("good", [("ok", points(2))])]);
        assert_eq!(left_by(decision), (2, 0, 0), "{bad:?}");
    }
}

#[test]
fn the_limits_themselves_are_inside() {
    let table = [
        (vec![points(10_000_000)], (10_000_000, 0, 0)),
        (vec![points(5_000_000), points(5_000_000)], (10_000_000, 0, 0)),
        (vec![points(5_000_000), points(5_000_001)], (0, 0, 0)),
        (vec![gift(2_500_000), gift(2_500_000)], (0, 5_000_000, 0)),
        (vec![gift(2_500_000), gift(2_500_001)], (0, 0, 0)),
        (vec![Effect::IssueVoucher(voucher("v")); 20], (0, 0, 20)),
        (vec![Effect::IssueVoucher(voucher("v")); 21], (0, 0, 0)),
        (vec![points(1); 256], (256, 0, 0)),
        (vec![points(1); 257], (0, 0, 0)),
    ];
    for (effects, left) in table {
        let count = effects.len();
        assert_eq!(left_by(one(effects.into_iter().map(|effect| ("r", effect)))), left, "{count} effects");
    }
}

#[test]
fn policies_share_the_room_of_one_event_in_their_order() {
    let part = |name, amount| says(name, [("r", points(amount))]);
    let decision = Decision(vec![part("a", 6_000_000), part("b", 6_000_000), part("c", 4_000_000), part("d", 1)]);
    assert_eq!(left_by(decision), (10_000_000, 0, 0));
    let failed = Answer::Failed { code: "fuel".into(), text: "out of fuel".into() };
    let broken = ledger::PolicyDecision { answer: failed, ..says("broken", []) };
    assert_eq!(left_by(Decision(vec![broken, part("b", 3)])), (3, 0, 0));
}

#[test]
fn a_prize_is_held_to_the_same_limits() {
    let prize = |award| Prize { id: "p".into(), name: "p".into(), weight: 1, stock: None, award };
    let table = [
        Award::Points(Points::new(-1)),
        Award::Points(Points::new(10_000_001)),
        Award::Gift(Fen::new(5_000_001)),
        Award::Voucher(VoucherIssue { face: Fen::ZERO, ..voucher("v") }),
    ];
    for award in table {
        let bad = Odds { prizes: vec![prize(award.clone())], none_weight: 0, ..odds() };
        let mut shop = trial_shop().under(move |_, event| match event {
            Event::Draw(_) => one([("odds", Effect::SetOdds(bad.clone()))]),
            _ => one([]),
        });
        let refused = shop.act("amy", Act::Event(Event::Draw("spring".into()))).unwrap_err();
        assert_eq!(refused.code(), "no_odds", "{award:?}");
    }
}

#[test]
fn inv_r4_anything_at_all_from_a_policy_leaves_the_books_sound() {
    holds(400, (vec(vec(effect(), 0..8), 1..4), vec(effect(), 0..4)), |(answers, sale)| {
        let parts = answers.clone();
        let mut shop = trial_shop().under(move |_, event| match event {
            Event::Custom(..) => by_policies(&parts),
            Event::Receipt(_) => by_policies(std::slice::from_ref(&sale)),
            _ => one([]),
        });
        shop.act("amy", tick()).ok();
        shop.sell("amy", receipt("R", &[3_000, 0, -100])).unwrap();
        assert_sound(&shop);
        shop.take_all("amy", "R").unwrap();
        assert_sound(&shop);
    });
}

fn by_policies(answers: &[Vec<RuledEffect>]) -> Decision {
    let part = |(nth, effects): (usize, &Vec<RuledEffect>)| {
        says(&format!("p{nth}"), effects.iter().map(|e| (e.rule.as_str(), e.effect.clone())))
    };
    Decision(answers.iter().enumerate().map(part).collect())
}

#[test]
fn discounts_stop_at_the_line_and_at_what_is_left_to_pay() {
    let line = |line, fen| Effect::DiscountLine(LineDiscount { line, amount: Fen::new(fen) });
    let order = |fen| Effect::DiscountOrder(Fen::new(fen));
    let table = [
        (vec![line(0, 10)], 990),
        (vec![line(0, 999)], 900),
        (vec![line(0, 60), line(0, 60)], 900),
        (vec![line(1, 999), line(0, 999)], 0),
        (vec![line(2, 999)], 1_000),
        (vec![line(9, 999)], 1_000),
        (vec![order(400), order(400), order(400)], 0),
        (vec![order(950), line(0, 100)], 0),
        (vec![order(0)], 1_000),
    ];
    for (effects, payable) in table {
        let rules = effects.clone();
        let mut shop = world().under(move |_, event| match event {
            Event::Receipt(_) => one(rules.iter().map(|effect| ("off", effect.clone()))),
            _ => one([]),
        });
        shop = shop.with("amy");
        let reply = shop.sell("amy", receipt("R", &[100, 910, -10])).unwrap();
        assert_eq!(reply.payable_fen.unwrap().get(), payable, "{effects:?}");
    }
}

#[test]
fn receipts_are_checked_before_anything_happens() {
    let mut wrong = receipt("R", &[100, 50]);
    wrong.receipt.total = Fen::new(151);
    let many = of_lines("R", vec![Line::default(); 2_001]);
    let huge = of_lines("R", vec![Line { amount: Fen::new(ledger::AMOUNT_MAX + 1), ..Line::default() }]);
    let table = [(wrong, "total_differs"), (many, "too_many_lines"), (huge, "too_large")];
    for (checkout, code) in table {
        let mut shop = trial_shop();
        assert_eq!(shop.sell("amy", checkout).unwrap_err().code(), code);
    }
    let mut shop = trial_shop();
    let thousand = of_lines("R", vec![Line { quantity_milli: 10_000_000, ..Line::default() }; 2_000]);
    assert!(shop.sell("amy", thousand).is_ok());
    assert!(shop.sell("amy", receipt("empty", &[])).is_ok());
}

#[test]
fn amounts_that_must_be_positive_are() {
    let mut shop = trial_shop();
    for fen in [0, -1, i64::MIN, i64::MAX] {
        let code = if fen > 0 { "too_large" } else { "bad_amount" };
        assert_eq!(shop.act("amy", Act::Recharge(Fen::new(fen))).unwrap_err().code(), code, "{fen}");
    }
    assert_eq!(shop.of("amy").accounts.principal.entries, 0);
}

#[test]
fn acts_need_their_member() {
    let mut shop = trial_shop();
    let table: [Act; 5] = [
        tick(),
        Act::Recharge(Fen::new(5)),
        Act::Adjust(ledger::Adjust { account: ledger::Account::Points, delta: 1, note: String::new() }),
        Act::Receipt(crate::say::with_stored(receipt("R", &[500]), 500)),
        Act::Receipt(crate::say::redeeming(receipt("R", &[500]), 5)),
    ];
    for act in table {
        assert_eq!(shop.act_on(None, act.clone(), None).unwrap_err(), PlanError::MemberRequired, "{act:?}");
    }
}

#[test]
fn a_policy_reaches_no_other_members_voucher() {
    let mut shop = trial_shop();
    let bobs = shop.vouchers.values().find(|v| v.member.as_str() == "bob").unwrap().code.clone();
    let code: VoucherCode = bobs.clone();
    shop = shop.under(move |_, _| one([("void", Effect::VoidVoucher(code.clone()))]));
    shop.sell("amy", crate::say::presenting(receipt("R", &[20_000]), &[&bobs])).unwrap();
    assert!(shop.vouchers[&bobs].state.is_open());
}

#[test]
fn members_join_once_and_refer_others_only() {
    let mut shop: World = world().under(|_, _| one([]));
    let join = |who: &str, referrer: Option<&str>| {
        let act = crate::ops::newcomer(who);
        let Act::Join(join) = act else { panic!("a join") };
        Act::Join(ledger::Join { referrer: referrer.map(crate::world::member), ..join })
    };
    assert_eq!(shop.act("amy", join("amy", Some("amy"))).unwrap_err(), PlanError::SelfReferral);
    shop.act("amy", join("amy", None)).unwrap();
    shop.act("bob", join("bob", Some("amy"))).unwrap();
    for event in [Event::Register, Event::Bind] {
        assert_eq!(shop.join("bob", event).unwrap_err(), PlanError::AlreadyMember);
    }
    assert_eq!(shop.of("bob").referrer.as_ref().unwrap().as_str(), "amy");
    let notices: usize = shop.done.iter().map(|done| done.planned.plan.notices.len()).sum();
    assert_eq!(notices, 1, "the referrer is told once");
}

#[test]
fn an_amount_near_the_end_of_the_range_is_refused_whole_and_the_sale_goes_on() {
    let mut shop = world().under(|_, event| match event {
        Event::Receipt(_) => one([("a", Effect::GrantPoints(Grant { ..grant(5) })), ("b", points(6)), ("t", tier())]),
        _ => one([]),
    });
    shop = shop.with("amy");
    shop.adjust("amy", ledger::Account::Points, ledger::AMOUNT_MAX - 10).unwrap();
    shop.sell("amy", receipt("R", &[100])).unwrap();
    assert_eq!(shop.balance("amy"), ledger::AMOUNT_MAX - 10);
    assert_eq!(shop.of("amy").tier.name, "");
    assert_sound(&shop);
}

fn tier() -> Effect {
    Effect::SetTier(TierChange { tier: "gold".into(), until: None })
}
