//! Members, as the desk sees them.

use super::{Page, PageQuery, body::parse, query};
use crate::{
    error::ApiError,
    http::{
        Front, join,
        member::{MemberView, VoucherView, today, view},
        staff::{Admin, JsonBody, KeyedBody, Staff},
        who::{Who, unknown},
        wish::Asker,
    },
    pay_code::Use,
};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    response::Response,
};
use db::snapshot::MemberRef;
use ledger::{DecisionId, Entry, Fen, MemberId, StoreId, TillId, VoucherCode};
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;

pub(super) fn asker(front: &Front, staff: &Staff, key: String) -> Asker {
    let (tenant, principal) = (staff.tenant.clone(), staff.principal());
    Asker { tenant, principal, key, store: None, till: None, now: front.app.clock.now() }
}

/// An address that cannot be a member's is a member we do not know.
fn id(text: &str) -> Result<MemberId, ApiError> {
    MemberId::new(text).map_err(|_| ApiError::NotFound)
}

/// `POST /api/v1/admin/members`.
pub(super) async fn create(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
    KeyedBody { body, key }: KeyedBody,
) -> Result<Response, ApiError> {
    join::register(&front, &asker(&front, &admin, key), &body).await
}

/// A member in a list: what they hold, not who they are.
#[derive(Serialize)]
pub(super) struct MemberLine {
    id: MemberId,
    tier: String,
    registered: bool,
    /// Pending ones included.
    points: i64,
    principal_fen: i64,
    gift_fen: i64,
}

