//! Corrections: small ones by one person, large ones by two.

use super::{
    Page, PageQuery,
    body::parse,
    members::{asker, known},
    query,
};
use crate::{
    apply::{Asked, Replied},
    error::ApiError,
    http::{
        Front, REPLAYED_HEADER, answer, ask as ask_ledger, natural,
        staff::{Admin, KeyedBody, Staff},
        who::{Named, member_id},
        wire::Number,
        wish::{Asker, UNKNOWN_MEMBER, Wish},
    },
};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use db::{
    DbError,
    adjustment::{self, Adjustment, State as Stands},
    snapshot::{self, Want},
};
use ledger::{Account, Act, Adjust, DAY_MS, DecisionId, MemberId, UnixMs};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The most one correction may move, in points or fen.
const ADJUST_MAX: u64 = 100_000_000;
/// The longest reason, in characters.
const NOTE_MAX: usize = 200;
/// How long a correction waits for a second person.
const WAITS_MS: i64 = 7 * DAY_MS;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdjustBody {
    account: Account,
    /// Points or fen, either sign.
    delta: Number,
    /// Why.
    note: String,
}

impl AdjustBody {
    fn checked(self) -> Result<Adjust, ApiError> {
        let delta = self.delta.0;
        if delta == 0 || delta.unsigned_abs() > ADJUST_MAX {
            return Err(ApiError::invalid("delta", format!("must be within ±{ADJUST_MAX} and not 0")));
        }
        let length = self.note.chars().count();
        if length == 0 || length > NOTE_MAX || self.note.chars().any(char::is_control) {
            return Err(ApiError::invalid("note", format!("must say why, in 1 to {NOTE_MAX} characters")));
        }
        Ok(Adjust { account: self.account, delta, note: self.note })
    }
}

/// What whoever asked is told; the same for ever.
#[derive(Serialize)]
struct Waits<'a> {
    adjustment_id: &'a str,
    state: &'static str,
    expires_at: String,
    text: &'static str,
}

/// A correction as it stands.
#[derive(Serialize)]
pub(super) struct AdjustmentView {
    adjustment_id: String,
    member: MemberId,
    account: Account,
    delta: i64,
    note: String,
    /// `waiting`, `approved`, `rejected` or `expired`.
    state: &'static str,
    asked_by: String,
    asked_at: String,
    expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision_id: Option<DecisionId>,
}

impl AdjustmentView {
    fn of(row: Adjustment, now: UnixMs) -> Self {
        let expired = row.state == Stands::Waiting && row.expires_at <= now;
        Self {
            adjustment_id: row.id,
            member: row.member,
            account: row.adjust.account,
            delta: row.adjust.delta,
            note: row.adjust.note,
            state: if expired { "expired" } else { row.state.as_str() },
            asked_by: row.asked_by,
            asked_at: row.asked_at.to_rfc3339(),
            expires_at: row.expires_at.to_rfc3339(),
            decided_by: row.decided_by,
            decided_at: row.decided_at.map(UnixMs::to_rfc3339),
            decision_id: row.decision,
        }
    }
}

/// `POST /api/v1/admin/members/{member}/adjustments`: done at once, or waiting for a second person.
pub(super) async fn ask(
    State(front): State<Arc<Front>>,
    Path(member): Path<String>,
    Admin(admin): Admin,
    KeyedBody { body, key }: KeyedBody,
) -> Result<Response, ApiError> {
    let adjust = parse::<AdjustBody>(&body)?.checked()?;
    let named = member_id(&member).map_err(|_| ApiError::NotFound)?;
    let asker = asker(&front, &admin, key);
    let asked = wished(&front, &asker, &named, &adjust, None)?;
    if let Some(waits) = adjustment::by_key(&front.app.db, &admin.tenant, &admin.login, &asker.key).await? {
        return asked_before(&waits, &asked);
    }
    let tenant = db::tenant::get(&front.app.db, &admin.tenant).await?.ok_or(ApiError::NotFound)?;
    let alone_max = tenant.settings.adjust_alone_max.unsigned_abs();
    if adjust.delta.unsigned_abs() > alone_max && !is_settled(&front, &asked).await? {
        let member = known(&front, &admin, &member).await?;
        return wait(&front, &admin, &asker, &asked, member, adjust).await;
    }
    asker.settle(&front, asked, Some(&named)).await.map_err(|error| match error.code() {
        UNKNOWN_MEMBER => ApiError::NotFound,
        _ => error,
    })
}

/// A correction as the ledger takes it.
fn wished(
    front: &Front,
    asker: &Asker,
    named: &Named,
    adjust: &Adjust,
    natural_key: Option<String>,
) -> Result<Asked, ApiError> {
    let wish = Wish {
        route: "adjust",
        body: &(named, adjust),
        natural_key,
        business_at: asker.now,
        member: Some(named),
        sale: None,
        act: Act::Adjust(adjust.clone()),
    };
    asker.asks(front, wish)
}

/// The ledger has answered this key: it was small enough then.
async fn is_settled(front: &Front, asked: &Asked) -> Result<bool, ApiError> {
    let want = Want {
        tenant: asked.tenant.clone(),
        principal: asked.principal.clone(),
        idempotency_key: Some(asked.idempotency_key.clone()),
        natural_key: None,
        member: None,
        vouchers: Vec::new(),
        sale: None,
    };
    let found = snapshot::read(&front.app.db, &front.app.stream, &[want]).await?.found.pop().unwrap_or_default();
    Ok(found.by_key.is_some())
}

