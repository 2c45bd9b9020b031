//! Budgets, rule by rule, and their invariant: whatever happens, what was given is what the counters say, and never
//! more than the limit.

use crate::check::assert_sound;
use crate::ops::{NAMES, op, shops};
use crate::runner::holds;
use crate::same::assert_same;
use crate::say::{one, part_line, points, receipt, says, voucher};
use crate::world::{World, world};
use ledger::{
    Act, Award, Budget, Decision, Effect, Event, Fen, LineDiscount, Negative, Odds, OverCap, Period, Prize, Reply,
    Scope, StoreId, Unit, VoucherIssue,
};
use proptest::collection::vec;
use proptest::prelude::*;

pub fn budget(name: &str, unit: Unit, limit: i64) -> Budget {
    let (scope, period, over) = (Scope::Global, Period::Life, OverCap::Reduce);
    Budget { name: name.into(), unit, limit, scope, period, policies: Vec::new(), over }
}

/// A shop whose receipts earn this, with these budgets.
fn giving(effects: Vec<Effect>, budgets: Vec<Budget>) -> World {
    let shop = world().under(move |_, event| match event {
        Event::Receipt(_) => one(effects.iter().map(|effect| ("r", effect.clone()))),
        _ => one([]),
    });
    shop.set(|s| s.budgets = budgets).with("amy").with("bob")
}

fn sell(shop: &mut World, who: &str) -> Reply {
    let number = format!("R{}", shop.next);
    let reply = shop.sell(who, receipt(&number, &[10_000])).unwrap();
    assert_sound(shop);
    reply
}

fn used(shop: &World, name: &str) -> i64 {
    shop.stock.get(name).map_or(0, |counter| counter.used)
}

fn gift(fen: i64) -> Effect {
    Effect::GiftStoredValue(Fen::new(fen))
}

fn issue(face: i64) -> Effect {
    Effect::IssueVoucher(VoucherIssue { face: Fen::new(face), ..voucher("v") })
}

#[test]
fn a_grant_is_cut_to_what_is_left_and_both_amounts_are_told() {
    let mut shop = giving(vec![points(100)], vec![budget("spring", Unit::Points, 140)]);
    let told: Vec<_> = (0..3).map(|_| sell(&mut shop, "amy")).collect();
    let earned: Vec<i64> = told.iter().map(|reply| reply.points.earned.get()).collect();
    assert_eq!(earned, [100, 40, 0]);
    assert_eq!((told[1].effects[0].amount, told[1].effects[0].wanted), (Some(40), Some(100)));
    let reason = |nth: usize| told[nth].reasons.last().map(|said| said.reason.text.as_str());
    assert_eq!(reason(0), None);
    assert_eq!(reason(1), Some("预算「spring」余额不足：应发 100 积分，实发 40 积分"));
    assert_eq!(reason(2), Some("预算「spring」已用完：应发 100 积分，实发 0 积分"));
    let kept = &shop.done.last().unwrap().planned.plan.applied.budgeted[0];
    assert_eq!((kept.wanted, kept.granted), (100, 0));
    assert_eq!((used(&shop, "budget/spring/points/life"), shop.balance("amy")), (140, 140));
}

#[test]
fn a_budget_that_refuses_gives_all_or_nothing() {
    let spring = Budget { over: OverCap::Refuse, ..budget("spring", Unit::Points, 140) };
    let mut shop = giving(vec![points(100), points(30)], vec![spring]);
    let earned: Vec<i64> = (0..3).map(|_| sell(&mut shop, "amy").points.earned.get()).collect();
    assert_eq!(earned, [130, 0, 0]);
}

#[test]
fn money_counts_vouchers_discounts_and_gifts_and_a_voucher_is_not_cut() {
    let off = |fen| Effect::DiscountOrder(Fen::new(fen));
    let line = Effect::DiscountLine(LineDiscount { line: 0, amount: Fen::new(70) });
    let table = [
        (vec![gift(100), gift(100)], (150, 0, 10_000)),
        (vec![off(100), off(100)], (0, 0, 9_850)),
        (vec![off(100), line], (0, 0, 9_850)),
        (vec![issue(100), issue(100)], (0, 1, 10_000)),
        (vec![issue(100), gift(80), points(7)], (50, 1, 10_000)),
        (vec![issue(151), gift(80)], (80, 0, 10_000)),
    ];
    for (effects, wanted) in table {
        let mut shop = giving(effects.clone(), vec![budget("spring", Unit::Money, 150)]);
        let reply = sell(&mut shop, "amy");
        let left = (shop.of("amy").accounts.gift.balance, shop.vouchers.len(), reply.payable_fen.unwrap().get());
        assert_eq!(left, wanted, "{effects:?}");
    }
}

