//! Follow-up events: what one member's decision means for another, and holds whose time is up.

use crate::{
    app::App,
    apply::{Asked, apply_event},
    error::ApiError,
    jobs::tenants,
};
use anyhow::Context as _;
use db::{outbox::OutboxRow, snapshot::MemberRef};
use ledger::{Act, DecisionId, Event, MemberId, TenantId, sha256_hex};
use serde::Deserialize;

/// Notices claimed at once.
const CLAIM_MAX: u32 = 100;
/// How long a claim holds. A host that dies meanwhile leaves the notice to the next claim.
const LEASE_MS: i64 = 60_000;
/// The longest wait between two tries.
const WAIT_MS_MAX: i64 = 3_600_000;
/// After this many tries a notice is put aside for people.
const TRIES_MAX: i64 = 20;

/// The topics of acts; messages stay in the outbox until a channel takes them.
const TOPICS: [&str; 2] = ["event", "release"];

/// An act that follows from another.
#[derive(Deserialize)]
#[serde(untagged)]
enum FollowUp {
    /// An event for another member.
    Event { member: MemberId, event: Event },
    /// A quote of the member's whose time is up: what it holds of budgets is for others again.
    Release { member: MemberId, quote: DecisionId },
}

/// Applies every follow-up act that is due.
pub(super) async fn deliver_due(app: &App) -> anyhow::Result<()> {
    for tenant in tenants(app).await? {
        for topic in TOPICS {
            let now = app.clock.now();
            let lease = app.entropy.hex::<16>()?;
            let until = now.after_ms(LEASE_MS);
            for row in db::outbox::claim(&app.db, &tenant.id, topic, &lease, now, until, CLAIM_MAX).await? {
                deliver(app, &tenant.id, &lease, row).await?;
            }
        }
    }
    Ok(())
}

async fn deliver(app: &App, tenant: &TenantId, lease: &str, row: OutboxRow) -> anyhow::Result<()> {
    let delivered = apply(app, tenant, &row).await;
    let id = row.outbox_id.as_str();
    match delivered {
        Ok(()) => db::outbox::done(&app.db, tenant, id, lease).await?,
        Err(ApiError::Rule(rule)) => db::outbox::dead(&app.db, tenant, id, lease, &rule.to_string()).await?,
        Err(why) if row.tries >= TRIES_MAX => db::outbox::dead(&app.db, tenant, id, lease, &why.to_string()).await?,
        Err(why) => {
            let wait = 1_000_i64.saturating_mul(1 << row.tries.clamp(0, 20)).min(WAIT_MS_MAX);
            let at = app.clock.now().after_ms(wait);
            db::outbox::retry(&app.db, tenant, id, lease, at, &why.to_string()).await?;
        }
    }
    Ok(())
}

async fn apply(app: &App, tenant: &TenantId, row: &OutboxRow) -> Result<(), ApiError> {
    let follow: FollowUp = serde_json::from_str(&row.body)
        .context("a follow-up event")
        .map_err(|why| ApiError::internal(why.to_string()))?;
    let (member, act) = match follow {
        FollowUp::Event { member, event } => (MemberRef::Id(member), Act::Event(event)),
        FollowUp::Release { member, quote } => {
            let member = MemberRef::Id(member);
            let found = db::member::find(&app.db, tenant, &member).await?;
            if !found.is_some_and(|found| found.state.holds.iter().any(|hold| hold.quote == quote)) {
                // Confirmed, cancelled, or let go by something the member did since.
                return Ok(());
            }
            (member, Act::Cancel(quote))
        }
    };
    let asked = Asked {
        tenant: tenant.clone(),
        principal: "job".to_owned(),
        idempotency_key: format!("outbox/{}", row.outbox_id),
        input_hash: sha256_hex(row.body.as_bytes()),
        natural_key: None,
        store: None,
        till: None,
        business_at: app.clock.now(),
        member: Some(member),
        sale: None,
        identities: Vec::new(),
        profile_sealed: None,
        act,
    };
    apply_event(app, asked).await.map(|_| ())
}
