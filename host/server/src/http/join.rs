//! New members: at the till, at the desk, or by following the official account.

use super::{
    Front,
    body::parse,
    member::{find, new_id},
    who::{Named, Who, check_name},
    wire::{Birthday, Moment},
    wish::{Asker, UNKNOWN_MEMBER, Wish},
};
use crate::{
    error::ApiError,
    pay_code::Use,
    profile::Profile,
    seal::{IdentityKind, Phone},
};
use axum::response::Response;
use db::snapshot::{self, MemberRef, Want};
use ledger::{Act, Event, Join, MemberId};
use serde::{Deserialize, Serialize};

/// The longest name, in characters.
const NAME_MAX: usize = 40;

/// A new member as a caller sends them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegisterBody {
    phone: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    card: Option<String>,
    #[serde(default)]
    birthday: Option<Birthday>,
    #[serde(default)]
    referrer: Option<Who>,
    /// Absent = now.
    #[serde(default)]
    business_at: Option<Moment>,
}

/// What of a registration makes it the same when it is sent again.
#[derive(Serialize)]
struct Meaning<'a> {
    phone: &'a str,
    card: Option<&'a str>,
    name: Option<&'a str>,
    birthday: Option<Birthday>,
    referrer: Option<&'a Named>,
    business_at: Option<Moment>,
}

/// What is known of the person before they register.
struct Before {
    /// A member who only followed, or whose phone was imported.
    member: Option<MemberId>,
    profile: Profile,
}

/// What a new member is known by: kind and blind index.
type Identity = (&'static str, String);

/// Registers somebody, or somebody who only followed until now.
pub(super) async fn register(front: &Front, asker: &Asker, body: &[u8]) -> Result<Response, ApiError> {
    let body: RegisterBody = parse(body)?;
    let phone = body.checked()?;
    let index = |kind: IdentityKind, value: &str| (kind.as_str(), front.app.sealer.index(&asker.tenant, kind, value));
    let by_phone = index(IdentityKind::Phone, phone.as_str());
    let by_card = body.card.as_deref().map(|card| index(IdentityKind::Card, card));
    let referrer = body.referrer.as_ref().map(|who| who.resolve(front, asker, Use::Look)).transpose()?;
    let referrer_id = referrer_id(front, asker, referrer.as_ref()).await?;
    let before = before(front, asker, &by_phone, by_card.as_ref()).await?;
    let member = before.member.clone().map_or_else(|| new_id(front, asker.now), Ok)?;
    let profile_sealed = body.profile(before.profile, &phone).seal(&front.app.sealer, &asker.tenant, &member)?;
    let named = Named::by_index(IdentityKind::Phone, by_phone.1.clone());
    let meaning = Meaning {
        phone: &by_phone.1,
        card: by_card.as_ref().map(|(_, index)| index.as_str()),
        name: body.name.as_deref(),
        birthday: body.birthday,
        referrer: referrer.as_ref(),
        business_at: body.business_at,
    };
    let join = Join { member, event: Event::Register, birthday: body.birthday.map(|b| b.0), referrer: referrer_id };
    let wish = Wish {
        route: "register",
        body: &meaning,
        natural_key: None,
        business_at: body.business_at.map_or(asker.now, |at| at.0),
        member: Some(&named),
        sale: None,
        act: Act::Join(join),
    };
    let mut asked = asker.asks(front, wish)?;
    asked.identities = std::iter::once(by_phone.clone()).chain(by_card).collect();
    asked.profile_sealed = Some(profile_sealed);
    asker.settle(front, asked, Some(&named)).await
}

impl RegisterBody {
    fn checked(&self) -> Result<Phone, ApiError> {
        if let Some(name) = &self.name
            && (name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control))
        {
            return Err(ApiError::invalid("name", format!("must have 1 to {NAME_MAX} characters, or be left out")));
        }
        if let Some(card) = &self.card {
            check_name("card", card)?;
        }
        Phone::parse(&self.phone).map_err(|bad| ApiError::invalid("phone", bad.to_string()))
    }

    /// What is known of the person from now on.
    fn profile(&self, mut before: Profile, phone: &Phone) -> Profile {
        before.phone = Some(phone.as_str().to_owned());
        before.name = self.name.clone().or_else(|| before.name.take());
        before.card = self.card.clone().or_else(|| before.card.take());
        before
    }
}

async fn referrer_id(front: &Front, asker: &Asker, referrer: Option<&Named>) -> Result<Option<MemberId>, ApiError> {
    let Some(named) = referrer else { return Ok(None) };
    let found = find(front, &asker.tenant, named.reference.clone()).await?;
    let refuse = || {
        ApiError::refused(
            UNKNOWN_MEMBER,
            "no member is known by the referrer's name; leave referrer out, or correct it",
        )
    };
    found.map(Some).ok_or_else(refuse)
}

/// Reads who has this phone and this card; refuses a card that somebody else has.
async fn before(
    front: &Front,
    asker: &Asker,
    by_phone: &Identity,
    by_card: Option<&Identity>,
) -> Result<Before, ApiError> {
    let want = |(kind, index): &Identity| Want {
        tenant: asker.tenant.clone(),
        principal: asker.principal.clone(),
        idempotency_key: Some(asker.key.clone()),
        natural_key: None,
        member: Some(MemberRef::Identity { kind, index: index.clone() }),
        vouchers: Vec::new(),
        sale: None,
    };
    let wants: Vec<Want> = std::iter::once(by_phone).chain(by_card).map(want).collect();
    let mut found = snapshot::read(&front.app.db, &front.app.stream, &wants).await?.found.into_iter();
    let phone = found.next().unwrap_or_default();
    let member = phone.member.map(|member| member.id);
    let holder = found.next().and_then(|card| card.member).map(|member| member.id);
    // A repetition of what was answered before is answered again, whatever became of the card.
    if phone.by_key.is_none() && holder.is_some() && holder != member {
        return Err(ApiError::Exists("a member with this card"));
    }
    let profile = match &member {
        None => Profile::default(),
        Some(id) => {
            let sealed = db::member::profile(&front.app.db, &asker.tenant, id).await?;
            Profile::open(&front.app.sealer, &asker.tenant, id, sealed.as_deref())?
        }
    };
    Ok(Before { member, profile })
}