#[test]
fn a_count_counts_everything_that_is_given_once() {
    let mut shop = giving(vec![points(100), issue(900), gift(5), points(7)], vec![budget("gifts", Unit::Count, 3)]);
    sell(&mut shop, "amy");
    let amy = shop.of("amy");
    assert_eq!((amy.accounts.points.balance, shop.vouchers.len(), amy.accounts.gift.balance), (100, 1, 5));
}

#[test]
fn stores_and_members_have_their_own_and_what_lies_outside_does_not_count() {
    let of = |scope| vec![Budget { scope, ..budget("spring", Unit::Points, 150) }];
    let mut shop = giving(vec![points(100)], of(Scope::Store));
    let mut earned = |store: Option<&str>, who| {
        shop.store = store.map(|store| StoreId::new(store).unwrap());
        sell(&mut shop, who).points.earned.get()
    };
    let told = [("amy", Some("s1")), ("bob", Some("s1")), ("bob", Some("s2")), ("amy", None), ("amy", None)];
    assert_eq!(told.map(|(who, store)| earned(store, who)), [100, 50, 100, 100, 100]);
    let mut shop = giving(vec![points(100), Effect::DiscountOrder(Fen::new(9))], of(Scope::Member));
    let told = ["amy", "amy", "bob", "bob"].map(|who| sell(&mut shop, who).points.earned.get());
    assert_eq!(told, [100, 50, 100, 50]);
    assert!(shop.stock.is_empty(), "a member's own lives with the member");
    shop.act_on(None, Act::Receipt(receipt("N", &[1_000])), None).unwrap();
}

#[test]
fn a_period_begins_anew_in_the_tenants_time_and_its_counter_is_one() {
    let firsts = [(Period::Day, 1), (Period::Week, 7), (Period::Month, 31), (Period::Year, 366)];
    for scope in [Scope::Global, Scope::Member] {
        for (period, days) in firsts {
            let mut shop = giving(vec![points(100)], vec![Budget { period, scope, ..budget("b", Unit::Points, 130) }]);
            let mut earned = Vec::new();
            for _ in 0..3 {
                earned.extend([sell(&mut shop, "amy").points.earned.get(), sell(&mut shop, "amy").points.earned.get()]);
                shop.pass_days(days);
            }
            assert_eq!(earned, [100, 30, 100, 30, 100, 30], "{scope:?} {period:?}");
            assert!(shop.stock.len() <= 1, "{:?}", shop.stock);
        }
    }
}

#[test]
fn only_the_named_policies_count() {
    let only = vec![Budget { policies: vec!["a".into()], ..budget("spring", Unit::Points, 10) }];
    let shop = world().under(|_, event| match event {
        Event::Receipt(_) => Decision(vec![says("a", [("r", points(100))]), says("b", [("r", points(100))])]),
        _ => one([]),
    });
    let mut shop = shop.set(|s| s.budgets = only).with("amy");
    assert_eq!(sell(&mut shop, "amy").points.earned.get(), 110);
}

#[test]
fn several_budgets_give_what_the_tightest_leaves() {
    let all = [budget("a", Unit::Points, 130), budget("b", Unit::Points, 120), budget("c", Unit::Count, 2)];
    let mut shop = giving(vec![points(100)], all.to_vec());
    let earned = [(); 3].map(|()| sell(&mut shop, "amy").points.earned.get());
    assert_eq!(earned, [100, 20, 0]);
    let counters = ["a/points", "b/points", "c/count"].map(|name| used(&shop, &format!("budget/{name}/life")));
    assert_eq!(counters, [120, 120, 2]);
}

#[test]
fn a_lowered_limit_gives_nothing_more_and_takes_nothing_back() {
    let mut shop = giving(vec![points(100)], vec![budget("spring", Unit::Points, 500)]);
    let earned = [500, 50, 150].map(|limit| {
        shop.settings.budgets[0].limit = limit;
        let number = format!("R{limit}");
        shop.sell("amy", receipt(&number, &[10_000])).unwrap().points.earned.get()
    });
    assert_eq!((earned, shop.balance("amy")), ([100, 0, 50], 150));
}

