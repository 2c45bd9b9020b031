//! Reading a case file.

use crate::day::parse_date;
use crate::types::{Description, Event, Facts, Metric, Outcome, Param, ParamKind, ParamValue, RuledEffect, StatNeed};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A case, ready to run.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) params: Vec<ParamValue>,
    pub(super) facts: Facts,
    pub(super) event: Event,
    pub(super) effects: Vec<RuledEffect>,
    pub(super) reasons: Vec<ExpectedReason>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    cases: Vec<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "name")]
    _name: String,
    #[serde(default)]
    params: Map<String, Value>,
    #[serde(default)]
    facts: Map<String, Value>,
    event: Event,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    #[serde(default)]
    effects: Vec<RuledEffect>,
    #[serde(default)]
    reasons: Vec<ExpectedReason>,
}

/// A reason a case waits for; what it does not list may be anything.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedReason {
    pub(super) rule: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<Outcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) compared: Option<ExpectedComparison>,
}

/// The numbers of such a reason.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedComparison {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) what: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) have: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) need: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stat {
    metric: Metric,
    days: u32,
    value: i64,
}

/// The cases of a file, each still as written.
pub(super) fn file(json: &str) -> Result<Vec<Map<String, Value>>, String> {
    let file: File = serde_json::from_str(json).map_err(|e| format!("the file: {e}"))?;
    Ok(file.cases)
}

/// Reads one case for a policy that describes itself so.
pub(super) fn case(written: &Map<String, Value>, policy: &Description) -> Result<Case, String> {
    let mut written = written.clone();
    pay_in_full(&mut written);
    let mut case: Written = typed("", Value::Object(written))?;
    let stats = case.facts.remove("stats").unwrap_or(Value::Array(Vec::new()));
    let stats = stats_of(typed("facts.stats", stats)?, &policy.stats)?;
    let mut facts: Facts = typed("facts", Value::Object(case.facts))?;
    facts.stats = stats;
    let params = params_of(&case.params, &policy.params)?;
    Ok(Case { params, facts, event: case.event, effects: case.expect.effects, reasons: case.expect.reasons })
}

/// A receipt that does not say what is left to pay is paid in full.
fn pay_in_full(case: &mut Map<String, Value>) {
    let receipt = case.get_mut("event").and_then(|event| event.get_mut("receipt")).and_then(Value::as_object_mut);
    if let Some(receipt) = receipt
        && !receipt.contains_key("payable")
        && let Some(total) = receipt.get("total").cloned()
    {
        receipt.insert("payable".to_owned(), total);
    }
}

/// Reads a value, or says where in the case it is wrong.
fn typed<T: DeserializeOwned>(at: &str, value: Value) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|e| {
        let (path, inner) = (e.path().to_string(), e.inner());
        let dot = if at.is_empty() || path.starts_with('[') { "" } else { "." };
        match (at, path.as_str()) {
            ("", ".") => format!("  {inner}"),
            (at, ".") => format!("  {at}: {inner}"),
            (at, path) => format!("  {at}{dot}{path}: {inner}"),
        }
    })
}

/// Puts the statistics into the order the policy declared; what the case leaves out is 0.
fn stats_of(written: Vec<Stat>, needs: &[StatNeed]) -> Result<Vec<i64>, String> {
    let mut values = vec![0; needs.len()];
    for stat in written {
        let is_it = |need: &StatNeed| need.metric == stat.metric && need.days == stat.days;
        let mut wanted = values.iter_mut().zip(needs).filter(|(_, need)| is_it(need)).peekable();
        if wanted.peek().is_none() {
            let have: Vec<String> = needs.iter().map(super::diff::compact).collect();
            let metric = super::diff::compact(&stat.metric);
            let have = have.join(", ");
            return Err(format!(
                "  facts.stats: the policy does not ask for {metric} over {} days, but for [{have}]",
                stat.days
            ));
        }
        wanted.for_each(|(value, _)| *value = stat.value);
    }
    Ok(values)
}

/// The merchant's settings in declared order; what the case leaves out is the default.
fn params_of(written: &Map<String, Value>, params: &[Param]) -> Result<Vec<ParamValue>, String> {
    if let Some(name) = written.keys().find(|name| !params.iter().any(|p| p.name == **name)) {
        let known: Vec<&str> = params.iter().map(|p| p.name.as_str()).collect();
        return Err(format!("  params: the policy has no parameter {name:?}; it has {}", known.join(", ")));
    }
    let value = |param: &Param| match written.get(&param.name) {
        None => Ok(param.default.clone()),
        Some(value) => accept(&param.kind, value)
            .ok_or_else(|| format!("  params.{}: must be {}, not {value}", param.name, in_words(&param.kind))),
    };
    params.iter().map(value).collect()
}

/// The value, if the kind takes it.
fn accept(kind: &ParamKind, value: &Value) -> Option<ParamValue> {
    let numbers = |list: &Vec<Value>| list.iter().map(Value::as_i64).collect::<Option<_>>().map(ParamValue::Numbers);
    let text = |v: &Value| v.as_str().map(str::to_owned);
    match (kind, value) {
        (ParamKind::Number((low, high)), v) => v.as_i64().filter(|n| (low..=high).contains(&n)).map(ParamValue::Number),
        (ParamKind::Money | ParamKind::Rate, v) => v.as_i64().filter(|n| *n >= 0).map(ParamValue::Number),
        (ParamKind::Flag, v) => v.as_bool().map(ParamValue::Flag),
        (ParamKind::Text, v) => text(v).map(ParamValue::Text),
        (ParamKind::Date, v) => text(v).filter(|t| t.is_empty() || parse_date(t).is_some()).map(ParamValue::Text),
        (ParamKind::Choice(words), v) => text(v).filter(|t| words.contains(t)).map(ParamValue::Text),
        (ParamKind::Numbers, Value::Array(list)) => numbers(list),
        (ParamKind::Texts, Value::Array(list)) => list.iter().map(text).collect::<Option<_>>().map(ParamValue::Texts),
        _ => None,
    }
}

fn in_words(kind: &ParamKind) -> String {
    match kind {
        ParamKind::Number((low, high)) => format!("a whole number from {low} to {high}"),
        ParamKind::Money => "an amount in fen, 0 or more".into(),
        ParamKind::Rate => "basis points, 0 or more (10000 = 1)".into(),
        ParamKind::Flag => "true or false".into(),
        ParamKind::Text => "a text".into(),
        ParamKind::Date => "a date like 2026-12-31, or empty".into(),
        ParamKind::Choice(words) => format!("one of {}", words.join(", ")),
        ParamKind::Numbers => "a list of whole numbers".into(),
        ParamKind::Texts => "a list of texts".into(),
    }
}
