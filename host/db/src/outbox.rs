//! What is still to be told: queued in the decision's own transaction, delivered later, at least once.

use crate::{Db, DbError, row::Row, tx::one_row};
use ledger::{DecisionId, TenantId, UnixMs};

/// A notice as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its name: the decision, a dot, its place among the decision's notices. The same at every try.
    pub outbox_id: String,
    /// The decision it comes from.
    pub decision_id: DecisionId,
    /// Where it goes.
    pub topic: String,
    /// What it says, as JSON.
    pub body: String,
    /// How often delivery was begun, this time included.
    pub tries: i64,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

fn notice(row: &Row) -> Result<OutboxRow, DbError> {
    Ok(OutboxRow {
        outbox_id: row.text(0)?,
        decision_id: row.id(1)?,
        topic: row.text(2)?,
        body: row.text(3)?,
        tries: row.int(4)?,
        last_error: row.opt_text(5)?,
    })
}

/// Takes at most `limit` notices of a topic that are due, oldest first, and hides them from others until
/// `until`. `lease` names the taker; a taker that dies leaves them to the next one after `until`.
///
/// # Errors
/// Driver errors.
pub async fn claim(
    db: &Db,
    tenant: &TenantId,
    topic: &str,
    lease: &str,
    now: UnixMs,
    until: UnixMs,
    limit: u32,
) -> Result<Vec<OutboxRow>, DbError> {
    if !is_due(db, tenant, topic, now).await? {
        return Ok(Vec::new());
    }
    let args = [
        tenant.as_str().into(),
        now.get().into(),
        topic.into(),
        i64::from(limit).into(),
        lease.into(),
        until.get().into(),
    ];
    let mut tx = db.begin().await?;
    let rows = tx
        .rows(
            "update outbox set lease = $5, due_at_ms = $6, tries = tries + 1
             where tenant_id = $1 and state = 'waiting' and due_at_ms <= $2 and outbox_id in (
                 select outbox_id from outbox
                 where tenant_id = $1 and state = 'waiting' and due_at_ms <= $2 and topic = $3
                 order by due_at_ms, outbox_id limit $4)
             returning outbox_id, decision_id, topic, body, tries, last_error",
            &args,
        )
        .await?;
    tx.commit().await?;
    let mut notices: Vec<OutboxRow> = rows.iter().map(notice).collect::<Result<_, _>>()?;
    notices.sort_by(|a, b| a.outbox_id.cmp(&b.outbox_id));
    Ok(notices)
}

/// Most looks find nothing, and a look must not cost a write.
async fn is_due(db: &Db, tenant: &TenantId, topic: &str, now: UnixMs) -> Result<bool, DbError> {
    let found = db
        .row(
            "select 1 from outbox
             where tenant_id = $1 and state = 'waiting' and topic = $2 and due_at_ms <= $3 limit 1",
            &[tenant.as_str().into(), topic.into(), now.get().into()],
        )
        .await?;
    Ok(found.is_some())
}

/// The tenants with notices that wait, due or not, one index step each: so that a job need not look at every
/// tenant there is.
///
/// # Errors
/// Driver errors.
pub async fn tenants_waiting(db: &Db) -> Result<Vec<TenantId>, DbError> {
    let rows = db
        .rows(
            "with recursive t as (
                 select (select min(tenant_id) from outbox where state = 'waiting') as tenant_id
                 union all
                 select (select min(o.tenant_id) from outbox o
                         where o.tenant_id > t.tenant_id and o.state = 'waiting')
                 from t where t.tenant_id is not null)
             select tenant_id from t where tenant_id is not null",
            &[],
        )
        .await?;
    rows.iter().map(|row| row.id(0)).collect()
}

/// Delivered.
///
/// # Errors
/// [`DbError::Stale`] if the lease has passed to another taker.
pub async fn done(db: &Db, tenant: &TenantId, outbox_id: &str, lease: &str) -> Result<(), DbError> {
    let touched = db
        .write(
            "update outbox set state = 'done', lease = null
             where tenant_id = $1 and outbox_id = $2 and lease = $3 and state = 'waiting'",
            &[tenant.as_str().into(), outbox_id.into(), lease.into()],
        )
        .await?;
    one_row(touched, DbError::Stale)
}

/// Not delivered: try again at `at`.
///
/// # Errors
/// [`DbError::Stale`] if the lease has passed to another taker.
pub async fn retry(
    db: &Db,
    tenant: &TenantId,
    outbox_id: &str,
    lease: &str,
    at: UnixMs,
    error: &str,
) -> Result<(), DbError> {
    let touched = db
        .write(
            "update outbox set due_at_ms = $4, last_error = $5, lease = null
             where tenant_id = $1 and outbox_id = $2 and lease = $3 and state = 'waiting'",
            &[tenant.as_str().into(), outbox_id.into(), lease.into(), at.get().into(), error.into()],
        )
        .await?;
    one_row(touched, DbError::Stale)
}

/// Will not be delivered by trying: put aside for people.
///
/// # Errors
/// [`DbError::Stale`] if the lease has passed to another taker.
pub async fn dead(db: &Db, tenant: &TenantId, outbox_id: &str, lease: &str, error: &str) -> Result<(), DbError> {
    let touched = db
        .write(
            "update outbox set state = 'dead', last_error = $4, lease = null
             where tenant_id = $1 and outbox_id = $2 and lease = $3 and state = 'waiting'",
            &[tenant.as_str().into(), outbox_id.into(), lease.into(), error.into()],
        )
        .await?;
    one_row(touched, DbError::Stale)
}

/// At most `limit` notices that were put aside, behind `after`, by name.
///
/// # Errors
/// Driver errors.
pub async fn dead_letters(
    db: &Db,
    tenant: &TenantId,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<OutboxRow>, DbError> {
    let rows = db
        .rows(
            "select outbox_id, decision_id, topic, body, tries, last_error from outbox
             where tenant_id = $1 and state = 'dead' and outbox_id > $2 order by outbox_id limit $3",
            &[tenant.as_str().into(), after.unwrap_or("").into(), i64::from(limit).into()],
        )
        .await?;
    rows.iter().map(notice).collect()
}

/// Tries a notice that was put aside again from `at` on.
///
/// # Errors
/// [`DbError::Missing`] if it is not among those put aside.
pub async fn revive(db: &Db, tenant: &TenantId, outbox_id: &str, at: UnixMs) -> Result<(), DbError> {
    let touched = db
        .write(
            "update outbox set state = 'waiting', due_at_ms = $3
             where tenant_id = $1 and outbox_id = $2 and state = 'dead'",
            &[tenant.as_str().into(), outbox_id.into(), at.get().into()],
        )
        .await?;
    one_row(touched, DbError::Missing("dead notice"))
}

/// Removes at most `limit` delivered notices of a tenant; how many. For a job.
///
/// # Errors
/// Driver errors.
pub async fn sweep(db: &Db, tenant: &TenantId, limit: u32) -> Result<u64, DbError> {
    db.write(
        "delete from outbox where tenant_id = $1 and state = 'done' and outbox_id in (
             select outbox_id from outbox where tenant_id = $1 and state = 'done' limit $2)",
        &[tenant.as_str().into(), i64::from(limit).into()],
    )
    .await
}
