//! What a tenant decides about its ledger.

use super::body::parse;
use crate::{
    error::ApiError,
    http::{
        Front,
        staff::{Admin, JsonBody},
    },
};
use axum::{Json, extract::State};
use ledger::Settings;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Points that pay for one yuan, at most.
const POINTS_PER_YUAN_MAX: i64 = 1_000_000;
/// Vouchers of one receipt, at most.
const VOUCHERS_MAX: u32 = 20;
/// Days a late receipt keeps its own date, at most.
const LATE_DAYS_MAX: u32 = 366;
/// Seconds a quote's holds last, at least and at most.
const RESERVE_SECONDS: std::ops::RangeInclusive<u32> = 10..=86_400;

/// Settings with the version they were read at.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Versioned {
    /// Send back what you read, so that nobody's change is lost.
    config_version: i64,
    settings: Settings,
}

/// `GET /api/v1/admin/settings`.
pub(super) async fn get(State(front): State<Arc<Front>>, Admin(admin): Admin) -> Result<Json<Versioned>, ApiError> {
    let tenant = db::tenant::get(&front.app.db, &admin.tenant).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(Versioned { config_version: tenant.config_version, settings: tenant.settings }))
}

/// `PUT /api/v1/admin/settings`.
pub(super) async fn put(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
    JsonBody(body): JsonBody,
) -> Result<Json<Versioned>, ApiError> {
    let body: Versioned = parse(&body)?;
    check(&body.settings)?;
    let version = db::tenant::set_settings(&front.app.db, &admin.tenant, &body.settings, body.config_version).await?;
    tracing::info!(tenant.id = %admin.tenant, version, "settings were changed");
    Ok(Json(Versioned { config_version: version, settings: body.settings }))
}

/// Refuses values no shop can mean.
pub(super) fn check(settings: &Settings) -> Result<(), ApiError> {
    let refuse = |field: &str, text: String| Err(ApiError::invalid(format!("settings.{field}"), text));
    if !(0..=POINTS_PER_YUAN_MAX).contains(&settings.points_per_yuan) {
        return refuse("points_per_yuan", format!("must be 0 to {POINTS_PER_YUAN_MAX}; 0 = points cannot pay"));
    }
    if settings.vouchers_per_receipt > VOUCHERS_MAX {
        return refuse("vouchers_per_receipt", format!("must be at most {VOUCHERS_MAX}"));
    }
    if settings.late_days_max > LATE_DAYS_MAX {
        return refuse("late_days_max", format!("must be at most {LATE_DAYS_MAX}"));
    }
    if !RESERVE_SECONDS.contains(&settings.reserve_seconds) {
        let (low, high) = (RESERVE_SECONDS.start(), RESERVE_SECONDS.end());
        return refuse("reserve_seconds", format!("must be {low} to {high}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_fine_and_nonsense_is_named() {
        assert!(check(&Settings::default()).is_ok());
        for (settings, field) in [
            (Settings { points_per_yuan: -1, ..Settings::default() }, "settings.points_per_yuan"),
            (Settings { reserve_seconds: 0, ..Settings::default() }, "settings.reserve_seconds"),
            (Settings { late_days_max: 10_000, ..Settings::default() }, "settings.late_days_max"),
        ] {
            let refused = check(&settings).expect_err(field).to_string();
            assert!(refused.starts_with(field), "{refused}");
        }
    }
}
