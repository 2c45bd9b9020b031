//! HTTP: one route table, one door, one form of refusal.

mod admin;
mod body;
mod caller;
mod door;
mod join;
mod member;
pub mod natural;
mod pos;
mod staff;
mod wechat;
mod who;
mod wire;
mod wish;

use crate::{
    app::App,
    apply::{Asked, Replied, apply_event},
    auth::Nonces,
    error::{ApiError, PROBLEM_JSON},
    passwords::Passwords,
    pay_code::PayCodes,
    telemetry::{self, Stopwatch},
    throttle::Throttle,
};
use axum::{
    Extension, Json, Router,
    body::Body,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use caller::TillKeys;
use ledger::UnixMs;
use serde::Serialize;
use staff::Sessions;
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use wechat::Accounts;

/// Says that the answer was given before.
pub const REPLAYED_HEADER: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The media type of Prometheus' text form.
const METRICS_TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
/// Policies checked at the same moment: one check may take a processor for 10 s.
const UPLOADS_AT_ONCE: usize = 1;
/// How long the database may take to say that it is there.
const READY_TIME: Duration = Duration::from_secs(2);

/// What the handlers share besides the app: who is known, what was used up, what runs out.
pub(crate) struct Front {
    pub(crate) app: App,
    pub(crate) pay_codes: PayCodes,
    pub(crate) tills: TillKeys,
    pub(crate) sessions: Sessions,
    pub(crate) accounts: Accounts,
    pub(crate) nonces: Nonces,
    pub(crate) passwords: Passwords,
    pub(crate) logins: Throttle,
    pub(crate) guesses: Throttle,
    pub(crate) started: UnixMs,
    pub(crate) uploads: Semaphore,
}

impl Front {
    /// Opens the counter: from now on nonces are remembered.
    fn new(app: App) -> Arc<Self> {
        let config = Arc::clone(&app.config);
        let (signing, staff) = (&config.signing, &config.staff);
        Arc::new(Self {
            pay_codes: PayCodes::new(config.pay_code.clone(), app.entropy),
            tills: TillKeys::new(signing.keys_cached_max, Duration::from_millis(signing.key_cache_ms)),
            sessions: Sessions::new(Duration::from_millis(staff.session_cache_ms)),
            accounts: Accounts::new(Duration::from_millis(config.wechat.account_cache_ms)),
            nonces: Nonces::new(signing),
            passwords: Passwords::new(staff.passwords_at_once_max, app.entropy),
            uploads: Semaphore::new(UPLOADS_AT_ONCE),
            logins: Throttle::new(staff.failures_free, staff.wait_seconds_max),
            guesses: Throttle::new(config.pos.guesses_free, config.pos.guess_wait_seconds_max),
            started: app.clock.now(),
            app,
        })
    }
}

/// Every route of the host, behind one door. Nonces are remembered from now on.
pub fn router(app: App) -> Router {
    let front = Front::new(app);
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .merge(pos::routes(&front.app.config.edge))
        .merge(admin::routes(&front.app.config.edge))
        .merge(wechat::routes(&front.app.config.edge))
        .fallback(|| async { ApiError::NotFound })
        .layer(middleware::from_fn_with_state(Arc::clone(&front), door::door))
        .with_state(front)
}

/// A route whose bodies may have so many bytes.
fn up_to(bytes: usize, route: MethodRouter<Arc<Front>>) -> MethodRouter<Arc<Front>> {
    route.layer(Extension(body::BodyMax(bytes)))
}

async fn ready(State(front): State<Arc<Front>>) -> Response {
    match tokio::time::timeout(READY_TIME, db::tenant::list(&front.app.db, None, 1)).await {
        Ok(Ok(_)) => "ready\n".into_response(),
        Ok(Err(cause)) => {
            tracing::error!(%cause, "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "no database\n").into_response()
        }
        Err(_elapsed) => (StatusCode::SERVICE_UNAVAILABLE, "no database\n").into_response(),
    }
}

async fn metrics() -> Response {
    ([(header::CONTENT_TYPE, METRICS_TEXT)], telemetry::render()).into_response()
}

/// Asks the ledger, and measures how long it takes.
pub(crate) async fn ask(app: &App, asked: Asked) -> Result<Replied, ApiError> {
    let kind = asked.kind();
    let watch = Stopwatch::start();
    let replied = apply_event(app, asked).await;
    telemetry::applied(kind, watch.took());
    replied
}

/// The stored bytes as an answer.
fn answer(replied: Replied) -> Response {
    let status = StatusCode::from_u16(replied.status).unwrap_or(StatusCode::OK);
    let mut response = Response::new(Body::from(replied.body));
    *response.status_mut() = status;
    let kind = if status.is_success() { HeaderValue::from_static("application/json") } else { PROBLEM_JSON };
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    if replied.replayed {
        response.headers_mut().insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
    }
    response
}

/// Something made, with where it is.
fn created(location: &str, body: impl Serialize) -> Response {
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

#[cfg(test)]
mod tests;
