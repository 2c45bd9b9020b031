//! P2, P3: one policy on every engine a merchant's developer would pick instead. The same 256 inputs, equal results
//! first. Everybody begins at the host's values and ends at a [`Verdict`]. Everybody is given all facts and the whole
//! receipt, because a host does not know what a policy will read; the others have their settings written into them,
//! and are also measured with nothing but the fields this policy reads.

mod cel;
mod given;
mod luau;
mod quickjs;
mod rego;
mod rhai;
mod zen;

use crate::{
    Effort,
    cases::{Case, answered, cases, native_params, same},
    engine::{engine, native_json, policy, rulebook, turn},
    rounds::{Rounds, Side, interleave},
    table::{Table, Target},
};
use ::engine::{Engine, Rulebook, Source};
use anyhow::{Result, ensure};
use earn::earn as control;
use given::Given;
use ledger::{Answer, Effect, PolicyDecision};
use punchcard_rules::{guest::Policy as _, types};
use serde::Deserialize;
use std::{collections::BTreeMap, hint::black_box, time::Duration};

/// What was decided, in a form every engine can say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Verdict {
    /// Points given.
    pub points: i64,
    /// What the voucher is worth, in fen; 0 for none.
    pub voucher_fen: i64,
    /// The tier moved to; empty for none.
    pub tier: String,
}

/// Asks an engine.
pub type Peer = Box<dyn FnMut(&Case) -> Verdict>;

fn verdict(decision: &PolicyDecision) -> Verdict {
    let Answer::Decided { effects, .. } = &decision.answer else { return Verdict::default() };
    let mut found = Verdict::default();
    for ruled in effects {
        match &ruled.effect {
            Effect::GrantPoints(grant) => found.points = grant.amount.get(),
            Effect::IssueVoucher(voucher) => found.voucher_fen = voucher.face.get(),
            Effect::SetTier(change) => found.tier.clone_from(&change.tier),
            _ => {}
        }
    }
    found
}

/// Our own path, Wasm or Rhai.
fn ours(engine: &Engine, book: Rulebook) -> Peer {
    let engine = engine.clone();
    Box::new(move |case| verdict(&engine.evaluate(&book, &case.facts, &case.event).expect("evaluates").0[0]))
}

fn native(params: Vec<types::ParamValue>) -> Peer {
    Box::new(move |case| {
        let (facts, event) = case.native.clone();
        told(control::Policy::evaluate(params.clone(), facts, event))
    })
}

fn told(decision: types::Decision) -> Verdict {
    let mut found = Verdict::default();
    for ruled in decision.effects {
        match ruled.effect {
            types::Effect::GrantPoints(grant) => found.points = grant.amount,
            types::Effect::IssueVoucher(voucher) => found.voucher_fen = voucher.face,
            types::Effect::SetTier(change) => found.tier = change.tier,
            _ => {}
        }
    }
    found
}

/// The control: what it encodes is what it decided, so nothing is read back.
fn native_with_json(params: Vec<types::ParamValue>) -> Peer {
    Box::new(move |case| {
        black_box(native_json::<control::Policy>(&params, case));
        Verdict::default()
    })
}

