//! Draws: opened with a commitment, closed with the secret behind it.

use super::body::parse;
use crate::{
    draws,
    error::ApiError,
    http::{
        Front, created,
        staff::{Admin, JsonBody},
    },
};
use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use db::campaign::CampaignRow;
use ledger::{Odds, sha256_hex};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;

/// Prizes of one draw.
const PRIZES_MAX: usize = 64;
/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenBody {
    /// What the policies must answer while the draw is open; published before the first ticket.
    odds: Odds,
}

/// A draw as anybody may see it.
#[derive(Serialize)]
pub(super) struct CampaignView {
    campaign: String,
    /// SHA-256 of the secret.
    commitment: String,
    odds: Box<RawValue>,
    opened_at: String,
    /// The secret in hex, once closed: with it anybody can recompute every ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_at: Option<String>,
}

fn view(row: CampaignRow) -> Result<CampaignView, ApiError> {
    Ok(CampaignView {
        campaign: row.campaign,
        commitment: row.commitment,
        odds: RawValue::from_string(row.published_odds).map_err(ApiError::internal)?,
        opened_at: row.opened_at.to_rfc3339(),
        secret: row.revealed_secret,
        closed_at: row.closed_at.map(ledger::UnixMs::to_rfc3339),
    })
}

/// `GET /api/v1/admin/campaigns`: the open ones.
pub(super) async fn list(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
) -> Result<Json<Vec<CampaignView>>, ApiError> {
    let rows = db::campaign::open_of(&front.app.db, &admin.tenant).await?;
    rows.into_iter().map(view).collect::<Result<_, _>>().map(Json)
}

/// `POST /api/v1/admin/campaigns`.
pub(super) async fn open(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let OpenBody { odds } = parse(&body)?;
    let name = odds.campaign.clone();
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return Err(ApiError::invalid("odds.campaign", format!("must have 1 to {NAME_BYTES_MAX} bytes")));
    }
    if odds.prizes.len() > PRIZES_MAX || odds.denominator() == 0 {
        return Err(ApiError::invalid("odds.prizes", format!("must have 1 to {PRIZES_MAX} prizes with some weight")));
    }
    let secret: zeroize::Zeroizing<[u8; 32]> = zeroize::Zeroizing::new(front.app.entropy.bytes()?);
    let row = CampaignRow {
        commitment: sha256_hex(secret.as_slice()),
        secret_sealed: front.app.sealer.seal(draws::field(&admin.tenant, &name), secret.as_slice())?,
        campaign: name,
        published_odds: serde_json::to_string(&odds).map_err(ApiError::internal)?,
        opened_at: front.app.clock.now(),
        revealed_secret: None,
        closed_at: None,
    };
    db::campaign::open(&front.app.db, &admin.tenant, &row).await.map_err(|error| match error {
        db::DbError::Duplicate => ApiError::Exists("a draw of this name"),
        other => other.into(),
    })?;
    Ok(created("/api/v1/admin/campaigns", view(row)?))
}

/// `POST /api/v1/admin/campaigns/{campaign}/close`: no ticket is drawn any more, and the secret is told.
pub(super) async fn close(
    State(front): State<Arc<Front>>,
    Path(campaign): Path<String>,
    Admin(admin): Admin,
) -> Result<Json<CampaignView>, ApiError> {
    let row = db::campaign::get(&front.app.db, &admin.tenant, &campaign).await?.ok_or(ApiError::NotFound)?;
    if row.closed_at.is_none() {
        let secret = hex::encode(draws::unseal(&front.app.sealer, &admin.tenant, &row)?);
        db::campaign::close(&front.app.db, &admin.tenant, &campaign, &secret, front.app.clock.now()).await?;
    }
    let row = db::campaign::get(&front.app.db, &admin.tenant, &campaign).await?.ok_or(ApiError::NotFound)?;
    view(row).map(Json)
}
