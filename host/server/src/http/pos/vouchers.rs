//! What a voucher is worth here and now, before a receipt presents it.

use crate::{
    error::ApiError,
    http::{
        Front,
        body::parse,
        caller::{Call, JsonCall},
        member::{VoucherView, today},
        who::{Who, check_name},
    },
    pay_code::Use,
};
use axum::{Json, extract::State};
use db::snapshot::{self, Found, MemberRef, Want};
use ledger::{Day, MemberId, Voucher, VoucherCode, VoucherRefusal, VoucherState};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a till asks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckBody {
    code: String,
    /// Whose it should be; absent = anybody's.
    #[serde(default)]
    member: Option<Who>,
}

/// What a till is told.
#[derive(Serialize)]
pub(super) struct Checked {
    voucher: VoucherView,
    member_id: MemberId,
    usable: bool,
    /// Stable reason why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<VoucherRefusal>,
    /// The same as a sentence.
    text: String,
}

/// `POST /api/v1/pos/vouchers/check`: changes nothing; minimum spend and goods are judged with the receipt.
pub(super) async fn check(
    State(front): State<Arc<Front>>,
    JsonCall(call): JsonCall,
) -> Result<Json<Checked>, ApiError> {
    let body: CheckBody = parse(&call.body)?;
    check_name("code", &body.code)?;
    let code = VoucherCode::new(&body.code).map_err(|bad| ApiError::invalid("code", bad.to_string()))?;
    let asker = call.asker(String::new());
    let guesser = format!("voucher {} {}", asker.tenant, asker.principal);
    let wait = front.guesses.wait(&guesser, call.now);
    if wait > 0 {
        return Err(ApiError::TooMany(wait));
    }
    let member = body.member.as_ref().map(|who| who.resolve(&front, &asker, Use::Look)).transpose()?;
    let has_member = member.is_some();
    let found = found(&front, &call, &code, member.map(|named| named.reference)).await?;
    let Some(voucher) = found.vouchers.iter().find(|voucher| voucher.code == code) else {
        front.guesses.failed(&guesser, call.now);
        return Err(ApiError::refused("unknown_voucher", VoucherRefusal::Unknown.to_string()));
    };
    let is_theirs = !has_member || found.member.as_ref().is_some_and(|member| member.id == voucher.member);
    let today = today(&front, &call.till.tenant, call.now).await?;
    let view = VoucherView::of(voucher, today, call.now);
    let refusal = if is_theirs { refusal(voucher, view.state(), today) } else { Some(VoucherRefusal::Unknown) };
    let text = refusal.as_ref().map_or_else(|| "可以使用".to_owned(), ToString::to_string);
    Ok(Json(Checked { voucher: view, member_id: voucher.member.clone(), usable: refusal.is_none(), refusal, text }))
}

async fn found(front: &Front, call: &Call, code: &VoucherCode, member: Option<MemberRef>) -> Result<Found, ApiError> {
    let want = Want {
        tenant: call.till.tenant.clone(),
        principal: String::new(),
        idempotency_key: None,
        natural_key: None,
        member,
        vouchers: vec![code.clone()],
        sale: None,
    };
    Ok(snapshot::read(&front.app.db, &front.app.stream, &[want]).await?.found.pop().unwrap_or_default())
}

/// Why it cannot be used today, whatever is bought.
fn refusal(voucher: &Voucher, state: &str, today: Day) -> Option<VoucherRefusal> {
    match state {
        _ if state == VoucherState::Expired.as_str() => Some(VoucherRefusal::Expired),
        "issued" if voucher.valid_from > today => Some(VoucherRefusal::NotYet { from: voucher.valid_from.to_string() }),
        "issued" => None,
        "reserved" => Some(VoucherRefusal::Reserved),
        "used" => Some(VoucherRefusal::Used),
        _ => Some(VoucherRefusal::Voided),
    }
}
