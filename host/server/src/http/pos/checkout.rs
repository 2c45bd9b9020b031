//! Receipts: what they would give, what they give, and quotes that are let go.

use super::deadline::settle_by;
use crate::{
    apply::Asked,
    config::PosLimits,
    error::ApiError,
    http::{
        Front,
        body::parse,
        caller::WriteCall,
        natural,
        who::{Named, Who},
        wire::{Amount, Moment, PointsIn, Quantity},
        wish::{Asker, Wish},
    },
    pay_code::Use,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use ledger::{Act, Checkout, DecisionId, Fen, Line, Payment, Receipt, TillId, UnixMs, VoucherCode};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A receipt as a till sends it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReceiptBody {
    receipt: String,
    business_at: Moment,
    #[serde(default)]
    member: Option<Who>,
    lines: Vec<LineBody>,
    total_fen: Amount,
    #[serde(default)]
    payments: Vec<PaymentBody>,
    #[serde(default)]
    vouchers: Vec<String>,
    #[serde(default)]
    redeem_points: PointsIn,
    #[serde(default)]
    quote: Option<String>,
    #[serde(default)]
    deadline_ms: Option<u64>,
    /// In a batch only: there it stands for the header.
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineBody {
    sku: String,
    /// For the till's own use; nothing depends on it and it is not kept.
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    department: Option<String>,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    brand: Option<String>,
    quantity: Quantity,
    amount_fen: Amount,
    #[serde(default)]
    discount_fen: Amount,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PaymentBody {
    method: String,
    amount_fen: Amount,
}

/// A receipt whose words have been checked.
pub(super) struct Checked {
    checkout: Checkout,
    named: Option<Named>,
    business_at: UnixMs,
    /// Milliseconds the till waits.
    pub deadline_ms: Option<u64>,
}

/// What of a receipt makes it the same when it is sent again.
#[derive(Serialize)]
struct Meaning<'a> {
    checkout: &'a Checkout,
    business_at: UnixMs,
    member: Option<&'a Named>,
}

/// `POST /api/v1/pos/quotes`: what a receipt would give; presented vouchers are held for it.
pub(super) async fn quote(State(front): State<Arc<Front>>, write: WriteCall) -> Result<Response, ApiError> {
    let asker = write.asker();
    let checked = single(&write.call.body)?.checked(&front, &asker, Use::Look)?;
    if checked.checkout.quote.is_some() {
        return Err(ApiError::invalid("quote", "belongs to the receipt that confirms the quote; leave it out here"));
    }
    let asked = checked.asked(&front, &asker, "quote", None, Act::Quote)?;
    finish(&front, &asker, asked, &checked).await
}

/// `POST /api/v1/pos/receipts`: the receipt is final; with or without a quote before it.
pub(super) async fn confirm(State(front): State<Arc<Front>>, write: WriteCall) -> Result<Response, ApiError> {
    let asker = write.asker();
    let checked = single(&write.call.body)?.checked(&front, &asker, Use::Spend(&asker.key))?;
    let asked = checked.confirmed(&front, &asker)?;
    finish(&front, &asker, asked, &checked).await
}

/// A receipt that comes alone: its name for the attempt is in the header.
fn single(bytes: &[u8]) -> Result<ReceiptBody, ApiError> {
    let body: ReceiptBody = parse(bytes)?;
    match body.idempotency_key {
        None => Ok(body),
        Some(_) => Err(ApiError::invalid(
            "idempotency_key",
            "belongs into the Idempotency-Key header; only in a batch it stands in each receipt",
        )),
    }
}

async fn finish(front: &Front, asker: &Asker, asked: Asked, checked: &Checked) -> Result<Response, ApiError> {
    let settled = settle_by(front, asked, checked.deadline_ms, &checked.checkout.receipt.receipt).await;
    settled.map_err(|error| checked.refused(front, asker, error))
}

/// `POST /api/v1/pos/quotes/{decision_id}/cancel`: the quote's holds are let go.
pub(super) async fn cancel(
    State(front): State<Arc<Front>>,
    Path(quote): Path<String>,
    write: WriteCall,
) -> Result<Response, ApiError> {
    let quote = DecisionId::new(quote).map_err(|_| ApiError::NotFound)?;
    let asker = write.asker();
    let wish = Wish {
        route: "cancel",
        body: &quote,
        natural_key: Some(natural::cancel(&quote)),
        business_at: asker.now,
        member: None,
        sale: None,
        act: Act::Cancel(quote.clone()),
    };
    let asked = asker.asks(&front, wish)?;
    asker.settle(&front, asked, None).await
}

impl Checked {
    /// The receipt as something final.
    pub fn confirmed(&self, front: &Front, asker: &Asker) -> Result<Asked, ApiError> {
        let (Some(store), Some(till)) = (&asker.store, &asker.till) else { return Err(ApiError::NotFound) };
        let name = natural::receipt(store, till, &self.checkout.receipt.receipt);
        self.asked(front, asker, "receipt", Some(name), Act::Receipt)
    }

    /// What a refusal of it means.
    pub fn refused(&self, front: &Front, asker: &Asker, error: ApiError) -> ApiError {
        asker.refused(front, self.named.as_ref(), error)
    }

    fn asked(
        &self,
        front: &Front,
        asker: &Asker,
        route: &'static str,
        natural_key: Option<String>,
        act: impl FnOnce(Checkout) -> Act,
    ) -> Result<Asked, ApiError> {
        let member = self.named.as_ref();
        let meaning = Meaning { checkout: &self.checkout, business_at: self.business_at, member };
        let (body, act) = (&meaning, act(self.checkout.clone()));
        asker.asks(front, Wish { route, body, natural_key, business_at: self.business_at, member, sale: None, act })
    }
}

impl ReceiptBody {
    /// Checks every word of a receipt and finds out whom it names; the pay code, if any, is used up last.
    pub fn checked(self, front: &Front, asker: &Asker, use_of_code: Use<'_>) -> Result<Checked, ApiError> {
        let limits = &front.app.config.pos;
        let deadline_ms = deadline(self.deadline_ms, limits)?;
        let checkout = self.checkout(limits, asker.till.as_ref())?;
        let member = self.member.as_ref();
        let named = member.map(|who| who.resolve(front, asker, use_of_code)).transpose()?;
        Ok(Checked { checkout, named, business_at: self.business_at.0, deadline_ms })
    }

    fn checkout(&self, limits: &PosLimits, till: Option<&TillId>) -> Result<Checkout, ApiError> {
        text("receipt", &self.receipt, limits)?;
        if self.receipt.is_empty() {
            return Err(ApiError::invalid("receipt", "must be the till's number for this receipt"));
        }
        at_most("lines", self.lines.len(), limits.lines_max)?;
        at_most("payments", self.payments.len(), limits.payments_max)?;
        at_most("vouchers", self.vouchers.len(), limits.vouchers_max)?;
        let lines = self.lines.iter().enumerate().map(|(at, line)| line.line(at, limits));
        let lines = lines.collect::<Result<Vec<Line>, _>>()?;
        let total = self.total_fen.0;
        check_total(&lines, total)?;
        let payments = self.payments.iter().enumerate().map(|(at, payment)| payment.payment(at, limits));
        Ok(Checkout {
            receipt: Receipt {
                receipt: self.receipt.clone(),
                till: till.cloned(),
                lines,
                total,
                payable: total,
                payments: payments.collect::<Result<_, _>>()?,
                redeem_points: self.redeem_points.0,
            },
            vouchers: codes(&self.vouchers)?,
            quote: self.quote.as_deref().map(decision).transpose()?,
        })
    }
}

impl LineBody {
    fn line(&self, at: usize, limits: &PosLimits) -> Result<Line, ApiError> {
        let word = |field: &str, given: Option<&String>| {
            let given = given.map(String::as_str).unwrap_or_default();
            text(&format!("lines[{at}].{field}"), given, limits).map(|()| given.to_owned())
        };
        word("name", self.name.as_ref())?;
        let quantity = self.quantity.0;
        if quantity.unsigned_abs() > limits.quantity_max.unsigned_abs().saturating_mul(1_000) {
            let text = format!("must be within ±{}", limits.quantity_max);
            return Err(ApiError::invalid(format!("lines[{at}].quantity"), text));
        }
        Ok(Line {
            sku: word("sku", Some(&self.sku))?,
            department: word("department", self.department.as_ref())?,
            category: word("category", self.category.as_ref())?,
            brand: word("brand", self.brand.as_ref())?,
            quantity_milli: quantity,
            amount: self.amount_fen.0,
            discount: self.discount_fen.0,
        })
    }
}

impl PaymentBody {
    fn payment(&self, at: usize, limits: &PosLimits) -> Result<Payment, ApiError> {
        text(&format!("payments[{at}].method"), &self.method, limits)?;
        if self.method.is_empty() {
            return Err(ApiError::invalid(format!("payments[{at}].method"), "must name the means of payment"));
        }
        Ok(Payment { method: self.method.clone(), amount: self.amount_fen.0 })
    }
}

fn check_total(lines: &[Line], total: Fen) -> Result<(), ApiError> {
    let sum = Fen::sum(lines.iter().map(|line| line.amount));
    let sum = sum.map_err(|_| ApiError::invalid("lines", "add up to more than 2^53 fen"))?;
    if sum == total {
        return Ok(());
    }
    Err(ApiError::invalid(
        "total_fen",
        format!("is {total}, but amount_fen of the lines adds up to {sum}; they must be equal"),
    ))
}

fn deadline(asked: Option<u64>, limits: &PosLimits) -> Result<Option<u64>, ApiError> {
    match asked {
        Some(ms) if ms == 0 || ms > limits.deadline_ms_max => {
            Err(ApiError::invalid("deadline_ms", format!("must be 1 to {}", limits.deadline_ms_max)))
        }
        asked => Ok(asked),
    }
}

fn decision(id: &str) -> Result<DecisionId, ApiError> {
    DecisionId::new(id).map_err(|bad| ApiError::invalid("quote", bad.to_string()))
}

/// Each code once, in the given order.
fn codes(given: &[String]) -> Result<Vec<VoucherCode>, ApiError> {
    let mut codes: Vec<VoucherCode> = Vec::with_capacity(given.len());
    for (at, code) in given.iter().enumerate() {
        let field = || format!("vouchers[{at}]");
        let code = VoucherCode::new(code).map_err(|bad| ApiError::invalid(field(), bad.to_string()))?;
        if codes.contains(&code) {
            return Err(ApiError::invalid(field(), "is there twice; present each voucher once"));
        }
        codes.push(code);
    }
    Ok(codes)
}

/// A word of bounded length without control characters.
pub(super) fn text(field: &str, given: &str, limits: &PosLimits) -> Result<(), ApiError> {
    if given.len() <= limits.text_bytes_max && !given.chars().any(char::is_control) {
        return Ok(());
    }
    Err(ApiError::invalid(
        field,
        format!("must have at most {} bytes and no control characters", limits.text_bytes_max),
    ))
}

fn at_most(field: &str, count: usize, max: usize) -> Result<(), ApiError> {
    if count <= max {
        return Ok(());
    }
    Err(ApiError::invalid(field, format!("has {count} items; at most {max} are accepted")))
}

#[cfg(test)]
mod tests;
