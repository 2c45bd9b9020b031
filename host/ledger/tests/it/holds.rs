//! What a quote promises: points, stored value and budgets, until it is confirmed or cancelled or its time is up.

use crate::budgets::budget;
use crate::check::assert_sound;
use crate::say::{one, points, receipt, redeeming, with_stored};
use crate::world::{World, world};
use ledger::{Account, Act, Checkout, DecisionId, Event, Fen, Unit};

/// Amy holds 100 points and 10 yuan of stored value; a receipt earns a point for a yuan, of 50 in all.
fn shop() -> World {
    let shop = world().under(|_, event| match event {
        Event::Receipt(r) => one([("spend", points(r.payable.get() / 100))]),
        _ => one([]),
    });
    let mut shop = shop.set(|s| s.budgets = vec![budget("spring", Unit::Points, 50)]).with("amy").with("bob");
    shop.adjust("amy", Account::Points, 100).unwrap();
    shop.act("amy", Act::Recharge(Fen::new(1_000))).unwrap();
    shop
}

fn quote(shop: &mut World, checkout: &Checkout) -> DecisionId {
    let reply = shop.act("amy", Act::Quote(checkout.clone())).unwrap();
    assert_sound(shop);
    reply.decision_id
}

fn promised(shop: &World) -> (i64, i64, i64) {
    let (points, stored) = shop.of("amy").held(shop.at);
    (points.get(), stored.get(), shop.stock.get("budget/spring/points/life").map_or(0, |counter| counter.used))
}

/// A receipt of 30 yuan: 80 points pay 0.80, stored value 9.
fn dear(number: &str) -> Checkout {
    with_stored(redeeming(receipt(number, &[3_000]), 80), 900)
}

#[test]
fn what_a_quote_would_spend_stays_in_the_balance_and_nothing_else_can_spend_it() {
    let mut shop = shop();
    let before = shop.of("amy").accounts;
    quote(&mut shop, &dear("Q"));
    assert_eq!((shop.of("amy").accounts, promised(&shop)), (before, (80, 900, 29)));
    let overdrawn = |shop: &mut World, act: Act| shop.act("amy", act).unwrap_err().to_string();
    let points = Act::Receipt(redeeming(receipt("R", &[3_000]), 21));
    assert_eq!(overdrawn(&mut shop, points), "redeeming 21 points, but only 20 are held");
    let stored = Act::Receipt(with_stored(receipt("R", &[3_000]), 101));
    assert_eq!(overdrawn(&mut shop, stored), "paying 1.01 yuan from stored value, but only 1.00 are held");
    let take = |account, delta| Act::Adjust(ledger::Adjust { account, delta, note: "staff".into() });
    assert_eq!(shop.act("amy", take(Account::Points, -21)).unwrap_err().code(), "overdrawn");
    assert_eq!(shop.act("amy", take(Account::Principal, -101)).unwrap_err().code(), "stored_value_overdrawn");
    let other = shop.act("amy", Act::Receipt(with_stored(redeeming(receipt("R", &[1_000]), 20), 100))).unwrap();
    assert_eq!((other.points.held.get(), other.member.unwrap().held_fen.get()), (80, 900));
    assert_sound(&shop);
}

#[test]
fn the_receipt_that_confirms_spends_what_was_held_and_takes_the_budget_once() {
    for named in [true, false] {
        let mut shop = shop();
        let id = quote(&mut shop, &dear("Q"));
        let quote = named.then_some(id);
        let sold = shop.sell("amy", Checkout { quote, ..dear("Q") }).unwrap();
        assert_sound(&shop);
        assert_eq!((sold.points.redeemed.get(), sold.points.earned.get(), sold.points.balance.get()), (80, 29, 49));
        assert_eq!((promised(&shop), shop.of("amy").holds.len()), ((0, 0, 29), 0), "named: {named}");
    }
}

