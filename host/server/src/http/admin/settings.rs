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
use ledger::{AMOUNT_MAX, Budget, Period, Settings};
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

/// Policies of a tenant with a breaker, at most.
const BREAKERS_MAX: usize = 50;
/// The most one person may be allowed to correct alone: as much as a correction may be.
const ADJUST_ALONE_MAX: i64 = 100_000_000;
/// Budgets of a tenant, at most: each is a row or more that every batch reads.
const BUDGETS_MAX: usize = 50;
/// Policies one budget is for, at most.
const BUDGET_POLICIES_MAX: usize = 50;
/// The longest name of a budget, in characters.
const BUDGET_NAME_MAX: usize = 40;

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
    if !(0..=ADJUST_ALONE_MAX).contains(&settings.adjust_alone_max) {
        return refuse("adjust_alone_max", format!("must be 0 to {ADJUST_ALONE_MAX}; 0 = nobody corrects alone"));
    }
    let bad = |(policy, max): &(&String, &i64)| policy.is_empty() || !(0..=AMOUNT_MAX).contains(*max);
    if settings.breakers.len() > BREAKERS_MAX || settings.breakers.iter().any(|breaker| bad(&breaker)) {
        let text = format!("must name at most {BREAKERS_MAX} policies, each with 0 to {AMOUNT_MAX} points an hour");
        return refuse("breakers", text);
    }
    check_budgets(&settings.budgets)
}

fn check_budgets(budgets: &[Budget]) -> Result<(), ApiError> {
    if budgets.len() > BUDGETS_MAX {
        return Err(ApiError::invalid("settings.budgets", format!("must be at most {BUDGETS_MAX}")));
    }
    for (at, budget) in budgets.iter().enumerate() {
        let refuse =
            |field: &str, text: String| Err(ApiError::invalid(format!("settings.budgets[{at}].{field}"), text));
        let length = budget.name.chars().count();
        if !(1..=BUDGET_NAME_MAX).contains(&length) || budget.name.contains(|c: char| c == '/' || c.is_control()) {
            return refuse("name", format!("must have 1 to {BUDGET_NAME_MAX} characters, none of them / or a control"));
        }
        if budgets.iter().take(at).any(|other| other.name == budget.name) {
            return refuse("name", "is another budget's too; each needs its own".to_owned());
        }
        if !(0..=AMOUNT_MAX).contains(&budget.limit) {
            return refuse("limit", format!("must be 0 to {AMOUNT_MAX}; 0 = nothing is given"));
        }
        if budget.period == Period::Event {
            return refuse("period", "must be day, week, month, year or life".to_owned());
        }
        if budget.policies.len() > BUDGET_POLICIES_MAX {
            return refuse(
                "policies",
                format!("must be at most {BUDGET_POLICIES_MAX}; leave them out to mean every one"),
            );
        }
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
            (Settings { adjust_alone_max: -1, ..Settings::default() }, "settings.adjust_alone_max"),
            (Settings { breakers: [("p".to_owned(), -1)].into(), ..Settings::default() }, "settings.breakers"),
        ] {
            let refused = check(&settings).expect_err(field).to_string();
            assert!(refused.starts_with(field), "{refused}");
        }
    }

    #[test]
    fn a_budget_that_cannot_be_is_named_with_its_field() {
        let budget = |change: serde_json::Value| {
            let mut budget = serde_json::json!({"name": "spring", "unit": "points", "limit": 100});
            budget.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
            serde_json::from_value::<Budget>(budget).expect("a budget")
        };
        let fine = || budget(serde_json::json!({}));
        assert!(check_budgets(&[fine(), budget(serde_json::json!({"name": "summer", "scope": "member"}))]).is_ok());
        for (budgets, field) in [
            (vec![budget(serde_json::json!({"name": ""}))], "settings.budgets[0].name"),
            (vec![budget(serde_json::json!({"name": "a/b"}))], "settings.budgets[0].name"),
            (vec![fine(), fine()], "settings.budgets[1].name"),
            (vec![budget(serde_json::json!({"limit": -1}))], "settings.budgets[0].limit"),
            (vec![budget(serde_json::json!({"period": "event"}))], "settings.budgets[0].period"),
            (vec![budget(serde_json::json!({"policies": vec!["p"; 51]}))], "settings.budgets[0].policies"),
            (vec![fine(); 51], "settings.budgets"),
        ] {
            let refused = check_budgets(&budgets).expect_err(field).to_string();
            assert!(refused.starts_with(field), "{refused}");
        }
    }
}
