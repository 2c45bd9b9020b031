//! What integration tests share: a host on a throw-away database, with a tenant, tills and members.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    reason = "a test that cannot go on should stop, and say where"
)]

mod app;
pub mod callback;
pub mod faults;
pub mod http;
mod served;

pub use app::{NOON, TestApp, day, host, scratch, settings};
pub use served::Served;
