//! The batch write: everything a batch of decisions changes, in one call, one transaction and one sync.

mod batch;
mod postgres;
mod sqlite;

use crate::{Db, DbError, db::Backend, error::outcome_unknown};
use batch::Batch;
use ledger::{Day, DecisionId, Fen, MemberId, Plan, StoreId, TenantId, TillId, UnixMs};
use std::sync::atomic::Ordering;

/// One decision, as it is written.
#[derive(Debug, Clone)]
pub struct Written {
    /// Whose.
    pub tenant: TenantId,
    /// Its number in this host's stream of the tenant: the head's plus one, plus one …
    pub seq: i64,
    /// Stream, dash, number.
    pub decision_id: DecisionId,
    /// Who it is about, and the version the plan was made against; 0 = a new member. The second write of
    /// one member in a batch names the version behind the first.
    pub member: Option<(MemberId, i64)>,
    /// What happened, such as `receipt`.
    pub kind: String,
    /// The event's own name, unique for ever.
    pub natural_key: Option<String>,
    /// Who asked.
    pub principal: String,
    /// The caller's name for this attempt, unique for ever within tenant and principal.
    pub idempotency_key: Option<String>,
    /// The hash of what was asked.
    pub input_hash: String,
    /// When.
    pub at: UnixMs,
    /// In which store, for day end.
    pub store: Option<StoreId>,
    /// At which till, for day end.
    pub till: Option<TillId>,
    /// The local day it counts on, for day end.
    pub business_day: Option<Day>,
    /// The receipt's amount, for day end.
    pub amount: Option<Fen>,
    /// Everything it depended on, for replay.
    pub record: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// The answer's bytes.
    pub reply: Vec<u8>,
    /// [`ledger::chained`] over the hash before it and the record.
    pub hash: String,
    /// What changes.
    pub plan: Plan,
    /// What the member is known by from now on: kind and blind index.
    pub new_identities: Vec<(String, String)>,
    /// The member's sealed profile, if it changes.
    pub profile_sealed: Option<Vec<u8>>,
    /// The tenant's configuration the plan was made under.
    pub config_version_seen: i64,
    /// The next day the nightly job must look at the member.
    pub next_due_day: Option<Day>,
}

/// What became of a batch.
#[derive(Debug)]
#[must_use]
pub enum CommitOutcome {
    /// All of it is durable.
    Committed,
    /// Nothing was written: something it depends on has changed. Read again, plan again.
    Stale,
    /// It may be durable or not: read again by key before trying again.
    Unknown(DbError),
    /// Nothing was written, and trying the same again will not help by itself. If [`DbError::must_exit`], the
    /// process must exit without an answer: what reached the disk only a restart can tell.
    Failed(DbError),
}

/// Writes a batch: one call, one transaction, one sync. Everything of it or nothing.
///
/// Checked in the same transaction: each member's version, each tenant's configuration, every unique name
/// (decision, natural key, idempotency key, identity, voucher), and the bounds of every shared counter.
/// A caller that goes away does not stop it half-way.
#[tracing::instrument(name = "db.journal.commit", skip_all, fields(decisions = batch.len()))]
pub async fn commit(db: &Db, stream: &str, batch: &[Written]) -> CommitOutcome {
    if batch.is_empty() {
        return CommitOutcome::Committed;
    }
    let folded = match Batch::fold(stream, batch) {
        Ok(folded) => folded,
        Err(DbError::Stale) => return CommitOutcome::Stale,
        Err(error) => return CommitOutcome::Failed(error),
    };
    db.counters().batch_writes.fetch_add(1, Ordering::Relaxed);
    let done = match db.backend() {
        Backend::Sqlite(backend) => sqlite::write(backend, stream, &folded).await,
        Backend::Postgres(backend) => postgres::write(backend, stream, &folded).await,
    };
    match done {
        Ok(()) => CommitOutcome::Committed,
        Err(Lost::Before(error)) => CommitOutcome::Failed(error),
        Err(Lost::During(error)) => during(error),
    }
}

/// Where a write was lost.
pub(crate) enum Lost {
    /// Nothing reached the database.
    Before(DbError),
    /// The database answered this, or did not answer.
    During(sqlx::Error),
}

fn during(error: sqlx::Error) -> CommitOutcome {
    if outcome_unknown(&error) {
        return CommitOutcome::Unknown(error.into());
    }
    match DbError::from(error) {
        why @ (DbError::Stale | DbError::Duplicate) => {
            tracing::debug!(%why, "the batch lost against a change");
            CommitOutcome::Stale
        }
        error => CommitOutcome::Failed(error),
    }
}
