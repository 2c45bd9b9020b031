//! The tenant's official account.

use super::body::parse;
use crate::{
    error::ApiError,
    http::{
        Front,
        staff::{Admin, JsonBody},
    },
    setup::{AccountDetail, NewAccount},
};
use axum::{Json, extract::State};
use ledger::TenantId;
use serde::Serialize;
use std::sync::Arc;

/// An account without its secrets: only that they are set.
#[derive(Serialize)]
pub(super) struct AccountView {
    original_id: String,
    appid: String,
    mode: String,
    token_set: bool,
    aes_key_set: bool,
    app_secret_set: bool,
    settings: AccountDetail,
    updated_at: String,
    updated_by: String,
    /// Type it in at WeChat, behind this host's public name.
    callback_path: String,
}

/// `GET /api/v1/admin/wechat`.
pub(super) async fn get(State(front): State<Arc<Front>>, Admin(admin): Admin) -> Result<Json<AccountView>, ApiError> {
    view(&front, &admin.tenant).await.map(Json)
}

/// `PUT /api/v1/admin/wechat`.
pub(super) async fn put(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
    JsonBody(body): JsonBody,
) -> Result<Json<AccountView>, ApiError> {
    let account: NewAccount = parse(&body)?;
    front.desk(&admin).account(&admin.tenant, account).await?;
    front.accounts.forget(&admin.tenant);
    tracing::info!(tenant.id = %admin.tenant, "the official account was changed");
    view(&front, &admin.tenant).await.map(Json)
}

async fn view(front: &Front, tenant: &TenantId) -> Result<AccountView, ApiError> {
    let row = db::wechat_account::get(&front.app.db, tenant).await?.ok_or(ApiError::NotFound)?;
    Ok(AccountView {
        original_id: row.original_id,
        appid: row.appid,
        mode: row.mode,
        token_set: row.token_sealed.is_some(),
        aes_key_set: row.aes_key_sealed.is_some(),
        app_secret_set: row.app_secret_sealed.is_some(),
        settings: serde_json::from_str(&row.detail).map_err(ApiError::internal)?,
        updated_at: row.updated_at.to_rfc3339(),
        updated_by: row.updated_by,
        callback_path: format!("/wx/{tenant}/callback"),
    })
}
