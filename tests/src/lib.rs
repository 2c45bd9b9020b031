//! What integration tests share: a host on a throw-away database, with a tenant, tills and members.

mod app;
mod served;

pub use app::{NOON, TestApp, day, host, scratch, settings};
pub use served::Served;
