//! The policy as a GoRules decision: one expression node between input and output.

use super::{Asked, Peer, Verdict};
use anyhow::Result;
use serde_json::{Value, json};
use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};
use zen_engine::{DecisionEngine, model::DecisionContent};

const POINTS: &str = "member ? min([floor(sum(map(lines, #.amount * (#.category == 'fresh' ? 15000 : 10000))) \
    * (tier == 'gold' ? 15000 : tier == 'silver' ? 12000 : 10000) / 10000000000), 300]) : 0";
const VOUCHER: &str = "member and payable >= 20000 ? 1000 : 0";
const TIER: &str = "member and spent + payable >= 200000 and tier != 'gold' ? 'gold' \
    : member and spent + payable >= 50000 and tier == '' ? 'silver' : ''";

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

/// Compiled once, as its documentation advises.
pub fn peer() -> Result<Peer> {
    let content: DecisionContent = serde_json::from_value(content())?;
    let mut decision =
        DecisionEngine::default().create_decision(content.into()).map_err(|why| anyhow::anyhow!("{why:?}"))?;
    decision.compile();
    Ok(Box::new(move |case| {
        let asked = serde_json::to_value(Asked::of(case)).expect("JSON");
        let response = at_once(decision.evaluate(asked.into())).expect("evaluates");
        let found: Value = response.result.into();
        let number = |key: &str| found[key].as_i64().or(found[key].as_f64().map(|number| number as i64));
        Verdict {
            points: number("points").expect("points"),
            voucher_fen: number("voucher").expect("a voucher"),
            tier: found["tier"].as_str().expect("a tier").to_owned(),
        }
    }))
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
