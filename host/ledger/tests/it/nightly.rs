//! The calendar: a night that runs twice, or late, or never, changes nothing but when it is written.

use crate::check::assert_sound;
use crate::ops::{NAMES, op, shops};
use crate::runner::holds;
use crate::same::differences;
use crate::say::{lasting, one, pending, receipt, tick};
use crate::world::{World, world};
use ledger::{Act, EntryKind, Event, Expiry, ExpiryRule, Negative, Points, RoundTo, VoucherState};
use proptest::collection::vec;

/// Where a night that ran twice differs from one that ran once.
pub fn second_night(shop: &World) -> Vec<String> {
    let mut again = shop.clone();
    NAMES.iter().for_each(|who| again.settle(who));
    let plans = again.done[shop.done.len()..].iter().map(|done| &done.planned.plan);
    let mut found: Vec<String> = plans
        .filter(|plan| !plan.entries.is_empty() || !plan.vouchers.is_empty() || !plan.stock.is_empty())
        .map(|plan| format!("NIGHT writes again: {:?} {:?}", plan.entries, plan.vouchers))
        .collect();
    found.extend(differences(shop, &again).into_iter().map(|text| format!("NIGHT {text}")));
    found
}

#[test]
fn settling_twice_on_a_day_changes_nothing() {
    holds(300, (shops(), vec(op(), 1..25)), |(mut shop, ops)| {
        ops.iter().for_each(|op| drop(shop.run(op)));
        NAMES.iter().for_each(|who| shop.settle(who));
        assert_eq!(second_night(&shop), Vec::<String>::new());
    });
}

#[test]
fn every_act_leaves_the_member_as_a_night_would() {
    holds(300, (shops(), vec(op(), 1..25)), |(mut shop, ops)| {
        ops.iter().for_each(|op| drop(shop.run(op)));
        let Some(last) = shop.done.last() else { return };
        let who = last.who.clone().unwrap();
        shop.at = last.at;
        let night = shop.plan(Some(who.as_str()), tick(), None).unwrap().planned.plan;
        assert!(night.entries.is_empty() && night.vouchers.is_empty(), "{night:?}");
        assert_eq!(night.member.as_ref(), shop.members.get(&who));
    });
}

/// Lets days pass with a night on each of them, or one night at the end.
fn alone(mut shop: World, days: i64, nightly: bool) -> World {
    for day in 1..=days {
        shop.pass_days(1);
        if nightly || day == days {
            NAMES.iter().for_each(|who| shop.settle(who));
        }
    }
    shop
}

#[test]
fn a_member_left_alone_and_settled_late_ends_as_one_settled_daily() {
    let days = proptest::prop_oneof![1..40_i64, 40..400_i64];
    holds(150, (shops(), vec(op(), 1..25), days), |(mut shop, ops, days)| {
        ops.iter().for_each(|op| drop(shop.run(op)));
        let (daily, late) = (alone(shop.clone(), days, true), alone(shop, days, false));
        assert_sound(&daily);
        assert_sound(&late);
        assert_eq!(differences(&daily, &late), Vec::<String>::new());
        for who in NAMES {
            assert_eq!(daily.of(who).accounts, late.of(who).accounts, "entries are written once either way");
        }
    });
}

/// Lets days pass; amy's night runs on the days she is due, and on the last.
fn visited_when_due(mut shop: World, days: i64) -> World {
    let mut due = shop.of("amy").next_due(shop.today());
    for day in 1..=days {
        shop.pass_days(1);
        if day == days || due.is_some_and(|due| due <= shop.today()) {
            shop.settle("amy");
            due = shop.of("amy").next_due(shop.today());
        }
        let lots = &shop.of("amy").lots;
        assert!(lots.iter().all(|lot| lot.expires.is_none_or(|last| last >= shop.today())), "{lots:?}");
    }
    shop
}

