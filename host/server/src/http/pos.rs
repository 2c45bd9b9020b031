//! What tills ask (`/api/v1/pos/…`).

mod batch;
mod checkout;
mod day_end;
mod deadline;
mod events;
mod lookup;
mod receipt;
mod recharge;
mod returns;
mod vouchers;

use super::{Front, caller::WriteCall, join, up_to};
use crate::{config::EdgeLimits, error::ApiError};
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use std::sync::Arc;

pub(super) use deadline::within;

/// The till's routes.
pub(super) fn routes(limits: &EdgeLimits) -> Router<Arc<Front>> {
    let receipt = |route| up_to(limits.receipt_bytes_max, route);
    Router::new()
        .route("/api/v1/pos/members", post(register))
        .route("/api/v1/pos/members/lookup", get(lookup::by_query).post(lookup::by_body))
        .route("/api/v1/pos/members/{member}/sign-in", post(events::sign_in))
        .route("/api/v1/pos/members/{member}/events", post(events::event))
        .route("/api/v1/pos/quotes", receipt(post(checkout::quote)))
        .route("/api/v1/pos/quotes/{decision_id}/cancel", post(checkout::cancel))
        .route("/api/v1/pos/receipts", receipt(post(checkout::confirm)))
        .route("/api/v1/pos/receipts/batch", receipt(post(batch::batch)))
        .route("/api/v1/pos/receipts/{receipt}", get(receipt::receipt))
        .route("/api/v1/pos/receipts/{receipt}/returns", receipt(post(returns::back)))
        .route("/api/v1/pos/recharges", post(recharge::recharge))
        .route("/api/v1/pos/vouchers/check", post(vouchers::check))
        .route("/api/v1/pos/day-end", get(day_end::ours).post(day_end::compare))
}

/// `POST /api/v1/pos/members`.
async fn register(State(front): State<Arc<Front>>, write: WriteCall) -> Result<Response, ApiError> {
    join::register(&front, &write.asker(), &write.call.body).await
}
