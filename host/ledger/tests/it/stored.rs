//! Stored value, rule by rule: principal and gift apart, spent and given back as the settings say.

use crate::check::assert_sound;
use crate::runner::holds;
use crate::say::{one, receipt, whole_line, with_stored};
use crate::world::{World, world};
use ledger::{Account, Act, Effect, EntryKind, Event, Fen, PlanError, StoredSpend};
use proptest::collection::vec;

/// A member with this much principal and gift.
fn holding(principal: i64, gift: i64) -> World {
    let mut shop = world().with("amy");
    for (account, amount) in [(Account::Principal, principal), (Account::Gift, gift)] {
        if amount > 0 {
            shop.adjust("amy", account, amount).unwrap();
        }
    }
    shop
}

fn held(shop: &World) -> (i64, i64) {
    let accounts = &shop.of("amy").accounts;
    (accounts.principal.balance, accounts.gift.balance)
}

#[test]
fn a_recharge_credits_the_principal_and_a_policy_the_gift() {
    let mut shop = world().under(|_, event| match event {
        Event::Recharge(paid) if paid.get() >= 50_000 => one([("500-50", Effect::GiftStoredValue(Fen::new(5_000)))]),
        _ => one([]),
    });
    shop = shop.with("amy");
    for paid in [49_999, 50_000] {
        shop.act("amy", Act::Recharge(Fen::new(paid))).unwrap();
    }
    assert_eq!(held(&shop), (99_999, 5_000));
    let kinds: Vec<_> =
        shop.books[&crate::world::member("amy")].iter().map(|(_, e)| (e.account, e.kind, e.delta)).collect();
    let accrual = EntryKind::Accrual;
    let principal = Account::Principal;
    assert_eq!(kinds, [(principal, accrual, 49_999), (principal, accrual, 50_000), (Account::Gift, accrual, 5_000)]);
    assert_sound(&shop);
}

#[test]
fn stored_value_is_spent_in_the_order_of_the_setting() {
    use StoredSpend::{GiftFirst, PrincipalFirst, ProRata};
    let table = [
        (ProRata, (60, 40), 50, (30, 20)),
        (ProRata, (60, 40), 51, (29, 20)),
        (ProRata, (60, 40), 1, (59, 40)),
        (ProRata, (60, 40), 99, (0, 1)),
        (ProRata, (60, 40), 100, (0, 0)),
        (ProRata, (0, 40), 7, (0, 33)),
        (ProRata, (40, 0), 7, (33, 0)),
        (PrincipalFirst, (60, 40), 50, (10, 40)),
        (PrincipalFirst, (60, 40), 61, (0, 39)),
        (GiftFirst, (60, 40), 39, (60, 1)),
        (GiftFirst, (60, 40), 50, (50, 0)),
        (GiftFirst, (60, 40), 100, (0, 0)),
    ];
    for (order, (principal, gift), pays, left) in table {
        let mut shop = holding(principal, gift).set(|s| s.stored_spend = order);
        shop.sell("amy", with_stored(receipt("R", &[500]), pays)).unwrap();
        assert_eq!(held(&shop), left, "{order:?}: {pays} of {principal} + {gift}");
        assert_sound(&shop);
    }
}

#[test]
fn paying_more_than_is_held_is_an_error_with_both_numbers() {
    let mut shop = holding(60, 40);
    let refused = shop.sell("amy", with_stored(receipt("R", &[500]), 101)).unwrap_err();
    assert_eq!(refused, PlanError::StoredOverdrawn { asked: Fen::new(101), held: Fen::new(100) });
    assert_eq!(refused.to_string(), "paying 1.01 yuan from stored value, but only 1.00 are held");
    assert_eq!(held(&shop), (60, 40));
}

#[test]
fn stored_value_never_pays_more_than_there_is_to_pay() {
    let mut shop = holding(600, 0).under(|_, event| match event {
        Event::Receipt(_) => one([("off", Effect::DiscountOrder(Fen::new(100)))]),
        _ => one([]),
    });
    let reply = shop.sell("amy", with_stored(receipt("R", &[500]), 500)).unwrap();
    assert_eq!((reply.payable_fen.unwrap().get(), held(&shop)), (400, (200, 0)));
    shop.take_all("amy", "R").unwrap();
    assert_eq!(held(&shop), (600, 0));
}

#[test]
fn a_partial_return_gives_principal_back_first_and_gift_last() {
    let table = [
        (vec![0], (30, 0)),
        (vec![0, 1], (50, 10)),
        (vec![1], (30, 0)),
        (vec![2, 1], (50, 20)),
        (vec![0, 1, 2], (50, 50)),
    ];
    for (lines, back) in table {
        let mut shop = holding(50, 50);
        shop.sell("amy", with_stored(receipt("R", &[30, 30, 40]), 100)).unwrap();
        for line in &lines {
            shop.take("amy", "R", Some(vec![whole_line(*line)])).unwrap();
        }
        assert_eq!(held(&shop), back, "lines {lines:?}");
        assert_sound(&shop);
    }
}

#[test]
fn inv_s1_principal_is_what_was_paid_in_less_what_was_spent() {
    let step =
        proptest::prop_oneof![(1..9_000_i64).prop_map(|fen| (true, fen)), (1..9_000_i64).prop_map(|fen| (false, fen))];
    use proptest::strategy::Strategy;
    holds(300, (vec(step, 1..20), 0..3_usize, 0..5_000_i64), |(steps, order, gift)| {
        let order = [StoredSpend::ProRata, StoredSpend::PrincipalFirst, StoredSpend::GiftFirst][order];
        let mut shop = holding(0, gift).set(|s| s.stored_spend = order);
        let mut total = gift;
        for (nth, (recharge, fen)) in steps.into_iter().enumerate() {
            let act = if recharge {
                Act::Recharge(Fen::new(fen))
            } else {
                Act::Receipt(with_stored(receipt(&format!("R{nth}"), &[fen]), fen))
            };
            let enough = recharge || fen <= total;
            assert_eq!(shop.act("amy", act).is_ok(), enough);
            total += if recharge {
                fen
            } else if enough {
                -fen
            } else {
                0
            };
            assert_eq!(held(&shop).0 + held(&shop).1, total);
            assert_sound(&shop);
        }
    });
}

#[test]
fn a_gift_of_a_returned_sale_is_taken_back_and_charged_if_spent() {
    let mut shop = world().under(|_, event| match event {
        Event::Receipt(r) if r.payable.get() >= 1_000 => one([("cash", Effect::GiftStoredValue(Fen::new(100)))]),
        _ => one([]),
    });
    shop = shop.with("amy");
    shop.sell("amy", receipt("A", &[600, 600])).unwrap();
    shop.sell("amy", with_stored(receipt("B", &[70]), 70)).unwrap();
    assert_eq!(held(&shop), (0, 30));
    let first = shop.take("amy", "A", Some(vec![whole_line(0)])).unwrap();
    assert_eq!((first.refund_fen.unwrap().get(), held(&shop)), (600, (0, 0)));
    let last = shop.take_all("amy", "A").unwrap();
    assert_eq!((last.refund_fen.unwrap().get(), held(&shop)), (530, (0, 0)));
    assert_sound(&shop);
}
