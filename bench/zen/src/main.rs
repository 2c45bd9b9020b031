//! The policy as a GoRules decision: one expression node between input and output.
//!
//! A program of its own, because its engine brings a TypeScript compiler and two TLS stacks with it, which would
//! change how the host's own crates are built. The first line it reads are all inputs; it answers with a verdict for
//! each. Every further line is a number of microseconds: it evaluates for so long, and answers how many microseconds
//! each evaluation took.

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    hint::black_box,
    io::{BufRead as _, Write as _},
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};
use zen_engine::{Decision, DecisionEngine, model::DecisionContent};

const POINTS: &str = "member ? min([floor(sum(map(lines, #.amount * (#.category == 'fresh' ? 15000 : 10000))) \
    * (tier == 'gold' ? 15000 : tier == 'silver' ? 12000 : 10000) / 10000000000), 300]) : 0";
const VOUCHER: &str = "member and payable >= 20000 ? 1000 : 0";
const TIER: &str = "member and spent + payable >= 200000 and tier != 'gold' ? 'gold' \
    : member and spent + payable >= 50000 and spent + payable < 200000 and tier == '' ? 'silver' : ''";

#[derive(Serialize)]
struct Verdict {
    points: i64,
    voucher_fen: i64,
    tier: String,
}

fn content() -> Value {
    let expression = |key: &str, value: &str| json!({"id": key, "key": key, "value": value});
    let expressions = [expression("points", POINTS), expression("voucher", VOUCHER), expression("tier", TIER)];
    json!({
        "nodes": [
            {"id": "in", "name": "in", "type": "inputNode", "content": {}},
            {"id": "score", "name": "score", "type": "expressionNode",
             "content": {"passThrough": false, "expressions": expressions}},
            {"id": "out", "name": "out", "type": "outputNode", "content": {}},
        ],
        "edges": [
            {"id": "a", "sourceId": "in", "targetId": "score"},
            {"id": "b", "sourceId": "score", "targetId": "out"},
        ],
    })
}

fn score(decision: &Decision, asked: &Value) -> Verdict {
    // Everybody's time begins at the host's values. Cloning the document costs what making it from them does.
    let response = at_once(decision.evaluate(asked.clone().into())).expect("evaluates");
    let found: Value = response.result.into();
    let number = |key: &str| found[key].as_i64().or(found[key].as_f64().map(|number| number as i64));
    Verdict {
        points: number("points").expect("points"),
        voucher_fen: number("voucher").expect("a voucher"),
        tier: found["tier"].as_str().expect("a tier").to_owned(),
    }
}

/// A decision without outside calls waits for nothing, so it needs no executor, which would only cost it time.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
    }
}

fn times(decision: &Decision, cases: &[Value], slice: Duration) -> Vec<f64> {
    let (began, mut times) = (Instant::now(), Vec::new());
    let mut last = began;
    for asked in cases.iter().cycle() {
        if last.duration_since(began) >= slice && times.len() >= 20 {
            break;
        }
        black_box(score(decision, asked));
        let now = Instant::now();
        times.push(now.duration_since(last).as_secs_f64() * 1e6);
        last = now;
    }
    times
}

fn main() -> Result<()> {
    let content: DecisionContent = serde_json::from_value(content())?;
    let decision = DecisionEngine::default().create_decision(content.into());
    let mut decision = decision.map_err(|why| anyhow::anyhow!("{why:?}"))?;
    // As its documentation advises.
    decision.compile();
    let mut lines = std::io::stdin().lock().lines();
    let cases: Vec<Value> = serde_json::from_str(&lines.next().context("inputs")??)?;
    let verdicts: Vec<Verdict> = cases.iter().map(|asked| score(&decision, asked)).collect();
    say(&serde_json::to_string(&verdicts)?)?;
    for line in lines {
        let slice = Duration::from_micros(line?.parse()?);
        say(&serde_json::to_string(&times(&decision, &cases, slice))?)?;
    }
    Ok(())
}

fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
