//! What a description must be before anybody relies on it.

use crate::Refusal;
use ledger::{Description, Param, ParamKind, ParamValue, STAT_DAYS_MAX};
use std::collections::BTreeSet;

/// Parameters one policy may declare: more fill no form a merchant would read.
const PARAMS_MAX: usize = 64;
/// Statistics one policy may ask for: each is a sum the host keeps.
const STATS_MAX: usize = 16;
/// Bytes of a name.
const NAME_BYTES_MAX: usize = 64;
/// Bytes of a label, a help text or a summary.
const HELP_BYTES_MAX: usize = 1 << 10;
/// Words of one choice.
const CHOICES_MAX: usize = 64;
/// Bytes of a default value with all its items.
const DEFAULT_BYTES_MAX: usize = 4 << 10;

/// Passes on a description that can be shown, settled and stored.
///
/// # Errors
/// [`Refusal`] `description`, naming what is wrong.
pub(crate) fn checked(mut description: Description) -> Result<Description, Refusal> {
    name("the policy's name", &description.name)?;
    text("the summary", &description.summary)?;
    description.events.sort_unstable();
    description.events.dedup();
    if description.events.is_empty() {
        return Err(refused("the policy handles no event, so it would never be asked"));
    }
    at_most("parameters", description.params.len(), PARAMS_MAX)?;
    at_most("statistics", description.stats.len(), STATS_MAX)?;
    if let Some(stat) = description.stats.iter().find(|stat| stat.days > STAT_DAYS_MAX) {
        return Err(refused(format!(
            "a statistic over {} days; at most {STAT_DAYS_MAX}, or 0 for all time",
            stat.days
        )));
    }
    let mut names = BTreeSet::new();
    for param in &mut description.params {
        param.default = checked_param(param)?;
        if !names.insert(param.name.clone()) {
            return Err(refused(format!("parameter {:?} is declared twice", param.name)));
        }
    }
    Ok(description)
}

/// Its default, as a value of its kind.
fn checked_param(param: &Param) -> Result<ParamValue, Refusal> {
    name("a parameter's name", &param.name)?;
    text("a parameter's label", &param.label)?;
    text("a parameter's help", &param.help)?;
    match &param.kind {
        ParamKind::Number(low, high) if low > high => {
            return Err(refused(format!(
                "parameter {:?}: its smallest value {low} is above its largest {high}",
                param.name
            )));
        }
        ParamKind::Choice(words) => {
            at_most("choices", words.len(), CHOICES_MAX)?;
            if words.is_empty() {
                return Err(refused(format!("parameter {:?} has no choices", param.name)));
            }
            words.iter().try_for_each(|word| name("a choice", word))?;
        }
        _ => {}
    }
    if size(&param.default) > DEFAULT_BYTES_MAX {
        return Err(refused(format!(
            "the default of parameter {:?} is longer than {DEFAULT_BYTES_MAX} bytes",
            param.name
        )));
    }
    param.accept(param.default.clone()).map_err(|wrong| refused(format!("the default does not fit: {wrong}")))
}

/// Bytes a value takes.
pub(crate) fn size(value: &ParamValue) -> usize {
    match value {
        ParamValue::Number(_) | ParamValue::Flag(_) => 8,
        ParamValue::Text(text) => text.len(),
        ParamValue::Numbers(list) => list.len().saturating_mul(8),
        ParamValue::Texts(list) => list.iter().map(|text| text.len().saturating_add(8)).sum(),
    }
}

fn name(what: &str, name: &str) -> Result<(), Refusal> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return Err(refused(format!("{what} must have 1 to {NAME_BYTES_MAX} bytes and no control characters")));
    }
    Ok(())
}

fn text(what: &str, text: &str) -> Result<(), Refusal> {
    if text.len() > HELP_BYTES_MAX {
        return Err(refused(format!("{what} has {} bytes; at most {HELP_BYTES_MAX}", text.len())));
    }
    Ok(())
}

fn at_most(what: &str, have: usize, limit: usize) -> Result<(), Refusal> {
    if have <= limit { Ok(()) } else { Err(refused(format!("{have} {what}; at most {limit} are allowed"))) }
}

fn refused(text: impl Into<String>) -> Refusal {
    Refusal::new("description", text)
}
