//! Draws: fair by the published odds, recomputed by anyone, never oversold.

use crate::check::assert_sound;
use crate::ops::trial_shop;
use crate::runner::holds;
use crate::say::{one, points, voucher};
use crate::shop;
use crate::world::{World, world};
use ledger::{
    Account, Act, Award, DrawSecret, Effect, Event, Fen, Odds, Points, Prize, draw_of, sha256_hex, ticket_seed,
};
use proptest::collection::vec;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

/// The prize of a ticket, worked out as somebody would who has only read the published rule: HMAC-SHA256 spelled out,
/// numbers of eight bytes, those beyond the last whole multiple of the denominator thrown away.
pub fn by_hand(odds: &Odds, secret: &[u8; 32], ticket: i64) -> Option<String> {
    let pad = |byte: u8| (0..64).map(move |i| secret.get(i).copied().unwrap_or(0) ^ byte).collect::<Vec<u8>>();
    let text = format!("{}\n{ticket}", odds.campaign);
    let inner = Sha256::digest([pad(0x36).as_slice(), text.as_bytes()].concat());
    let mut block = Sha256::digest([pad(0x5c).as_slice(), inner.as_slice()].concat()).to_vec();
    let whole = odds.prizes.iter().map(|p| u128::from(p.weight)).sum::<u128>() + u128::from(odds.none_weight);
    let limit = (u128::from(u64::MAX) / whole) * whole;
    loop {
        for eight in block.chunks(8) {
            let number = u128::from(u64::from_be_bytes(eight.try_into().unwrap()));
            if number < limit {
                return walk(odds, number % whole);
            }
        }
        block = Sha256::digest(&block).to_vec();
    }
}

fn walk(odds: &Odds, at: u128) -> Option<String> {
    let mut upto = 0;
    for prize in &odds.prizes {
        upto += u128::from(prize.weight);
        if at < upto {
            return Some(prize.id.clone());
        }
    }
    None
}

fn table(weights: &[u32], none_weight: u32) -> Odds {
    let prize = |(nth, weight): (usize, &u32)| Prize {
        id: format!("p{nth}"),
        name: format!("p{nth}"),
        weight: *weight,
        stock: None,
        award: Award::Nothing,
    };
    let prizes = weights.iter().enumerate().map(prize).collect();
    Odds { campaign: "c".into(), cost: Points::ZERO, per_day: 0, prizes, none_weight }
}

/// χ² of the drawn counts times a thousand, and the same for the 1e-6 tail.
pub fn chi_square(odds: &Odds, counts: &[u64]) -> (u128, u128) {
    // Upper 1e-6 points of χ² for 1, 2, 3 … degrees of freedom, times 1,000.
    const TAIL: [u128; 12] =
        [23_928, 27_631, 30_665, 33_377, 35_888, 38_258, 40_522, 42_701, 44_811, 46_863, 48_866, 50_825];
    let drawn: u128 = counts.iter().map(|n| u128::from(*n)).sum();
    let weights = odds.prizes.iter().map(|p| p.weight).chain([odds.none_weight]);
    let whole = u128::from(odds.denominator());
    let mut freedom = 0;
    let mut sum = 0;
    for (count, weight) in counts.iter().zip(weights) {
        if weight == 0 {
            sum += u128::from(*count) * 1_000_000_000;
            continue;
        }
        // (n - N w/W)² / (N w/W), all over W, kept to a thousandth.
        let expected = drawn * u128::from(weight);
        let off = (u128::from(*count) * whole).abs_diff(expected);
        sum += off * off * 1_000 / (expected * whole);
        freedom += 1;
    }
    (sum, if freedom > 1 { TAIL[freedom - 2] } else { 0 })
}

/// Draws that are not as the odds say.
pub fn odds_faults(odds: &Odds, draw: impl Fn(&Odds, i64) -> Option<String>, draws: i64) -> Vec<String> {
    let mut counts = vec![0_u64; odds.prizes.len() + 1];
    for ticket in 1..=draws {
        let drawn = draw(odds, ticket);
        let at = drawn.and_then(|id| odds.prizes.iter().position(|prize| prize.id == id));
        counts[at.unwrap_or(odds.prizes.len())] += 1;
    }
    let (sum, tail) = chi_square(odds, &counts);
    if sum <= tail { Vec::new() } else { vec![format!("Z3 χ² {sum} beyond {tail}: {counts:?}")] }
}

