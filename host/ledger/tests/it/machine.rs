//! The state machine: anything may happen in any order, and the books stay sound.

use crate::check::{assert_sound, faults};
use crate::ops::{NAMES, Op, basket, op, shops, trial_shop};
use crate::runner::holds;
use crate::say::redeeming;
use crate::world::World;
use ledger::{Act, Entry, EntryKind, Event, Lot, LotId, PlanError};
use proptest::collection::vec;
use std::collections::BTreeMap;

#[test]
fn inv_all_hold_after_every_act_whatever_happens() {
    holds(500, (shops(), vec(op(), 1..40)), |(mut shop, ops)| {
        for op in &ops {
            let before = (shop.done.len(), shop.next);
            let outcome = shop.run(op);
            assert!(!matches!(outcome, Some(Err(_))) || before == (shop.done.len(), shop.next));
            assert_sound(&shop);
        }
    });
}

#[test]
fn a_long_story_ends_sound() {
    holds(12, (shops(), vec(op(), 300..400)), |(mut shop, ops)| {
        for op in &ops {
            shop.run(op);
        }
        assert_sound(&shop);
    });
}

/// Faults of the caller a receipt may be refused for; a policy is none.
fn is_the_callers(error: &PlanError) -> bool {
    matches!(
        error,
        PlanError::Overdrawn { .. }
            | PlanError::StoredOverdrawn { .. }
            | PlanError::RedeemTooMuch { .. }
            | PlanError::PointsCannotPay
            | PlanError::TotalDiffers { .. }
            | PlanError::TooManyLines { .. }
            | PlanError::MemberRequired
            | PlanError::TooLarge(_)
    )
}

#[test]
fn inv_r5_a_sale_never_fails_because_of_a_policy() {
    holds(400, (shops(), vec(op(), 0..10), 0..3_usize, basket()), |(mut shop, ops, who, basket)| {
        ops.iter().for_each(|op| drop(shop.run(op)));
        let mut silent = shop.clone().under(|_, _| ledger::Decision::default());
        let (asked, plain) = (shop.sell_basket(NAMES[who], &basket), silent.sell_basket(NAMES[who], &basket));
        assert_eq!(asked.is_ok(), plain.is_ok(), "with policies {:?}, without {:?}", asked.err(), plain.err());
        if let Err(error) = asked {
            assert!(is_the_callers(&error), "{error}");
        }
    });
}

#[test]
fn inv_r5_a_return_never_fails_because_of_a_policy() {
    holds(200, (shops(), vec(op(), 0..10), basket(), vec(op(), 0..5)), |(mut shop, ops, basket, later)| {
        ops.iter().for_each(|op| drop(shop.run(op)));
        let key = format!("R{}", shop.next);
        if shop.sell_basket("amy", &basket).is_err() {
            return false;
        }
        later.iter().for_each(|op| drop(shop.run(op)));
        if !shop.sales[&key].sale.whole {
            shop.take_all("amy", &key).unwrap();
        }
        true
    });
}

/// What a redemption of so many points has to take, reckoned from the lots it found.
fn soonest(lots: &[Lot], today: ledger::Day, mut missing: i64) -> BTreeMap<LotId, i64> {
    let mut open: Vec<&Lot> = lots.iter().filter(|lot| lot.starts <= today).collect();
    open.sort_by_key(|lot| (lot.expires.map_or(i32::MAX, ledger::Day::get), lot.starts));
    let mut taken = BTreeMap::new();
    for lot in open {
        let takes = missing.min(lot.left.get());
        missing -= takes;
        if takes > 0 {
            taken.insert(lot.id.clone(), -takes);
        }
    }
    taken
}

/// Lots a redemption should not have taken from yet.
pub fn order_faults(before: &[Lot], today: ledger::Day, redemption: &Entry) -> Vec<String> {
    let taken: BTreeMap<LotId, i64> = redemption.lots.iter().map(|(id, delta)| (id.clone(), delta.get())).collect();
    let due = soonest(before, today, -redemption.delta);
    if taken == due { Vec::new() } else { vec![format!("L7 takes {taken:?}, due was {due:?}")] }
}

#[test]
fn inv_l7_a_redemption_spends_the_soonest_to_expire_first() {
    holds(300, (shops(), vec(op(), 5..25), 1..=100_i64), |(mut shop, ops, percent)| {
        ops.iter().for_each(|op| drop(shop.run(op)));
        shop.settle("amy");
        let (today, before) = (shop.today(), shop.of("amy").clone());
        let points = (before.spendable(today).get() - before.held(shop.at).0.get()) * percent / 100;
        if points <= 0 {
            return false;
        }
        let checkout = redeeming(crate::say::receipt("X", &[points.max(1)]), points);
        let done = shop.plan(Some("amy"), Act::Receipt(checkout), None).unwrap();
        let first = done.planned.plan.entries.iter().find(|entry| entry.kind == EntryKind::Redemption).unwrap();
        assert_eq!(order_faults(&before.lots, today, first), Vec::<String>::new());
        true
    });
}

