//! What a script says about itself: the map `describe()` returns, and the handlers it has.

use super::keys::{COUNT, Keys, LIST, NUMBER, Read, TEXT, TEXTS};
use super::{StatNames, function, values::wrong};
use crate::Refusal;
use ledger::{AMOUNT_MAX, Description, EventKind, Metric, Param, ParamKind, ParamValue, StatNeed};
use rhai::{AST, Dynamic, Map};

/// Every handler's event and how many parameters it takes.
const HANDLERS: [(EventKind, usize, &str); 13] = [
    (EventKind::Follow, 2, "ctx, scene"),
    (EventKind::Register, 1, "ctx"),
    (EventKind::Bind, 1, "ctx"),
    (EventKind::Referral, 2, "ctx, member_id"),
    (EventKind::SignIn, 1, "ctx"),
    (EventKind::Receipt, 2, "ctx, receipt"),
    (EventKind::Return, 2, "ctx, returned"),
    (EventKind::Recharge, 2, "ctx, fen"),
    (EventKind::Draw, 2, "ctx, campaign"),
    (EventKind::Birthday, 1, "ctx"),
    (EventKind::TierReview, 1, "ctx"),
    (EventKind::Voucher, 3, "ctx, code, change"),
    (EventKind::Custom, 3, "ctx, name, data"),
];

/// The events a script has handlers for.
///
/// # Errors
/// [`Refusal`] `handlers` for a missing `describe`, a misspelt handler, or one with other parameters.
pub(super) fn handled(ast: &AST) -> Result<Vec<EventKind>, Refusal> {
    let mut events = Vec::new();
    let mut described = false;
    for found in ast.iter_functions() {
        match (found.name, found.params.len()) {
            ("describe", 0) => described = true,
            ("describe", _) => return Err(refused("describe() takes no parameters".into())),
            (name, count) if name.starts_with("on_") => events.push(handler(name, count)?),
            _ => {}
        }
    }
    if described { Ok(events) } else { Err(refused("the script has no function describe()".into())) }
}

fn handler(name: &str, count: usize) -> Result<EventKind, Refusal> {
    match HANDLERS.iter().find(|(kind, ..)| function(*kind) == name) {
        Some((kind, wanted, _)) if *wanted == count => Ok(*kind),
        Some((_, _, params)) => Err(refused(format!("{name} has {count} parameters; write fn {name}({params})"))),
        None => {
            let known = HANDLERS.map(|(kind, ..)| function(kind)).join(", ");
            Err(refused(format!("there is no event for {name}; the handlers are {known}")))
        }
    }
}

fn refused(text: String) -> Refusal {
    Refusal::new("handlers", text)
}

/// Reads the map; the names of the statistics stay with the script.
///
/// # Errors
/// In words: the field that is missing, unknown or of another type.
pub(super) fn read(told: Dynamic, events: Vec<EventKind>) -> Result<(Description, StatNames), String> {
    description(told, events).map_err(|error| match *error {
        rhai::EvalAltResult::ErrorRuntime(text, _) => text.to_string(),
        other => other.to_string(),
    })
}

fn description(told: Dynamic, events: Vec<EventKind>) -> Read<(Description, StatNames)> {
    let told = told.try_cast::<Map>().ok_or_else(|| wrong("must return a map #{ name: \"...\", ... }"))?;
    let mut keys = Keys::new("the description", told, &["name", "summary", "params", "stats"])?;
    let params = keys.maybe("params", LIST)?.unwrap_or_default();
    let stats = keys.maybe("stats", LIST)?.unwrap_or_default();
    let params = params.into_iter().enumerate().map(|(at, given)| param(at, given)).collect::<Read<_>>()?;
    let (names, stats): (Vec<_>, Vec<_>) =
        stats.into_iter().enumerate().map(|(at, given)| stat(at, given)).collect::<Read<Vec<_>>>()?.into_iter().unzip();
    let name = keys.need("name", TEXT)?;
    let summary = keys.maybe("summary", TEXT)?.unwrap_or_default();
    Ok((Description { name, summary, events, params, stats }, names.into()))
}

