//! The policy in Rego, on Regorus: its interpreter and its register machine.

use super::{
    Peer, Verdict,
    given::{Asked, Given},
};
use crate::cases::Case;
use anyhow::{Result, anyhow};
use regorus::{Engine, Rc, Value, languages::rego::compiler::Compiler, rvm::vm::RegoVM};

const POLICY: &str = r#"
package earn
import rego.v1

weight(category) := 15000 if category == "fresh"
weight(category) := 10000 if category != "fresh"

default rate := 10000
rate := 12000 if input.tier == "silver"
rate := 15000 if input.tier == "gold"

weighted := sum([weighed | some line in input.lines; weighed := line.amount * weight(line.category)])

default points := 0
points := min([floor((weighted * rate) / 10000000000), 300]) if input.member

default voucher := 0
voucher := 1000 if {
    input.member
    input.payable >= 20000
}

spent := input.spent + input.payable

default tier := ""
tier := "gold" if {
    input.member
    spent >= 200000
    input.tier != "gold"
}
tier := "silver" if {
    input.member
    spent >= 50000
    spent < 200000
    input.tier == ""
}

result := {"points": points, "voucher": voucher, "tier": tier}
"#;
const RESULT: &str = "data.earn.result";

fn engine() -> Result<Engine> {
    let mut engine = Engine::new();
    engine.add_policy("earn.rego".to_owned(), POLICY.to_owned())?;
    Ok(engine)
}

fn input(case: &Case, given: Given) -> Value {
    serde_json::to_value(Asked::of(case, given)).expect("JSON").into()
}

fn verdict(found: &Value) -> Verdict {
    let number = |key: &str| found[key].as_i64().expect("a number");
    let tier = found["tier"].as_string().expect("a text").to_string();
    Verdict { points: number("points"), voucher_fen: number("voucher"), tier }
}

/// Walks the rules.
pub fn interpreter(given: Given) -> Result<Peer> {
    let mut engine = engine()?;
    Ok(Box::new(move |case| {
        engine.set_input(input(case, given));
        verdict(&engine.eval_rule(RESULT.to_owned()).expect("evaluates"))
    }))
}

/// Runs the rules compiled for its machine, which is kept.
pub fn machine(given: Given) -> Result<Peer> {
    let policy = engine()?.compile_with_entrypoint(&Rc::from(RESULT))?;
    let program = Compiler::compile_from_policy(&policy, &[RESULT]).map_err(|why| anyhow!("{why}"))?;
    let mut machine = RegoVM::new();
    machine.load_program(program);
    Ok(Box::new(move |case| {
        machine.set_input(input(case, given));
        verdict(&machine.execute().expect("evaluates"))
    }))
}