#[test]
fn a_new_quote_for_the_same_receipt_takes_the_place_of_the_one_before() {
    let mut shop = shop();
    quote(&mut shop, &dear("Q"));
    quote(&mut shop, &redeeming(receipt("Q", &[4_000]), 100));
    assert_eq!((promised(&shop), shop.of("amy").holds.len()), ((100, 0, 39), 1));
}

#[test]
fn a_cancelled_quote_holds_nothing() {
    let mut shop = shop();
    let before = shop.clone();
    let id = quote(&mut shop, &dear("Q"));
    shop.act("amy", Act::Cancel(id)).unwrap();
    assert_sound(&shop);
    crate::same::assert_same(&before, &shop);
    assert_eq!(promised(&shop), (0, 0, 0));
}

#[test]
fn a_hold_ends_by_itself_and_a_late_confirmation_is_honoured() {
    let mut shop = shop();
    let id = quote(&mut shop, &dear("Q"));
    let due = shop.done.last().unwrap().planned.plan.notices[0].clone();
    assert_eq!((due.topic.as_str(), due.due.unwrap()), ("release", shop.at.after_ms(300_000)));
    shop.at = shop.at.after_ms(299_999);
    assert_eq!(promised(&shop), (80, 900, 29));
    shop.at = shop.at.after_ms(1);
    assert_eq!(promised(&shop), (0, 0, 29), "what the budget promised waits for the member's next act");
    let mut settled = shop.clone();
    settled.settle("amy");
    assert_sound(&settled);
    assert_eq!((promised(&settled), settled.of("amy").holds.len()), ((0, 0, 0), 0));
    let sold = shop.sell("amy", Checkout { quote: Some(id), ..dear("Q") }).unwrap();
    assert_sound(&shop);
    assert_eq!((sold.points.redeemed.get(), sold.points.earned.get(), promised(&shop)), (80, 29, (0, 0, 29)));
}

#[test]
fn what_one_quote_promises_of_a_budget_another_member_does_not_get() {
    let mut shop = shop();
    quote(&mut shop, &receipt("Q", &[4_000]));
    assert_eq!(shop.sell("bob", receipt("R", &[4_000])).unwrap().points.earned.get(), 10);
    assert_eq!(shop.sell("amy", receipt("Q", &[4_000])).unwrap().points.earned.get(), 40);
    assert_sound(&shop);
}

#[test]
fn a_quote_without_a_member_holds_nothing() {
    let off = |_: &ledger::Facts, event: &Event| match event {
        Event::Receipt(_) => one([("off", ledger::Effect::DiscountOrder(Fen::new(30)))]),
        _ => one([]),
    };
    let mut shop = world().under(off).set(|s| s.budgets = vec![budget("spring", Unit::Money, 50)]);
    let reply = shop.act_on(None, Act::Quote(receipt("Q", &[100])), None).unwrap();
    assert_eq!((reply.payable_fen.unwrap().get(), shop.stock.len()), (70, 0));
    assert_sound(&shop);
}

#[test]
fn holds_of_one_member_are_bounded_and_the_oldest_makes_room() {
    let mut shop = shop();
    let first = quote(&mut shop, &redeeming(receipt("Q0", &[100]), 1));
    for nth in 1..=16 {
        quote(&mut shop, &redeeming(receipt(&format!("Q{nth}"), &[100]), 1));
    }
    let holds = &shop.of("amy").holds;
    assert!(holds.len() == 16 && holds.iter().all(|hold| hold.quote != first));
}

#[test]
fn a_member_state_without_holds_is_read_as_before() {
    let state: ledger::MemberState = serde_json::from_str(r#"{"id":"amy","joined":20514}"#).unwrap();
    assert!(state.holds.is_empty());
    let used: ledger::StockUse = serde_json::from_str(r#"{"name":"prize/c/p","delta":1,"max":5}"#).unwrap();
    assert_eq!(
        (used.since, serde_json::to_string(&used).unwrap()),
        (0, r#"{"name":"prize/c/p","delta":1,"max":5}"#.to_owned())
    );
    let settings: ledger::Settings = serde_json::from_str(r#"{"points_per_yuan":50}"#).unwrap();
    assert!(settings.budgets.is_empty());
}
