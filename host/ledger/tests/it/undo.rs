//! S2 and S3: a sale that comes back leaves nothing behind, in one piece or in many.

use crate::check::assert_sound;
use crate::ops::{Basket, NAMES, basket, op, shops};
use crate::runner::holds;
use crate::same::{assert_same, differences, plain};
use crate::say::part_line;
use crate::world::World;
use ledger::{ExpiryRule, Negative, ReturnLine};
use proptest::collection::vec;
use proptest::prelude::*;

/// A shop with some past, in which everybody has just been brought up to date.
pub fn with_past() -> impl Strategy<Value = World> {
    (shops(), vec(op(), 0..14)).prop_map(|(mut shop, ops)| {
        for op in &ops {
            shop.run(op);
        }
        shop.late_ms = 0;
        NAMES.iter().for_each(|who| shop.settle(who));
        shop
    })
}

/// Sells a basket that confirms no quote; nothing if the till is refused.
fn sold(shop: &World, who: &str, basket: &Basket) -> Option<(World, String)> {
    let mut after = shop.clone();
    let number = format!("R{}", shop.next);
    let sale = Basket { confirm: false, ..basket.clone() };
    after.sell_basket(who, &sale).ok()?;
    Some((after, number))
}

#[test]
fn inv_s2_a_full_return_leaves_the_world_as_it_was() {
    let late = prop_oneof![3 => Just(0_i64), 1 => 1..25_i64];
    holds(600, (with_past(), 0..3_usize, basket(), late), |(mut shop, who, basket, late)| {
        shop.settings.negative = Negative::Allow;
        shop.late_ms = late * ledger::DAY_MS;
        let Some((mut after, number)) = sold(&shop, NAMES[who], &basket) else { return false };
        after.take_all(NAMES[who], &number).unwrap();
        assert_sound(&after);
        assert_same(&shop, &after);
        true
    });
}

/// Everything of a receipt in portions, in some order: line, and how many of ten parts of it.
fn portions() -> impl Strategy<Value = Vec<(usize, i64)>> {
    vec((0..6_usize, 1..=10_i64), 0..12)
}

/// What comes back of a sale, step by step: the portions as far as they are left, then the rest line by line.
fn next_step(shop: &World, key: &str, portions: &mut Vec<(usize, i64)>) -> Option<ReturnLine> {
    let lines = &shop.sales[key].sale.left.lines;
    while let Some((line, tenth)) = portions.pop() {
        let Some(left) = lines.get(line).map(|line| line.quantity_milli) else { continue };
        let part = (left.abs() * tenth / 10).clamp(1, left.abs().max(1)) * left.signum();
        if left != 0 {
            return Some(part_line(u32::try_from(line).unwrap(), part));
        }
    }
    let left = lines.iter().position(|line| line.quantity_milli != 0 || line.amount.get() != 0)?;
    Some(ReturnLine { line: u32::try_from(left).unwrap(), quantity_milli: None, amount: None })
}

/// Gives the sale back in portions; gives every refund.
fn returned_in(shop: &mut World, who: &str, key: &str, mut portions: Vec<(usize, i64)>) -> Vec<i64> {
    let mut refunds = Vec::new();
    while let Some(step) = next_step(shop, key, &mut portions) {
        let reply = shop.take(who, key, Some(vec![step])).unwrap();
        refunds.push(reply.refund_fen.unwrap().get());
        assert_sound(shop);
    }
    refunds
}

#[test]
fn inv_s3_any_partition_in_any_order_restores_what_a_full_return_does() {
    holds(400, (with_past(), 0..3_usize, basket(), portions()), |(mut shop, who, basket, portions)| {
        shop.settings.negative = Negative::Allow;
        let Some((sold, key)) = sold(&shop, NAMES[who], &basket) else { return false };
        let paid = sold.sales[&key].sale.applied.paid.get();
        let mut pieces = sold.clone();
        let refunds = returned_in(&mut pieces, NAMES[who], &key, portions);
        assert_eq!(refunds.iter().sum::<i64>(), paid, "refunds {refunds:?} of {paid}");
        assert!(paid < 0 || refunds.iter().all(|refund| *refund >= 0), "refunds {refunds:?} of {paid}");
        assert!(pieces.sales[&key].sale.whole);
        assert_same(&shop, &pieces);
        true
    });
}

