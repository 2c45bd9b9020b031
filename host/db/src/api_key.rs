//! Keys that tills and other systems sign with. The secret arrives sealed.

use crate::{Db, DbError, row::Row, tx::one_row};
use ledger::{StoreId, TenantId, TillId, UnixMs};

/// A key as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Names the key, and with it the tenant; random, unique over all tenants.
    pub key_id: String,
    /// Whose.
    pub tenant: TenantId,
    /// The shop it is for, if one.
    pub store: Option<StoreId>,
    /// The till it is for, if one.
    pub till: Option<TillId>,
    /// What people call it.
    pub label: String,
    /// The sealed secret.
    pub secret_sealed: Vec<u8>,
    /// When it was made.
    pub created_at: UnixMs,
    /// By whom.
    pub created_by: String,
    /// Since when it no longer works.
    pub revoked_at: Option<UnixMs>,
}

fn key(row: &Row) -> Result<ApiKey, DbError> {
    Ok(ApiKey {
        key_id: row.text(0)?,
        tenant: row.id(1)?,
        store: row.opt_id(2)?,
        till: row.opt_id(3)?,
        label: row.text(4)?,
        secret_sealed: row.bytes(5)?,
        created_at: UnixMs::new(row.int(6)?),
        created_by: row.text(7)?,
        revoked_at: row.opt_int(8)?.map(UnixMs::new),
    })
}

/// Stores a new key.
///
/// # Errors
/// [`DbError::Duplicate`] if the id is taken.
pub async fn create(db: &Db, key: &ApiKey) -> Result<(), DbError> {
    let args = [
        (&key.key_id).into(),
        key.tenant.as_str().into(),
        key.store.as_ref().map(|store| store.as_str()).into(),
        key.till.as_ref().map(|till| till.as_str()).into(),
        (&key.label).into(),
        key.secret_sealed.as_slice().into(),
        key.created_at.get().into(),
        (&key.created_by).into(),
    ];
    db.write(
        "insert into api_key (key_id, tenant_id, store_id, till_id, label, secret_sealed, created_at_ms, created_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        &args,
    )
    .await
    .map(drop)
}

/// A key by its id, revoked or not. The one question asked before the tenant is known: the answer names it.
///
/// # Errors
/// Driver errors.
pub async fn find(db: &Db, key_id: &str) -> Result<Option<ApiKey>, DbError> {
    let row = db
        .row(
            "select key_id, tenant_id, store_id, till_id, label, secret_sealed, created_at_ms, created_by, revoked_at_ms
             from api_key where key_id = $1",
            &[key_id.into()],
        )
        .await?;
    row.as_ref().map(key).transpose()
}

/// The tenant's keys, by id.
///
/// # Errors
/// Driver errors.
pub async fn list(db: &Db, tenant: &TenantId) -> Result<Vec<ApiKey>, DbError> {
    let rows = db
        .rows(
            "select key_id, tenant_id, store_id, till_id, label, secret_sealed, created_at_ms, created_by, revoked_at_ms
             from api_key where tenant_id = $1 order by key_id",
            &[tenant.as_str().into()],
        )
        .await?;
    rows.iter().map(key).collect()
}

/// Ends a key. Ending it again changes nothing.
///
/// # Errors
/// [`DbError::Missing`] if the tenant has no such key.
pub async fn revoke(db: &Db, tenant: &TenantId, key_id: &str, at: UnixMs) -> Result<(), DbError> {
    let touched = db
        .write(
            "update api_key set revoked_at_ms = coalesce(revoked_at_ms, $3) where tenant_id = $1 and key_id = $2",
            &[tenant.as_str().into(), key_id.into(), at.get().into()],
        )
        .await?;
    one_row(touched, DbError::Missing("key"))
}
