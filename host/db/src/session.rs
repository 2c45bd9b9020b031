//! Who is signed in. Only the hash of a token is stored.

use crate::{Db, DbError, tx::Tx};
use ledger::{TenantId, UnixMs};

/// A session as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The hash of the token.
    pub token_hash: String,
    /// Whose.
    pub tenant: TenantId,
    /// Who it is for: `staff`, `member`.
    pub kind: String,
    /// The login or the member.
    pub subject: String,
    /// When it began.
    pub created_at: UnixMs,
    /// When it ends by itself.
    pub expires_at: UnixMs,
}

/// Begins a session.
///
/// # Errors
/// [`DbError::Duplicate`] if the token is taken.
pub async fn create(db: &Db, session: &Session) -> Result<(), DbError> {
    let args = [
        (&session.token_hash).into(),
        session.tenant.as_str().into(),
        (&session.kind).into(),
        (&session.subject).into(),
        session.created_at.get().into(),
        session.expires_at.get().into(),
    ];
    db.write(
        "insert into session (token_hash, tenant_id, kind, subject, created_at_ms, expires_at_ms)
         values ($1, $2, $3, $4, $5, $6)",
        &args,
    )
    .await
    .map(drop)
}

/// The session of a token, unless it has ended. Asked before the tenant is known: the answer names it.
///
/// # Errors
/// Driver errors.
pub async fn find(db: &Db, token_hash: &str, now: UnixMs) -> Result<Option<Session>, DbError> {
    let row = db
        .row(
            "select token_hash, tenant_id, kind, subject, created_at_ms, expires_at_ms
             from session where token_hash = $1 and expires_at_ms > $2",
            &[token_hash.into(), now.get().into()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Session {
        token_hash: row.text(0)?,
        tenant: row.id(1)?,
        kind: row.text(2)?,
        subject: row.text(3)?,
        created_at: UnixMs::new(row.int(4)?),
        expires_at: UnixMs::new(row.int(5)?),
    }))
}

/// Ends a session. Ending one that is not there changes nothing.
///
/// # Errors
/// Driver errors.
pub async fn end(db: &Db, token_hash: &str) -> Result<(), DbError> {
    db.write("delete from session where token_hash = $1", &[token_hash.into()]).await.map(drop)
}

/// Removes sessions that ended before `now`; how many. For a job.
///
/// # Errors
/// Driver errors.
pub async fn sweep(db: &Db, now: UnixMs) -> Result<u64, DbError> {
    db.write("delete from session where expires_at_ms <= $1", &[now.get().into()]).await
}

/// Ends every session of somebody.
pub(crate) async fn end_all(tx: &mut Tx, tenant: &TenantId, kind: &str, subject: &str) -> Result<(), DbError> {
    tx.write(
        "delete from session where tenant_id = $1 and kind = $2 and subject = $3",
        &[tenant.as_str().into(), kind.into(), subject.into()],
    )
    .await
    .map(drop)
}
