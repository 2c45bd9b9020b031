//! Rhai's errors in words a merchant can act on, with line and column.

use super::Stopped;
use crate::{FailCode, error::Failure, log::printable};
use rhai::{EvalAltResult, ParseError, ParseErrorType, Position};

/// Bytes of an error that are kept.
const TEXT_BYTES_MAX: usize = 400;

/// How the host's functions are called; shown when a call fits none of them.
const USAGE: [(&str, &str); 18] = [
    ("grant", "grant(rule, points) or grant(rule, points, #{...})"),
    ("deduct", "deduct(rule, points)"),
    ("issue_voucher", "issue_voucher(rule, #{template, title, face, valid_days, ...})"),
    ("void_voucher", "void_voucher(rule, code)"),
    ("set_tier", "set_tier(rule, tier) or set_tier(rule, tier, until_day)"),
    ("discount_line", "discount_line(rule, line, fen), lines counted from 0"),
    ("discount_order", "discount_order(rule, fen)"),
    ("gift", "gift(rule, fen)"),
    ("message", "message(rule, template, text)"),
    ("tag", "tag(rule, name, true or false)"),
    ("set_odds", "set_odds(rule, #{campaign, prizes, none_weight, ...})"),
    ("reject", "reject(rule, text)"),
    ("applied", "applied(rule, text)"),
    ("missed", "missed(rule, text) or missed(rule, text, what, have, need)"),
    ("skipped", "skipped(rule, text)"),
    ("log", "log(text)"),
    ("rate", "rate(amount, basis_points)"),
    ("date", "date(\"2026-12-31\")"),
];

/// `line 3, column 5: `, or nothing where Rhai knows no place.
pub(super) fn place(position: Position) -> String {
    match (position.line(), position.position()) {
        (Some(line), Some(column)) => format!("line {line}, column {column}: "),
        (Some(line), None) => format!("line {line}: "),
        _ => String::new(),
    }
}

/// A script that does not parse.
pub(super) fn syntax(error: &ParseError) -> String {
    let text = match error.err_type() {
        // The one reserved word a description invites.
        ParseErrorType::Reserved(word) if word == "default" => {
            "write `initial:` for a parameter's first value".to_owned()
        }
        other => other.to_string(),
    };
    shown(error.position(), &text)
}

/// Why a run ended.
pub(super) fn stopped(mut error: EvalAltResult) -> Stopped {
    let mut position = error.position();
    // The innermost place is the one to look at.
    while let EvalAltResult::ErrorInFunctionCall(_, _, inner, _) = error {
        error = *inner;
        position = error.position().or_else(position);
    }
    if let EvalAltResult::ErrorTerminated(token, _) = &error
        && let Some(stopped) = token.read_lock::<Stopped>()
    {
        return placed(stopped.clone(), position);
    }
    let text = shown(position, &explained(&mut error));
    Failure::new(code(&error), text).into()
}

fn placed(stopped: Stopped, position: Position) -> Stopped {
    match stopped {
        Stopped::Failed(failure) => Failure::new(failure.code, shown(position, &failure.text)).into(),
        Stopped::TimedOut => Stopped::TimedOut,
    }
}

fn shown(position: Position, text: &str) -> String {
    printable(&format!("{}{text}", place(position)), TEXT_BYTES_MAX)
}

fn code(error: &EvalAltResult) -> FailCode {
    match error {
        EvalAltResult::ErrorTooManyOperations(_) => FailCode::Fuel,
        EvalAltResult::ErrorStackOverflow(_) => FailCode::Stack,
        EvalAltResult::ErrorDataTooLarge(..) | EvalAltResult::ErrorTooManyVariables(_) => FailCode::Memory,
        _ => FailCode::Script,
    }
}

fn explained(error: &mut EvalAltResult) -> String {
    match error {
        EvalAltResult::ErrorFunctionNotFound(signature, _) => unknown_function(signature),
        EvalAltResult::ErrorVariableNotFound(name, _) => {
            format!("there is no variable `{name}` here; functions see their parameters and `global::` constants")
        }
        EvalAltResult::ErrorPropertyNotFound(name, _) => {
            format!("the map has no `{name}`; ask with `\"{name}\" in map` first")
        }
        EvalAltResult::ErrorDataTooLarge(what, _) => format!("{what} is over the limit of a script"),
        EvalAltResult::ErrorStackOverflow(_) => "functions call each other too deeply".to_owned(),
        EvalAltResult::ErrorRuntime(value, _) if value.is_string() => value.to_string(),
        EvalAltResult::ErrorRuntime(value, _) => format!("the script threw {value:?}"),
        other => {
            other.clear_position();
            other.to_string()
        }
    }
}

/// Rhai's names for the types of scripts, and ours.
const TYPES: [(&str, &str); 5] = [
    ("&str | ImmutableString | String", "text"),
    ("i64", "number"),
    ("bool", "true or false"),
    ("array", "list"),
    ("()", "nothing"),
];

fn unknown_function(signature: &str) -> String {
    let signature = TYPES.iter().fold(signature.to_owned(), |text, (rhai, ours)| text.replace(rhai, ours));
    let name = signature.split([' ', '(']).next().unwrap_or_default();
    match USAGE.iter().find(|(known, _)| *known == name) {
        Some((_, usage)) => format!("`{signature}` is not how it is called: {usage}"),
        None => format!("there is no function `{signature}`"),
    }
}
