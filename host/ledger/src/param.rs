//! What a merchant can set in a policy.

use crate::{Day, EventKind, StatNeed};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a policy says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Short name.
    pub name: String,
    /// One sentence for the merchant.
    pub summary: String,
    /// The events it wants.
    pub events: Vec<EventKind>,
    /// What the merchant can set.
    pub params: Vec<Param>,
    /// The statistics it needs.
    pub stats: Vec<StatNeed>,
}

/// One parameter a policy declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Param {
    /// The policy's name for it.
    pub name: String,
    /// Short label in the merchant's language.
    pub label: String,
    /// A sentence of help.
    pub help: String,
    /// What values it takes.
    pub kind: ParamKind,
    /// The value until the merchant sets one.
    pub default: ParamValue,
}

/// What values a parameter takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParamKind {
    /// A whole number between two bounds, both included.
    Number(i64, i64),
    /// Fen, 0 or more.
    Money,
    /// Basis points, 0 or more.
    Rate,
    /// Yes or no.
    Flag,
    /// Any text.
    Text,
    /// `YYYY-MM-DD`, or empty for none.
    Date,
    /// One of these words.
    Choice(Vec<String>),
    /// A list of whole numbers.
    Numbers,
    /// A list of texts.
    Texts,
}

/// A parameter's value. In JSON simply the number, flag, text or list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParamValue {
    /// For numbers, money and rates.
    Number(i64),
    /// For flags.
    Flag(bool),
    /// For texts, dates and choices.
    Text(String),
    /// For lists of numbers.
    Numbers(Vec<i64>),
    /// For lists of texts.
    Texts(Vec<String>),
}

/// A value the parameter does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// The value is of another kind or outside the bounds.
    #[error("parameter {name:?} must be {wanted}")]
    Refused {
        /// Which parameter.
        name: String,
        /// What it takes, in words.
        wanted: String,
    },
    /// No parameter has this name.
    #[error("the policy has no parameter {name:?}; it has {known}")]
    Unknown {
        /// The name given.
        name: String,
        /// The names there are.
        known: String,
    },
}

impl Param {
    /// Accepts a value of the right kind and bounds. An empty JSON list fits both list kinds.
    ///
    /// # Errors
    /// [`ParamError::Refused`] saying what the parameter takes.
    pub fn accept(&self, value: ParamValue) -> Result<ParamValue, ParamError> {
        let fits = match (&self.kind, &value) {
            (ParamKind::Number(low, high), ParamValue::Number(n)) => (low..=high).contains(&n),
            (ParamKind::Money | ParamKind::Rate, ParamValue::Number(n)) => *n >= 0,
            (ParamKind::Date, ParamValue::Text(t)) => t.is_empty() || Day::parse(t).is_some(),
            (ParamKind::Choice(words), ParamValue::Text(t)) => words.contains(t),
            (ParamKind::Texts, ParamValue::Numbers(list)) if list.is_empty() => {
                return Ok(ParamValue::Texts(Vec::new()));
            }
            (ParamKind::Flag, ParamValue::Flag(_))
            | (ParamKind::Text, ParamValue::Text(_))
            | (ParamKind::Numbers, ParamValue::Numbers(_))
            | (ParamKind::Texts, ParamValue::Texts(_)) => true,
            _ => false,
        };
        if fits {
            Ok(value)
        } else {
            Err(ParamError::Refused { name: self.name.clone(), wanted: self.kind.in_words() })
        }
    }
}

impl ParamKind {
    /// What the kind takes, as a phrase.
    pub fn in_words(&self) -> String {
        match self {
            Self::Number(low, high) => format!("a whole number from {low} to {high}"),
            Self::Money => "an amount in fen, 0 or more".into(),
            Self::Rate => "basis points, 0 or more (10000 = 1)".into(),
            Self::Flag => "true or false".into(),
            Self::Text => "a text".into(),
            Self::Date => "a date like 2026-12-31, or empty".into(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Numbers => "a list of whole numbers".into(),
            Self::Texts => "a list of texts".into(),
        }
    }
}

impl Description {
    /// Merges what the merchant set with the defaults, in the declared order.
    ///
    /// # Errors
    /// [`ParamError`] for an unknown name or a value the parameter does not take.
    pub fn settle(&self, set: &BTreeMap<String, ParamValue>) -> Result<Vec<ParamValue>, ParamError> {
        if let Some(name) = set.keys().find(|name| !self.params.iter().any(|p| p.name == **name)) {
            let known = self.params.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(ParamError::Unknown { name: name.clone(), known });
        }
        self.params.iter().map(|p| p.accept(set.get(&p.name).unwrap_or(&p.default).clone())).collect()
    }
}
