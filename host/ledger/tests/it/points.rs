//! The points ledger, rule by rule.

use crate::check::assert_sound;
use crate::say::{capped, lasting, one, pending, points, receipt, redeeming, says, tick};
use crate::world::{World, world};
use ledger::{
    Account, Act, Day, Decision, Effect, EntryKind, Event, Expiry, ExpiryRule, Metric, OverCap, Period, PlanError,
    Points, RoundTo, Totals,
};

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

/// A shop in which a visit earns this, and amy.
fn visiting(effects: impl Fn() -> Vec<(&'static str, Effect)> + 'static) -> World {
    let shop = world().under(move |_, event| match event {
        Event::Custom(..) => one(effects()),
        _ => one([]),
    });
    shop.with("amy")
}

fn sign_in() -> Act {
    Act::Event(Event::SignIn)
}

#[test]
fn points_run_out_as_the_settings_say() {
    use ExpiryRule::{Calendar, Never, Rolling};
    let table = [
        (Never, None),
        (Rolling(0, RoundTo::Day), Some("2026-03-02")),
        (Rolling(365, RoundTo::Day), Some("2027-03-02")),
        (Rolling(365, RoundTo::Month), Some("2027-03-31")),
        (Rolling(365, RoundTo::Year), Some("2027-12-31")),
        (Rolling(29, RoundTo::Month), Some("2026-03-31")),
        (Rolling(30, RoundTo::Month), Some("2026-04-30")),
        (Rolling(730, RoundTo::Month), Some("2028-03-31")),
        (Rolling(720, RoundTo::Month), Some("2028-02-29")),
        (Rolling(700, RoundTo::Year), Some("2028-12-31")),
        (Calendar(3, 2, 0), Some("2026-03-02")),
        (Calendar(3, 2, 1), Some("2027-03-02")),
        (Calendar(12, 31, 0), Some("2026-12-31")),
        (Calendar(3, 1, 0), Some("2027-03-01")),
        (Calendar(2, 29, 0), Some("2027-02-28")),
        (Calendar(2, 29, 400), Some("2028-02-29")),
        (Calendar(4, 31, 0), Some("2026-04-30")),
        (Calendar(12, 31, 304), Some("2026-12-31")),
        (Calendar(12, 31, 305), Some("2027-12-31")),
        (ExpiryRule::Inactivity(10), None),
    ];
    for (rule, last) in table {
        let mut shop = visiting(|| vec![("r", points(7))]).set(|s| s.expiry = rule);
        shop.act("amy", tick()).unwrap();
        let entry = &shop.done[1].planned.plan.entries[0];
        assert_eq!((entry.starts, entry.expires), (Some(shop.today()), last.map(day)), "{rule:?}");
        assert_eq!(shop.of("amy").lots[0].expires, last.map(day), "{rule:?}");
    }
}

#[test]
fn a_rule_may_give_its_points_another_expiry() {
    let table = [
        (Expiry::Standard, Some("2026-03-12")),
        (Expiry::Never, None),
        (Expiry::Days(0), Some("2026-03-02")),
        (Expiry::Days(9), Some("2026-03-11")),
        (Expiry::On(day("2026-06-01")), Some("2026-06-01")),
    ];
    for (expiry, last) in table {
        let mut shop =
            visiting(move || vec![("r", lasting(7, expiry))]).set(|s| s.expiry = ExpiryRule::Rolling(10, RoundTo::Day));
        shop.act("amy", tick()).unwrap();
        assert_eq!(shop.of("amy").lots[0].expires, last.map(day), "{expiry:?}");
    }
}

#[test]
fn the_last_day_is_good_and_the_next_takes_the_points_once() {
    let mut shop = visiting(|| vec![("r", lasting(7, Expiry::Days(2)))]);
    shop.act("amy", tick()).unwrap();
    let story: Vec<(i64, usize)> = (0..4)
        .map(|_| {
            shop.pass_days(1);
            shop.settle("amy");
            (shop.balance("amy"), shop.done.last().unwrap().planned.plan.entries.len())
        })
        .collect();
    assert_eq!(story, [(7, 0), (7, 0), (0, 1), (0, 0)]);
    assert_sound(&shop);
}

#[test]
fn points_that_ran_out_cannot_be_spent_even_if_no_night_has_run() {
    let mut shop = visiting(|| vec![("r", lasting(700, Expiry::Days(2)))]);
    shop.act("amy", tick()).unwrap();
    shop.pass_days(3);
    let refused = shop.sell("amy", redeeming(receipt("R", &[700]), 700)).unwrap_err();
    assert_eq!(refused, PlanError::Overdrawn { asked: Points::new(700), held: Points::ZERO });
}

#[test]
fn inactivity_takes_everything_and_only_the_chosen_events_reset_it() {
    let grants = |_: &ledger::Facts, event: &Event| match event {
        Event::Register | Event::SignIn => one([("r", points(10))]),
        Event::Birthday => one([("birthday", points(1))]),
        _ => one([]),
    };
    let table: [(&str, Act, bool); 6] = [
        ("sign-in", sign_in(), true),
        ("purchase", Act::Receipt(receipt("R", &[0])), true),
        ("recharge", Act::Recharge(ledger::Fen::new(1)), true),
        ("birthday", Act::Event(Event::Birthday), false),
        ("custom", tick(), false),
        ("review", Act::Event(Event::TierReview), false),
    ];
    for (name, act, resets) in table {
        let mut shop = world().under(grants).set(|s| s.expiry = ExpiryRule::Inactivity(10)).with("amy");
        shop.pass_days(10);
        shop.act("amy", act).unwrap();
        shop.pass_days(1);
        shop.settle("amy");
        assert_eq!(shop.balance("amy") >= 10, resets, "{name}");
    }
}

#[test]
fn a_gift_to_an_idle_member_lives_as_long_as_idleness_allows() {
    let birthday = |_: &ledger::Facts, event: &Event| match event {
        Event::Birthday => one([("birthday", points(50))]),
        _ => one([]),
    };
    let mut shop = world().under(birthday).set(|s| s.expiry = ExpiryRule::Inactivity(10)).with("amy");
    shop.pass_days(100);
    shop.act("amy", Act::Event(Event::Birthday)).unwrap();
    shop.pass_days(10);
    shop.settle("amy");
    assert_eq!(shop.balance("amy"), 50);
    shop.pass_days(1);
    shop.settle("amy");
    assert_eq!(shop.balance("amy"), 0);
}

#[test]
fn a_cap_reduces_or_refuses_and_both_amounts_are_kept() {
    let table = [
        (OverCap::Reduce, vec![(60, 60), (60, 40), (60, 0)], 100),
        (OverCap::Refuse, vec![(60, 60), (60, 0), (60, 0)], 60),
    ];
    for (over, wanted, held) in table {
        let mut shop = visiting(|| vec![("r", capped(60, 100, Period::Day))]).set(|s| s.over_cap = over);
        let told: Vec<(i64, i64)> = (0..3)
            .map(|_| {
                let line = shop.act("amy", tick()).unwrap().effects.remove(0);
                (line.wanted.unwrap_or(line.amount.unwrap()), line.amount.unwrap())
            })
            .collect();
        assert_eq!((told, shop.balance("amy")), (wanted, held), "{over:?}");
        let granted = &shop.done[2].planned.plan.applied.granted;
        assert!(granted.iter().all(|g| (g.wanted, g.granted) == (Points::new(60), Points::new(40))));
    }
}

#[test]
fn inv_c1_a_cap_holds_across_grants_of_one_event_and_apart_from_other_rules() {
    let table = [
        (vec![("a", capped(8, 10, Period::Event)), ("a", capped(8, 10, Period::Event))], 10),
        (vec![("a", capped(8, 10, Period::Day)), ("a", capped(8, 10, Period::Day))], 10),
        (vec![("a", capped(8, 10, Period::Day)), ("b", capped(8, 10, Period::Day))], 16),
        (vec![("a", capped(8, 10, Period::Event)), ("a", capped(8, 10, Period::Day))], 16),
        (vec![("a", capped(8, 0, Period::Life))], 0),
        (vec![("a/b", capped(8, 8, Period::Day)), ("a", capped(8, 8, Period::Day))], 16),
    ];
    for (effects, held) in table {
        let rules = effects.clone();
        let mut shop = visiting(move || rules.clone());
        shop.act("amy", tick()).unwrap();
        assert_eq!(shop.balance("amy"), held, "{effects:?}");
        assert_sound(&shop);
    }
}

#[test]
fn a_late_receipt_counts_under_the_cap_of_its_own_day() {
    let mut shop = world().under(|_, event| match event {
        Event::Receipt(_) => one([("visit", capped(10, 10, Period::Day))]),
        _ => one([]),
    });
    shop = shop.with("amy");
    let story: Vec<i64> = [(0, "A"), (1, "B"), (1, "C"), (29, "D"), (29, "E"), (0, "F")]
        .into_iter()
        .map(|(late, number)| {
            shop.late_ms = late * ledger::DAY_MS;
            shop.sell("amy", receipt(number, &[100])).unwrap().points.earned.get()
        })
        .collect();
    assert_eq!(story, [10, 10, 0, 10, 0, 0]);
}

#[test]
fn redemption_takes_the_soonest_to_expire_then_the_oldest_and_names_its_lots() {
    let mut shop = visiting(|| {
        vec![
            ("never", lasting(10, Expiry::Never)),
            ("late", lasting(20, Expiry::Days(9))),
            ("soon", lasting(30, Expiry::Days(1))),
            ("later", pending(40, 1)),
        ]
    });
    shop.act("amy", tick()).unwrap();
    shop.sell("amy", redeeming(receipt("R", &[55]), 55)).unwrap();
    let taken: Vec<(u32, i64)> =
        shop.done[2].planned.plan.entries[0].lots.iter().map(|(lot, delta)| (lot.1, delta.get())).collect();
    assert_eq!(taken, [(2, -30), (1, -20), (0, -5)]);
    assert_eq!((shop.of("amy").spendable(shop.today()).get(), shop.of("amy").pending(shop.today()).get()), (5, 40));
    assert_sound(&shop);
}

#[test]
fn spending_is_refused_by_name_and_number() {
    let pay = |prices: &[i64], points| Act::Receipt(redeeming(receipt("R", prices), points));
    let table = [
        (pay(&[9_999], 101), 100, "overdrawn", "redeeming 101 points, but only 100 are held"),
        (
            pay(&[50], 60),
            100,
            "redeem_too_much",
            "60 points are worth more than the 0.50 yuan to pay; redeem at most 50",
        ),
        (pay(&[9_999], 10), 0, "points_cannot_pay", "points cannot pay here"),
        (pay(&[9_999], -1), 100, "bad_amount", "-1 points cannot be redeemed"),
    ];
    for (act, per_yuan, code, text) in table {
        let mut shop = visiting(Vec::new).set(|s| s.points_per_yuan = per_yuan);
        shop.adjust("amy", Account::Points, 100).unwrap();
        let refused = shop.act("amy", act).unwrap_err();
        assert_eq!((refused.code(), refused.to_string().as_str()), (code, text));
        assert_eq!(shop.balance("amy"), 100);
    }
}

#[test]
fn redeemed_points_are_worth_fen_rounded_down() {
    let table = [(100, 100, 100), (100, 1, 1), (300, 100, 33), (300, 2, 0), (1_000, 999, 99), (7, 1, 14)];
    for (per_yuan, redeemed, worth) in table {
        let mut shop = visiting(Vec::new).set(|s| s.points_per_yuan = per_yuan);
        shop.adjust("amy", Account::Points, 1_000).unwrap();
        let reply = shop.sell("amy", redeeming(receipt("R", &[1_000]), redeemed)).unwrap();
        assert_eq!(reply.payable_fen.unwrap().get(), 1_000 - worth, "{redeemed} at {per_yuan} a yuan");
        assert_eq!(shop.balance("amy"), 1_000 - redeemed);
    }
}

#[test]
fn staff_correct_in_both_directions_but_not_below_nothing_nor_by_nothing() {
    let table = [
        (Account::Points, 5, Ok(105)),
        (Account::Points, -100, Ok(0)),
        (Account::Points, -101, Err("overdrawn")),
        (Account::Points, 0, Err("bad_amount")),
        (Account::Points, i64::MIN, Err("too_large")),
        (Account::Principal, 5, Ok(105)),
        (Account::Principal, -101, Err("stored_value_overdrawn")),
        (Account::Gift, 0, Err("bad_amount")),
        (Account::Gift, i64::MAX, Err("too_large")),
        (Account::Gift, ledger::AMOUNT_MAX, Err("too_large")),
    ];
    for (account, delta, outcome) in table {
        let mut shop = visiting(Vec::new);
        shop.adjust("amy", account, 100).unwrap();
        let done = shop.adjust("amy", account, delta).map(|_| shop.of("amy").account(account).balance);
        assert_eq!(done.map_err(|error| error.code()), outcome, "{account:?} {delta}");
        let entry = &shop.books[&crate::world::member("amy")][0].1;
        assert_eq!((entry.kind, entry.rule.as_str()), (EntryKind::Adjustment, "test"));
    }
}

#[test]
fn what_a_policy_deducts_is_written_under_its_name_and_may_not_overdraw() {
    let mut shop = visiting(|| vec![("fee", Effect::DeductPoints(Points::new(30)))]);
    shop.adjust("amy", Account::Points, 40).unwrap();
    shop.act("amy", tick()).unwrap();
    let entry = &shop.done.last().unwrap().planned.plan.entries[0];
    assert_eq!(
        (entry.kind, entry.delta, entry.policy.as_str(), entry.rule.as_str()),
        (EntryKind::Redemption, -30, "p", "fee")
    );
    assert_eq!(shop.act("amy", tick()).unwrap_err().code(), "overdrawn");
    assert_eq!(shop.balance("amy"), 10);
}

#[test]
fn deducting_nothing_writes_nothing_even_in_debt() {
    let mut shop = visiting(|| vec![("fee", Effect::DeductPoints(Points::ZERO))]);
    shop.act("amy", tick()).unwrap();
    assert!(shop.done.last().unwrap().planned.plan.entries.is_empty());
}

#[test]
fn statistics_count_what_happened_on_the_local_day() {
    let mut shop = world().under(|_, event| match event {
        Event::Receipt(_) => one([("r", points(3))]),
        _ => one([]),
    });
    shop = shop.with("amy");
    shop.sell("amy", receipt("A", &[500])).unwrap();
    shop.act("amy", sign_in()).unwrap();
    shop.act("amy", Act::Recharge(ledger::Fen::new(900))).unwrap();
    shop.pass_days(6);
    shop.sell("amy", receipt("B", &[70])).unwrap();
    let (amy, today) = (shop.of("amy"), shop.today());
    let of = |metric, days| amy.stat(metric, days, today);
    assert_eq!([of(Metric::SpendFen, 6), of(Metric::SpendFen, 7), of(Metric::SpendFen, 0)], [70, 570, 570]);
    assert_eq!([of(Metric::Visits, 1), of(Metric::Visits, 400), of(Metric::PointsEarned, 0)], [1, 2, 6]);
    assert_eq!(amy.life, Totals { spend: 570, visits: 2, earned: 6, sign_ins: 1, recharged: 900, draws: 0 });
}

#[test]
fn days_too_old_for_any_statistic_are_dropped_and_life_is_not() {
    let mut shop = world().with("amy");
    for number in 0..5 {
        shop.sell("amy", receipt(&format!("R{number}"), &[100])).unwrap();
        shop.pass_days(200);
    }
    shop.settle("amy");
    assert_eq!(shop.of("amy").life.visits, 5);
    let window = shop.of("amy").stat(Metric::Visits, 366, shop.today());
    assert_eq!((window, shop.of("amy").days.len()), (1, 1));
}

#[test]
fn facts_show_the_member_as_the_event_finds_them() {
    let seen = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let notes = seen.clone();
    let mut shop = world().under(move |facts, event| {
        if let Event::Receipt(receipt) = event {
            let m = facts.member.as_ref().unwrap();
            notes.borrow_mut().push((m.points.get(), m.pending.get(), receipt.payable.get(), facts.stats[0].value));
        }
        one([("now", points(10)), ("later", pending(5, 3))])
    });
    shop.needs = crate::shop::NEEDS.to_vec();
    shop = shop.with("amy");
    shop.sell("amy", receipt("A", &[500])).unwrap();
    shop.sell("amy", redeeming(receipt("B", &[500]), 12)).unwrap();
    assert_eq!(*seen.borrow(), [(10, 5, 500, 0), (8, 10, 488, 500)]);
}

#[test]
fn a_receipt_without_a_member_tells_what_it_would_have_earned() {
    let mut shop =
        world().under(|_, _| one([("spend", points(8)), ("off", Effect::DiscountOrder(ledger::Fen::new(40)))]));
    let reply = shop.act_on(None, Act::Receipt(receipt("R", &[500])), None).unwrap();
    assert_eq!((reply.member, reply.payable_fen.unwrap().get()), (None, 460));
    assert_eq!(reply.reasons[0].reason.text, "会员可获得积分 8");
    assert_eq!(shop.done[0].planned.plan.entries, []);
}

#[test]
fn what_one_policy_refuses_keeps_the_sale_and_the_others() {
    let mut shop = world().under(|_, event| match event {
        Event::Receipt(_) | Event::Recharge(_) => Decision(vec![
            says("no", [("r", points(5)), ("closed", Effect::Reject("今日不积分".into()))]),
            says("poor", [("r", points(5)), ("fee", Effect::DeductPoints(Points::new(9_999)))]),
            says("yes", [("r", points(7))]),
        ]),
        Event::SignIn => one([("closed", Effect::Reject("活动已结束".into()))]),
        _ => one([]),
    });
    shop = shop.with("amy");
    shop.sell("amy", receipt("R", &[500])).unwrap();
    assert_eq!(shop.balance("amy"), 7);
    shop.act("amy", Act::Recharge(ledger::Fen::new(100))).unwrap();
    assert_eq!((shop.balance("amy"), shop.of("amy").accounts.principal.balance), (14, 100));
    assert_eq!(shop.act("amy", sign_in()).unwrap_err(), PlanError::Refused("活动已结束".into()));
    assert_sound(&shop);
}

#[test]
fn settings_at_their_ends_do_not_panic() {
    let rules = [
        ExpiryRule::Rolling(u32::MAX, RoundTo::Month),
        ExpiryRule::Rolling(u32::MAX, RoundTo::Year),
        ExpiryRule::Rolling(95_000_000, RoundTo::Year),
        ExpiryRule::Calendar(0, 0, 0),
        ExpiryRule::Calendar(13, 1, u32::MAX),
        ExpiryRule::Calendar(255, 255, 95_000_000),
        ExpiryRule::Inactivity(u32::MAX),
    ];
    for rule in rules {
        let mut shop = visiting(|| vec![("r", capped(7, i64::from(i32::MAX), Period::Year))]).set(|s| {
            s.expiry = rule;
            (s.late_days_max, s.reserve_seconds, s.vouchers_per_receipt) = (u32::MAX, u32::MAX, u32::MAX);
            s.points_per_yuan = i64::MAX;
        });
        shop.act("amy", tick()).unwrap();
        shop.act("amy", Act::Quote(receipt("Q", &[100]))).unwrap();
        shop.sell("amy", redeeming(receipt("R", &[100]), 7)).unwrap();
        shop.take_all("amy", "R").unwrap();
        assert_eq!(shop.balance("amy"), 7, "{rule:?}");
    }
}

#[test]
fn policies_are_shown_what_expires_within_thirty_days_soonest_first() {
    let mut shop = visiting(|| (0..60).rev().map(|days| ("r", lasting(1, Expiry::Days(days)))).collect());
    shop.act("amy", tick()).unwrap();
    let done = shop.plan(Some("amy"), tick(), None).unwrap();
    let shown: Vec<i32> =
        done.asked[0].0.facts.expiring.iter().map(|lot| lot.expires.get() - shop.today().get()).collect();
    assert_eq!(shown, (0..=30).collect::<Vec<i32>>());
}