#[test]
fn a_member_visited_only_when_due_ends_as_one_settled_daily() {
    holds(100, (shops(), vec(op(), 1..25), 1..200_i64), |(mut shop, ops, days)| {
        if matches!(shop.settings.expiry, ExpiryRule::Inactivity(_)) {
            shop.settings.expiry = ExpiryRule::Rolling(20, RoundTo::Day);
        }
        ops.iter().for_each(|op| drop(shop.run(op)));
        shop.settle("amy");
        assert_eq!(visited_when_due(shop.clone(), days).of("amy"), alone(shop, days, true).of("amy"));
    });
}

#[test]
fn pending_points_become_spendable_before_they_expire() {
    let grant = |amount, days, lives| match pending(amount, days) {
        ledger::Effect::GrantPoints(grant) => {
            ledger::Effect::GrantPoints(ledger::Grant { expiry: Expiry::Days(lives), ..grant })
        }
        other => other,
    };
    let mut shop = world().under(move |_, event| match event {
        Event::SignIn => one([("later", grant(100, 10, 5))]),
        _ => one([]),
    });
    shop = shop.with("amy");
    shop.act("amy", Act::Event(Event::SignIn)).unwrap();
    let story: Vec<(i64, i64, i64)> = [0, 9, 1, 5, 1]
        .into_iter()
        .map(|days| {
            shop.pass_days(days);
            shop.settle("amy");
            (
                shop.balance("amy"),
                shop.of("amy").pending(shop.today()).get(),
                shop.of("amy").spendable(shop.today()).get(),
            )
        })
        .collect();
    assert_eq!(story, [(100, 100, 0), (100, 100, 0), (100, 0, 100), (100, 0, 100), (0, 0, 0)]);
}

#[test]
fn pending_points_repay_a_debt_when_they_start_and_not_before() {
    let mut shop = world().set(|s| s.negative = Negative::Allow).under(|_, event| match event {
        Event::Receipt(r) => one([("spend", crate::say::points(r.payable.get() / 100))]),
        Event::SignIn => one([("later", pending(30, 5)), ("brief", lasting(1, Expiry::Days(0)))]),
        _ => one([]),
    });
    shop = shop.with("amy");
    shop.sell("amy", receipt("A", &[10_000])).unwrap();
    shop.sell("amy", crate::say::redeeming(receipt("B", &[100]), 100)).unwrap();
    shop.take_all("amy", "A").unwrap();
    assert_eq!((shop.balance("amy"), shop.of("amy").debt), (-100, Points::new(100)));
    shop.act("amy", Act::Event(Event::SignIn)).unwrap();
    assert_eq!((shop.balance("amy"), shop.of("amy").debt), (-69, Points::new(99)));
    shop.pass_days(5);
    shop.settle("amy");
    assert_eq!((shop.balance("amy"), shop.of("amy").debt, shop.of("amy").lots.len()), (-69, Points::new(69), 0));
    assert_sound(&shop);
}

#[test]
fn vouchers_and_holds_run_out_by_themselves() {
    let mut shop = crate::ops::trial_shop();
    let code = shop.codes("welcome")[0].clone();
    let checkout = crate::say::presenting(receipt("Q", &[12_000]), &[&code]);
    shop.act("amy", Act::Quote(checkout)).unwrap();
    assert!(matches!(shop.vouchers[&code].state, VoucherState::Reserved { .. }));
    shop.at = shop.at.after_ms(299_999);
    shop.settle("amy");
    assert!(matches!(shop.vouchers[&code].state, VoucherState::Reserved { .. }));
    shop.at = shop.at.after_ms(1);
    shop.settle("amy");
    assert_eq!(shop.vouchers[&code].state, VoucherState::Issued);
    shop.pass_days(30);
    shop.settle("amy");
    assert_eq!(shop.vouchers[&code].state, VoucherState::Issued, "the last day is still good");
    shop.pass_days(1);
    shop.settle("amy");
    assert_eq!(shop.vouchers[&code].state, VoucherState::Expired);
    assert!(!shop.books.values().flatten().any(|(_, entry)| entry.kind == EntryKind::Expiry));
}
