//! Reading a case file into the host's own types, as the SDK reads it into the guest's.

use super::Given;
use chrono::{Datelike as _, NaiveDateTime, Timelike as _};
use ledger::{
    Day, Description, Event, Facts, LocalTime, Metric, Outcome, Param, ParamValue, RuledEffect, Stat, StatNeed,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
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
    event: Value,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    #[serde(default)]
    effects: Vec<Value>,
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

/// The cases of a file, each still as written.
pub(super) fn file(json: &str) -> Result<Vec<Map<String, Value>>, String> {
    let file: File = serde_json::from_str(json).map_err(|e| e.to_string())?;
    Ok(file.cases)
}

/// Reads one case for a policy that describes itself so.
pub(super) fn case(written: &Map<String, Value>, policy: &Description, set: &Given) -> Result<Case, String> {
    let mut case: Written = typed("", Value::Object(written.clone()))?;
    for (at, ruled) in case.expect.effects.iter_mut().enumerate() {
        effect_dates(&format!("expect.effects[{at}].effect"), ruled)?;
    }
    Ok(Case {
        params: params_of(&case.params, policy, set)?,
        facts: facts(case.facts, policy)?,
        event: event(case.event)?,
        effects: typed("expect.effects", Value::Array(case.expect.effects))?,
        reasons: case.expect.reasons,
    })
}

/// Reads facts as a case writes them: moments and dates as text, and only statistics the policy asks for.
///
/// # Errors
/// The field that is wrong, and what it should be.
pub fn facts(mut written: Map<String, Value>, policy: &Description) -> Result<Facts, String> {
    let stats: Vec<Stat> = typed("facts.stats", written.remove("stats").unwrap_or(Value::Array(Vec::new())))?;
    if let Some(stat) = stats.iter().find(|stat| !policy.stats.iter().any(|need| is_it(need, stat))) {
        let have = policy.stats.iter().map(super::diff::compact).collect::<Vec<_>>().join(", ");
        let (metric, days) = (super::diff::compact(&stat.metric), stat.days);
        return Err(format!(
            "  facts.stats: the policy does not ask for {metric} over {days} days, but for [{have}]\n"
        ));
    }
    if let Some(now) = written.get_mut("now") {
        *now = moment(now)?;
    }
    // The guest's facts say "in no shop" with an empty text.
    empty_is_absent(written.get_mut("store"));
    dates_of_facts(&mut written)?;
    let facts: Facts = typed("facts", Value::Object(written))?;
    Ok(Facts { stats, ..facts })
}

fn is_it(need: &StatNeed, stat: &Stat) -> bool {
    let wanted: (Metric, u32) = (need.metric, need.days);
    wanted == (stat.metric, stat.days)
}

/// Reads an event as a case writes it: `"sign_in"`, `{"recharge": 50000}`, `{"receipt": {…}}`.
///
/// # Errors
/// The field that is wrong, and what it should be.
pub fn event(mut written: Value) -> Result<Event, String> {
    if let Some(receipt) = written.get_mut("receipt").and_then(Value::as_object_mut) {
        // The guest's receipt says "at no till" with an empty text.
        empty_is_absent(receipt.get_mut("till"));
        pay_in_full(receipt);
    }
    if let Some(receipt) = written.get_mut("receipt").and_then(Value::as_object_mut)
        && let Some(total) = receipt.get("total").cloned()
    {
        // A receipt that does not say otherwise is paid in full.
        receipt.entry("payable").or_insert(total);
    }
    typed("event", written)
}

/// A receipt that does not say what is left to pay is paid in full.
fn pay_in_full(receipt: &mut Map<String, Value>) {
    if !receipt.contains_key("payable")
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
            ("", ".") => format!("  {inner}\n"),
            (at, ".") => format!("  {at}: {inner}\n"),
            (at, path) => format!("  {at}{dot}{path}: {inner}\n"),
        }
    })
}

fn empty_is_absent(value: Option<&mut Value>) {
    if let Some(value) = value.filter(|value| value.as_str() == Some("")) {
        *value = Value::Null;
    }
}

/// A moment like `2026-11-21T08:30`, or its record.
fn moment(written: &Value) -> Result<Value, String> {
    let Some(text) = written.as_str() else { return Ok(written.clone()) };
    let at = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M")
        .map_err(|_| format!("  facts.now: {text:?} is no moment; write one like 2026-11-21T08:30\n"))?;
    let now = LocalTime {
        day: Day::new(at.date().to_epoch_days()),
        year: at.year(),
        month: at.month() as u8,
        day_of_month: at.day() as u8,
        weekday: at.weekday().number_from_monday() as u8,
        hour: at.hour() as u8,
        minute: at.minute() as u8,
    };
    serde_json::to_value(now).map_err(|e| e.to_string())
}

fn dates_of_facts(facts: &mut Map<String, Value>) -> Result<(), String> {
    if let Some(member) = facts.get_mut("member") {
        for field in ["tier_since", "joined"] {
            date(&format!("facts.member.{field}"), member.get_mut(field))?;
        }
    }
    for (list, field) in [("expiring", "expires"), ("vouchers", "valid_until")] {
        let items = facts.get_mut(list).and_then(Value::as_array_mut);
        for (at, item) in items.into_iter().flatten().enumerate() {
            date(&format!("facts.{list}[{at}].{field}"), item.get_mut(field))?;
        }
    }
    Ok(())
}

fn effect_dates(at: &str, ruled: &mut Value) -> Result<(), String> {
    date(&format!("{at}.grant_points.expiry.on"), ruled.pointer_mut("/effect/grant_points/expiry/on"))?;
    date(&format!("{at}.set_tier.until"), ruled.pointer_mut("/effect/set_tier/until"))
}

/// Turns a date like `2026-12-31` into its day; a day's number stays.
fn date(at: &str, value: Option<&mut Value>) -> Result<(), String> {
    let Some(value) = value else { return Ok(()) };
    let Some(text) = value.as_str() else { return Ok(()) };
    let day = Day::parse(text).ok_or_else(|| format!("  {at}: {text:?} is no date; write one like 2026-12-31\n"))?;
    *value = day.get().into();
    Ok(())
}

/// The settings in declared order: the case's own, else what is set, else the default.
fn params_of(written: &Map<String, Value>, policy: &Description, set: &Given) -> Result<Vec<ParamValue>, String> {
    let mut given = set.clone();
    for (name, value) in written {
        let param = policy.params.iter().find(|param| param.name == *name);
        given.insert(name.clone(), value_of(name, param, value)?);
    }
    policy.settle(&given).map_err(|why| format!("  params: {why}\n"))
}

fn value_of(name: &str, param: Option<&Param>, value: &Value) -> Result<ParamValue, String> {
    let read = serde_json::from_value::<ParamValue>(value.clone()).ok();
    match param {
        Some(param) => read
            .and_then(|read| param.accept(read).ok())
            .ok_or_else(|| format!("  params.{name}: must be {}, not {value}\n", param.kind.in_words())),
        // Settling names the parameters there are; any value brings it there.
        None => Ok(read.unwrap_or(ParamValue::Flag(false))),
    }
}