async fn wait(
    front: &Front,
    admin: &Staff,
    asker: &Asker,
    asked: &Asked,
    member: MemberId,
    adjust: Adjust,
) -> Result<Response, ApiError> {
    let new = Adjustment {
        id: crate::http::member::new_id(front, asker.now)?.to_string(),
        member,
        adjust,
        asked_by: admin.login.clone(),
        idempotency_key: asker.key.clone(),
        input_hash: asked.input_hash.clone(),
        asked_at: asker.now,
        expires_at: asker.now.after_ms(WAITS_MS),
        state: Stands::Waiting,
        decided_by: None,
        decided_at: None,
        decision: None,
    };
    match adjustment::ask(&front.app.db, &admin.tenant, &new).await {
        Ok(()) => {
            tracing::info!(tenant.id = %admin.tenant, adjustment = new.id, "a correction waits for a second person");
            Ok(waits(&new))
        }
        // The same request, sent twice at once.
        Err(DbError::Duplicate) => {
            let known = adjustment::by_key(&front.app.db, &admin.tenant, &admin.login, &asker.key).await?;
            asked_before(&known.ok_or(ApiError::Changed)?, asked)
        }
        Err(error) => Err(error.into()),
    }
}

fn waits(row: &Adjustment) -> Response {
    let expires_at = row.expires_at.to_rfc3339();
    let text = "超过单人可调整的限额，需另一位员工批准后生效";
    let body = Waits { adjustment_id: &row.id, state: Stands::Waiting.as_str(), expires_at, text };
    (StatusCode::ACCEPTED, Json(body)).into_response()
}

fn asked_before(row: &Adjustment, asked: &Asked) -> Result<Response, ApiError> {
    if row.input_hash != asked.input_hash {
        return Err(ApiError::KeyReused);
    }
    let mut response = waits(row);
    response.headers_mut().insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
    Ok(response)
}

/// `GET /api/v1/admin/adjustments`: those that were asked for, oldest first.
pub(super) async fn list(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
    page: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Page<AdjustmentView>>, ApiError> {
    let page = query(page)?;
    let limit = page.limit()?;
    let rows = adjustment::list(&front.app.db, &admin.tenant, page.after.as_deref(), limit).await?;
    let now = front.app.clock.now();
    let views = rows.into_iter().map(|row| AdjustmentView::of(row, now)).collect();
    Ok(Json(Page::of(views, limit, |view: &AdjustmentView| view.adjustment_id.clone())))
}

/// `POST /api/v1/admin/adjustments/{adjustment}/approve`: takes effect, once; sent again, the same answer.
pub(super) async fn approve(
    State(front): State<Arc<Front>>,
    Path(id): Path<String>,
    Admin(admin): Admin,
) -> Result<Response, ApiError> {
    let (db, now) = (&front.app.db, front.app.clock.now());
    let row = adjustment::get(db, &admin.tenant, &id).await?.ok_or(ApiError::NotFound)?;
    let row = if row.state == Stands::Approved {
        row
    } else {
        expect_waiting(&row, now)?;
        if row.asked_by == admin.login {
            return Err(ApiError::refused("own_adjustment", "somebody else must approve what you asked for"));
        }
        adjustment::decide(db, &admin.tenant, &id, Stands::Approved, &admin.login, now).await?;
        Adjustment { decided_by: Some(admin.login.clone()), ..row }
    };
    // First approved, then done: whatever is cut off in between is done when it is approved again.
    let replied = carry_out(&front, &admin, &row).await;
    match &replied {
        Ok(done) => {
            adjustment::settled(db, &admin.tenant, &id, &done.decision).await?;
            tracing::info!(tenant.id = %admin.tenant, adjustment = id, "a correction was approved");
        }
        Err(error) if error.status().is_client_error() => adjustment::refused(db, &admin.tenant, &id).await?,
        Err(_) => {}
    }
    replied.map(answer)
}

/// Asks the ledger in the name of both: who asked, and who approved.
async fn carry_out(front: &Front, admin: &Staff, row: &Adjustment) -> Result<Replied, ApiError> {
    let approved_by = row.decided_by.as_deref().unwrap_or_default();
    let asker = Asker {
        principal: natural::name("staff", &[&row.asked_by, "approved-by", approved_by]),
        ..asker(front, admin, natural::adjustment(&row.id))
    };
    let named = member_id(row.member.as_str()).map_err(|_| ApiError::NotFound)?;
    let asked = wished(front, &asker, &named, &row.adjust, Some(natural::adjustment(&row.id)))?;
    ask_ledger(&front.app, asked).await
}

fn expect_waiting(row: &Adjustment, now: UnixMs) -> Result<(), ApiError> {
    match row.state {
        Stands::Waiting if row.expires_at > now => Ok(()),
        Stands::Waiting => Err(ApiError::refused("adjustment_expired", "nobody approved it in time; ask for it again")),
        Stands::Approved => Err(ApiError::refused("adjustment_approved", "it was approved already")),
        Stands::Rejected => Err(ApiError::refused("adjustment_rejected", "it was rejected; ask for it again")),
    }
}

/// `POST /api/v1/admin/adjustments/{adjustment}/reject`: it will not take effect; whoever asked may take it back so.
pub(super) async fn reject(
    State(front): State<Arc<Front>>,
    Path(id): Path<String>,
    Admin(admin): Admin,
) -> Result<Json<AdjustmentView>, ApiError> {
    let (db, now) = (&front.app.db, front.app.clock.now());
    let row = adjustment::get(db, &admin.tenant, &id).await?.ok_or(ApiError::NotFound)?;
    if row.state != Stands::Rejected {
        expect_waiting(&row, now)?;
        adjustment::decide(db, &admin.tenant, &id, Stands::Rejected, &admin.login, now).await?;
        tracing::info!(tenant.id = %admin.tenant, adjustment = id, "a correction was rejected");
    }
    let row = adjustment::get(db, &admin.tenant, &id).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(AdjustmentView::of(row, now)))
}