/// Balances, debt, counts and standing of everybody: what must not depend on how goods came back.
fn totals(shop: &World) -> Vec<String> {
    let mut totals = Vec::new();
    for state in shop.members.values() {
        let plain = plain(state);
        for key in ["accounts", "debt", "caps", "days", "life", "tier", "tags"] {
            totals.push(format!("{} {key} {}", state.id, plain.get(key).unwrap_or(&serde_json::Value::Null)));
        }
    }
    totals
}

#[test]
fn inv_s3_the_totals_agree_even_when_the_member_has_moved_on() {
    let shop = (with_past(), 0..3_usize, basket(), vec(op(), 0..6), portions());
    holds(400, shop, |(mut shop, who, basket, between, portions)| {
        shop.settings.negative = Negative::Allow;
        let Some((mut sold, key)) = sold(&shop, NAMES[who], &basket) else { return false };
        between.iter().for_each(|op| drop(sold.run(op)));
        sold.late_ms = 0;
        if sold.sales[&key].sale.returns > 0 {
            return false;
        }
        let paid = sold.sales[&key].sale.applied.paid;
        let (mut whole, mut pieces) = (sold.clone(), sold);
        let refund = whole.take_all(NAMES[who], &key).unwrap().refund_fen.unwrap();
        if refund != paid {
            // Charged for what was used since: which refund bears it depends on the order.
            return false;
        }
        let refunds = returned_in(&mut pieces, NAMES[who], &key, portions);
        assert_eq!(refunds.iter().sum::<i64>(), refund.get());
        assert_eq!(totals(&whole), totals(&pieces));
        true
    });
}

#[test]
fn inv_s4_points_taken_back_are_debt_or_waived_as_the_setting_says_never_lost() {
    holds(200, (with_past(), 0..3_usize, basket(), vec(op(), 0..8)), |(shop, who, basket, between)| {
        let Some((mut sold, key)) = sold(&shop, NAMES[who], &basket) else { return false };
        between.iter().for_each(|op| drop(sold.run(op)));
        sold.settle(NAMES[who]);
        if sold.sales[&key].sale.whole {
            return false;
        }
        let before = sold.of(NAMES[who]).clone();
        sold.take_all(NAMES[who], &key).unwrap();
        assert_sound(&sold);
        let after = sold.of(NAMES[who]);
        match sold.settings.negative {
            Negative::Allow => {}
            Negative::WithinBalance | Negative::PendingOnly => assert_eq!(after.debt, before.debt),
        }
        true
    });
}

#[test]
fn a_return_of_nothing_new_is_refused() {
    holds(100, (shops(), basket()), |(shop, basket)| {
        let Some((mut sold, key)) = sold(&shop, "amy", &basket) else { return false };
        sold.take_all("amy", &key).unwrap();
        let again = sold.take_all("amy", &key);
        assert_eq!(again.unwrap_err(), ledger::PlanError::NothingLeft);
        true
    });
}

#[test]
fn expiry_rules_do_not_change_what_a_return_undoes() {
    let rules = [
        ExpiryRule::Never,
        ExpiryRule::Rolling(1, ledger::RoundTo::Day),
        ExpiryRule::Calendar(3, 2, 0),
        ExpiryRule::Inactivity(0),
    ];
    for rule in rules {
        let shop = crate::ops::trial_shop().set(|s| s.expiry = rule);
        let goods = Basket {
            lines: vec![(12_345, 1_000), (0, 1_000), (-45, 1_000)],
            vouchers: vec![0],
            redeem: 50,
            stored: 0,
            confirm: false,
            wild: Vec::new(),
        };
        let (mut after, key) = sold(&shop, "amy", &goods).unwrap();
        after.take_all("amy", &key).unwrap();
        assert_eq!(differences(&shop, &after), Vec::<String>::new(), "{rule:?}");
    }
}
