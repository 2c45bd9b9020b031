//! Tenants, as the operator sees them.

use super::{Page, PageQuery, body::parse, query};
use crate::{
    error::ApiError,
    http::{
        Front, created,
        staff::{JsonBody, Operator},
    },
    seal::SecretText,
    setup::ADMIN,
};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use ledger::{Settings, TenantId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Serialize)]
pub(super) struct TenantView {
    id: TenantId,
    name: String,
    created_at: String,
}

/// `GET /api/v1/admin/tenants`.
pub(super) async fn list(
    State(front): State<Arc<Front>>,
    Operator(_): Operator,
    page: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Page<TenantView>>, ApiError> {
    let page = query(page)?;
    let limit = page.limit()?;
    let after = page.after.map(TenantId::new).transpose();
    let after = after.map_err(|bad| ApiError::invalid("after", bad.to_string()))?;
    let rows = db::tenant::list(&front.app.db, after.as_ref(), limit).await?;
    let view =
        |row: db::tenant::Tenant| TenantView { id: row.id, name: row.name, created_at: row.created_at.to_rfc3339() };
    Ok(Json(Page::of(rows.into_iter().map(view).collect(), limit, |tenant: &TenantView| tenant.id.to_string())))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateBody {
    id: TenantId,
    name: String,
    #[serde(default)]
    settings: Settings,
    /// The first person who can sign in there.
    admin: FirstAdmin,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstAdmin {
    user: String,
    name: String,
    password: SecretText,
}

/// `POST /api/v1/admin/tenants`: a tenant and its first admin.
pub(super) async fn create(
    State(front): State<Arc<Front>>,
    Operator(operator): Operator,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let body: CreateBody = parse(&body)?;
    super::settings::check(&body.settings)?;
    let hash = front.passwords.hash(body.admin.password).await?;
    let desk = front.desk(&operator);
    desk.tenant(&body.id, &body.name, &body.settings).await?;
    desk.staff(&body.id, &body.admin.user, &body.admin.name, ADMIN, hash).await?;
    Ok(created("/api/v1/admin/tenants", serde_json::json!({"id": body.id, "admin": body.admin.user})))
}
