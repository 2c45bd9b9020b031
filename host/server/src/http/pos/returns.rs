//! Goods that come back.

use super::checkout::text;
use crate::{
    error::ApiError,
    http::{
        Front,
        body::parse,
        caller::{Till, WriteCall},
        natural,
        wire::{Amount, Moment, Quantity},
        wish::Wish,
    },
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use ledger::{Act, Return, ReturnLine, StoreId, TillId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A return as a till sends it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReturnBody {
    /// The till's number of this return.
    return_id: String,
    /// Absent = now.
    #[serde(default)]
    business_at: Option<Moment>,
    /// Absent = everything that is left.
    #[serde(default)]
    lines: Option<Vec<LineBody>>,
    /// Absent = at this till.
    #[serde(default)]
    sold_at: SoldAt,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineBody {
    /// Counted from 0.
    line: u32,
    /// Absent = all that is left of the line.
    #[serde(default)]
    quantity: Option<Quantity>,
    /// Absent = its share of the line.
    #[serde(default)]
    amount_fen: Option<Amount>,
}

/// Where the receipt was sold.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct SoldAt {
    /// Absent = in this store.
    #[serde(default)]
    pub store: Option<String>,
    /// Absent = at this till.
    #[serde(default)]
    pub till: Option<String>,
}

impl SoldAt {
    /// The natural key of the receipt.
    pub fn receipt(&self, here: &Till, receipt: &str) -> Result<String, ApiError> {
        let store = self.store.as_ref().map(StoreId::new).transpose();
        let store = store.map_err(|bad| ApiError::invalid("sold_at.store", bad.to_string()))?;
        let till = self.till.as_ref().map(TillId::new).transpose();
        let till = till.map_err(|bad| ApiError::invalid("sold_at.till", bad.to_string()))?;
        Ok(natural::receipt(store.as_ref().unwrap_or(&here.store), till.as_ref().unwrap_or(&here.till), receipt))
    }
}

/// What of a return makes it the same when it is sent again.
#[derive(Serialize)]
struct Meaning<'a> {
    sale: &'a str,
    back: &'a Return,
    business_at: Option<Moment>,
}

/// `POST /api/v1/pos/receipts/{receipt}/returns`: by line, or whole.
pub(super) async fn back(
    State(front): State<Arc<Front>>,
    Path(receipt): Path<String>,
    write: WriteCall,
) -> Result<Response, ApiError> {
    let body: ReturnBody = parse(&write.call.body)?;
    let limits = &front.app.config.pos;
    let till = &write.call.till;
    text("receipt", &receipt, limits)?;
    text("return_id", &body.return_id, limits)?;
    if body.return_id.is_empty() {
        return Err(ApiError::invalid("return_id", "must be the till's number for this return"));
    }
    let sale = body.sold_at.receipt(till, &receipt)?;
    let back = Return {
        return_id: body.return_id,
        lines: body.lines.map(|given| lines(given, limits.lines_max)).transpose()?,
    };
    let natural_key = natural::back(&sale, &till.store, &till.till, &back.return_id);
    let meaning = Meaning { sale: &sale, back: &back, business_at: body.business_at };
    let wish = Wish {
        route: "return",
        body: &meaning,
        natural_key: Some(natural_key),
        business_at: body.business_at.map_or(write.call.now, |at| at.0),
        member: None,
        sale: Some(sale.clone()),
        act: Act::Return(back.clone()),
    };
    let asker = write.asker();
    let asked = asker.asks(&front, wish)?;
    asker.settle(&front, asked, None).await
}

fn lines(given: Vec<LineBody>, max: usize) -> Result<Vec<ReturnLine>, ApiError> {
    if given.is_empty() || given.len() > max {
        return Err(ApiError::invalid(
            "lines",
            format!("must have 1 to {max} items; leave it out to return everything"),
        ));
    }
    let line = |(at, line): (usize, LineBody)| {
        if line.quantity.is_some_and(|quantity| quantity.0 == 0) {
            return Err(ApiError::invalid(format!("lines[{at}].quantity"), "must not be 0"));
        }
        Ok(ReturnLine {
            line: line.line,
            quantity_milli: line.quantity.map(|quantity| quantity.0),
            amount: line.amount_fen.map(|amount| amount.0),
        })
    };
    given.into_iter().enumerate().map(line).collect()
}
