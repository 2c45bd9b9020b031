//! Events of a member that are no receipt: sign-in, draws, a tenant's own.

use super::checkout::text;
use crate::{
    error::ApiError,
    http::{
        Front,
        body::parse,
        caller::WriteCall,
        who::member_id,
        wire::Moment,
        wish::{UNKNOWN_MEMBER, Wish},
    },
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use ledger::{Act, Event};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::Arc;

/// A sign-in needs nothing but its time.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignInBody {
    /// Absent = now.
    #[serde(default)]
    business_at: Option<Moment>,
}

/// An event as a till sends it: exactly one of `draw` and `custom`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventBody {
    /// The campaign of a draw.
    #[serde(default)]
    draw: Option<String>,
    /// The tenant's name for the event.
    #[serde(default)]
    custom: Option<String>,
    /// What belongs to a custom event.
    #[serde(default)]
    data: Option<Box<RawValue>>,
    /// Absent = now.
    #[serde(default)]
    business_at: Option<Moment>,
}

/// `POST /api/v1/pos/members/{member}/sign-in`.
pub(super) async fn sign_in(
    State(front): State<Arc<Front>>,
    Path(member): Path<String>,
    write: WriteCall,
) -> Result<Response, ApiError> {
    let body: SignInBody = parse(&write.call.body)?;
    happen(&front, &write, &member, Event::SignIn, body.business_at).await
}

/// `POST /api/v1/pos/members/{member}/events`.
pub(super) async fn event(
    State(front): State<Arc<Front>>,
    Path(member): Path<String>,
    write: WriteCall,
) -> Result<Response, ApiError> {
    let body: EventBody = parse(&write.call.body)?;
    let limits = &front.app.config.pos;
    let data = body.data.as_deref().map_or("{}", RawValue::get);
    if data.len() > limits.event_bytes_max {
        return Err(ApiError::invalid("data", format!("must have at most {} bytes", limits.event_bytes_max)));
    }
    let event = match (body.draw, body.custom) {
        (Some(campaign), None) => {
            text("draw", &campaign, limits)?;
            Event::Draw(campaign)
        }
        (None, Some(name)) if !name.is_empty() => {
            text("custom", &name, limits)?;
            Event::Custom(name, data.to_owned())
        }
        _ => return Err(ApiError::invalid("body", "must hold exactly one of draw (a campaign) and custom (a name)")),
    };
    happen(&front, &write, &member, event, body.business_at).await
}

async fn happen(
    front: &Front,
    write: &WriteCall,
    member: &str,
    event: Event,
    business_at: Option<Moment>,
) -> Result<Response, ApiError> {
    // An address that cannot be a member's is a member we do not know.
    let named = member_id(member).map_err(|_| ApiError::NotFound)?;
    let wish = Wish {
        route: "event",
        body: &(&named, &event, business_at),
        natural_key: None,
        business_at: business_at.map_or(write.call.now, |at| at.0),
        member: Some(&named),
        sale: None,
        act: Act::Event(event.clone()),
    };
    let asker = write.asker();
    let asked = asker.asks(front, wish)?;
    asker.settle(front, asked, Some(&named)).await.map_err(|error| match error.code() {
        UNKNOWN_MEMBER => ApiError::NotFound,
        _ => error,
    })
}
