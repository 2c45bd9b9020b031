//! Who calls from a shop: the till behind a signature.

use super::{
    Front,
    body::{self, BodyMax},
    natural,
    wish::Asker,
};
use crate::{
    auth::{Claim, NonceError, Secret, bad_signature},
    error::ApiError,
    setup::secret_field,
};
use axum::{
    body::Bytes,
    extract::{FromRequest, Query, Request},
    http::{HeaderMap, Uri, request::Parts},
};
use ledger::{StoreId, TenantId, TillId, UnixMs, sha256_hex};
use moka::sync::Cache;
use serde::Deserialize;
use std::{sync::Arc, time::Duration};

/// The caller's name for one attempt.
pub const IDEMPOTENCY_HEADER: &str = "idempotency-key";
/// The longest such name, in characters.
const IDEMPOTENCY_MAX: usize = 255;
/// What an import's name begins with; the ledger dates its receipts by their own day.
const IMPORT: &str = "import:";
/// What a till is told to wait when no more nonces can be remembered, in seconds.
const NONCE_RETRY_SECONDS: u32 = 60;

/// A key we know, with its secret opened.
#[derive(Debug)]
struct Key {
    tenant: TenantId,
    /// Where the key may act; absent for an import key, whose requests name the place.
    place: Option<(StoreId, TillId)>,
    secret: Secret,
}

/// A till that calls.
#[derive(Debug, Clone)]
pub struct Till {
    /// Whose rules.
    pub tenant: TenantId,
    /// Which shop.
    pub store: StoreId,
    /// Which till.
    pub till: TillId,
    /// Whose idempotency keys these are. A till's own, so that a new key of it finds what the old one asked;
    /// `import:…` for history that is brought in.
    pub principal: String,
}

/// Where an import's receipts come from.
#[derive(Debug, Deserialize)]
struct PlaceQuery {
    store: String,
    till: String,
}

impl Key {
    /// The till that calls: the key's own, or the one an import names.
    fn till(&self, key_id: &str, uri: &Uri) -> Result<Till, ApiError> {
        let tenant = self.tenant.clone();
        if let Some((store, till)) = self.place.clone() {
            let principal = natural::name("till", &[store.as_str(), till.as_str()]);
            return Ok(Till { tenant, store, till, principal });
        }
        let place = Query::<PlaceQuery>::try_from_uri(uri);
        let Query(place) =
            place.map_err(|_| ApiError::malformed("an import key names the place in the query: ?store=&till="))?;
        let store = StoreId::new(place.store).map_err(|bad| ApiError::invalid("store", bad.to_string()))?;
        let till = TillId::new(place.till).map_err(|bad| ApiError::invalid("till", bad.to_string()))?;
        Ok(Till { tenant, store, till, principal: format!("{IMPORT}{key_id}") })
    }
}

/// Keys asked for lately, so that a till that sells costs no read for each receipt.
#[derive(Debug)]
pub struct TillKeys(Cache<String, Arc<Key>>);

impl TillKeys {
    /// Believes a key for so long.
    pub fn new(keys_max: u64, believed: Duration) -> Self {
        Self(Cache::builder().max_capacity(keys_max).time_to_live(believed).build())
    }

    /// Forgets a key that was revoked.
    pub fn forget(&self, key_id: &str) {
        self.0.invalidate(key_id);
    }

    async fn find(&self, front: &Front, key_id: &str) -> Result<Option<Arc<Key>>, ApiError> {
        if let Some(known) = self.0.get(key_id) {
            return Ok(Some(known));
        }
        let found = db::api_key::find(&front.app.db, key_id).await?.filter(|key| key.revoked_at.is_none());
        let Some(found) = found else { return Ok(None) };
        let secret = front.app.sealer.open(secret_field(&found.tenant, &found.key_id), &found.secret_sealed)?;
        let secret = Secret::new(&secret).map_err(ApiError::internal)?;
        let key = Arc::new(Key { tenant: found.tenant, place: found.store.zip(found.till), secret });
        self.0.insert(key_id.to_owned(), Arc::clone(&key));
        Ok(Some(key))
    }
}

/// A signed request with its body.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who signed it.
    pub till: Till,
    /// What it says.
    pub body: Bytes,
    /// When we read it.
    pub now: UnixMs,
}

/// A signed request whose body is JSON.
#[derive(Debug)]
pub struct JsonCall(pub Call);

/// A signed request that writes: JSON, under a name of the caller's.
#[derive(Debug)]
pub struct WriteCall {
    /// The request.
    pub call: Call,
    /// The caller's name for this attempt.
    pub key: String,
}

