//! Equal inputs, equal answers: again, elsewhere, and side by side.

use crate::kit::{engine, rulebook};
use engine::{Engine, Limits, Rulebook, Source};
use ledger::{Day, Event, Facts, Fen, Line, LocalTime, MemberFacts, Points, Receipt};
use proptest::prelude::*;
use std::path::Path;
use std::sync::LazyLock;

/// The shipped component, as committed.
pub fn standard() -> Source {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/standard/policy.wasm");
    Source::Wasm(std::fs::read(path).unwrap())
}

/// A script that reads and asks for a good deal.
pub const SCRIPT: &str = r#"
    fn describe() {
        #{ name: "earn", params: [#{ name: "rate", kind: "rate", initial: 150 }],
           stats: [#{ name: "year", metric: "spend_fen", days: 365 }] }
    }
    fn earned(fen, rate) { rate(fen, rate) }
    fn on_receipt(ctx, receipt) {
        if ctx.member == () { skipped("spend", "no member"); return; }
        let fen = 0;
        let seen = #{};
        for line in receipt.lines {
            if line.category != "gift" { fen += line.amount; }
            seen.set(line.category, true);
        }
        let rate = ctx.params.rate;
        if ctx.member.tier == "gold" && ctx.now.weekday > 5 { rate *= 2; }
        let points = earned(fen, rate);
        if points > 0 { grant("spend", points, #{ expiry_days: 365 }); } else { missed("spend", "too little", "fen", fen, 100); }
        for category in seen.keys() { log(category); }
    }
"#;

/// Two engines that know nothing of each other, each with both policies.
static ENGINES: LazyLock<[(Engine, Vec<Rulebook>); 2]> = LazyLock::new(|| [(); 2].map(|()| both(Limits::default())));

fn both(limits: Limits) -> (Engine, Vec<Rulebook>) {
    let engine = engine(limits);
    let sources = [standard(), Source::Rhai(SCRIPT.into())];
    let rulebooks = sources.iter().map(|source| rulebook(&engine, source).unwrap()).collect();
    (engine, rulebooks)
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let line = ("[a-z]{0,12}", "gift|food|饮料", -5_000_i64..500_000, 0_i64..9_000).prop_map(
        |(sku, category, amount, quantity_milli)| Line {
            sku,
            category,
            amount: Fen::new(amount),
            quantity_milli,
            ..Line::default()
        },
    );
    proptest::collection::vec(line, 0..40)
}

prop_compose! {
    fn receipts()(lines in lines(), total in -1_000_i64..10_000_000, redeem in 0_i64..500) -> Event {
        let (total, redeem_points) = (Fen::new(total), Points::new(redeem));
        Event::Receipt(Receipt { receipt: "r".into(), lines, total, payable: total, redeem_points, ..Receipt::default() })
    }
}

prop_compose! {
    fn seen()(tier in "gold|silver|", points in -50_i64..100_000, day in 0_i32..30_000, weekday in 1_u8..=7, known in any::<bool>()) -> Facts {
        let member = MemberFacts { tier, points: Points::new(points), ..MemberFacts::default() };
        let now = LocalTime { day: Day::new(day), year: 2026, month: 1, day_of_month: 1, weekday, hour: 1, minute: 1 };
        Facts { now, member: known.then_some(member), ..Facts::default() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equal_inputs_give_equal_bytes_and_fuel(facts in seen(), event in receipts()) {
        let answers = ENGINES.iter().map(|(engine, rulebooks)| {
            let decisions: Vec<_> = rulebooks.iter().map(|rulebook| engine.evaluate(rulebook, &facts, &event).unwrap()).collect();
            serde_json::to_string(&decisions).unwrap()
        });
        let again = ENGINES[0].1.iter().map(|rulebook| ENGINES[0].0.evaluate(rulebook, &facts, &event).unwrap());
        let again = serde_json::to_string(&again.collect::<Vec<_>>()).unwrap();
        for answer in answers {
            prop_assert_eq!(&answer, &again);
        }
    }
}

#[test]
fn the_comparison_sees_other_inputs_and_other_limits() {
    let receipt = |fen| Event::Receipt(Receipt { payable: Fen::new(fen), total: Fen::new(fen), ..Receipt::default() });
    let facts = Facts { member: Some(MemberFacts::default()), ..Facts::default() };
    let (engine, rulebooks) = &ENGINES[0];
    let answer = |fen| engine.evaluate(&rulebooks[0], &facts, &receipt(fen)).unwrap();
    assert_ne!(answer(100), answer(10_000));
    let (starved, rulebooks) = both(Limits { fuel_per_event: 1_000, ..Limits::default() });
    let starved = starved.evaluate(&rulebooks[0], &facts, &receipt(100)).unwrap();
    assert_ne!(starved, answer(100));
}

#[test]
fn threads_do_not_see_each_other() {
    let (engine, rulebooks) = &ENGINES[0];
    let facts = Facts { member: Some(MemberFacts::default()), ..Facts::default() };
    let event = Event::Receipt(Receipt { payable: Fen::new(12_800), total: Fen::new(12_800), ..Receipt::default() });
    for rulebook in rulebooks {
        let alone = engine.evaluate(rulebook, &facts, &event).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        assert_eq!(engine.evaluate(rulebook, &facts, &event).unwrap(), alone);
                    }
                });
            }
        });
    }
}

#[test]
fn the_profile_names_what_decides_answers_and_nothing_else() {
    let profile = |limits| engine(limits).profile().to_owned();
    let usual = profile(Limits::default());
    assert_eq!(profile(Limits { evaluations_at_once_max: 2, ..Limits::default() }), usual);
    assert_ne!(profile(Limits { fuel_per_event: 1, ..Limits::default() }), usual);
    assert_ne!(profile(Limits { effects_max: 1, ..Limits::default() }), usual);
}

#[test]
fn the_shipped_policy_takes_a_receipt_of_1000_lines() {
    let (engine, rulebooks) = &ENGINES[0];
    let line = Line {
        sku: "6901234567890".into(),
        category: "日用百货".into(),
        brand: "某某牌".into(),
        amount: Fen::new(990),
        ..Line::default()
    };
    let total = Fen::new(990_000);
    let event = Event::Receipt(Receipt { lines: vec![line; 1_000], total, payable: total, ..Receipt::default() });
    let facts = Facts { member: Some(MemberFacts::default()), ..Facts::default() };
    let decision = engine.evaluate(&rulebooks[0], &facts, &event).unwrap();
    assert_eq!(crate::kit::code(&decision.0[0].answer), None, "{decision:?}");
}