fn param(at: usize, given: Dynamic) -> Read<Param> {
    // Rhai reserves the word `default`; quoted it is a name like any other.
    const KNOWN: [&str; 9] = ["name", "label", "help", "kind", "min", "max", "choices", "initial", "default"];
    let what = format!("params[{at}]");
    let given = given.try_cast::<Map>().ok_or_else(|| wrong(format!("{what} must be a map #{{...}}")))?;
    let mut keys = Keys::new(&what, given, &KNOWN)?;
    let name = keys.need("name", TEXT)?;
    let label = keys.maybe("label", TEXT)?.unwrap_or_else(|| name.clone());
    let help = keys.maybe("help", TEXT)?.unwrap_or_default();
    let kind = kind(&mut keys, &what)?;
    let default = match keys.find("initial").or_else(|| keys.find("default")) {
        Some(value) => self::value(value).ok_or_else(|| wrong(format!("`initial` of {what} is no parameter value")))?,
        None => empty(&kind),
    };
    Ok(Param { name, label, help, kind, default })
}

fn kind(keys: &mut Keys<'_>, what: &str) -> Read<ParamKind> {
    let kind = keys.need("kind", TEXT)?;
    let (low, high) = (keys.maybe("min", NUMBER)?, keys.maybe("max", NUMBER)?);
    let choices = keys.maybe("choices", TEXTS)?;
    if kind != "number" && (low.is_some() || high.is_some()) {
        return Err(wrong(format!("{what}: only a number has `min` and `max`")));
    }
    Ok(match (kind.as_str(), choices) {
        ("choice", Some(words)) => ParamKind::Choice(words),
        ("choice", None) => return Err(wrong(format!("{what}: a choice needs `choices`"))),
        (_, Some(_)) => return Err(wrong(format!("{what}: only a choice has `choices`"))),
        ("number", None) => ParamKind::Number(low.unwrap_or(-AMOUNT_MAX), high.unwrap_or(AMOUNT_MAX)),
        ("money", None) => ParamKind::Money,
        ("rate", None) => ParamKind::Rate,
        ("flag", None) => ParamKind::Flag,
        ("text", None) => ParamKind::Text,
        ("date", None) => ParamKind::Date,
        ("numbers", None) => ParamKind::Numbers,
        ("texts", None) => ParamKind::Texts,
        (other, None) => {
            let known = "number, money, rate, flag, text, date, choice, numbers, texts";
            return Err(wrong(format!("{what}: there is no kind {other:?}; the kinds are {known}")));
        }
    })
}

/// The value of a parameter without a default.
fn empty(kind: &ParamKind) -> ParamValue {
    match kind {
        ParamKind::Number(low, high) => ParamValue::Number(0.clamp(*low, *high.max(low))),
        ParamKind::Money | ParamKind::Rate => ParamValue::Number(0),
        ParamKind::Flag => ParamValue::Flag(false),
        ParamKind::Text | ParamKind::Date => ParamValue::Text(String::new()),
        ParamKind::Choice(words) => ParamValue::Text(words.first().cloned().unwrap_or_default()),
        ParamKind::Numbers => ParamValue::Numbers(Vec::new()),
        ParamKind::Texts => ParamValue::Texts(Vec::new()),
    }
}

fn value(value: Dynamic) -> Option<ParamValue> {
    if let Ok(number) = value.as_int() {
        return Some(ParamValue::Number(number));
    }
    if let Ok(flag) = value.as_bool() {
        return Some(ParamValue::Flag(flag));
    }
    if value.is_string() {
        return value.into_string().ok().map(ParamValue::Text);
    }
    let list = value.into_array().ok()?;
    match list.first() {
        Some(first) if first.is_string() => {
            list.into_iter().map(|text| text.into_string().ok()).collect::<Option<_>>().map(ParamValue::Texts)
        }
        _ => list.into_iter().map(|number| number.as_int().ok()).collect::<Option<_>>().map(ParamValue::Numbers),
    }
}

fn stat(at: usize, given: Dynamic) -> Read<(Box<str>, StatNeed)> {
    let what = format!("stats[{at}]");
    let given = given.try_cast::<Map>().ok_or_else(|| wrong(format!("{what} must be a map #{{...}}")))?;
    let mut keys = Keys::new(&what, given, &["name", "metric", "days"])?;
    let name = keys.need("name", TEXT)?;
    let metric = match keys.need("metric", TEXT)?.as_str() {
        "spend_fen" => Metric::SpendFen,
        "visits" => Metric::Visits,
        "points_earned" => Metric::PointsEarned,
        "sign_ins" => Metric::SignIns,
        "recharged_fen" => Metric::RechargedFen,
        "draws" => Metric::Draws,
        other => {
            let known = "spend_fen, visits, points_earned, sign_ins, recharged_fen, draws";
            return Err(wrong(format!("{what}: there is no metric {other:?}; the metrics are {known}")));
        }
    };
    Ok((name.into(), StatNeed { metric, days: keys.need("days", COUNT)? }))
}
