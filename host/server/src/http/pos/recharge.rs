//! Principal paid into stored value.

use super::checkout::text;
use crate::{
    error::ApiError,
    http::{
        Front,
        body::parse,
        caller::WriteCall,
        natural,
        who::{Named, Who},
        wire::{Amount, Moment},
        wish::Wish,
    },
    pay_code::Use,
};
use axum::{extract::State, response::Response};
use ledger::{Act, Fen};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A recharge as a till sends it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RechargeBody {
    /// The till's number of this recharge.
    recharge_id: String,
    /// Absent = now.
    #[serde(default)]
    business_at: Option<Moment>,
    member: Who,
    amount_fen: Amount,
}

/// What of a recharge makes it the same when it is sent again.
#[derive(Serialize)]
struct Meaning<'a> {
    recharge_id: &'a str,
    business_at: Option<Moment>,
    member: &'a Named,
    amount: Fen,
}

/// `POST /api/v1/pos/recharges`.
pub(super) async fn recharge(State(front): State<Arc<Front>>, write: WriteCall) -> Result<Response, ApiError> {
    let body: RechargeBody = parse(&write.call.body)?;
    let till = &write.call.till;
    text("recharge_id", &body.recharge_id, &front.app.config.pos)?;
    if body.recharge_id.is_empty() {
        return Err(ApiError::invalid("recharge_id", "must be the till's number for this recharge"));
    }
    let amount = body.amount_fen.0;
    if amount <= Fen::ZERO {
        return Err(ApiError::invalid("amount_fen", "must be more than 0"));
    }
    let asker = write.asker();
    let named = body.member.resolve(&front, &asker, Use::Spend(&asker.key))?;
    let meaning = Meaning { recharge_id: &body.recharge_id, business_at: body.business_at, member: &named, amount };
    let wish = Wish {
        route: "recharge",
        body: &meaning,
        natural_key: Some(natural::recharge(&till.store, &till.till, &body.recharge_id)),
        business_at: body.business_at.map_or(asker.now, |at| at.0),
        member: Some(&named),
        sale: None,
        act: Act::Recharge(amount),
    };
    let asked = asker.asks(&front, wish)?;
    asker.settle(&front, asked, Some(&named)).await
}
