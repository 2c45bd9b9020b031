//! WeChat's callbacks (`/wx/{tenant}/callback`): verification, messages and events, passive replies.
//!
//! Whatever is wrong with a push, its sender sees one refusal without words. What is right is answered within
//! a second: with what the ledger said, or with `success` while the ledger goes on.

mod account;
mod act;
mod words;

pub(super) use account::Accounts;

use super::{
    Front,
    body::{self, BodyMax},
    door::Bare,
    up_to,
};
use crate::{config::EdgeLimits, error::ApiError};
use account::Account;
use axum::{
    Router,
    body::Body,
    extract::{Path, Query, Request, State, rejection::QueryRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use ledger::TenantId;
use std::{sync::Arc, time::Duration};
use wechat::{
    callback::{self, Format},
    crypto::RANDOM_BYTES,
    message::Message,
    reply::ReplyKind,
};

/// What WeChat takes for "received, nothing to show".
const SUCCESS: &str = "success";

/// WeChat's routes.
pub(super) fn routes(limits: &EdgeLimits) -> Router<Arc<Front>> {
    Router::new().route("/wx/{tenant}/callback", up_to(limits.callback_bytes_max, get(verify).post(receive)))
}

/// The parameters of a callback's address.
type GivenQuery = Result<Query<callback::Query>, QueryRejection>;

/// `GET`: is this address yours?
async fn verify(State(front): State<Arc<Front>>, Path(tenant): Path<String>, query: GivenQuery) -> Response {
    let answered = async {
        let account = known(&front, tenant).await?;
        let Query(query) = query.map_err(|_| Refused::Status(StatusCode::BAD_REQUEST))?;
        let echo = callback::verify_url(&account.config, &query, now_s(&front));
        echo.map(str::to_owned).map_err(|error| Refused::by(&account, &error))
    };
    answered.await.map_or_else(Refused::into_answer, plain)
}

/// `POST`: a message or an event.
async fn receive(
    State(front): State<Arc<Front>>,
    Path(tenant): Path<String>,
    query: GivenQuery,
    request: Request,
) -> Response {
    let answered = async {
        let account = known(&front, tenant).await?;
        let Query(query) = query.map_err(|_| Refused::Status(StatusCode::BAD_REQUEST))?;
        let (parts, body) = request.into_parts();
        let max = BodyMax(front.app.config.edge.callback_bytes_max);
        let body = body::read(&parts.headers, body, max, &front.app.config.edge).await?;
        let opened = callback::open(&account.config, &query, &body, now_s(&front));
        let message = opened.map_err(|error| Refused::by(&account, &error))?;
        let nonce = query.nonce.as_ref().map(|nonce| nonce.as_str().to_owned()).unwrap_or_default();
        Ok::<_, Refused>(respond(&front, &account, message, &nonce).await)
    };
    answered.await.unwrap_or_else(Refused::into_answer)
}

/// Lets the message happen, and answers in time.
async fn respond(front: &Arc<Front>, account: &Arc<Account>, message: Message, nonce: &str) -> Response {
    let takes_reply = message.takes_reply();
    let time = Duration::from_millis(front.app.config.wechat.answer_ms_max);
    let work = {
        let (front, account, message) = (Arc::clone(front), Arc::clone(account), message.clone());
        async move { act::happen(&front, &account, &message).await }
    };
    let said = match super::pos::within(work, time).await {
        Some(Ok(said)) => said,
        Some(Err(error)) => words::refusal(&error),
        // WeChat sends the push again after 5 s and finds the stored answer, or has been told `success`.
        None => None,
    };
    let Some(text) = said.filter(|_| takes_reply) else { return plain(SUCCESS.to_owned()) };
    sealed(front, account, &message, text, nonce).unwrap_or_else(|error| {
        tracing::warn!(%error, tenant.id = %account.tenant, "a reply could not be written");
        plain(SUCCESS.to_owned())
    })
}

fn sealed(
    front: &Front,
    account: &Account,
    message: &Message,
    text: String,
    nonce: &str,
) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
    let random: [u8; RANDOM_BYTES] = front.app.entropy.bytes()?;
    let reply = message.reply(ReplyKind::Text(wechat::Text::new(text)));
    let body = callback::seal(&account.config, &reply, now_s(front), nonce, &random)?;
    let kind = match account.config.format {
        Format::Xml => HeaderValue::from_static("text/xml; charset=utf-8"),
        Format::Json => HeaderValue::from_static("application/json; charset=utf-8"),
    };
    Ok(([(header::CONTENT_TYPE, kind)], body).into_response())
}

async fn known(front: &Front, tenant: String) -> Result<Arc<Account>, Refused> {
    let tenant = TenantId::new(tenant).map_err(|_| Refused::Status(StatusCode::NOT_FOUND))?;
    tracing::Span::current().record("tenant.id", tenant.as_str());
    let account = front.accounts.find(front, &tenant).await?;
    account.ok_or(Refused::Status(StatusCode::NOT_FOUND))
}

fn now_s(front: &Front) -> i64 {
    front.app.clock.now().get().div_euclid(1_000)
}

/// Foreign text: as HTML it would run.
fn plain(text: String) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], text).into_response()
}

/// Why a push is not answered.
enum Refused {
    /// With this status and nothing else.
    Status(StatusCode),
    /// By us, in the form of all other refusals.
    Ours(ApiError),
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self::Ours(error)
    }
}

impl Refused {
    /// What we know of the cause goes to the log; the sender learns a status.
    fn by(account: &Account, error: &wechat::Error) -> Self {
        tracing::warn!(tenant.id = %account.tenant, cause = %error, "a callback was refused");
        crate::telemetry::refused("wechat_callback");
        Self::Status(StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::FORBIDDEN))
    }

    fn into_answer(self) -> Response {
        match self {
            Self::Ours(error) => error.into_response(),
            Self::Status(status) => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = status;
                response.extensions_mut().insert(Bare);
                response
            }
        }
    }
}