/// Our own paths and the control by the names they have in the table, and the cases.
fn ourselves() -> Result<(Vec<Case>, Vec<(&'static str, Peer)>)> {
    let engine = engine()?;
    let component = policy(&engine, &Source::Wasm(include_bytes!("../earn/policy.wasm").to_vec()))?;
    let script = policy(&engine, &Source::Rhai(rhai::OURS.to_owned()))?;
    let cases = cases(&component.description().stats)?;
    let component = rulebook(&component, &BTreeMap::new())?;
    let params = native_params(component.policies()[0].params());
    for (n, case) in cases.iter().enumerate() {
        let decided = answered(&engine.evaluate(&component, &case.facts, &case.event)?.0[0])?;
        same("our component", n, &decided, &serde_json::from_slice(&native_json::<control::Policy>(&params, case))?)?;
    }
    let all: Vec<(&'static str, Peer)> = vec![
        (JSON, native_with_json(params.clone())),
        (NATIVE, native(params)),
        (COMPONENT, ours(&engine, component)),
        (SCRIPT, ours(&engine, rulebook(&script, &BTreeMap::new())?)),
    ];
    Ok((cases, all))
}

/// The others.
fn others(given: Given) -> Result<Vec<(&'static str, Peer)>> {
    Ok(vec![
        (RHAI, rhai::peer(given)?),
        ("regorus, interpreter", rego::interpreter(given)?),
        ("regorus, RVM", rego::machine(given)?),
        ("CEL (cel)", cel::peer(given)?),
        ("QuickJS (rquickjs), one context for all", quickjs::warm(given)?),
        ("QuickJS (rquickjs), a fresh context each", quickjs::fresh(given)?),
        ("Luau (mlua), one state for all", luau::peer(given)?),
    ])
}

const JSON: &str = "native + serde_json";
const NATIVE: &str = "native";
const COMPONENT: &str = "our component path";
const SCRIPT: &str = "our Rhai path";
const RHAI: &str = "plain Rhai";
const ZEN: &str = "zen-engine";

/// Adds P2's and P3's rows.
pub fn measure(table: &mut Table, effort: Effort) -> Result<()> {
    let (cases, mut all) = ourselves()?;
    let control: Vec<Verdict> = cases.iter().map(|case| all[1].1(case)).collect();
    all.extend(others(Given::Everything)?);
    let first_lean = all.len();
    all.extend(others(Given::WhatItReads)?);
    for (name, peer) in all.iter_mut().skip(2) {
        agrees(name, &cases.iter().map(&mut *peer).collect::<Vec<_>>(), &control)?;
    }
    let mut zen = [zen::Zen::start(&cases, Given::Everything)?, zen::Zen::start(&cases, Given::WhatItReads)?];
    let mut sides: Vec<Side<'_>> = all
        .iter_mut()
        .map(|(name, peer)| {
            let (mut at, cases) = (0, &cases);
            Side::new(name, move || drop(black_box(peer(&cases[turn(&mut at)]))))
        })
        .collect();
    for (place, (zen, verdicts)) in [first_lean, sides.len() + 1].into_iter().zip(zen.iter_mut().flatten()) {
        agrees(ZEN, verdicts, &control)?;
        sides.insert(place, zen.side(ZEN));
    }
    let found = interleave(&mut sides, effort.pick(2, 15, 30), Duration::from_millis(effort.pick(10, 40, 60)));
    let names: Vec<&'static str> = sides.iter().map(|side| side.name).collect();
    // Each of the others comes twice: with everything, then lean.
    let full = names.len() - (names.len() - 4) / 2;
    rows(table, &names[..full], &found[..full]);
    lean_row(table, &names[full..], &found[full..]);
    Ok(())
}

/// What the others take when a host knows what a policy reads.
fn lean_row(table: &mut Table, names: &[&'static str], found: &[Rounds]) {
    let each: Vec<String> = names.iter().zip(found).map(|(name, took)| format!("{name} {:.1}", took.p50())).collect();
    let what = "the others given nothing but the seven fields this policy reads";
    table.note("P2", what, format!("p50 µs: {}", each.join("; ")), String::new());
}

/// Holds an engine's verdicts against the control's.
fn agrees(name: &str, verdicts: &[Verdict], control: &[Verdict]) -> Result<()> {
    for (n, (theirs, right)) in verdicts.iter().zip(control).enumerate() {
        ensure!(theirs == right, "{name} differs on input {n}: {theirs:?} instead of {right:?}");
    }
    ensure!(verdicts.len() == control.len(), "{name} answered {} times", verdicts.len());
    Ok(())
}

fn rows(table: &mut Table, names: &[&'static str], found: &[Rounds]) {
    let of = |name: &str| names.iter().position(|known| *known == name).map(|at| &found[at]).expect("measured");
    let (json, ours) = (of(JSON), of(COMPONENT));
    table.note(
        "P2",
        "one policy, 256 equal results: our component path ÷ native + serde_json",
        format!("p50 {:.1} µs against {:.1} µs (native {:.2} µs)", ours.p50(), json.p50(), of(NATIVE).p50()),
        format!("{:.2} ×", ours.over(json)),
    );
    for (name, theirs) in names.iter().zip(found) {
        let bound = match *name {
            JSON | NATIVE | COMPONENT | SCRIPT => continue,
            RHAI => 3.5,
            ZEN => 5.0,
            _ => 1.0,
        };
        table.ratio(
            "P2",
            &format!("{name} ÷ our component path"),
            format!("p50 {:.1} µs against {:.1} µs", theirs.p50(), ours.p50()),
            theirs.over(ours),
            Target::AtLeast(bound),
        );
    }
    if !names.contains(&ZEN) {
        table.absent("P2", "zen-engine ÷ our component path", "it was not built");
    }
    table.ratio(
        "P3",
        "our Rhai path with its limits on ÷ native + serde_json",
        format!("p50 {:.1} µs against {:.1} µs", of(SCRIPT).p50(), json.p50()),
        of(SCRIPT).over(json),
        Target::AtMost(7.5),
    );
}
