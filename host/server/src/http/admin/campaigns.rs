//! Draws: opened with a commitment, closed with the secret behind it, recomputed by whoever doubts.

use super::body::parse;
use crate::{
    draws::{self, Published, Verified},
    error::ApiError,
    http::{
        Front, created,
        staff::{Admin, JsonBody},
    },
    tenants::Tenants,
};
use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use db::campaign::CampaignRow;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;

/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenBody {
    campaign: String,
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

/// `GET /api/v1/admin/campaigns`.
pub(super) async fn list(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
) -> Result<Json<Vec<CampaignView>>, ApiError> {
    let rows = db::campaign::list(&front.app.db, &admin.tenant).await?;
    rows.into_iter().map(view).collect::<Result<_, _>>().map(Json)
}

/// `POST /api/v1/admin/campaigns`: the rulebook is asked for the odds, and they are published with the commitment.
pub(super) async fn open(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let OpenBody { campaign } = parse(&body)?;
    if campaign.is_empty() || campaign.len() > NAME_BYTES_MAX || campaign.chars().any(char::is_control) {
        return Err(ApiError::invalid("campaign", format!("must have 1 to {NAME_BYTES_MAX} bytes")));
    }
    let app = &front.app;
    let mut tenants = Tenants::new(Arc::clone(&app.sealer));
    let now = app.clock.now();
    let opened: Published =
        draws::open(&app.db, &app.engine, &mut tenants, &app.sealer, &admin.tenant, &campaign, now).await?;
    tracing::info!(tenant.id = %admin.tenant, "a draw was opened");
    Ok(created("/api/v1/admin/campaigns", opened))
}

/// `POST /api/v1/admin/campaigns/{campaign}/close`: no ticket is drawn any more, and the secret is told.
pub(super) async fn close(
    State(front): State<Arc<Front>>,
    Path(campaign): Path<String>,
    Admin(admin): Admin,
) -> Result<Json<CampaignView>, ApiError> {
    let app = &front.app;
    match draws::close(&app.db, &app.sealer, &admin.tenant, &campaign, app.clock.now()).await {
        // Closed before: told again.
        Ok(_) | Err(ApiError::NotFound) => {}
        Err(error) => return Err(error),
    }
    let row = db::campaign::get(&app.db, &admin.tenant, &campaign).await?.ok_or(ApiError::NotFound)?;
    view(row).map(Json)
}

/// `GET /api/v1/admin/campaigns/{campaign}/verification`: every ticket of a closed draw, recomputed.
pub(super) async fn verify(
    State(front): State<Arc<Front>>,
    Path(campaign): Path<String>,
    Admin(admin): Admin,
) -> Result<Json<Verified>, ApiError> {
    draws::verify(&front.app.db, &admin.tenant, &campaign).await.map(Json)
}