#[test]
fn a_quote_promises_what_the_receipt_then_does() {
    holds(300, (shops(), vec(op(), 0..12), basket()), |(mut shop, ops, basket)| {
        ops.iter().for_each(|op| drop(shop.run(op)));
        shop.settle("amy");
        let checkout = crate::say::presenting(shop.checkout("amy", &basket), &[]);
        let quoted = shop.clone().act("amy", Act::Quote(checkout.clone()));
        let sold = shop.clone().act("amy", Act::Receipt(checkout));
        let (Ok(quoted), Ok(sold)) = (quoted, sold) else { return false };
        assert_eq!((quoted.points, quoted.payable_fen), (sold.points, sold.payable_fen));
        assert_eq!(quoted.effects.len(), sold.effects.len());
        true
    });
}

#[test]
fn a_quote_keeps_nothing_but_its_holds() {
    holds(300, (shops(), vec(op(), 0..12), basket()), |(mut shop, ops, basket)| {
        ops.iter().for_each(|op| drop(shop.run(op)));
        NAMES.iter().for_each(|who| shop.settle(who));
        let before = shop.clone();
        let checkout = shop.checkout("amy", &basket);
        let quoted = shop.act("amy", Act::Quote(checkout)).is_ok();
        if quoted {
            let quote = shop.done.last().unwrap().id.clone();
            shop.act("amy", Act::Cancel(quote)).unwrap();
            crate::same::assert_same(&released(before), &released(shop));
        }
        quoted
    });
}

/// The same world with every hold let go.
fn released(mut shop: World) -> World {
    for who in NAMES {
        for hold in shop.of(who).holds.clone() {
            shop.act(who, Act::Cancel(hold.quote)).unwrap();
        }
    }
    shop
}

#[test]
fn the_story_teller_reaches_every_situation() {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let story = std::cell::RefCell::new(&mut seen);
    holds(120, vec(op(), 30..60), |ops| {
        let mut shop = trial_shop().set(|s| s.expiry = ledger::ExpiryRule::Rolling(20, ledger::RoundTo::Day));
        ops.iter().for_each(|op| drop(shop.run(op)));
        let mut seen = story.borrow_mut();
        situations(&shop).into_iter().for_each(|name| *seen.entry(name).or_default() += 1);
    });
    let wanted = ["debt", "expiry", "cap", "partial", "used", "restored", "voided", "stored", "won", "pending", "late"];
    let missing: Vec<_> = wanted.into_iter().filter(|name| seen.get(name).copied().unwrap_or(0) < 3).collect();
    assert!(missing.is_empty(), "hardly ever reached: {missing:?} of {seen:?}");
}

fn situations(shop: &World) -> Vec<&'static str> {
    use ledger::VoucherState::{Expired, Issued, Used, Voided};
    let entries = || shop.books.values().flatten().map(|(_, entry)| entry);
    let granted = || shop.done.iter().flat_map(|done| &done.planned.plan.applied.granted);
    let moves = |f: &dyn Fn(&crate::world::Move) -> bool| shop.moves.iter().any(f);
    let all = [
        ("debt", shop.done.iter().any(|d| d.planned.plan.member.as_ref().is_some_and(|m| m.debt.get() > 0))),
        ("expiry", entries().any(|entry| entry.kind == EntryKind::Expiry)),
        ("cap", granted().any(|granted| granted.granted < granted.wanted)),
        ("partial", shop.sales.values().any(|s| s.sale.returns > 1)),
        ("used", moves(&|step| matches!(step.to, Used { .. }))),
        ("restored", moves(&|step| matches!((&step.from, &step.to), (Some(Used { .. }), Issued | Expired)))),
        ("voided", moves(&|step| step.to == Voided)),
        ("stored", entries().any(|entry| entry.account != ledger::Account::Points && entry.delta < 0)),
        ("won", shop.done.iter().any(|d| d.planned.reply.draw.as_ref().is_some_and(|p| p.prize.is_some()))),
        ("pending", granted().any(|granted| granted.starts > shop.done[0].today)),
        ("late", shop.done.iter().any(|done| done.now.day < done.today)),
    ];
    all.into_iter().filter(|(_, seen)| *seen).map(|(name, _)| name).collect()
}

#[test]
fn an_act_that_is_refused_leaves_no_trace() {
    let mut shop = trial_shop();
    let before = (shop.members.clone(), shop.done.len());
    let refused = shop.act("amy", Act::Event(Event::Draw("autumn".into())));
    assert_eq!(refused.unwrap_err().code(), "no_odds");
    assert_eq!((shop.members.clone(), shop.done.len()), before);
    assert_eq!(faults(&shop), Vec::<String>::new());
    assert!(shop.run(&Op::Settle(0)).unwrap().is_ok());
}
