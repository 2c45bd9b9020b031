//! Who signs in to the console. Passwords arrive hashed.

use crate::{Db, DbError, row::Row, tx::one_row};
use ledger::{TenantId, UnixMs};

/// Somebody who can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staff {
    /// The name to sign in with, unique within the tenant.
    pub login: String,
    /// What people call them.
    pub name: String,
    /// The password's hash with its parameters.
    pub password_hash: String,
    /// What they may do.
    pub role: String,
    /// When they were added.
    pub created_at: UnixMs,
    /// By whom.
    pub created_by: String,
    /// Since when they can no longer sign in.
    pub disabled_at: Option<UnixMs>,
}

fn staff(row: &Row) -> Result<Staff, DbError> {
    Ok(Staff {
        login: row.text(0)?,
        name: row.text(1)?,
        password_hash: row.text(2)?,
        role: row.text(3)?,
        created_at: UnixMs::new(row.int(4)?),
        created_by: row.text(5)?,
        disabled_at: row.opt_int(6)?.map(UnixMs::new),
    })
}

/// Adds somebody.
///
/// # Errors
/// [`DbError::Duplicate`] if the login is taken.
pub async fn create(db: &Db, tenant: &TenantId, staff: &Staff) -> Result<(), DbError> {
    let args = [
        tenant.as_str().into(),
        (&staff.login).into(),
        (&staff.name).into(),
        (&staff.password_hash).into(),
        (&staff.role).into(),
        staff.created_at.get().into(),
        (&staff.created_by).into(),
    ];
    db.write(
        "insert into staff (tenant_id, login, name, password_hash, role, created_at_ms, created_by)
         values ($1, $2, $3, $4, $5, $6, $7)",
        &args,
    )
    .await
    .map(drop)
}

/// Somebody by login.
///
/// # Errors
/// Driver errors.
pub async fn get(db: &Db, tenant: &TenantId, login: &str) -> Result<Option<Staff>, DbError> {
    let row = db
        .row(
            "select login, name, password_hash, role, created_at_ms, created_by, disabled_at_ms
             from staff where tenant_id = $1 and login = $2",
            &[tenant.as_str().into(), login.into()],
        )
        .await?;
    row.as_ref().map(staff).transpose()
}

/// Everybody of a tenant, by login.
///
/// # Errors
/// Driver errors.
pub async fn list(db: &Db, tenant: &TenantId) -> Result<Vec<Staff>, DbError> {
    let rows = db
        .rows(
            "select login, name, password_hash, role, created_at_ms, created_by, disabled_at_ms
             from staff where tenant_id = $1 order by login",
            &[tenant.as_str().into()],
        )
        .await?;
    rows.iter().map(staff).collect()
}

/// Sets a new password and ends every session of theirs.
///
/// # Errors
/// [`DbError::Missing`] if there is nobody of this login.
pub async fn set_password(db: &Db, tenant: &TenantId, login: &str, password_hash: &str) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    let args = [tenant.as_str().into(), login.into(), password_hash.into()];
    let touched = tx.write("update staff set password_hash = $3 where tenant_id = $1 and login = $2", &args).await?;
    one_row(touched, DbError::Missing("staff"))?;
    crate::session::end_all(&mut tx, tenant, "staff", login).await?;
    tx.commit().await
}

/// Keeps somebody from signing in and ends every session of theirs. Doing it again changes nothing.
///
/// # Errors
/// [`DbError::Missing`] if there is nobody of this login.
pub async fn disable(db: &Db, tenant: &TenantId, login: &str, at: UnixMs) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    let args = [tenant.as_str().into(), login.into(), at.get().into()];
    let touched = tx
        .write(
            "update staff set disabled_at_ms = coalesce(disabled_at_ms, $3) where tenant_id = $1 and login = $2",
            &args,
        )
        .await?;
    one_row(touched, DbError::Missing("staff"))?;
    crate::session::end_all(&mut tx, tenant, "staff", login).await?;
    tx.commit().await
}
