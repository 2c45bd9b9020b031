//! What the vectors do not cover, claim by claim.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing expectation should stop the test"
)]

mod cards;
mod catalogue;
mod forged;
mod keys;
mod masking;
mod parsing;
mod properties;
mod replies;
mod support;
