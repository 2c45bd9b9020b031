//! The host: HTTP, jobs, configuration and command line around one ledger.

pub mod app;
pub mod apply;
pub mod auth;
mod batch;
pub mod cases;
pub mod cli;
pub mod clock;
pub mod config;
mod costs;
mod decide;
pub mod draws;
pub mod edge;
pub mod entropy;
pub mod error;
pub mod host;
pub mod http;
pub mod jobs;
mod journal;
mod overlay;
pub mod passwords;
pub mod pay_code;
pub mod policies;
pub mod profile;
mod queue;
pub mod recheck;
pub mod record;
pub mod replay;
pub mod seal;
pub mod setup;
pub mod shipped;
pub mod telemetry;
pub mod tenants;
pub mod throttle;
pub mod verify;

/// Deciding makes and drops many small strings: with the C library's allocator that is a third of the work. Here and
/// not in the binary, so that tests and benchmarks run what the host runs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