pub fn fair(odds: &Odds, ticket: i64) -> Option<String> {
    draw_of(odds, &ticket_seed(&[3; 32], &odds.campaign, ticket)).map(|prize| prize.id.clone())
}

#[test]
fn inv_z3_a_hundred_thousand_draws_keep_the_published_odds() {
    let tables: [(&[u32], u32); 7] = [
        (&[1], 1),
        (&[1, 1, 1], 0),
        (&[5, 10, 20], 65),
        (&[1, 9, 90, 900], 9_000),
        (&[0, 7, 0, 3], 90),
        (&[4_000_000_000, 4_000_000_000, 1_000_000_000], 999_999_999),
        (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 11),
    ];
    for (weights, none) in tables {
        assert_eq!(odds_faults(&table(weights, none), fair, 100_000), Vec::<String>::new(), "{weights:?} {none}");
    }
}

#[test]
fn inv_z2_every_draw_is_reproduced_by_hand() {
    let strategy = (vec(any::<u32>(), 0..6), 1..=u32::MAX, any::<[u8; 32]>(), 1..1_000_000_i64);
    holds(2_000, strategy, |(weights, none, secret, ticket)| {
        let odds = table(&weights, none);
        let drawn = draw_of(&odds, &ticket_seed(&secret, "c", ticket)).map(|prize| prize.id.clone());
        assert_eq!(drawn, by_hand(&odds, &secret, ticket));
    });
}

#[test]
fn the_seed_of_a_ticket_is_a_known_hmac() {
    // HMAC-SHA256(key = 32 zero bytes, "c\n1"), from an independent implementation.
    let seed = ticket_seed(&[0; 32], "c", 1);
    assert_eq!(seed.map(|byte| format!("{byte:02x}")).concat(), include_str!("draw_seed.txt").trim());
}

fn campaign() -> World {
    let mut shop = trial_shop();
    for who in crate::ops::NAMES {
        shop.adjust(who, Account::Points, 2_000).unwrap();
    }
    shop
}

fn draw() -> Act {
    Act::Event(Event::Draw("spring".into()))
}

#[test]
fn inv_z1_no_prize_is_oversold_and_every_proof_verifies() {
    let mut shop = campaign();
    for day in 0..70 {
        for nth in 0..9 {
            shop.act(crate::ops::NAMES[nth % 3], draw()).unwrap();
        }
        if day % 10 == 0 {
            assert_sound(&shop);
        }
        shop.pass_days(1);
    }
    assert_sound(&shop);
    let proofs = || shop.done.iter().filter_map(|done| done.planned.reply.draw.as_ref());
    assert_eq!(proofs().count(), 630);
    assert!(proofs().all(|proof| proof.commitment == sha256_hex(&[9; 32])));
    assert!(proofs().any(|proof| proof.out_of_stock && proof.prize.is_none() && proof.name == "谢谢参与"));
    let used = |name: &str| shop.stock[name].used;
    assert_eq!((used("prize/spring/phone"), used("prize/spring/points"), used("prize/spring/cash")), (1, 3, 2));
    assert_eq!(used("voucher/prize"), 2);
    let coupons = proofs().filter(|proof| proof.prize.as_deref() == Some("coupon")).count();
    assert_eq!(coupons, 2, "a prize is only won while its voucher can be issued");
}

#[test]
fn a_draw_costs_points_and_counts_against_the_day() {
    let mut shop = campaign();
    let before = shop.balance("amy");
    let refusals: Vec<_> = (0..5).map(|_| shop.act("amy", draw()).err().map(|e| e.code())).collect();
    assert_eq!(refusals, [None, None, None, Some("draws_used_up"), Some("draws_used_up")]);
    let spent = shop.books[&crate::world::member("amy")].iter().filter(|(_, e)| e.rule == "wheel" && e.delta < 0);
    assert!(spent.clone().all(|(_, entry)| entry.policy == "shop" && entry.delta == -5));
    assert_eq!(spent.count(), 3);
    assert!(shop.balance("amy") >= before - 15);
    shop.pass_days(1);
    assert!(shop.act("amy", draw()).is_ok());
    assert_eq!(shop.of("amy").life.draws, 4);
}

