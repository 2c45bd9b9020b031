//! Day end: what the till counted against what the ledger has.

use crate::{
    error::ApiError,
    http::{
        Front,
        body::parse,
        caller::{Call, JsonCall, Till},
        wire::{Amount, Date, Number},
    },
};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use db::reconcile::DayTotal;
use ledger::{Day, Fen, StoreId, TillId};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// What a till counts; everything else the ledger does is no money of the day.
const KINDS: [&str; 3] = ["receipt", "return", "recharge"];

/// How many, and what they add up to; returns count below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Total {
    count: Number,
    amount_fen: Amount,
}

/// Which day, and whose.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DayQuery {
    day: Date,
    /// Absent = this till's.
    #[serde(default)]
    store: Option<String>,
    /// Absent = the whole store's.
    #[serde(default)]
    till: Option<String>,
}

/// What a till counted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DayBody {
    day: Date,
    #[serde(default)]
    store: Option<String>,
    #[serde(default)]
    till: Option<String>,
    /// By kind: `receipt`, `return`, `recharge`; a kind left out counts 0.
    totals: BTreeMap<String, Total>,
}

/// What the ledger has.
#[derive(Serialize)]
pub(super) struct DayView {
    store: StoreId,
    #[serde(skip_serializing_if = "Option::is_none")]
    till: Option<TillId>,
    day: Date,
    totals: BTreeMap<&'static str, Total>,
}

/// What differs.
#[derive(Serialize)]
pub(super) struct Compared {
    #[serde(flatten)]
    ours: DayView,
    equal: bool,
    differences: Vec<Difference>,
}

/// A kind that differs.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Difference {
    kind: &'static str,
    ours: Total,
    yours: Total,
    text: String,
}

/// Whose day it is.
struct Whose {
    store: StoreId,
    till: Option<TillId>,
    day: Day,
}

/// `GET /api/v1/pos/day-end?day=`.
pub(super) async fn ours(
    State(front): State<Arc<Front>>,
    query: Result<Query<DayQuery>, QueryRejection>,
    call: Call,
) -> Result<Json<DayView>, ApiError> {
    let Query(query) =
        query.map_err(|_| ApiError::malformed("the query must hold day (2026-11-21), and may hold store and till"))?;
    let whose = whose(&call.till, query.store, query.till, query.day)?;
    view(&front, &call.till, &whose).await.map(Json)
}

/// `POST /api/v1/pos/day-end`.
pub(super) async fn compare(
    State(front): State<Arc<Front>>,
    JsonCall(call): JsonCall,
) -> Result<Json<Compared>, ApiError> {
    let body: DayBody = parse(&call.body)?;
    if let Some(kind) = body.totals.keys().find(|kind| !KINDS.contains(&kind.as_str())) {
        return Err(ApiError::invalid(format!("totals.{kind}"), format!("must be one of {}", KINDS.join(", "))));
    }
    let whose = whose(&call.till, body.store, body.till, body.day)?;
    let ours = view(&front, &call.till, &whose).await?;
    let differences = differences(&ours.totals, &body.totals);
    Ok(Json(Compared { ours, equal: differences.is_empty(), differences }))
}

/// A till sees its own store and no other.
fn whose(here: &Till, store: Option<String>, till: Option<String>, day: Date) -> Result<Whose, ApiError> {
    if store.is_some_and(|store| store != here.store.as_str()) {
        return Err(ApiError::NotFound);
    }
    let till = till.map(TillId::new).transpose().map_err(|bad| ApiError::invalid("till", bad.to_string()))?;
    Ok(Whose { store: here.store.clone(), till, day: day.0 })
}

async fn view(front: &Front, till: &Till, whose: &Whose) -> Result<DayView, ApiError> {
    let tenant = db::tenant::get(&front.app.db, &till.tenant).await?.ok_or(ApiError::NotFound)?;
    let begins = tenant.settings.zone.start_of(whose.day);
    let rows = db::reconcile::day(&front.app.db, &till.tenant, whose.day, begins).await?;
    let ours = |row: &&DayTotal| {
        row.store == whose.store && whose.till.as_ref().is_none_or(|till| row.till.as_ref() == Some(till))
    };
    let mut totals: BTreeMap<&'static str, Total> = KINDS.map(|kind| (kind, Total::default())).into();
    for row in rows.iter().filter(ours) {
        if let Some(total) = totals.get_mut(row.kind.as_str()) {
            total.count.0 = total.count.0.saturating_add(row.count);
            total.amount_fen.0 = Fen::new(total.amount_fen.0.get().saturating_add(row.amount.get()));
        }
    }
    Ok(DayView { store: whose.store.clone(), till: whose.till.clone(), day: Date(whose.day), totals })
}

fn differences(ours: &BTreeMap<&'static str, Total>, yours: &BTreeMap<String, Total>) -> Vec<Difference> {
    let compare = |(kind, ours): (&&'static str, &Total)| {
        let yours = yours.get(*kind).copied().unwrap_or_default();
        (*ours != yours).then(|| Difference { kind, ours: *ours, yours, text: in_words(kind, *ours, yours) })
    };
    ours.iter().filter_map(compare).collect()
}

fn in_words(kind: &str, ours: Total, yours: Total) -> String {
    let amount = |total: Total| Fen::in_yuan(total.amount_fen.0);
    format!(
        "{kind}: the ledger has {} of {} yuan, you have {} of {} yuan",
        ours.count.0,
        amount(ours),
        yours.count.0,
        amount(yours)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(count: i64, fen: i64) -> Total {
        Total { count: Number(count), amount_fen: Amount(Fen::new(fen)) }
    }

    #[test]
    fn only_what_differs_is_listed_and_a_kind_left_out_counts_nothing() {
        let ours =
            BTreeMap::from([("receipt", total(2, 3_000)), ("recharge", total(0, 0)), ("return", total(1, -500))]);
        let yours = BTreeMap::from([("receipt".to_owned(), total(3, 3_550))]);
        let differences = differences(&ours, &yours);
        assert_eq!(differences.iter().map(|d| d.kind).collect::<Vec<_>>(), ["receipt", "return"]);
        assert_eq!(differences[0].text, "receipt: the ledger has 2 of 30.00 yuan, you have 3 of 35.50 yuan");
    }
}
