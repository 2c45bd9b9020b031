//! What somebody asks of the ledger, from their words to the ledger's answer.

use super::{
    Front, answer, ask,
    who::{self, Named},
};
use crate::{apply::Asked, error::ApiError};
use axum::response::Response;
use ledger::{Act, StoreId, TenantId, TillId, UnixMs};
use serde::Serialize;

/// The ledger's code for a name nobody has.
pub(super) const UNKNOWN_MEMBER: &str = "unknown_member";

/// Who asks, as far as the ledger is concerned.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    /// From who is authenticated.
    pub tenant: TenantId,
    /// Whose idempotency keys these are.
    pub principal: String,
    /// The caller's name for this attempt.
    pub key: String,
    /// Where, if in a shop.
    pub store: Option<StoreId>,
    /// At which till.
    pub till: Option<TillId>,
    /// When we read the request.
    pub now: UnixMs,
}

/// What is asked.
pub(super) struct Wish<'a, B> {
    /// Which kind of request, for the fingerprint.
    pub route: &'static str,
    /// The request in one form, for the fingerprint.
    pub body: &'a B,
    /// The name the thing has for ever.
    pub natural_key: Option<String>,
    /// When it happened.
    pub business_at: UnixMs,
    /// Who it concerns.
    pub member: Option<&'a Named>,
    /// The sale a return names.
    pub sale: Option<String>,
    /// What is asked.
    pub act: Act,
}

impl Asker {
    /// Puts a wish in the form the ledger takes.
    pub fn asks<B: Serialize>(&self, front: &Front, wish: Wish<'_, B>) -> Result<Asked, ApiError> {
        let meaning = serde_json::to_vec(&(wish.route, wish.body)).map_err(ApiError::internal)?;
        Ok(Asked {
            tenant: self.tenant.clone(),
            principal: self.principal.clone(),
            idempotency_key: self.key.clone(),
            // By what it means: equal requests have equal fingerprints, however their JSON is written.
            input_hash: front.app.sealer.fingerprint(&self.tenant, &meaning),
            natural_key: wish.natural_key,
            store: self.store.clone(),
            till: self.till.clone(),
            business_at: wish.business_at,
            member: wish.member.map(|named| named.reference.clone()),
            sale: wish.sale,
            identities: Vec::new(),
            profile_sealed: None,
            act: wish.act,
        })
    }

    /// Asks the ledger and answers.
    pub async fn settle(&self, front: &Front, asked: Asked, member: Option<&Named>) -> Result<Response, ApiError> {
        let replied = ask(&front.app, asked).await;
        replied.map(answer).map_err(|error| self.refused(front, member, error))
    }

    /// What a refusal means for the member who was named: a pay code whose purchase is refused can be used
    /// again, and a name nobody has is called what it is.
    pub fn refused(&self, front: &Front, member: Option<&Named>, error: ApiError) -> ApiError {
        let Some(named) = member else { return error };
        if let Some(code) = &named.pay_code
            && error.status().is_client_error()
        {
            front.pay_codes.give_back(&self.tenant, code, &self.key);
        }
        if error.code() == UNKNOWN_MEMBER { who::unknown(named) } else { error }
    }
}
