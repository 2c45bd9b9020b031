//! Every SQL statement and every database transaction.
//!
//! A public function is one whole transaction; what is part of one is private. The two hot calls are
//! [`snapshot::read`] and [`journal::commit`], one database call each for a whole batch. Columns are text,
//! bigint or bytes; one SQL text serves SQLite and PostgreSQL except in `dialect.rs`. Secrets and personal
//! data arrive sealed: this crate never sees them in the clear.

pub mod adjustment;
pub mod api_key;
pub mod audit;
pub mod backup;
pub mod campaign;
mod check;
mod db;
mod dialect;
mod error;
pub mod journal;
mod key;
pub mod member;
mod migrate;
pub mod nightly;
mod oracle;
pub mod outbox;
pub mod platform;
pub mod policy;
mod postgres;
pub mod reconcile;
mod row;
pub mod session;
pub mod snapshot;
mod sqlite;
pub mod staff;
pub mod store;
pub mod tenant;
#[cfg(feature = "testing")]
pub mod testing;
mod tx;
pub mod voucher;
pub mod wechat_account;

pub use check::Health;
pub use db::{Counts, Db, Kind};
pub use error::DbError;
pub use migrate::SchemaVersion;
