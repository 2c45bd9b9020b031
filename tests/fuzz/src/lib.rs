//! Fuzz targets: what takes hostile bytes, and what must hold for every one of them.
//!
//! A target is a function of bytes that panics when a property does not hold. The binary drives them with
//! libFuzzer; the package's test replays the kept seeds through all of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    reason = "a target that finds something should stop, and say where"
)]

mod api;
mod callback;
#[path = "../../../host/engine/tests/components.rs"]
mod components;
mod edits;
mod policy;
mod signature;
mod smith;
mod xml;

pub use policy::{End, compile_in};
pub use smith::generated;

use std::cell::Cell;

/// One way in for hostile bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// Names it, and its folder of seeds.
    pub name: &'static str,
    /// The longest input worth trying, in bytes.
    pub bytes_max: usize,
    /// Panics if a property does not hold.
    pub run: fn(&[u8]),
    /// What [`plant`] puts into it.
    pub planted: &'static str,
}

/// Every target.
pub const TARGETS: [Target; 7] = [
    Target { name: "xml", bytes_max: 4 << 10, run: xml::run, planted: "an answer whose CDATA can be closed early" },
    Target { name: "callback", bytes_max: 2 << 10, run: callback::run, planted: "a forger who knows the token" },
    Target { name: "signature", bytes_max: 1 << 10, run: signature::run, planted: "a body nobody signed" },
    Target { name: "api", bytes_max: 4 << 10, run: api::run, planted: "a gift nobody gave" },
    Target {
        name: "upload",
        bytes_max: 32 << 10,
        run: policy::upload,
        planted: "a second run that sees somebody else",
    },
    Target { name: "smith", bytes_max: 4 << 10, run: smith::run, planted: "a second run that sees somebody else" },
    Target { name: "script", bytes_max: 4 << 10, run: policy::script, planted: "a second run that sees somebody else" },
];

thread_local! {
    static PLANTED: Cell<bool> = const { Cell::new(false) };
}

/// Puts a bug between the product and the checks of this thread: each target must find its own, or it proves
/// nothing.
pub fn plant(planted: bool) {
    PLANTED.set(planted);
}

/// Whether there is one.
fn planted() -> bool {
    PLANTED.get()
}
