//! Settings, statistics and data as script values, and the few pure helpers scripts have.

use ledger::{Day, Facts, Param, ParamValue, StatNeed};
use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString, Map, Position};
use std::sync::Arc;

/// Levels of lists and maps in a custom event's data.
const JSON_DEPTH_MAX: usize = 8;

/// A script's settings: `ctx.params.name`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params(Arc<[(Box<str>, Dynamic)]>);

impl Params {
    /// Settled values under their declared names.
    pub(crate) fn new(declared: &[Param], values: &[ParamValue]) -> Self {
        Self(declared.iter().zip(values).map(|(param, value)| (param.name.as_str().into(), dynamic(value))).collect())
    }

    fn get(&self, name: &str) -> Result<Dynamic, Box<EvalAltResult>> {
        let found = self.0.iter().find(|(known, _)| &**known == name);
        found
            .map(|(_, value)| value.clone())
            .ok_or_else(|| unknown("params", name, self.0.iter().map(|(known, _)| &**known)))
    }
}

fn dynamic(value: &ParamValue) -> Dynamic {
    match value {
        ParamValue::Number(number) => Dynamic::from(*number),
        ParamValue::Flag(flag) => Dynamic::from(*flag),
        ParamValue::Text(text) => super::text(text),
        ParamValue::Numbers(list) => list.iter().map(|number| Dynamic::from(*number)).collect::<Array>().into(),
        ParamValue::Texts(list) => list.iter().map(|text| super::text(text)).collect::<Array>().into(),
    }
}

/// A script's statistics: `ctx.stats.name`.
#[derive(Debug, Clone)]
pub(super) struct Stats {
    names: super::StatNames,
    values: Arc<[i64]>,
}

impl Stats {
    /// The values the facts have for the script's needs.
    pub(super) fn new(names: super::StatNames, needs: &[StatNeed], facts: &Facts) -> Self {
        Self { names, values: needs.iter().map(|need| crate::rulebook::stat(facts, *need)).collect() }
    }

    fn get(&self, name: &str) -> Result<i64, Box<EvalAltResult>> {
        let found = self.names.iter().zip(self.values.iter()).find(|(known, _)| &***known == name);
        found.map(|(_, value)| *value).ok_or_else(|| unknown("stats", name, self.names.iter().map(|known| &**known)))
    }
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Box<EvalAltResult> {
    let known = known.collect::<Vec<_>>().join(", ");
    wrong(format!("ctx.{what} has no `{name}`; describe() declares: {known}"))
}

/// An error of the script, with words; Rhai adds the place.
pub(super) fn wrong(text: impl Into<String>) -> Box<EvalAltResult> {
    Box::new(EvalAltResult::ErrorRuntime(Dynamic::from(ImmutableString::from(text.into())), Position::NONE))
}

/// A custom event's data: what the JSON says, or the text itself if it is no JSON a script can hold.
pub(super) fn json(data: &str, engine: &Engine) -> Dynamic {
    let parsed = serde_json::from_str(data).ok().and_then(|value| from_json(&value, JSON_DEPTH_MAX));
    parsed.filter(|value| engine.ensure_data_size_within_limits(value).is_ok()).unwrap_or_else(|| super::text(data))
}

fn from_json(value: &serde_json::Value, depth: usize) -> Option<Dynamic> {
    let deeper = depth.checked_sub(1)?;
    Some(match value {
        serde_json::Value::Null => Dynamic::UNIT,
        serde_json::Value::Bool(flag) => Dynamic::from(*flag),
        serde_json::Value::Number(number) => Dynamic::from(number.as_i64()?),
        serde_json::Value::String(text) => super::text(text),
        serde_json::Value::Array(items) => {
            items.iter().map(|item| from_json(item, deeper)).collect::<Option<Array>>()?.into()
        }
        serde_json::Value::Object(fields) => {
            let fields = fields.iter().map(|(name, field)| Some((name.as_str().into(), from_json(field, deeper)?)));
            fields.collect::<Option<Map>>()?.into()
        }
    })
}

/// Teaches the interpreter settings, statistics and helpers.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Params>("params")
        .register_indexer_get(|params: &mut Params, name: &str| params.get(name))
        .register_type_with_name::<Stats>("stats")
        .register_indexer_get(|stats: &mut Stats, name: &str| stats.get(name))
        .register_fn("rate", |amount: i64, basis_points: i64| {
            ledger::share(amount, basis_points, BASIS).map_err(|error| wrong(error.to_string()))
        })
        .register_fn("date", |text: &str| {
            let day = Day::parse(text).ok_or_else(|| wrong(format!("{text:?} is no date like 2026-12-31")))?;
            Ok::<i64, Box<EvalAltResult>>(i64::from(day.get()))
        });
}

/// Basis points in a whole.
const BASIS: i64 = 10_000;
