//! Stores, tills, and the keys tills sign with.

use super::body::parse;
use crate::{
    error::ApiError,
    http::{
        Front, created,
        staff::{Admin, JsonBody},
    },
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use ledger::{StoreId, TillId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;

/// Bytes of what a merchant notes about a store.
const DETAIL_BYTES_MAX: usize = 8 << 10;

#[derive(Serialize)]
pub(super) struct StoreView {
    id: StoreId,
    name: String,
    detail: Box<RawValue>,
    created_at: String,
}

/// `GET /api/v1/admin/stores`.
pub(super) async fn stores(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
) -> Result<Json<Vec<StoreView>>, ApiError> {
    let rows = db::store::list(&front.app.db, &admin.tenant).await?;
    let view = |row: db::store::Store| {
        let detail = RawValue::from_string(row.detail).map_err(ApiError::internal)?;
        Ok(StoreView { id: row.id, name: row.name, detail, created_at: row.created_at.to_rfc3339() })
    };
    rows.into_iter().map(view).collect::<Result<_, ApiError>>().map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreBody {
    id: StoreId,
    name: String,
    /// Anything the merchant notes: region, phone, address.
    #[serde(default)]
    detail: Option<Box<RawValue>>,
}

/// `POST /api/v1/admin/stores`.
pub(super) async fn create_store(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let body: StoreBody = parse(&body)?;
    let detail = body.detail.as_deref().map_or("{}", RawValue::get);
    if detail.len() > DETAIL_BYTES_MAX {
        return Err(ApiError::invalid("detail", format!("must have at most {DETAIL_BYTES_MAX} bytes")));
    }
    front.desk(&admin).store(&admin.tenant, body.id.clone(), &body.name, detail).await?;
    Ok(created("/api/v1/admin/stores", serde_json::json!({"id": body.id})))
}

#[derive(Serialize)]
pub(super) struct TillView {
    store: StoreId,
    id: TillId,
    name: String,
    created_at: String,
    created_by: String,
}

/// `GET /api/v1/admin/tills`.
pub(super) async fn tills(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
) -> Result<Json<Vec<TillView>>, ApiError> {
    let rows = db::store::tills(&front.app.db, &admin.tenant).await?;
    let view = |row: db::store::Till| TillView {
        store: row.store,
        id: row.id,
        name: row.name,
        created_at: row.created_at.to_rfc3339(),
        created_by: row.created_by,
    };
    Ok(Json(rows.into_iter().map(view).collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TillBody {
    store: StoreId,
    id: TillId,
    name: String,
}

/// `POST /api/v1/admin/tills`.
pub(super) async fn create_till(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let body: TillBody = parse(&body)?;
    front.desk(&admin).till(&admin.tenant, body.store.clone(), body.id.clone(), &body.name).await?;
    Ok(created("/api/v1/admin/tills", serde_json::json!({"store": body.store, "id": body.id})))
}

#[derive(Serialize)]
pub(super) struct KeyView {
    key_id: String,
    store: Option<StoreId>,
    till: Option<TillId>,
    label: String,
    created_at: String,
    created_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
}

/// `GET /api/v1/admin/keys`: never a secret.
pub(super) async fn keys(State(front): State<Arc<Front>>, Admin(admin): Admin) -> Result<Json<Vec<KeyView>>, ApiError> {
    let rows = db::api_key::list(&front.app.db, &admin.tenant).await?;
    let view = |row: db::api_key::ApiKey| KeyView {
        key_id: row.key_id,
        store: row.store,
        till: row.till,
        label: row.label,
        created_at: row.created_at.to_rfc3339(),
        created_by: row.created_by,
        revoked_at: row.revoked_at.map(ledger::UnixMs::to_rfc3339),
    };
    Ok(Json(rows.into_iter().map(view).collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyBody {
    store: StoreId,
    till: TillId,
    #[serde(default)]
    label: String,
}

/// `POST /api/v1/admin/keys`: the only answer that shows the secret.
pub(super) async fn create_key(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let body: KeyBody = parse(&body)?;
    let key = front.desk(&admin).key(&admin.tenant, &body.store, &body.till, &body.label).await?;
    Ok(created(&format!("/api/v1/admin/keys/{}", key.key_id), key))
}

/// `DELETE /api/v1/admin/keys/{key_id}`: it stops working within a second.
pub(super) async fn revoke_key(
    State(front): State<Arc<Front>>,
    Path(key_id): Path<String>,
    Admin(admin): Admin,
) -> Result<StatusCode, ApiError> {
    db::api_key::revoke(&front.app.db, &admin.tenant, &key_id, front.app.clock.now()).await?;
    front.tills.forget(&key_id);
    Ok(StatusCode::NO_CONTENT)
}
