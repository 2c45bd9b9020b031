//! Draw campaigns: the secret's commitment is published when they open, the secret when they close.

use crate::{Db, DbError, row::Row, tx::one_row};
use ledger::{TenantId, UnixMs};

/// A campaign as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignRow {
    /// Its name within the tenant.
    pub campaign: String,
    /// SHA-256 of the secret, published at once.
    pub commitment: String,
    /// The sealed secret.
    pub secret_sealed: Vec<u8>,
    /// The odds members were told, as JSON.
    pub published_odds: String,
    /// When it opened.
    pub opened_at: UnixMs,
    /// The secret, once closed.
    pub revealed_secret: Option<String>,
    /// When it closed.
    pub closed_at: Option<UnixMs>,
}

fn campaign(row: &Row) -> Result<CampaignRow, DbError> {
    Ok(CampaignRow {
        campaign: row.text(0)?,
        commitment: row.text(1)?,
        secret_sealed: row.bytes(2)?,
        published_odds: row.text(3)?,
        opened_at: UnixMs::new(row.int(4)?),
        revealed_secret: row.opt_text(5)?,
        closed_at: row.opt_int(6)?.map(UnixMs::new),
    })
}

/// Opens a campaign; decisions planned without it become stale.
///
/// # Errors
/// [`DbError::Duplicate`] if there was one of this name, [`DbError::Missing`] without the tenant.
pub async fn open(db: &Db, tenant: &TenantId, row: &CampaignRow) -> Result<(), DbError> {
    let args = [
        tenant.as_str().into(),
        (&row.campaign).into(),
        (&row.commitment).into(),
        row.secret_sealed.as_slice().into(),
        (&row.published_odds).into(),
        row.opened_at.get().into(),
    ];
    let mut tx = db.begin().await?;
    let touched = tx
        .write("update tenant set config_version = config_version + 1 where tenant_id = $1", &[tenant.as_str().into()])
        .await?;
    one_row(touched, DbError::Missing("tenant"))?;
    tx.write(
        "insert into campaign (tenant_id, campaign, commitment, secret_sealed, published_odds, opened_at_ms)
         values ($1, $2, $3, $4, $5, $6)",
        &args,
    )
    .await?;
    tx.commit().await
}

/// Closes a campaign and publishes its secret; draws planned before become stale.
///
/// # Errors
/// [`DbError::Stale`] if it is not open.
pub async fn close(db: &Db, tenant: &TenantId, campaign: &str, secret: &str, at: UnixMs) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    let touched = tx
        .write("update tenant set config_version = config_version + 1 where tenant_id = $1", &[tenant.as_str().into()])
        .await?;
    one_row(touched, DbError::Missing("tenant"))?;
    let touched = tx
        .write(
            "update campaign set revealed_secret = $3, closed_at_ms = $4
             where tenant_id = $1 and campaign = $2 and closed_at_ms is null",
            &[tenant.as_str().into(), campaign.into(), secret.into(), at.get().into()],
        )
        .await?;
    one_row(touched, DbError::Stale)?;
    tx.commit().await
}

/// A campaign, open or closed.
///
/// # Errors
/// Driver errors.
pub async fn get(db: &Db, tenant: &TenantId, name: &str) -> Result<Option<CampaignRow>, DbError> {
    let row = db
        .row(
            "select campaign, commitment, secret_sealed, published_odds, opened_at_ms, revealed_secret, closed_at_ms
             from campaign where tenant_id = $1 and campaign = $2",
            &[tenant.as_str().into(), name.into()],
        )
        .await?;
    row.as_ref().map(campaign).transpose()
}

/// The tenant's campaigns, by name.
///
/// # Errors
/// Driver errors.
pub async fn list(db: &Db, tenant: &TenantId) -> Result<Vec<CampaignRow>, DbError> {
    let rows = db
        .rows(
            "select campaign, commitment, secret_sealed, published_odds, opened_at_ms, revealed_secret, closed_at_ms
             from campaign where tenant_id = $1 order by campaign",
            &[tenant.as_str().into()],
        )
        .await?;
    rows.iter().map(campaign).collect()
}

/// The tenant's open campaigns, by name.
///
/// # Errors
/// Driver errors.
pub async fn open_of(db: &Db, tenant: &TenantId) -> Result<Vec<CampaignRow>, DbError> {
    let all = list(db, tenant).await?;
    Ok(all.into_iter().filter(|campaign| campaign.closed_at.is_none()).collect())
}
