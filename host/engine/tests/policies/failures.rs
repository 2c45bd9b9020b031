//! What a policy can do wrong, and what the machine can.

use crate::components::{Core, ruled};
use crate::kit::{Stop, ask, code, engine, rulebook};
use engine::{EvalFault, FailCode, Limits, Source};
use ledger::{Event, Facts, Line, Receipt};
use std::sync::Barrier;

fn wasm(body: &str) -> Source {
    Source::Wasm(Core::evaluating(body).component())
}

fn answering(effects: u32, reasons: u32, data: Vec<u8>) -> Source {
    Source::Wasm(Core::answering(effects, reasons, data).component())
}

/// One way to each code.
fn ways() -> Vec<(FailCode, Source)> {
    let text = |length: u32| ruled((98_304, length), 11, &[]);
    vec![
        (FailCode::Fuel, wasm("(loop (br 0)) (unreachable)")),
        (FailCode::Memory, wasm("(drop (memory.grow (i32.const 9999))) (unreachable)")),
        (
            FailCode::Stack,
            Source::Wasm(
                Core::evaluating("(call $f)")
                    .with("(func $f (result i32) (i32.add (call $f) (i32.const 1)))")
                    .component(),
            ),
        ),
        (FailCode::Trap, wasm("(unreachable)")),
        (FailCode::HostCalls, wasm("(loop (call $log (i32.const 1024) (i32.const 7)) (br 0)) (unreachable)")),
        (FailCode::BadOutput, wasm("(i32.const 57)")),
        (FailCode::Amount, answering(1, 0, ruled((1024, 7), 0, &(-1_i64).to_le_bytes()))),
        (FailCode::Effects, answering(65, 0, vec![])),
        (FailCode::Reasons, answering(0, 65, vec![])),
        (FailCode::TextSize, answering(1, 0, text(1_025))),
        (FailCode::OutputSize, answering(21, 0, text(1_024).repeat(21))),
        (FailCode::Script, Source::Rhai("fn describe() { #{ name: \"p\" } } fn on_sign_in(ctx) { throw 1; }".into())),
    ]
}

#[test]
fn every_code_has_a_way_to_it_and_asks_for_nothing() {
    let engine = engine(Limits::default());
    for (wanted, source) in ways() {
        let decision = ask(&engine, &source, &Event::SignIn).unwrap();
        assert_eq!(code(&decision.answer), Some(wanted.as_str()), "{decision:?}");
    }
    let covered = ways().len() + 1;
    assert_eq!(covered, FailCode::ALL.len(), "input_size has its own test");
}

fn receipt_of(lines: usize) -> Event {
    let line =
        Line {
            sku: "6901234567890".into(), category: "日用百货".into(), brand: "某某".into(), ..Line::default()
        };
    Event::Receipt(Receipt { lines: vec![line; lines], ..Receipt::default() })
}

#[test]
fn facts_that_are_too_large_are_not_handed_in() {
    let engine = engine(Limits { input_bytes_max: 1_000, ..Limits::default() });
    let script = "fn describe() { #{ name: \"p\" } } fn on_receipt(ctx, receipt) { }";
    let decision = ask(&engine, &Source::Rhai(script.into()), &receipt_of(100)).unwrap();
    assert_eq!(code(&decision.answer), Some("input_size"));
    assert_eq!(decision.fuel_used, 0);
}

#[test]
fn a_script_reads_a_receipt_of_1000_lines() {
    let engine = engine(Limits::default());
    let script = "fn describe() { #{ name: \"p\" } }
        fn on_receipt(ctx, receipt) {
            let n = 0;
            for line in receipt.lines { if line.category == \"日用百货\" && line.brand != \"\" { n += 1; } }
            grant(\"lines\", n);
        }";
    let decision = ask(&engine, &Source::Rhai(script.into()), &receipt_of(1_000)).unwrap();
    assert_eq!(code(&decision.answer), None, "{decision:?}");
}

#[test]
fn the_safety_net_is_a_fault_and_no_decision() {
    let engine = engine(Limits { fuel_per_event: u64::MAX / 2, evaluate_ms_max: 30, ..Limits::default() });
    let stopped = ask(&engine, &wasm("(loop (br 0)) (unreachable)"), &Event::SignIn);
    assert_eq!(stopped, Err(Stop::Fault(EvalFault::TimedOut { policy: "policy".into(), limit_ms: 30 })));
}

#[test]
fn the_safety_net_holds_scripts_too() {
    let engine = engine(Limits { operations_per_event: u64::MAX / 2, evaluate_ms_max: 30, ..Limits::default() });
    let script = "fn describe() { #{ name: \"p\" } } fn on_sign_in(ctx) { loop { } }";
    let stopped = ask(&engine, &Source::Rhai(script.into()), &Event::SignIn);
    assert_eq!(stopped, Err(Stop::Fault(EvalFault::TimedOut { policy: "policy".into(), limit_ms: 30 })));
}

#[test]
fn a_full_pool_is_a_fault_and_frees_itself() {
    let limits =
        Limits { fuel_per_event: u64::MAX / 2, evaluate_ms_max: 400, evaluations_at_once_max: 1, ..Limits::default() };
    let engine = engine(limits);
    let slow = rulebook(&engine, &wasm("(loop (br 0)) (unreachable)")).unwrap();
    let quick = rulebook(&engine, &wasm("(i32.const 56)")).unwrap();
    let start = Barrier::new(2);
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| {
            start.wait();
            engine.evaluate(&slow, &Facts::default(), &Event::SignIn)
        });
        start.wait();
        std::thread::sleep(std::time::Duration::from_millis(100));
        let refused = engine.evaluate(&quick, &Facts::default(), &Event::SignIn);
        assert_eq!(refused, Err(EvalFault::Busy { limit: 1 }));
        assert!(busy.join().unwrap().is_err());
    });
    assert!(engine.evaluate(&quick, &Facts::default(), &Event::SignIn).is_ok());
}
