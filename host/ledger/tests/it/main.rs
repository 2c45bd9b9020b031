//! What the ledger promises, claim by claim: tables for its rules, state machines for its invariants, and a seeded
//! bug for every checker.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    reason = "a failing expectation should stop the test"
)]

mod budgets;
mod bugs;
mod bugs_of_budgets;
mod bugs_of_things;
mod canaries;
mod check;
mod check_budgets;
mod check_grants;
mod check_stock;
mod determinism;
mod draws;
mod holds;
mod limits;
mod machine;
mod money;
mod nightly;
mod ops;
mod points;
mod returned_things;
mod returns;
mod runner;
mod same;
mod say;
mod shop;
mod stored;
mod time;
mod undo;
mod vouchers;
mod world;
