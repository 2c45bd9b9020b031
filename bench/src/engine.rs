//! P1: what one evaluation of the shipped standard policy costs, against the same policy called natively.

use crate::{
    Effort,
    cases::{CASES, Case, answered, cases, native_params, same},
    child,
    rounds::{Side, interleave},
    table::{Table, Target},
};
use anyhow::{Context as _, Result};
use engine::{ArtifactKey, Compiler, Engine, Limits, Placed, Policy, Rulebook, Source};
use ledger::ParamValue;
use policy_standard::standard;
use punchcard_rules::{guest::Policy as _, types};
use serde_json::json;
use std::{collections::BTreeMap, hint::black_box, time::Duration};

/// The name under which policies stand in rulebooks here.
const NAME: &str = "policy";
/// Evaluations whose system calls are counted; twice as many are counted too, and the difference is what counts.
const COUNTED: usize = 20_000;

/// An engine as the host starts it, except that it compiles in this process.
pub fn engine() -> Result<Engine> {
    Ok(Engine::new(Limits::default(), ArtifactKey::new([1; 32]), Compiler::InProcess)?)
}

/// A policy, checked and resident.
pub fn policy(engine: &Engine, source: &Source) -> Result<Policy> {
    let admitted = engine.admit(source)?;
    Ok(engine.load(&admitted.digest, &admitted.artifact)?)
}

/// A rulebook of this policy alone.
pub fn rulebook(policy: &Policy, set: &BTreeMap<String, ParamValue>) -> Result<Rulebook> {
    let params = policy.description().settle(set)?;
    Ok(Rulebook::new(vec![Placed::new(NAME, policy.clone(), params)?]))
}

/// The shipped standard policy.
pub fn standard_source() -> Result<Source> {
    Ok(punchcard::shipped::Shipped::named("standard").context("shipped")?.source())
}

/// What a merchant sets: the demo's recharge gift, tiers with multipliers, a category without points.
pub fn standard_settings() -> Result<BTreeMap<String, ParamValue>> {
    Ok(serde_json::from_value(json!({
        "recharge_fen": [50_000], "recharge_gift_fen": [5_000], "excluded_categories": ["household"],
        "tier_names": ["silver", "gold"], "tier_rates_bp": [12_000, 15_000],
    }))?)
}

/// Counts through the inputs, round and round.
pub fn turn(at: &mut usize) -> usize {
    *at = (*at + 1) % CASES;
    *at
}

/// A native policy behind JSON: decodes facts and event, decides, encodes the decision. Its settings it has decoded
/// once and keeps, as a native program would.
pub fn native_json<P: punchcard_rules::guest::Policy>(params: &[types::ParamValue], case: &Case) -> Vec<u8> {
    let (facts, event) = case.decode();
    serde_json::to_vec(&P::evaluate(params.to_vec(), facts, event)).expect("a decision")
}

/// Evaluates the standard policy so often, for a child whose system calls are counted.
pub fn evaluate_often(times: usize) -> Result<()> {
    let engine = engine()?;
    let rulebook = rulebook(&policy(&engine, &standard_source()?)?, &standard_settings()?)?;
    let cases = cases(&[])?;
    for case in cases.iter().cycle().take(times) {
        black_box(engine.evaluate(&rulebook, &case.facts, &case.event)?);
    }
    Ok(())
}

/// Adds P1's rows.
pub fn measure(table: &mut Table, effort: Effort) -> Result<()> {
    let engine = engine()?;
    let rulebook = rulebook(&policy(&engine, &standard_source()?)?, &standard_settings()?)?;
    let params = native_params(rulebook.policies()[0].params());
    let cases = cases(&[])?;
    for (n, case) in cases.iter().enumerate() {
        let ours = answered(&engine.evaluate(&rulebook, &case.facts, &case.event)?.0[0])?;
        let control = standard::Policy::evaluate(params.clone(), case.native.0.clone(), case.native.1.clone());
        same("the component", n, &ours, &serde_json::to_value(&control)?)?;
    }
    let [mut at, mut at_json, mut at_native] = [0; 3];
    let mut sides = [
        Side::new("component", || {
            let case = &cases[turn(&mut at)];
            black_box(engine.evaluate(&rulebook, &case.facts, &case.event).expect("evaluates"));
        }),
        Side::new("native + serde_json", || {
            black_box(native_json::<standard::Policy>(&params, &cases[turn(&mut at_json)]));
        }),
        Side::new("native", || {
            let (facts, event) = cases[turn(&mut at_native)].native.clone();
            black_box(standard::Policy::evaluate(params.clone(), facts, event));
        }),
    ];
    let rounds = effort.pick(3, 25, 40);
    let found = interleave(&mut sides, rounds, Duration::from_millis(effort.pick(10, 60, 100)));
    let [ours, json, native] = &found[..] else { unreachable!("three sides") };
    table.ratio(
        "P1",
        "standard policy, receipt of 10 lines, 24 settings, fresh instance, ÷ native + serde_json",
        format!(
            "p50 {:.1} µs, p99 {:.1} µs against p50 {:.1} µs, p99 {:.1} µs (native without codec {:.1} µs)",
            ours.p50(),
            ours.p99(),
            json.p50(),
            json.p99(),
            native.p50()
        ),
        ours.over(json),
        Target::AtMost(2.0),
    );
    system_calls(table)
}

fn system_calls(table: &mut Table) -> Result<()> {
    const WHAT: &str = "system calls of one evaluation, counted";
    let Some(once) = child::system_calls(COUNTED)? else {
        table.absent("P1", WHAT, "strace is not installed");
        return Ok(());
    };
    let twice = child::system_calls(2 * COUNTED)?.context("strace went away")?;
    let each = (twice as f64 - once as f64) / COUNTED as f64;
    table.number(
        "P1",
        WHAT,
        format!("{once} calls of the thread for {COUNTED} evaluations, {twice} for {}", 2 * COUNTED),
        // A call in a thousand evaluations is the allocator's.
        ((each * 100.0).round() / 100.0, "calls"),
        Target::AtMost(0.0),
    );
    Ok(())
}
