//! The engine as the server uses it: policies of both languages, side by side.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod components;
#[path = "policies/determinism.rs"]
mod determinism;
#[path = "policies/failures.rs"]
mod failures;
mod kit;
#[path = "policies/loading.rs"]
mod loading;
#[path = "policies/rulebooks.rs"]
mod rulebooks;
#[path = "policies/scripts.rs"]
mod scripts;