#[test]
fn a_prize_comes_from_the_budget_too() {
    let prize = Prize {
        id: "p".into(),
        name: "p".into(),
        weight: 1,
        stock: None,
        award: Award::Points(ledger::Points::new(60)),
    };
    let odds =
        Odds { campaign: "c".into(), cost: ledger::Points::ZERO, per_day: 0, prizes: vec![prize], none_weight: 0 };
    let published = odds.clone();
    let mut shop = world().under(move |_, event| match event {
        Event::Draw(_) => one([("odds", Effect::SetOdds(odds.clone()))]),
        _ => one([]),
    });
    shop.open = Some(ledger::DrawSecret { campaign: "c".into(), secret: [5; 32], published });
    let mut shop = shop.set(|s| s.budgets = vec![budget("spring", Unit::Points, 100)]).with("amy");
    let won = [(); 3].map(|()| shop.act("amy", Act::Event(Event::Draw("c".into()))).unwrap().points.earned.get());
    assert_eq!(won, [60, 40, 0]);
}

#[test]
fn history_that_is_brought_in_takes_nothing_from_a_shared_budget() {
    let mut shop = giving(vec![points(100)], vec![budget("spring", Unit::Points, 10)]);
    let (id, act) = (ledger::DecisionId::new("s-9").unwrap(), Act::Receipt(receipt("R", &[10_000])));
    let mut case = shop.case(&id, Some("amy"), &act, None);
    (case.today, case.now.day) = (case.today.plus(-400), case.now.day.plus(-400));
    let mut work = ledger::Work::open(case).unwrap();
    let question = work.question().unwrap();
    work.answer(&(shop.rules)(&question.facts, &question.event)).unwrap();
    assert_eq!(work.finish().unwrap().reply.points.earned.get(), 100);
    assert_eq!(sell(&mut shop, "amy").points.earned.get(), 10);
}

#[test]
fn a_partial_return_gives_back_its_part_and_the_last_goods_the_rest() {
    let shop = world().under(|_, event| match event {
        Event::Receipt(r) => {
            let paid = r.payable.get();
            one([("p", points(paid / 100)), ("d", Effect::DiscountOrder(Fen::new(500))), ("g", gift(paid / 50))])
        }
        _ => one([]),
    });
    let budgets = vec![budget("p", Unit::Points, 1_000), budget("m", Unit::Money, 1_000), budget("c", Unit::Count, 9)];
    let mut shop = shop.set(|s| s.budgets = budgets).with("amy");
    let counters = |shop: &World| ["p/points", "m/money", "c/count"].map(|n| used(shop, &format!("budget/{n}/life")));
    shop.sell("amy", receipt("R", &[10_000])).unwrap();
    let mut story = vec![counters(&shop)];
    for step in [part_line(0, 500), part_line(0, 500)] {
        shop.take("amy", "R", Some(vec![step])).unwrap();
        assert_sound(&shop);
        story.push(counters(&shop));
    }
    // Points and gift in proportion, what was taken off with the last goods.
    assert_eq!(story, [[100, 700, 3], [50, 600, 3], [0, 0, 0]]);
}

#[test]
fn a_policy_that_leaves_its_band_is_stopped_until_the_hour_ends_and_the_others_go_on() {
    let shop = world().under(|_, event| match event {
        Event::Receipt(_) => {
            Decision(vec![says("p", [("r", points(100)), ("g", gift(5))]), says("q", [("r", points(1))])])
        }
        _ => one([]),
    });
    let mut shop = shop.with("amy").set(|s| s.breakers = [("p".into(), 250)].into());
    let told: Vec<Reply> = (0..4).map(|_| sell(&mut shop, "amy")).collect();
    assert_eq!(told.iter().map(|reply| reply.points.earned.get()).collect::<Vec<_>>(), [101, 101, 1, 1]);
    let reason = &told[3].reasons[0];
    let text = "本小时发放积分超出上限 250，该规则暂停至整点";
    assert_eq!(
        (reason.policy.as_str(), reason.reason.rule.as_str(), reason.reason.text.as_str()),
        ("p", "breaker", text)
    );
    assert_eq!((used(&shop, "breaker/p"), shop.of("amy").accounts.gift.balance), (251, 10));
    shop.at = shop.at.after_ms(3_600_000);
    assert_eq!(sell(&mut shop, "amy").points.earned.get(), 101);
    // What comes back was granted all the same.
    shop.take_all("amy", "R2").unwrap();
    assert_eq!((used(&shop, "breaker/p"), shop.stock.len()), (100, 1));
}

