//! Drives the targets with libFuzzer.
//!
//! `fuzz` runs all of them, two at a time, for `SECONDS` each, from the kept seeds and whatever earlier runs found,
//! and fails if one does not hold, or does not find what is planted in it. `FUZZ_TARGET=xml fuzz FLAG… FILE…` is
//! libFuzzer itself over one target.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a run that cannot go on should stop"
)]

mod driver;
mod runner;

use std::process::ExitCode;

/// What this program is called as to compile one upload.
const COMPILE: &str = "compile";
/// Names the target libFuzzer runs.
const TARGET: &str = "FUZZ_TARGET";
/// Whether the bug is in it.
const PLANTED: &str = "FUZZ_PLANTED";

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(COMPILE) {
        return engine::compile_child_main();
    }
    match std::env::var(TARGET) {
        Ok(name) => driver::drive(&name),
        Err(_) => runner::run_all(),
    }
}