impl WriteCall {
    /// Who asks, as far as the ledger is concerned.
    pub fn asker(&self) -> Asker {
        self.call.asker(self.key.clone())
    }
}

impl Call {
    /// Who asks, under this idempotency key.
    pub fn asker(&self, key: String) -> Asker {
        Asker {
            tenant: self.till.tenant.clone(),
            principal: self.till.principal.clone(),
            key,
            store: Some(self.till.store.clone()),
            till: Some(self.till.till.clone()),
            now: self.now,
        }
    }
}

impl FromRequest<Arc<Front>> for Call {
    type Rejection = ApiError;

    async fn from_request(request: Request, front: &Arc<Front>) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let now = front.app.clock.now();
        let claim = Claim::read(|name| parts.headers.get(name).and_then(|value| value.to_str().ok()))?;
        let key = front.tills.find(front, &claim.key_id).await?;
        if key.is_none() && !front.app.config.test_mode {
            // Nobody we do not know makes us hold half a megabyte.
            return Err(bad_signature(None));
        }
        let body = body::read(&parts.headers, body, body_max(&parts, front), &front.app.config.edge).await?;
        let key = verified(front, &claim, key, &parts, &body)?;
        claim.check_time(&front.app.config.signing, now, front.started)?;
        let second = now.get().div_euclid(1_000);
        front.nonces.use_up(&claim.key_id, &claim.nonce, claim.timestamp, second).map_err(refused_nonce)?;
        let span = tracing::Span::current();
        span.record("tenant.id", key.tenant.as_str()).record("key.id", claim.key_id.as_str());
        Ok(Self { till: key.till(&claim.key_id, &parts.uri)?, body, now })
    }
}

impl FromRequest<Arc<Front>> for JsonCall {
    type Rejection = ApiError;

    async fn from_request(request: Request, front: &Arc<Front>) -> Result<Self, ApiError> {
        let is_json = body::expect_json(request.headers());
        // Who is not known learns nothing else first.
        let call = Call::from_request(request, front).await?;
        is_json.map(|()| Self(call))
    }
}

impl FromRequest<Arc<Front>> for WriteCall {
    type Rejection = ApiError;

    async fn from_request(request: Request, front: &Arc<Front>) -> Result<Self, ApiError> {
        let key = idempotency_key(request.headers());
        let JsonCall(call) = JsonCall::from_request(request, front).await?;
        Ok(Self { call, key: key? })
    }
}

/// The limit of the route, or the general one.
pub fn body_max(parts: &Parts, front: &Front) -> BodyMax {
    parts.extensions.get::<BodyMax>().copied().unwrap_or(BodyMax(front.app.config.edge.body_bytes_max))
}

fn verified(
    front: &Front,
    claim: &Claim,
    key: Option<Arc<Key>>,
    parts: &Parts,
    body: &[u8],
) -> Result<Arc<Key>, ApiError> {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let text = claim.text(parts.method.as_str(), target, &sha256_hex(body));
    let shown = || front.app.config.test_mode.then(|| text.clone());
    match key {
        Some(key) if claim.is_signed_by(&key.secret, &text) => Ok(key),
        _ => Err(bad_signature(shown())),
    }
}

fn refused_nonce(error: NonceError) -> ApiError {
    match error {
        NonceError::Used => {
            ApiError::unauthorized("nonce_used", "this nonce was used before; make a new one for every request")
        }
        NonceError::Full => ApiError::TooMany(NONCE_RETRY_SECONDS),
    }
}

/// The caller's name for this attempt, from its header.
///
/// # Errors
/// 400 if it is missing, too long, or not printable ASCII.
pub fn idempotency_key(headers: &HeaderMap) -> Result<String, ApiError> {
    let given = headers.get(IDEMPOTENCY_HEADER).and_then(|key| key.to_str().ok()).unwrap_or_default();
    check_key(given).map(|()| given.to_owned()).ok_or_else(|| ApiError::Request {
        status: axum::http::StatusCode::BAD_REQUEST,
        code: "idempotency_key_missing",
        text: format!(
            "send an Idempotency-Key of 1 to {IDEMPOTENCY_MAX} printable characters: a new one for every new thing, \
             the same one when you repeat a request"
        ),
    })
}

/// Whether a text can name an attempt.
pub fn check_key(key: &str) -> Option<()> {
    let fits = !key.is_empty() && key.len() <= IDEMPOTENCY_MAX && key.bytes().all(|b| b.is_ascii_graphic());
    fits.then_some(())
}
