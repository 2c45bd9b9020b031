//! What became of a receipt: for a till that got no answer.

use super::{checkout::text, returns::SoldAt};
use crate::{
    error::ApiError,
    http::{Front, caller::Call},
};
use axum::{
    Json,
    extract::{Path, Query, State},
};
use db::snapshot::{self, Want};
use ledger::Fen;
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;

/// A receipt as it stands.
#[derive(Serialize)]
pub(super) struct ReceiptState {
    receipt: String,
    /// `settled`, `partly_returned` or `returned`.
    state: &'static str,
    /// What is left of its total after returns; absent without returns.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_fen: Option<Fen>,
    /// How many returns there were.
    returns: u32,
    /// The answer the receipt got.
    answer: Box<RawValue>,
}

/// `GET /api/v1/pos/receipts/{receipt}`: of this till, or of the one in `?store=&till=`.
pub(super) async fn receipt(
    State(front): State<Arc<Front>>,
    Path(receipt): Path<String>,
    sold_at: Result<Query<SoldAt>, axum::extract::rejection::QueryRejection>,
    call: Call,
) -> Result<Json<ReceiptState>, ApiError> {
    let Query(sold_at) = sold_at.map_err(|_| ApiError::malformed("the query may hold store and till, nothing else"))?;
    text("receipt", &receipt, &front.app.config.pos)?;
    let name = sold_at.receipt(&call.till, &receipt)?;
    let want = Want {
        tenant: call.till.tenant.clone(),
        principal: call.till.principal.clone(),
        idempotency_key: None,
        natural_key: Some(name.clone()),
        member: None,
        vouchers: Vec::new(),
        sale: Some(name),
    };
    let found = snapshot::read(&front.app.db, &front.app.stream, &[want]).await?.found.pop().unwrap_or_default();
    let reply = found.by_natural.ok_or(ApiError::NotFound)?;
    let answer = String::from_utf8(reply.reply).map_err(ApiError::internal)?;
    let left = found.sale.and_then(|sale| sale.left);
    let state = match &left {
        None => "settled",
        Some(left) if left.whole => "returned",
        Some(_) => "partly_returned",
    };
    Ok(Json(ReceiptState {
        receipt,
        state,
        left_fen: left.as_ref().map(|left| left.left.total),
        returns: left.map_or(0, |left| left.returns),
        answer: RawValue::from_string(answer).map_err(ApiError::internal)?,
    }))
}
