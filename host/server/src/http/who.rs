//! How a caller names a member, and how we find them.

use super::{
    Front,
    wish::{Asker, UNKNOWN_MEMBER},
};
use crate::{
    error::ApiError,
    pay_code::{Refused, Use},
    seal::{IdentityKind, Phone},
};
use db::snapshot::MemberRef;
use ledger::{MemberId, TenantId};
use serde::{Deserialize, Serialize, Serializer};

/// The longest card number or code, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Exactly one of these.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Who {
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    card: Option<String>,
    #[serde(default)]
    pay_code: Option<String>,
    #[serde(default)]
    id: Option<String>,
}

/// A member as named, in the form the ledger looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// By our own id, or by a blind index.
    pub reference: MemberRef,
    /// The pay code, if they showed one.
    pub pay_code: Option<String>,
    /// What was named, whatever it turned out to be: part of the request's fingerprint.
    given: (IdentityOrId, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IdentityOrId {
    Id,
    Identity(IdentityKind),
}

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kind = match self.given.0 {
            IdentityOrId::Id => "id",
            IdentityOrId::Identity(kind) => kind.as_str(),
        };
        (kind, &self.given.1).serialize(serializer)
    }
}

impl Who {
    /// Finds out who is meant. A pay code is used up as `use_of_it` says.
    pub fn resolve(&self, front: &Front, asker: &Asker, use_of_it: Use<'_>) -> Result<Named, ApiError> {
        let given = [&self.phone, &self.card, &self.pay_code, &self.id];
        if given.iter().filter(|one| one.is_some()).count() != 1 {
            return Err(ApiError::invalid("member", "must hold exactly one of phone, card, pay_code, id"));
        }
        match (&self.phone, &self.card, &self.pay_code, &self.id) {
            (Some(phone), ..) => {
                let phone = Phone::parse(phone).map_err(|bad| ApiError::invalid("member.phone", bad.to_string()))?;
                Ok(identity(front, &asker.tenant, IdentityKind::Phone, phone.as_str()))
            }
            (_, Some(card), ..) => {
                check_name("member.card", card)?;
                Ok(identity(front, &asker.tenant, IdentityKind::Card, card))
            }
            (_, _, Some(code), _) => pay_code(front, asker, code, use_of_it),
            (.., id) => member_id(id.as_deref().unwrap_or_default()),
        }
    }
}

impl Named {
    /// A member by a blind index made elsewhere.
    pub fn by_index(kind: IdentityKind, index: String) -> Self {
        let given = (IdentityOrId::Identity(kind), index.clone());
        Self { reference: MemberRef::Identity { kind: kind.as_str(), index }, pay_code: None, given }
    }
}

/// A member by our own id.
pub(super) fn member_id(id: &str) -> Result<Named, ApiError> {
    let member = MemberId::new(id).map_err(|bad| ApiError::invalid("member.id", bad.to_string()))?;
    Ok(Named { reference: MemberRef::Id(member), pay_code: None, given: (IdentityOrId::Id, id.to_owned()) })
}

fn identity(front: &Front, tenant: &TenantId, kind: IdentityKind, value: &str) -> Named {
    Named::by_index(kind, front.app.sealer.index(tenant, kind, value))
}

fn pay_code(front: &Front, asker: &Asker, code: &str, use_of_it: Use<'_>) -> Result<Named, ApiError> {
    check_name("member.pay_code", code)?;
    let (tenant, by, now) = (&asker.tenant, &asker.principal, asker.now);
    let mut named = identity(front, tenant, IdentityKind::PayCode, code);
    let guesser = format!("code {tenant} {by}");
    let wait = front.guesses.wait(&guesser, now);
    if wait > 0 {
        return Err(ApiError::TooMany(wait));
    }
    match front.pay_codes.claim(tenant, code, by, use_of_it, now) {
        Ok(member) => {
            named.reference = MemberRef::Id(member);
            named.pay_code = Some(code.to_owned());
            Ok(named)
        }
        Err(Refused::Used) => {
            Err(ApiError::refused("pay_code_used", "this pay code was used already; ask the member to show a new one"))
        }
        // No member is stored under a pay code, so the ledger finds nobody, except its own stored answer to a
        // receipt that is sent again after the code ran out.
        Err(Refused::Unknown) => {
            front.guesses.failed(&guesser, now);
            Ok(named)
        }
    }
}

/// A card number or a code that can be looked for.
pub(super) fn check_name(field: &'static str, value: &str) -> Result<(), ApiError> {
    if value.is_empty() || value.len() > NAME_BYTES_MAX || value.chars().any(char::is_control) {
        return Err(ApiError::invalid(
            field,
            format!("must have 1 to {NAME_BYTES_MAX} bytes and no control characters"),
        ));
    }
    Ok(())
}

/// Says which name nobody has.
pub(super) fn unknown(named: &Named) -> ApiError {
    match named.given.0 {
        IdentityOrId::Identity(IdentityKind::PayCode) => ApiError::refused(
            "pay_code_unknown",
            "this pay code is unknown or ran out; ask the member to show a new one",
        ),
        _ => ApiError::refused(UNKNOWN_MEMBER, "no member has this name; register them, or send member: null"),
    }
}
