//! One binary for all integration tests. `PUNCHCARD_TEST_DB=postgres` runs them on PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    reason = "a test that cannot go on should stop, and say where"
)]

mod admin;
mod baskets;
mod budgets;
mod draws;
mod guide;
mod hosts;
mod journal;
mod kill;
mod neighbours;
mod power_cut;
mod recheck;
mod restart;
mod tenancy;
mod tidy;
mod till;
mod wechat;
