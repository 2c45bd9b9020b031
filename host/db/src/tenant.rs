//! Tenants and their settings.

use crate::{Db, DbError, row::Row, tx::one_row};
use ledger::{Settings, TenantId, UnixMs};

/// A tenant as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Whose rules.
    pub id: TenantId,
    /// What people call it.
    pub name: String,
    /// What it decided about its ledger.
    pub settings: Settings,
    /// Moves with every change of settings or rulebook.
    pub config_version: i64,
    /// When it was made.
    pub created_at: UnixMs,
}

fn tenant(row: &Row) -> Result<Tenant, DbError> {
    Ok(Tenant {
        id: row.id(0)?,
        name: row.text(1)?,
        settings: row.json(2)?,
        config_version: row.int(3)?,
        created_at: UnixMs::new(row.int(4)?),
    })
}

/// Makes a tenant.
///
/// # Errors
/// [`DbError::Duplicate`] if the id is taken.
pub async fn create(db: &Db, id: &TenantId, name: &str, settings: &Settings, at: UnixMs) -> Result<(), DbError> {
    let settings = json(settings)?;
    let args = [id.as_str().into(), name.into(), settings.as_str().into(), at.get().into()];
    db.write(
        "insert into tenant (tenant_id, name, settings, config_version, created_at_ms) values ($1, $2, $3, 1, $4)",
        &args,
    )
    .await
    .map(drop)
}

/// A tenant, if it exists.
///
/// # Errors
/// [`DbError::BadRow`] if its settings cannot be read.
pub async fn get(db: &Db, id: &TenantId) -> Result<Option<Tenant>, DbError> {
    let row = db
        .row(
            "select tenant_id, name, settings, config_version, created_at_ms from tenant where tenant_id = $1",
            &[id.as_str().into()],
        )
        .await?;
    row.as_ref().map(tenant).transpose()
}

/// At most `limit` tenants behind `after`, by id. For the operator and for jobs that visit every tenant.
///
/// # Errors
/// [`DbError::BadRow`] if a tenant's settings cannot be read.
pub async fn list(db: &Db, after: Option<&TenantId>, limit: u32) -> Result<Vec<Tenant>, DbError> {
    let after = after.map_or("", |id| id.as_str());
    let rows = db
        .rows(
            "select tenant_id, name, settings, config_version, created_at_ms from tenant
             where tenant_id > $1 order by tenant_id limit $2",
            &[after.into(), i64::from(limit).into()],
        )
        .await?;
    rows.iter().map(tenant).collect()
}

/// Puts new settings in force; decisions planned under the old ones become stale. The new version.
///
/// # Errors
/// [`DbError::Stale`] if somebody changed the configuration since `seen`; [`DbError::Missing`] never: an
/// unknown tenant is stale too.
pub async fn set_settings(db: &Db, id: &TenantId, settings: &Settings, seen: i64) -> Result<i64, DbError> {
    let settings = json(settings)?;
    let touched = db
        .write(
            "update tenant set settings = $3, config_version = config_version + 1
             where tenant_id = $1 and config_version = $2",
            &[id.as_str().into(), seen.into(), settings.as_str().into()],
        )
        .await?;
    one_row(touched, DbError::Stale).map(|()| seen + 1)
}

/// Changes what people call a tenant.
///
/// # Errors
/// [`DbError::Missing`] if there is no such tenant.
pub async fn rename(db: &Db, id: &TenantId, name: &str) -> Result<(), DbError> {
    let touched =
        db.write("update tenant set name = $2 where tenant_id = $1", &[id.as_str().into(), name.into()]).await?;
    one_row(touched, DbError::Missing("tenant"))
}

fn json(settings: &Settings) -> Result<String, DbError> {
    serde_json::to_string(settings).map_err(|cause| DbError::BadBatch(cause.to_string()))
}
