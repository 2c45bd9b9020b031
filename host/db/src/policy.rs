//! Policy versions and rulebooks: inserted once, read for ever. The highest rulebook is in force.

use crate::{
    Db, DbError,
    row::Row,
    tx::{Tx, one_row},
};
use ledger::{Description, Digest, ParamValue, TenantId, UnixMs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One published form of a policy.
#[derive(Debug, Clone)]
pub struct PolicyRow {
    /// The policy's name within the tenant.
    pub name: String,
    /// The digest of its source.
    pub digest: Digest,
    /// `wasm` or `rhai`.
    pub language: String,
    /// What was uploaded.
    pub source: Vec<u8>,
    /// What the engine made of it.
    pub artifact: Vec<u8>,
    /// What it says about itself.
    pub description: Description,
    /// When it was stored.
    pub created_at: UnixMs,
    /// By whom.
    pub created_by: String,
}

/// A published form of a policy without its bytes, of which a tenant may keep a thousand.
#[derive(Debug, Clone)]
pub struct PolicyHead {
    /// The policy's name within the tenant.
    pub name: String,
    /// The digest of its source.
    pub digest: Digest,
    /// `wasm` or `rhai`.
    pub language: String,
    /// What it says about itself.
    pub description: Description,
    /// When it was stored.
    pub created_at: UnixMs,
    /// By whom.
    pub created_by: String,
}

impl From<PolicyRow> for PolicyHead {
    fn from(row: PolicyRow) -> Self {
        let PolicyRow { name, digest, language, description, created_at, created_by, .. } = row;
        Self { name, digest, language, description, created_at, created_by }
    }
}

/// One policy of a rulebook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulebookEntry {
    /// The policy's name.
    pub name: String,
    /// Which version of it.
    pub digest: Digest,
    /// Its parameters.
    pub params: BTreeMap<String, ParamValue>,
}

/// A tenant's rulebook: policies in order.
#[derive(Debug, Clone, PartialEq)]
pub struct RulebookRow {
    /// 1, 2, 3 …
    pub version: i64,
    /// The policies, in order.
    pub entries: Vec<RulebookEntry>,
    /// When it was published.
    pub created_at: UnixMs,
    /// By whom.
    pub created_by: String,
    /// Why.
    pub note: String,
}

fn policy(row: &Row) -> Result<PolicyRow, DbError> {
    Ok(PolicyRow {
        name: row.text(0)?,
        digest: row.id(1)?,
        language: row.text(2)?,
        source: row.bytes(3)?,
        artifact: row.bytes(4)?,
        description: row.json(5)?,
        created_at: UnixMs::new(row.int(6)?),
        created_by: row.text(7)?,
    })
}

fn rulebook_row(row: &Row) -> Result<RulebookRow, DbError> {
    Ok(RulebookRow {
        version: row.int(0)?,
        entries: row.json(1)?,
        created_at: UnixMs::new(row.int(2)?),
        created_by: row.text(3)?,
        note: row.text(4)?,
    })
}

/// Stores a policy version. Storing the same one again changes nothing.
///
/// # Errors
/// Driver errors.
pub async fn insert(db: &Db, tenant: &TenantId, policy: &PolicyRow) -> Result<(), DbError> {
    let description =
        serde_json::to_string(&policy.description).map_err(|cause| DbError::BadBatch(cause.to_string()))?;
    let args = [
        tenant.as_str().into(),
        (&policy.name).into(),
        policy.digest.as_str().into(),
        (&policy.language).into(),
        policy.source.as_slice().into(),
        policy.artifact.as_slice().into(),
        (&description).into(),
        policy.created_at.get().into(),
        (&policy.created_by).into(),
    ];
    db.write(
        "insert into policy_version (tenant_id, name, digest, language, source, artifact, description,
                                     created_at_ms, created_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (tenant_id, name, digest) do nothing",
        &args,
    )
    .await
    .map(drop)
}

/// A policy version.
///
/// # Errors
/// [`DbError::BadRow`] if its description cannot be read.
pub async fn get(db: &Db, tenant: &TenantId, name: &str, digest: &Digest) -> Result<Option<PolicyRow>, DbError> {
    let row = db
        .row(
            "select name, digest, language, source, artifact, description, created_at_ms, created_by
             from policy_version where tenant_id = $1 and name = $2 and digest = $3",
            &[tenant.as_str().into(), name.into(), digest.as_str().into()],
        )
        .await?;
    row.as_ref().map(policy).transpose()
}

