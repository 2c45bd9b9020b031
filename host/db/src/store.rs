//! Stores (门店) and their tills (收银机).

use crate::{Db, DbError, row::Row, tx::one_row};
use ledger::{StoreId, TenantId, TillId, UnixMs};

/// A store as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Which shop.
    pub id: StoreId,
    /// What people call it.
    pub name: String,
    /// Everything else about it, as JSON.
    pub detail: String,
    /// When it was made.
    pub created_at: UnixMs,
}

/// A till as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Till {
    /// In which shop.
    pub store: StoreId,
    /// Which till.
    pub id: TillId,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: UnixMs,
    /// By whom.
    pub created_by: String,
}

fn store(row: &Row) -> Result<Store, DbError> {
    Ok(Store { id: row.id(0)?, name: row.text(1)?, detail: row.text(2)?, created_at: UnixMs::new(row.int(3)?) })
}

fn till(row: &Row) -> Result<Till, DbError> {
    Ok(Till {
        store: row.id(0)?,
        id: row.id(1)?,
        name: row.text(2)?,
        created_at: UnixMs::new(row.int(3)?),
        created_by: row.text(4)?,
    })
}

/// Makes a store.
///
/// # Errors
/// [`DbError::Duplicate`] if the tenant has one of this id.
pub async fn create(db: &Db, tenant: &TenantId, store: &Store) -> Result<(), DbError> {
    let args = [
        tenant.as_str().into(),
        store.id.as_str().into(),
        (&store.name).into(),
        (&store.detail).into(),
        store.created_at.get().into(),
    ];
    db.write("insert into store (tenant_id, store_id, name, detail, created_at_ms) values ($1, $2, $3, $4, $5)", &args)
        .await
        .map(drop)
}

/// Changes a store's name and detail.
///
/// # Errors
/// [`DbError::Missing`] if the tenant has no such store.
pub async fn update(db: &Db, tenant: &TenantId, id: &StoreId, name: &str, detail: &str) -> Result<(), DbError> {
    let touched = db
        .write(
            "update store set name = $3, detail = $4 where tenant_id = $1 and store_id = $2",
            &[tenant.as_str().into(), id.as_str().into(), name.into(), detail.into()],
        )
        .await?;
    one_row(touched, DbError::Missing("store"))
}

/// The tenant's stores, by id.
///
/// # Errors
/// Driver errors.
pub async fn list(db: &Db, tenant: &TenantId) -> Result<Vec<Store>, DbError> {
    let rows = db
        .rows(
            "select store_id, name, detail, created_at_ms from store where tenant_id = $1 order by store_id",
            &[tenant.as_str().into()],
        )
        .await?;
    rows.iter().map(store).collect()
}

/// Makes a till of a store that exists.
///
/// # Errors
/// [`DbError::Missing`] without that store, [`DbError::Duplicate`] if the store has a till of this id.
pub async fn create_till(db: &Db, tenant: &TenantId, till: &Till) -> Result<(), DbError> {
    let args = [
        tenant.as_str().into(),
        till.store.as_str().into(),
        till.id.as_str().into(),
        (&till.name).into(),
        till.created_at.get().into(),
        (&till.created_by).into(),
    ];
    let touched = db
        .write(
            "insert into till (tenant_id, store_id, till_id, name, created_at_ms, created_by)
             select tenant_id, store_id, $3, $4, $5, $6 from store where tenant_id = $1 and store_id = $2",
            &args,
        )
        .await?;
    one_row(touched, DbError::Missing("store"))
}

/// The tenant's tills, by store and id.
///
/// # Errors
/// Driver errors.
pub async fn tills(db: &Db, tenant: &TenantId) -> Result<Vec<Till>, DbError> {
    let rows = db
        .rows(
            "select store_id, till_id, name, created_at_ms, created_by from till
             where tenant_id = $1 order by store_id, till_id",
            &[tenant.as_str().into()],
        )
        .await?;
    rows.iter().map(till).collect()
}
