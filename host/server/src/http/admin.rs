//! What staff ask (`/api/v1/admin/…`).

mod account;
mod adjustments;
mod campaigns;
mod members;
mod policies;
mod session;
mod settings;
mod shops;
mod tenants;

use super::{Front, body, up_to};
use crate::{config::EdgeLimits, error::ApiError};
use axum::{
    Router,
    extract::{Query, rejection::QueryRejection},
    routing::{delete, get, post},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Items of a page unless the caller says otherwise.
const PAGE: u32 = 50;
/// Items of a page at most.
const PAGE_MAX: u32 = 200;

/// The staff's routes.
pub(super) fn routes(limits: &EdgeLimits) -> Router<Arc<Front>> {
    Router::new()
        .route("/api/v1/admin/session", post(session::sign_in).get(session::whoami).delete(session::sign_out))
        .route("/api/v1/admin/tenants", get(tenants::list).post(tenants::create))
        .route("/api/v1/admin/settings", get(settings::get).put(settings::put))
        .route("/api/v1/admin/staff", get(session::staff).post(session::add))
        .route("/api/v1/admin/staff/{user}", delete(session::remove))
        .route("/api/v1/admin/staff/{user}/password", post(session::set_password))
        .route("/api/v1/admin/stores", get(shops::stores).post(shops::create_store))
        .route("/api/v1/admin/tills", get(shops::tills).post(shops::create_till))
        .route("/api/v1/admin/keys", get(shops::keys).post(shops::create_key))
        .route("/api/v1/admin/keys/{key_id}", delete(shops::revoke_key))
        .route("/api/v1/admin/members", get(members::list).post(members::create))
        .route("/api/v1/admin/members/lookup", post(members::look_up))
        .route("/api/v1/admin/members/{member}", get(members::get))
        .route("/api/v1/admin/members/{member}/entries", get(members::entries))
        .route("/api/v1/admin/members/{member}/vouchers", get(members::vouchers))
        .route("/api/v1/admin/members/{member}/adjustments", post(adjustments::ask))
        .route("/api/v1/admin/adjustments", get(adjustments::list))
        .route("/api/v1/admin/adjustments/{adjustment}/approve", post(adjustments::approve))
        .route("/api/v1/admin/adjustments/{adjustment}/reject", post(adjustments::reject))
        .route("/api/v1/admin/members/{member}/pay-code", post(members::pay_code))
        .route("/api/v1/admin/decisions/{decision_id}", get(members::decision))
        .route("/api/v1/admin/policies", up_to(limits.policy_bytes_max, get(policies::list).post(policies::upload)))
        .route("/api/v1/admin/rulebook", get(policies::rulebook).post(policies::publish))
        .route("/api/v1/admin/rulebook/rollback", post(policies::roll_back))
        .route("/api/v1/admin/rulebooks", get(policies::rulebooks))
        .route("/api/v1/admin/campaigns", get(campaigns::list).post(campaigns::open))
        .route("/api/v1/admin/campaigns/{campaign}/close", post(campaigns::close))
        .route("/api/v1/admin/campaigns/{campaign}/verification", get(campaigns::verify))
        .route("/api/v1/admin/wechat", get(account::get).put(account::put))
}

/// A page of a list.
#[derive(Debug, Serialize)]
struct Page<T> {
    items: Vec<T>,
    /// Ask again with this as `after`; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Which page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    #[serde(default)]
    after: Option<String>,
    #[serde(default)]
    limit: Option<u32>,
}

impl PageQuery {
    fn limit(&self) -> Result<u32, ApiError> {
        match self.limit.unwrap_or(PAGE) {
            limit @ 1..=PAGE_MAX => Ok(limit),
            _ => Err(ApiError::invalid("limit", format!("must be 1 to {PAGE_MAX}"))),
        }
    }
}

/// A query that must be what it should be.
fn query<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, ApiError> {
    query
        .map(|Query(query)| query)
        .map_err(|_| ApiError::malformed("the query holds something this address does not take"))
}

impl<T> Page<T> {
    /// A page; a full one may have another behind it.
    fn of(items: Vec<T>, limit: u32, key: impl Fn(&T) -> String) -> Self {
        let is_full = u32::try_from(items.len()).is_ok_and(|count| count >= limit);
        Self { next: items.last().filter(|_| is_full).map(key), items }
    }
}