/// How many policy versions the tenant keeps, and the bytes of their sources and machine code.
///
/// # Errors
/// Driver errors.
pub async fn kept(db: &Db, tenant: &TenantId) -> Result<(i64, i64), DbError> {
    let row = db
        .row(
            "select count(*), cast(coalesce(sum(length(source) + length(artifact)), 0) as bigint)
             from policy_version where tenant_id = $1",
            &[tenant.as_str().into()],
        )
        .await?;
    row.map_or(Ok((0, 0)), |row| Ok((row.int(0)?, row.int(1)?)))
}

/// The tenant's policy versions, by name and age.
///
/// # Errors
/// [`DbError::BadRow`] if a description cannot be read.
pub async fn list(db: &Db, tenant: &TenantId) -> Result<Vec<PolicyHead>, DbError> {
    let rows = db
        .rows(
            "select name, digest, language, description, created_at_ms, created_by
             from policy_version where tenant_id = $1 order by name, created_at_ms, digest",
            &[tenant.as_str().into()],
        )
        .await?;
    let head = |row: &Row| {
        Ok(PolicyHead {
            name: row.text(0)?,
            digest: row.id(1)?,
            language: row.text(2)?,
            description: row.json(3)?,
            created_at: UnixMs::new(row.int(4)?),
            created_by: row.text(5)?,
        })
    };
    rows.iter().map(head).collect()
}

/// The rulebook in force; absent before the first.
///
/// # Errors
/// [`DbError::BadRow`] if it cannot be read.
pub async fn current_rulebook(db: &Db, tenant: &TenantId) -> Result<Option<RulebookRow>, DbError> {
    Ok(rulebooks(db, tenant, 1).await?.pop())
}

/// A rulebook by version.
///
/// # Errors
/// [`DbError::BadRow`] if it cannot be read.
pub async fn rulebook(db: &Db, tenant: &TenantId, version: i64) -> Result<Option<RulebookRow>, DbError> {
    let row = db
        .row(
            "select version, entries, created_at_ms, created_by, note from rulebook
             where tenant_id = $1 and version = $2",
            &[tenant.as_str().into(), version.into()],
        )
        .await?;
    row.as_ref().map(rulebook_row).transpose()
}

/// The latest rulebooks, newest first.
///
/// # Errors
/// [`DbError::BadRow`] if one cannot be read.
pub async fn rulebooks(db: &Db, tenant: &TenantId, limit: u32) -> Result<Vec<RulebookRow>, DbError> {
    let rows = db
        .rows(
            "select version, entries, created_at_ms, created_by, note from rulebook
             where tenant_id = $1 order by version desc limit $2",
            &[tenant.as_str().into(), i64::from(limit).into()],
        )
        .await?;
    rows.iter().map(rulebook_row).collect()
}

/// Publishes a rulebook over the one of version `seen` (0 = none): decisions planned under the old one become
/// stale. The new version.
///
/// # Errors
/// [`DbError::Stale`] if somebody published in between, [`DbError::Missing`] if an entry names a policy version
/// or a tenant that is not there.
pub async fn publish(
    db: &Db,
    tenant: &TenantId,
    seen: i64,
    entries: &[RulebookEntry],
    at: UnixMs,
    by: &str,
    note: &str,
) -> Result<i64, DbError> {
    let text = serde_json::to_string(entries).map_err(|cause| DbError::BadBatch(cause.to_string()))?;
    let mut tx = db.begin().await?;
    // First, so that a second publisher waits here and then finds a higher version.
    let touched = tx
        .write("update tenant set config_version = config_version + 1 where tenant_id = $1", &[tenant.as_str().into()])
        .await?;
    one_row(touched, DbError::Missing("tenant"))?;
    if latest(&mut tx, tenant).await? != seen {
        return Err(DbError::Stale);
    }
    for entry in entries {
        expect_policy(&mut tx, tenant, entry).await?;
    }
    let version = seen + 1;
    let args = [tenant.as_str().into(), version.into(), (&text).into(), at.get().into(), by.into(), note.into()];
    tx.write(
        "insert into rulebook (tenant_id, version, entries, created_at_ms, created_by, note)
         values ($1, $2, $3, $4, $5, $6)",
        &args,
    )
    .await?;
    tx.commit().await?;
    Ok(version)
}

async fn latest(tx: &mut Tx, tenant: &TenantId) -> Result<i64, DbError> {
    let row = tx
        .row("select coalesce(max(version), 0) from rulebook where tenant_id = $1", &[tenant.as_str().into()])
        .await?;
    row.map_or(Ok(0), |row| row.int(0))
}

async fn expect_policy(tx: &mut Tx, tenant: &TenantId, entry: &RulebookEntry) -> Result<(), DbError> {
    let found = tx
        .row(
            "select digest from policy_version where tenant_id = $1 and name = $2 and digest = $3",
            &[tenant.as_str().into(), (&entry.name).into(), entry.digest.as_str().into()],
        )
        .await?;
    found.map(drop).ok_or(DbError::Missing("policy version"))
}
