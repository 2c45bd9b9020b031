//! Signing in, and who may.

use super::body::parse;
use crate::{
    edge::ClientIp,
    error::ApiError,
    http::{
        Front, created,
        staff::{Admin, JsonBody, KIND, SignedIn},
    },
    seal::SecretText,
    setup::{ADMIN, PLATFORM},
};
use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use db::session::Session;
use ledger::{TenantId, UnixMs, sha256_hex};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Random bytes of a session's token.
const TOKEN_BYTES: usize = 32;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignInBody {
    /// Absent = the platform itself.
    #[serde(default)]
    tenant: Option<String>,
    user: String,
    password: SecretText,
}

#[derive(Serialize)]
struct SignedInView {
    /// Send it as `Authorization: Bearer …`; it is nowhere else.
    token: SecretText,
    expires_at: String,
    tenant: TenantId,
    role: String,
}

/// `POST /api/v1/admin/session`.
pub(super) async fn sign_in(
    State(front): State<Arc<Front>>,
    ip: Option<Extension<ClientIp>>,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let body: SignInBody = parse(&body)?;
    let now = front.app.clock.now();
    let tenant = body.tenant.as_deref().unwrap_or(PLATFORM);
    let name = format!("{tenant} {}", body.user);
    let address = ip.map(|Extension(ClientIp(ip))| format!("ip {ip}"));
    let names: Vec<&str> = std::iter::once(name.as_str()).chain(address.as_deref()).collect();
    let wait = names.iter().map(|name| front.logins.wait(name, now)).max().unwrap_or_default();
    if wait > 0 {
        return Err(ApiError::TooMany(wait));
    }
    let known = match TenantId::new(tenant) {
        Ok(tenant) => db::staff::get(&front.app.db, &tenant, &body.user).await?.map(|staff| (tenant, staff)),
        Err(_) => None,
    };
    let known = known.filter(|(_, staff)| staff.disabled_at.is_none());
    let stored = known.as_ref().map(|(_, staff)| staff.password_hash.clone());
    let fits = front.passwords.fits(body.password, stored).await?;
    let Some((tenant, staff)) = known.filter(|_| fits) else {
        names.iter().for_each(|name| front.logins.failed(name, now));
        return Err(ApiError::unauthorized("wrong_password", "no such user, or another password"));
    };
    front.logins.succeeded(&name);
    let view = begin(&front, tenant, &staff.login, staff.role, now).await?;
    Ok(created("/api/v1/admin/session", view))
}

async fn begin(
    front: &Front,
    tenant: TenantId,
    login: &str,
    role: String,
    now: UnixMs,
) -> Result<SignedInView, ApiError> {
    let token = SecretText::new(front.app.entropy.hex::<TOKEN_BYTES>()?);
    let lasts_ms = front.app.config.staff.session_seconds.saturating_mul(1_000);
    let session = Session {
        token_hash: sha256_hex(token.as_bytes()),
        tenant: tenant.clone(),
        kind: KIND.to_owned(),
        subject: login.to_owned(),
        created_at: now,
        expires_at: now.after_ms(lasts_ms),
    };
    db::session::create(&front.app.db, &session).await?;
    tracing::info!(tenant.id = %tenant, "somebody signed in");
    Ok(SignedInView { token, expires_at: session.expires_at.to_rfc3339(), tenant, role })
}

#[derive(Serialize)]
pub(super) struct Whoami {
    tenant: TenantId,
    user: String,
    role: String,
}

/// `GET /api/v1/admin/session`.
pub(super) async fn whoami(SignedIn(staff): SignedIn) -> Json<Whoami> {
    Json(Whoami { tenant: staff.tenant.clone(), user: staff.login.clone(), role: staff.role.clone() })
}

/// `DELETE /api/v1/admin/session`.
pub(super) async fn sign_out(
    State(front): State<Arc<Front>>,
    SignedIn(staff): SignedIn,
) -> Result<StatusCode, ApiError> {
    db::session::end(&front.app.db, &staff.token_hash).await?;
    front.sessions.forget(&staff.token_hash);
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize)]
pub(super) struct StaffView {
    user: String,
    name: String,
    role: String,
    created_at: String,
    created_by: String,
    disabled: bool,
}

/// `GET /api/v1/admin/staff`.
pub(super) async fn staff(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
) -> Result<Json<Vec<StaffView>>, ApiError> {
    let rows = db::staff::list(&front.app.db, &admin.tenant).await?;
    let view = |row: db::staff::Staff| StaffView {
        user: row.login,
        name: row.name,
        role: row.role,
        created_at: row.created_at.to_rfc3339(),
        created_by: row.created_by,
        disabled: row.disabled_at.is_some(),
    };
    Ok(Json(rows.into_iter().map(view).collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddBody {
    user: String,
    name: String,
    password: SecretText,
}

/// `POST /api/v1/admin/staff`: another admin of the same tenant.
pub(super) async fn add(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let body: AddBody = parse(&body)?;
    let hash = front.passwords.hash(body.password).await?;
    front.desk(&admin).staff(&admin.tenant, &body.user, &body.name, ADMIN, hash).await?;
    Ok(created("/api/v1/admin/staff", serde_json::json!({"user": body.user, "role": ADMIN})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordBody {
    password: SecretText,
}

/// `POST /api/v1/admin/staff/{user}/password`.
pub(super) async fn set_password(
    State(front): State<Arc<Front>>,
    Path(user): Path<String>,
    Admin(admin): Admin,
    JsonBody(body): JsonBody,
) -> Result<StatusCode, ApiError> {
    let body: PasswordBody = parse(&body)?;
    let hash = front.passwords.hash(body.password).await?;
    db::staff::set_password(&front.app.db, &admin.tenant, &user, &hash).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/v1/admin/staff/{user}`: signed out everywhere within a second.
pub(super) async fn remove(
    State(front): State<Arc<Front>>,
    Path(user): Path<String>,
    Admin(admin): Admin,
) -> Result<StatusCode, ApiError> {
    if user == admin.login {
        return Err(ApiError::refused("yourself", "nobody can lock themselves out; ask another admin"));
    }
    db::staff::disable(&front.app.db, &admin.tenant, &user, front.app.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
