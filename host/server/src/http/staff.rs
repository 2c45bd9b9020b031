//! Who calls from a desk: staff behind a session.

use super::{Front, body, caller};
use crate::{
    error::ApiError,
    setup::{ADMIN, Desk, OPERATOR},
};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
};
use ledger::{TenantId, UnixMs, sha256_hex};
use moka::sync::Cache;
use std::{sync::Arc, time::Duration};

/// Sessions kept in memory.
const SESSIONS_MAX: u64 = 10_000;
/// What kind of session it is, in the database.
pub(super) const KIND: &str = "staff";

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Staff {
    /// Whose rules; the platform's own for operators.
    pub tenant: TenantId,
    /// The name they signed in with.
    pub login: String,
    /// `operator` or `admin`.
    pub role: String,
    /// Names the session.
    pub token_hash: String,
    expires_at: UnixMs,
}

impl Staff {
    /// Who asks, in entries and idempotency keys.
    pub fn principal(&self) -> String {
        super::natural::name("staff", &[&self.login])
    }
}

/// Sessions asked for lately.
#[derive(Debug)]
pub(crate) struct Sessions(Cache<String, Arc<Staff>>);

impl Sessions {
    /// Believes a session for so long.
    pub fn new(believed: Duration) -> Self {
        Self(Cache::builder().max_capacity(SESSIONS_MAX).time_to_live(believed).build())
    }

    /// Forgets a session that was ended.
    pub fn forget(&self, token_hash: &str) {
        self.0.invalidate(token_hash);
    }

    async fn find(&self, front: &Front, token: &str) -> Result<Arc<Staff>, ApiError> {
        let now = front.app.clock.now();
        let token_hash = sha256_hex(token.as_bytes());
        if let Some(known) = self.0.get(&token_hash).filter(|known| known.expires_at > now) {
            return Ok(known);
        }
        let session = db::session::find(&front.app.db, &token_hash, now).await?.filter(|s| s.kind == KIND);
        let session = session.ok_or_else(not_signed_in)?;
        let staff = db::staff::get(&front.app.db, &session.tenant, &session.subject).await?;
        let staff = staff.filter(|staff| staff.disabled_at.is_none()).ok_or_else(not_signed_in)?;
        let known = Arc::new(Staff {
            tenant: session.tenant,
            login: staff.login,
            role: staff.role,
            token_hash: token_hash.clone(),
            expires_at: session.expires_at,
        });
        self.0.insert(token_hash, Arc::clone(&known));
        Ok(known)
    }
}

fn not_signed_in() -> ApiError {
    ApiError::unauthorized(
        "not_signed_in",
        "sign in with POST /api/v1/admin/session and send the token as Authorization: Bearer",
    )
}

async fn signed_in(headers: &HeaderMap, front: &Front) -> Result<Arc<Staff>, ApiError> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (scheme, token) = given.split_once(' ').ok_or_else(not_signed_in)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(not_signed_in());
    }
    let staff = front.sessions.find(front, token.trim()).await?;
    tracing::Span::current().record("tenant.id", staff.tenant.as_str());
    Ok(staff)
}

fn expect_role(staff: &Staff, role: &str) -> Result<(), ApiError> {
    if staff.role == role {
        return Ok(());
    }
    Err(ApiError::Forbidden(format!("this needs somebody with the role {role}; you have {}", staff.role)))
}

/// Anybody who is signed in.
pub(super) struct SignedIn(pub Arc<Staff>);

/// A tenant's admin, for their own tenant.
pub(super) struct Admin(pub Arc<Staff>);

/// Whoever runs the platform.
pub(super) struct Operator(pub Arc<Staff>);

impl FromRequestParts<Arc<Front>> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, front: &Arc<Front>) -> Result<Self, ApiError> {
        signed_in(&parts.headers, front).await.map(Self)
    }
}

impl FromRequestParts<Arc<Front>> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, front: &Arc<Front>) -> Result<Self, ApiError> {
        let staff = signed_in(&parts.headers, front).await?;
        expect_role(&staff, ADMIN).map(|()| Self(staff))
    }
}

impl FromRequestParts<Arc<Front>> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, front: &Arc<Front>) -> Result<Self, ApiError> {
        let staff = signed_in(&parts.headers, front).await?;
        expect_role(&staff, OPERATOR).map(|()| Self(staff))
    }
}

/// A JSON body; who sends it is known before it is read.
pub(super) struct JsonBody(pub Bytes);

/// A JSON body that moves the ledger, under a name of the caller's.
pub(super) struct KeyedBody {
    /// The body.
    pub body: Bytes,
    /// The caller's name for this attempt.
    pub key: String,
}

impl FromRequest<Arc<Front>> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, front: &Arc<Front>) -> Result<Self, ApiError> {
        body::expect_json(request.headers())?;
        let (parts, body) = request.into_parts();
        let max = caller::body_max(&parts, front);
        body::read(&parts.headers, body, max, &front.app.config.edge).await.map(Self)
    }
}

impl FromRequest<Arc<Front>> for KeyedBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, front: &Arc<Front>) -> Result<Self, ApiError> {
        let key = caller::idempotency_key(request.headers())?;
        let JsonBody(body) = JsonBody::from_request(request, front).await?;
        Ok(Self { body, key })
    }
}

impl Front {
    /// Sets things up on behalf of somebody.
    pub(super) fn desk<'a>(&'a self, staff: &'a Staff) -> Desk<'a> {
        Desk {
            db: &self.app.db,
            sealer: &self.app.sealer,
            entropy: self.app.entropy,
            now: self.app.clock.now(),
            by: &staff.login,
        }
    }
}
