//! Amounts: whole, bounded, exact.

use crate::runner::holds;
use crate::say::{one, points, receipt};
use crate::world::world;
use ledger::{AMOUNT_MAX, Event, Fen, Points, TooLarge, share};
use proptest::prelude::*;

fn edges() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(i64::MIN),
        Just(i64::MAX),
        Just(AMOUNT_MAX),
        Just(-AMOUNT_MAX),
        Just(AMOUNT_MAX + 1),
        -3..4_i64,
        any::<i64>(),
        -AMOUNT_MAX..=AMOUNT_MAX,
    ]
}

fn exact(sum: i128) -> Result<i64, TooLarge> {
    if sum.abs() <= i128::from(AMOUNT_MAX) { Ok(i64::try_from(sum).unwrap()) } else { Err(TooLarge) }
}

#[test]
fn inv_l6_sums_and_differences_are_exact_or_refused() {
    holds(5_000, (edges(), edges()), |(a, b)| {
        let (wide_a, wide_b) = (i128::from(a), i128::from(b));
        assert_eq!(Points::new(a).plus(Points::new(b)).map(Points::get), exact(wide_a + wide_b));
        assert_eq!(Fen::new(a).minus(Fen::new(b)).map(Fen::get), exact(wide_a - wide_b));
        assert_eq!(Fen::checked(a).map(Fen::get), exact(wide_a));
        assert_eq!(
            Points::sum([a, b].map(Points::new)).is_ok(),
            exact(wide_a).is_ok() && exact(wide_a + wide_b).is_ok()
        );
    });
}

/// Where a share is not what exact arithmetic says.
pub fn share_faults(share: impl Fn(i64, i64, i64) -> Result<i64, TooLarge>, numbers: [i64; 3]) -> Vec<String> {
    let [amount, part, whole] = numbers;
    let wide = i128::from(amount) * i128::from(part);
    let expected = if whole <= 0 { Err(TooLarge) } else { exact(wide.div_euclid(i128::from(whole))) };
    let given = share(amount, part, whole);
    if given == expected { Vec::new() } else { vec![format!("L6 {numbers:?}: {given:?}, exactly {expected:?}")] }
}

#[test]
fn inv_l6_a_share_is_exact_and_rounds_down() {
    holds(5_000, (edges(), edges(), edges()), |(amount, part, whole)| {
        assert_eq!(share_faults(share, [amount, part, whole]), Vec::<String>::new());
    });
}

#[test]
fn the_edge_of_the_range_is_inside_and_the_next_is_not() {
    let table = [(AMOUNT_MAX, true), (-AMOUNT_MAX, true), (AMOUNT_MAX + 1, false), (-AMOUNT_MAX - 1, false)];
    for (amount, fits) in table {
        assert_eq!(Fen::checked(amount).is_ok(), fits, "{amount}");
        assert_eq!(Points::ZERO.plus(Points::new(amount)).is_ok(), fits, "{amount}");
        assert_eq!(share(amount, 1, 1).is_ok(), fits, "{amount}");
    }
    assert_eq!(Fen::new(AMOUNT_MAX).plus(Fen::new(1)), Err(TooLarge));
    assert_eq!(share(AMOUNT_MAX, AMOUNT_MAX, AMOUNT_MAX), Ok(AMOUNT_MAX));
    assert_eq!(share(5, 1, 0), Err(TooLarge));
}

#[test]
fn yuan_are_written_with_two_places() {
    let table = [
        (0, "0.00"),
        (5, "0.05"),
        (-5, "-0.05"),
        (1_250, "12.50"),
        (-100, "-1.00"),
        (i64::MIN, "-92233720368547758.08"),
    ];
    for (fen, text) in table {
        assert_eq!(Fen::new(fen).in_yuan(), text);
    }
}

/// Where two receipts earn more than one receipt over the same sum.
pub fn rounding_faults(earn: impl Fn(i64) -> i64, one: i64, other: i64) -> Vec<String> {
    let (parts, whole) = (earn(one) + earn(other), earn(one + other));
    if parts <= whole { Vec::new() } else { vec![format!("ROUND {one} + {other} earn {parts}, together {whole}")] }
}

#[test]
fn two_half_receipts_never_earn_more_than_one_whole() {
    holds(5_000, (0..10_000_000_i64, 0..10_000_000_i64, 1..100_000_i64), |(one, other, rate_bp)| {
        let earn = |paid: i64| share(paid, rate_bp, 10_000).unwrap();
        assert_eq!(rounding_faults(earn, one, other), Vec::<String>::new());
    });
}

#[test]
fn two_half_receipts_at_the_till_never_earn_more_than_one_whole() {
    holds(300, (1..50_000_i64, 1..50_000_i64, 1..30_000_i64), |(one_fen, other_fen, rate_bp)| {
        let earn = |prices: &[i64]| {
            let mut shop = world().under(move |_, event| match event {
                Event::Receipt(r) => one([("spend", points(share(r.payable.get(), rate_bp, 10_000).unwrap()))]),
                _ => one([]),
            });
            shop = shop.with("amy");
            for (nth, price) in prices.iter().enumerate() {
                shop.sell("amy", receipt(&format!("R{nth}"), &[*price])).unwrap();
            }
            shop.balance("amy")
        };
        assert!(earn(&[one_fen, other_fen]) <= earn(&[one_fen + other_fen]));
    });
}
