//! What the calendar brings: points that start or expire, tiers whose time is up, birthdays.
//!
//! The order of a member's night is the ledger's: pending points start, points and vouchers expire, then the tier is
//! reviewed. Each is asked under a key that names member and day, so a second run the same day changes nothing.

use crate::{
    app::App,
    apply::{Asked, apply_event},
    error::ApiError,
    jobs::tenants,
};
use db::snapshot::MemberRef;
use ledger::{Act, Event, LocalTime, MemberId, TenantId, sha256_hex};

/// Members looked at together.
const PAGE: u32 = 200;

/// Does everything that is due today, for every tenant in its own time zone, and forgets sessions that have ended.
pub(super) async fn run_due(app: &App) -> anyhow::Result<()> {
    db::session::sweep(&app.db, app.clock.now()).await?;
    for tenant in tenants(app).await? {
        let today = tenant.settings.zone.local(app.clock.now());
        birthdays(app, &tenant.id, today).await?;
        reviews(app, &tenant.id, today).await?;
    }
    Ok(())
}

async fn birthdays(app: &App, tenant: &TenantId, today: LocalTime) -> anyhow::Result<()> {
    let month_day = format!("{:02}-{:02}", today.month, today.day_of_month);
    let mut after: Option<MemberId> = None;
    loop {
        let page = db::nightly::birthdays(&app.db, tenant, &month_day, after.as_ref(), PAGE).await?;
        let Some(last) = page.last().cloned() else { return Ok(()) };
        for member in page {
            let key = format!("birthday/{member}/{}", today.year);
            ask(app, tenant, member, key, Event::Birthday).await?;
        }
        after = Some(last);
    }
}

async fn reviews(app: &App, tenant: &TenantId, today: LocalTime) -> anyhow::Result<()> {
    let mut after: Option<MemberId> = None;
    loop {
        let page = db::nightly::due(&app.db, tenant, today.day, after.as_ref(), PAGE).await?;
        let Some(last) = page.last().cloned() else { return Ok(()) };
        for member in page {
            let key = format!("tier-review/{member}/{}", today.day);
            ask(app, tenant, member, key, Event::TierReview).await?;
        }
        after = Some(last);
    }
}

async fn ask(app: &App, tenant: &TenantId, member: MemberId, key: String, event: Event) -> anyhow::Result<()> {
    let asked = Asked {
        tenant: tenant.clone(),
        principal: "job".to_owned(),
        input_hash: sha256_hex(key.as_bytes()),
        idempotency_key: key,
        natural_key: None,
        store: None,
        till: None,
        business_at: app.clock.now(),
        member: Some(MemberRef::Id(member)),
        sale: None,
        identities: Vec::new(),
        profile_sealed: None,
        act: Act::Event(event),
    };
    match apply_event(app, asked).await {
        // A policy may refuse; that is its answer for the day.
        Ok(_) | Err(ApiError::Rule(_)) => Ok(()),
        Err(why) => Err(why.into()),
    }
}
