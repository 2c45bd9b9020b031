//! Who a customer is, and what they hold.

use crate::{
    error::ApiError,
    http::{
        Front,
        body::parse,
        caller::{Call, JsonCall},
        member::{MemberView, view},
        who::{Who, unknown},
    },
    pay_code::Use,
};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use std::sync::Arc;

/// `POST /api/v1/pos/members/lookup`: the name travels in the body, where no proxy logs it.
pub(super) async fn by_body(
    State(front): State<Arc<Front>>,
    JsonCall(call): JsonCall,
) -> Result<Json<MemberView>, ApiError> {
    let who: Who = parse(&call.body)?;
    look_up(&front, &call, &who).await
}

/// `GET /api/v1/pos/members/lookup?id=`: for names that are no secret; phones belong into the body.
pub(super) async fn by_query(
    State(front): State<Arc<Front>>,
    who: Result<Query<Who>, QueryRejection>,
    call: Call,
) -> Result<Json<MemberView>, ApiError> {
    let Query(who) = who.map_err(|_| ApiError::malformed("the query must hold one of phone, card, pay_code, id"))?;
    look_up(&front, &call, &who).await
}

async fn look_up(front: &Front, call: &Call, who: &Who) -> Result<Json<MemberView>, ApiError> {
    let named = who.resolve(front, &call.asker(String::new()), Use::Look)?;
    let found = view(front, &call.till.tenant, named.reference.clone(), call.now).await?;
    found.map(Json).ok_or_else(|| unknown(&named))
}