#[test]
fn inv_b4_whatever_happens_no_policy_leaves_its_band() {
    let bands = (proptest::option::of(0..300_i64), proptest::option::of(0..300_i64));
    holds(300, (shops(), vec(op(), 1..40), bands), |(mut shop, ops, (first, second))| {
        shop = shop.set(|s| {
            s.breakers.extend(first.map(|max| ("shop".to_owned(), max)));
            s.breakers.extend(second.map(|max| ("wild".to_owned(), max)));
        });
        shop.budgets_from = shop.done.len();
        ops.iter().for_each(|op| drop(shop.run(op)));
        assert_sound(&shop);
    });
}

fn any_budget() -> impl Strategy<Value = Budget> {
    let unit = prop_oneof![3 => Just(Unit::Points), 3 => Just(Unit::Money), 1 => Just(Unit::Count)];
    let scope = prop_oneof![2 => Just(Scope::Global), 1 => Just(Scope::Store), 1 => Just(Scope::Member)];
    let period =
        prop_oneof![Just(Period::Day), Just(Period::Week), Just(Period::Month), Just(Period::Year), Just(Period::Life)];
    let policies =
        prop_oneof![2 => Just(vec![]), 1 => Just(vec!["shop".to_owned()]), 1 => Just(vec!["wild".to_owned()])];
    let over = prop_oneof![2 => Just(OverCap::Reduce), 1 => Just(OverCap::Refuse)];
    (unit, scope, period, policies, over, 0..2_000_i64).prop_map(|(unit, scope, period, policies, over, limit)| {
        let limit = if unit == Unit::Count { limit / 50 } else { limit };
        Budget { name: String::new(), unit, limit, scope, period, policies, over }
    })
}

/// A shop with settings of every kind, its rules without caps, and up to four budgets.
fn budgeted_shops() -> impl Strategy<Value = World> {
    (shops(), vec(any_budget(), 1..5)).prop_map(|(shop, mut budgets)| {
        for (nth, budget) in budgets.iter_mut().enumerate() {
            budget.name = format!("b{nth}");
        }
        let rules = shop.rules.clone();
        let mut shop = shop.under(move |facts, event| uncapped(rules(facts, event)));
        shop.budgets_from = shop.done.len();
        shop.set(|s| s.budgets = budgets)
    })
}

/// What a cap cuts cannot be told from what a budget cuts.
fn uncapped(mut decision: Decision) -> Decision {
    for part in &mut decision.0 {
        let ledger::Answer::Decided { effects, .. } = &mut part.answer else { continue };
        for e in effects {
            if let Effect::GrantPoints(grant) = &mut e.effect {
                grant.cap = None;
            }
        }
    }
    decision
}

#[test]
fn inv_b_what_is_given_is_what_counters_say_and_never_beyond_a_limit_whatever_happens() {
    let stores = vec(proptest::option::of(0..2_usize), 40);
    holds(500, (budgeted_shops(), vec(op(), 1..40), stores), |(mut shop, ops, stores)| {
        for (op, store) in ops.iter().zip(stores) {
            shop.store = store.map(|nth| StoreId::new(format!("s{nth}")).unwrap());
            shop.run(op);
            assert_sound(&shop);
        }
    });
}

#[test]
fn inv_s2_a_full_return_gives_everything_back_to_its_budgets() {
    let story = (budgeted_shops(), vec(op(), 0..14), 0..3_usize, crate::ops::basket());
    holds(400, story, |(mut shop, ops, who, basket)| {
        shop.settings.negative = Negative::Allow;
        ops.iter().for_each(|op| drop(shop.run(op)));
        shop.late_ms = 0;
        NAMES.iter().for_each(|who| shop.settle(who));
        let (mut after, number) = (shop.clone(), format!("R{}", shop.next));
        let sale = crate::ops::Basket { confirm: false, ..basket };
        if after.sell_basket(NAMES[who], &sale).is_err() {
            return false;
        }
        after.take_all(NAMES[who], &number).unwrap();
        assert_sound(&after);
        assert_same(&shop, &after);
        true
    });
}