/// `GET /api/v1/admin/members`.
pub(super) async fn list(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
    page: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Page<MemberLine>>, ApiError> {
    let page = query(page)?;
    let limit = page.limit()?;
    let after = page.after.map(MemberId::new).transpose();
    let after = after.map_err(|bad| ApiError::invalid("after", bad.to_string()))?;
    let rows = db::member::list(&front.app.db, &admin.tenant, after.as_ref(), limit).await?;
    let line = |row: db::member::MemberLine| MemberLine {
        id: row.id,
        tier: row.tier,
        registered: row.registered,
        points: row.points,
        principal_fen: row.principal,
        gift_fen: row.gift,
    };
    Ok(Json(Page::of(rows.into_iter().map(line).collect(), limit, |line: &MemberLine| line.id.to_string())))
}

/// `POST /api/v1/admin/members/lookup`.
pub(super) async fn look_up(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
    JsonBody(body): JsonBody,
) -> Result<Json<MemberView>, ApiError> {
    let who: Who = parse(&body)?;
    let asker = asker(&front, &admin, String::new());
    let named = who.resolve(&front, &asker, Use::Look)?;
    let found = view(&front, &admin.tenant, named.reference.clone(), asker.now).await?;
    found.map(Json).ok_or_else(|| unknown(&named))
}

/// `GET /api/v1/admin/members/{member}`.
pub(super) async fn get(
    State(front): State<Arc<Front>>,
    Path(member): Path<String>,
    Admin(admin): Admin,
) -> Result<Json<MemberView>, ApiError> {
    let member = MemberRef::Id(id(&member)?);
    view(&front, &admin.tenant, member, front.app.clock.now()).await?.map(Json).ok_or(ApiError::NotFound)
}

/// One decision in a member's history, with the lines it wrote.
#[derive(Serialize)]
pub(super) struct HistoryLine {
    decision_id: DecisionId,
    at: String,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<StoreId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    till: Option<TillId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_fen: Option<Fen>,
    entries: Vec<Entry>,
}

/// `GET /api/v1/admin/members/{member}/entries`: newest first, by decision.
pub(super) async fn entries(
    State(front): State<Arc<Front>>,
    Path(member): Path<String>,
    Admin(admin): Admin,
    page: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Page<HistoryLine>>, ApiError> {
    let page = query(page)?;
    let limit = page.limit()?;
    let after = page.after.map(DecisionId::new).transpose();
    let after = after.map_err(|bad| ApiError::invalid("after", bad.to_string()))?;
    let member = known(&front, &admin, &member).await?;
    let rows = db::member::history(&front.app.db, &admin.tenant, &member, after.as_ref(), limit).await?;
    let line = |row: db::member::MemberDecision| HistoryLine {
        decision_id: row.decision_id,
        at: row.at.to_rfc3339(),
        kind: row.kind,
        store: row.store,
        till: row.till,
        amount_fen: row.amount,
        entries: row.entries,
    };
    Ok(Json(Page::of(rows.into_iter().map(line).collect(), limit, |line: &HistoryLine| line.decision_id.to_string())))
}

/// `GET /api/v1/admin/members/{member}/vouchers`: in every state, by code.
pub(super) async fn vouchers(
    State(front): State<Arc<Front>>,
    Path(member): Path<String>,
    Admin(admin): Admin,
    page: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Page<VoucherView>>, ApiError> {
    let page = query(page)?;
    let limit = page.limit()?;
    let after = page.after.map(VoucherCode::new).transpose();
    let after = after.map_err(|bad| ApiError::invalid("after", bad.to_string()))?;
    let member = known(&front, &admin, &member).await?;
    let now = front.app.clock.now();
    let today = today(&front, &admin.tenant, now).await?;
    let rows = db::voucher::of_member(&front.app.db, &admin.tenant, &member, after.as_ref(), limit).await?;
    let views = rows.iter().map(|voucher| VoucherView::of(voucher, today, now)).collect();
    Ok(Json(Page::of(views, limit, |view: &VoucherView| view.code().to_owned())))
}

pub(super) async fn known(front: &Front, admin: &Staff, member: &str) -> Result<MemberId, ApiError> {
    let member = MemberRef::Id(id(member)?);
    let found = db::member::find(&front.app.db, &admin.tenant, &member).await?;
    found.map(|member| member.id).ok_or(ApiError::NotFound)
}

#[derive(Serialize)]
pub(super) struct PayCodeView {
    code: String,
    expires_at: String,
}

/// `POST /api/v1/admin/members/{member}/pay-code`: what the member's phone would show.
pub(super) async fn pay_code(
    State(front): State<Arc<Front>>,
    Path(member): Path<String>,
    Admin(admin): Admin,
) -> Result<Json<PayCodeView>, ApiError> {
    let member = known(&front, &admin, &member).await?;
    let issued = front.pay_codes.issue(&admin.tenant, &member, front.app.clock.now())?;
    Ok(Json(PayCodeView { code: issued.code, expires_at: issued.expires_at.to_rfc3339() }))
}

/// A decision with everything it depended on.
#[derive(Serialize)]
pub(super) struct DecisionView {
    decision_id: DecisionId,
    at: String,
    kind: String,
    hash: String,
    record: Box<RawValue>,
    answer: Box<RawValue>,
}

/// `GET /api/v1/admin/decisions/{decision_id}`: why a member did or did not get something.
pub(super) async fn decision(
    State(front): State<Arc<Front>>,
    Path(decision): Path<String>,
    Admin(admin): Admin,
) -> Result<Json<DecisionView>, ApiError> {
    let decision = DecisionId::new(decision).map_err(|_| ApiError::NotFound)?;
    let row = db::audit::decision(&front.app.db, &admin.tenant, &decision).await?.ok_or(ApiError::NotFound)?;
    let answer = String::from_utf8(row.reply).map_err(ApiError::internal)?;
    Ok(Json(DecisionView {
        decision_id: row.decision_id,
        at: row.at.to_rfc3339(),
        kind: row.kind,
        hash: row.hash,
        record: RawValue::from_string(row.record).map_err(ApiError::internal)?,
        answer: RawValue::from_string(answer).map_err(ApiError::internal)?,
    }))
}