#[test]
fn a_draw_is_refused_with_its_reason() {
    type Change = fn(&mut World);
    let table: [(&str, Change); 5] = [
        ("draw_closed", |shop| shop.open = None),
        ("odds_differ", |shop| shop.open.as_mut().unwrap().published.none_weight += 1),
        ("no_odds", |shop| *shop = shop.clone().under(|_, _| one([]))),
        ("overdrawn", |shop| drop(shop.adjust("amy", Account::Points, -2_030).unwrap())),
        ("draw_closed", |shop| shop.open.as_mut().unwrap().campaign = "autumn".into()),
    ];
    for (code, change) in table {
        let mut shop = campaign();
        change(&mut shop);
        let before = shop.done.len();
        assert_eq!(shop.act("amy", draw()).unwrap_err().code(), code);
        assert_eq!(shop.done.len(), before);
    }
}

#[test]
fn inv_z4_one_ask_is_one_draw_however_many_policies_answer() {
    let mut shop = campaign().under(|_, event| match event {
        Event::Draw(_) => ledger::Decision(vec![
            crate::say::says("one", [("a", Effect::SetOdds(shop::odds())), ("b", Effect::SetOdds(shop::odds()))]),
            crate::say::says("two", [("c", Effect::SetOdds(shop::odds()))]),
        ]),
        _ => one([]),
    });
    let before = shop.balance("amy");
    shop.act("amy", draw()).unwrap();
    assert_eq!((shop.stock["draw/spring"].used, shop.of("amy").life.draws), (1, 1));
    assert!(shop.balance("amy") >= before - 5);
}

#[test]
fn odds_draw_only_when_a_draw_was_asked_for() {
    let mut shop = campaign().under(|_, event| match event {
        Event::SignIn | Event::Receipt(_) => one([("odds", Effect::SetOdds(shop::odds())), ("grant", points(1))]),
        _ => one([]),
    });
    let sold = shop.sell("amy", crate::say::receipt("R", &[100])).unwrap();
    assert!(sold.draw.is_none());
    assert!(shop.act("amy", Act::Event(Event::SignIn)).map_or(true, |reply| reply.draw.is_none()));
    assert_eq!(shop.stock.get("draw/spring"), None);
}

#[test]
fn prizes_give_what_they_say() {
    let table: [(Award, fn(&World) -> bool); 4] = [
        (Award::Points(Points::new(70)), |shop| shop.balance("amy") == 70),
        (Award::Gift(Fen::new(300)), |shop| shop.of("amy").accounts.gift.balance == 300),
        (Award::Voucher(voucher("won")), |shop| shop.codes("won").len() == 1),
        (Award::Goods("cup".into()), |shop| shop.done[1].planned.plan.notices.len() == 1),
    ];
    for (award, given) in table {
        let prize = Prize { id: "p".into(), name: "p".into(), weight: 1, stock: Some(1), award };
        let odds = Odds { prizes: vec![prize], ..table_of_none() };
        let mut shop = world().under({
            let odds = odds.clone();
            move |_, event| one(matches!(event, Event::Draw(_)).then(|| ("o", Effect::SetOdds(odds.clone()))))
        });
        shop.open = Some(DrawSecret { campaign: "c".into(), secret: [1; 32], published: odds });
        shop = shop.with("amy");
        shop.act("amy", Act::Event(Event::Draw("c".into()))).unwrap();
        assert!(given(&shop), "{:?}", shop.done[1].planned.plan);
        let second = shop.act("amy", Act::Event(Event::Draw("c".into()))).unwrap().draw.unwrap();
        assert!(second.out_of_stock && second.prize.is_none());
    }
}

fn table_of_none() -> Odds {
    table(&[], 0)
}
