//! The one place where an event becomes entries.

use crate::{app::App, error::ApiError};
use db::snapshot::MemberRef;
use ledger::{Act, DecisionId, StoreId, TenantId, TillId, UnixMs};

/// One thing asked of the ledger, by somebody whose tenant is known.
#[derive(Debug, Clone)]
pub struct Asked {
    /// From who is authenticated, never from the body.
    pub tenant: TenantId,
    /// Who asks: `till/<store>/<till>`, `import:<key id>`, `staff/<login>`, `wechat`, `job`.
    pub principal: String,
    /// The caller's name for this attempt.
    pub idempotency_key: String,
    /// Lower-case hex SHA-256 of what was asked (method, route and body).
    pub input_hash: String,
    /// The name the thing itself has for ever, such as `receipt/<store>/<till>/<receipt>`.
    pub natural_key: Option<String>,
    /// Where.
    pub store: Option<StoreId>,
    /// At which till.
    pub till: Option<TillId>,
    /// When it happened, as the caller says.
    pub business_at: UnixMs,
    /// Who it concerns.
    pub member: Option<MemberRef>,
    /// The natural key of the sale a return names.
    pub sale: Option<String>,
    /// Blind indexes by which a new member can be found: kind and index.
    pub identities: Vec<(&'static str, String)>,
    /// The new member's sealed profile.
    pub profile_sealed: Option<Vec<u8>>,
    /// What is asked.
    pub act: Act,
}

/// What was answered, now and every time it is asked again.
#[derive(Debug, Clone)]
pub struct Replied {
    /// HTTP status.
    pub status: u16,
    /// The bytes.
    pub body: Vec<u8>,
    /// This is the stored answer of an earlier attempt.
    pub replayed: bool,
    /// The decision behind it.
    pub decision: DecisionId,
}

/// Turns what is asked into entries, once, and answers with the same bytes for ever.
///
/// # Errors
/// [`ApiError`] when the ledger's rules refuse it, the key was used for something else, or the queue is full.
pub async fn apply_event(app: &App, asked: Asked) -> Result<Replied, ApiError> {
    app.ask(asked).await
}
