//! Reads a script's maps field by field: each once, of its type, and none that nobody knows.

use super::values::wrong;
use rhai::{Array, Dynamic, EvalAltResult, Map};

/// A result with a script error.
pub(super) type Read<T> = Result<T, Box<EvalAltResult>>;

/// The fields of one map.
pub(super) struct Keys<'a> {
    /// Which map, for errors: `grant`, `prizes[2]`.
    what: &'a str,
    fields: Map,
}

impl<'a> Keys<'a> {
    /// The fields of a map whose known names are `known`.
    ///
    /// # Errors
    /// A name that is not among them.
    pub(super) fn new(what: &'a str, fields: Map, known: &[&str]) -> Read<Self> {
        match fields.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(Self { what, fields }),
            Some(name) => Err(wrong(format!("{what} has no field `{name}`; it takes {}", known.join(", ")))),
        }
    }

    /// The field, if it is there and not `()`.
    pub(super) fn find(&mut self, name: &str) -> Option<Dynamic> {
        self.fields.remove(name).filter(|value| !value.is_unit())
    }

    /// A field that must be there.
    pub(super) fn need<T>(&mut self, name: &str, kind: Kind<T>) -> Read<T> {
        let value = self.find(name).ok_or_else(|| wrong(format!("{} needs the field `{name}`", self.what)))?;
        self.read(name, value, kind)
    }

    /// A field that may be absent.
    pub(super) fn maybe<T>(&mut self, name: &str, kind: Kind<T>) -> Read<Option<T>> {
        self.find(name).map(|value| self.read(name, value, kind)).transpose()
    }

    fn read<T>(&self, name: &str, value: Dynamic, kind: Kind<T>) -> Read<T> {
        let got = value.type_name();
        (kind.read)(value).ok_or_else(|| wrong(format!("`{name}` of {} must be {}, not {got}", self.what, kind.words)))
    }
}

/// A type a field can have.
pub(super) struct Kind<T> {
    words: &'static str,
    read: fn(Dynamic) -> Option<T>,
}

/// A whole number.
pub(super) const NUMBER: Kind<i64> = Kind { words: "a whole number", read: |value| value.as_int().ok() };
/// A count or a number of days.
pub(super) const COUNT: Kind<u32> =
    Kind { words: "a whole number, 0 or more", read: |value| value.as_int().ok().and_then(|n| u32::try_from(n).ok()) };
/// A day.
pub(super) const DAY: Kind<i32> = Kind {
    words: "a day, as ctx.now.day counts",
    read: |value| value.as_int().ok().and_then(|n| i32::try_from(n).ok()),
};
/// Yes or no.
pub(super) const FLAG: Kind<bool> = Kind { words: "true or false", read: |value| value.as_bool().ok() };
/// A text.
pub(super) const TEXT: Kind<String> = Kind { words: "a text", read: |value| value.into_string().ok() };
/// A map.
pub(super) const MAP: Kind<Map> = Kind { words: "a map #{...}", read: |value| value.try_cast() };
/// A list.
pub(super) const LIST: Kind<Array> = Kind { words: "a list [...]", read: |value| value.into_array().ok() };
/// A list of texts.
pub(super) const TEXTS: Kind<Vec<String>> = Kind {
    words: "a list of texts",
    read: |value| value.into_array().ok()?.into_iter().map(|v| v.into_string().ok()).collect(),
};
