//! What the `#[policy]` macro writes against; authors need [`log`] only.

use crate::types::{Day, ParamValue};

/// A policy: what it says of itself, and what it decides.
pub use crate::bindings::Guest as Policy;

/// Notes a line for the rule's author; natively it goes to standard error.
pub fn log(text: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::bindings::punchcard::policy::host::log(text);
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("log: {text}");
}

/// Params or statistics that can be built from the host's values; the macro implements it.
pub trait FromHost<T> {
    /// Reads the values in the order the policy declared them.
    fn from_host(values: Vec<T>) -> Self;
}

impl<T> FromHost<T> for () {
    fn from_host(_: Vec<T>) {}
}

/// A type a parameter can have.
pub trait ParamField: Sized {
    /// Takes the value, if it is of the right kind.
    fn from_value(value: ParamValue) -> Option<Self>;
}

impl ParamField for i64 {
    fn from_value(value: ParamValue) -> Option<Self> {
        if let ParamValue::Number(n) = value { Some(n) } else { None }
    }
}

impl ParamField for bool {
    fn from_value(value: ParamValue) -> Option<Self> {
        if let ParamValue::Flag(on) = value { Some(on) } else { None }
    }
}

impl ParamField for String {
    fn from_value(value: ParamValue) -> Option<Self> {
        if let ParamValue::Text(text) = value { Some(text) } else { None }
    }
}

impl ParamField for Vec<i64> {
    fn from_value(value: ParamValue) -> Option<Self> {
        if let ParamValue::Numbers(list) = value { Some(list) } else { None }
    }
}

impl ParamField for Vec<String> {
    fn from_value(value: ParamValue) -> Option<Self> {
        if let ParamValue::Texts(list) = value { Some(list) } else { None }
    }
}

/// A date; `None` where the merchant left it empty.
impl ParamField for Option<Day> {
    fn from_value(value: ParamValue) -> Option<Self> {
        let text = String::from_value(value)?;
        if text.is_empty() { Some(None) } else { crate::day::parse_date(&text).map(Some) }
    }
}

/// One parameter of the call.
#[doc(hidden)]
#[track_caller]
#[expect(clippy::panic, reason = "the host broke the contract: the call must end, and a panic ends it")]
pub fn param<T: ParamField>(name: &str, value: Option<ParamValue>) -> T {
    match value.and_then(T::from_value) {
        Some(value) => value,
        None => panic!("the host gave no fitting value for parameter {name}"),
    }
}

/// The end of a call: a guest's heap goes away as a whole, so nothing is freed piece by piece.
#[doc(hidden)]
pub fn done<T>(used: T) {
    #[cfg(target_arch = "wasm32")]
    core::mem::forget(used);
    #[cfg(not(target_arch = "wasm32"))]
    drop(used);
}
