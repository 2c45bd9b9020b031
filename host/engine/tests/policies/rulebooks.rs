//! Several policies, one after another.

use crate::components::{Core, ruled};
use crate::kit::engine;
use engine::{Engine, Limits, PlaceError, Placed, Rulebook, Source};
use ledger::{Answer, Effect, Event, EventKind, Facts, Fen, Metric, ParamValue, Receipt, StatNeed};
use std::collections::BTreeMap;

fn script(text: &str) -> Source {
    Source::Rhai(text.into())
}

fn place(engine: &Engine, name: &str, source: &Source) -> Placed {
    let admitted = engine.admit(source).unwrap();
    let policy = engine.load(&admitted.digest, &admitted.artifact).unwrap();
    Placed::new(name, policy, admitted.description.settle(&BTreeMap::new()).unwrap()).unwrap()
}

#[test]
fn a_policy_earns_on_what_earlier_discounts_left() {
    let engine = engine(Limits::default());
    let off = script(
        "fn describe() { #{ name: \"off\" } } fn on_receipt(ctx, receipt) { discount_order(\"a\", 1000); discount_line(\"b\", 0, 500); }",
    );
    let earn =
        script("fn describe() { #{ name: \"earn\" } } fn on_receipt(ctx, receipt) { grant(\"c\", receipt.payable); }");
    let rulebook = Rulebook::new(vec![place(&engine, "off", &off), place(&engine, "earn", &earn)]);
    let event = Event::Receipt(Receipt { total: Fen::new(5_000), payable: Fen::new(5_000), ..Receipt::default() });
    let decision = engine.evaluate(&rulebook, &Facts::default(), &event).unwrap();
    let Answer::Decided { effects, .. } = &decision.0[1].answer else { panic!("{decision:?}") };
    let Effect::GrantPoints(grant) = &effects[0].effect else { panic!("{effects:?}") };
    assert_eq!(grant.amount.get(), 3_500);
}

#[test]
fn only_policies_that_handle_the_event_are_asked_in_order() {
    let engine = engine(Limits::default());
    let handler = |event: &str| {
        script(&format!("fn describe() {{ #{{ name: \"{event}\" }} }} fn on_{event}(ctx) {{ grant(\"r\", 1); }}"))
    };
    let names = ["sign_in", "bind", "sign_in"];
    let placed = names.iter().enumerate().map(|(at, event)| place(&engine, &format!("{at}"), &handler(event)));
    let rulebook = Rulebook::new(placed.collect());
    let decision = engine.evaluate(&rulebook, &Facts::default(), &Event::SignIn).unwrap();
    let asked: Vec<_> = decision.0.iter().map(|decision| decision.policy.as_str()).collect();
    assert_eq!(asked, ["0", "2"]);
    assert_eq!(rulebook.handling(EventKind::Draw).count(), 0);
}

#[test]
fn a_failed_policy_leaves_the_others_alone() {
    let engine = engine(Limits::default());
    let bad = Source::Wasm(Core::evaluating("(unreachable)").component());
    let good = Source::Wasm(Core::answering(1, 0, ruled((1024, 7), 1, &5_i64.to_le_bytes())).component());
    let rulebook = Rulebook::new(vec![place(&engine, "bad", &bad), place(&engine, "good", &good)]);
    let decision = engine.evaluate(&rulebook, &Facts::default(), &Event::SignIn).unwrap();
    assert!(matches!(decision.0[0].answer, Answer::Failed { .. }));
    assert!(matches!(decision.0[1].answer, Answer::Decided { .. }));
}

#[test]
fn a_rulebook_s_needs_are_listed_once() {
    let engine = engine(Limits::default());
    let needs =
        |days: &str| script(&format!("fn describe() {{ #{{ name: \"n\", stats: [{days}] }} }} fn on_bind(ctx) {{ }}"));
    let visits = "#{ name: \"v\", metric: \"visits\", days: 30 }";
    let spend = "#{ name: \"s\", metric: \"spend_fen\", days: 0 }";
    let one = place(&engine, "one", &needs(visits));
    let two = place(&engine, "two", &needs(&format!("{visits}, {spend}")));
    let wanted = [StatNeed { metric: Metric::SpendFen, days: 0 }, StatNeed { metric: Metric::Visits, days: 30 }];
    assert_eq!(Rulebook::new(vec![one, two]).stats_needed(), wanted);
}

#[test]
fn settings_must_be_those_the_policy_declares() {
    let engine = engine(Limits::default());
    let source = script(
        "fn describe() { #{ name: \"p\", params: [#{ name: \"n\", kind: \"number\", min: 1, max: 9, initial: 2 }] } } fn on_bind(ctx) { }",
    );
    let admitted = engine.admit(&source).unwrap();
    let policy = engine.load(&admitted.digest, &admitted.artifact).unwrap();
    let placed = |values| Placed::new("p", policy.clone(), values);
    assert!(matches!(placed(vec![]), Err(PlaceError::Count { declared: 1, given: 0, .. })));
    assert!(matches!(placed(vec![ParamValue::Number(10)]), Err(PlaceError::Param(_))));
    assert!(placed(vec![ParamValue::Number(9)]).is_ok());
}

#[test]
fn what_policies_log_is_kept_beside_the_decision() {
    let engine = engine(Limits::default());
    let wasm = Source::Wasm(Core::evaluating("(call $log (i32.const 1024) (i32.const 7)) (i32.const 56)").component());
    let rhai = script("fn describe() { #{ name: \"p\" } } fn on_sign_in(ctx) { log(\"a\\nb\"); }");
    let rulebook = Rulebook::new(vec![place(&engine, "wasm", &wasm), place(&engine, "rhai", &rhai)]);
    let traced = engine.trace(&rulebook, &Facts::default(), &Event::SignIn).unwrap();
    let lines: Vec<_> = traced.log.iter().map(|line| (line.policy.as_str(), line.text.as_str())).collect();
    assert_eq!(lines, [("wasm", "hostile"), ("rhai", "a\\nb")]);
}
