//! Draws that anybody can verify.

use ledger::{Act, Event, MemberId, Settings};
use punchcard::{draws, error::ApiError, tenants::Tenants};
use serde_json::json;
use std::sync::Arc;
use tests::{TestApp, settings};

const CAMPAIGN: &str = "spring";

/// A tenant whose members have points to draw with, and a campaign that is open.
async fn opened(prizes: serde_json::Value) -> (TestApp, MemberId) {
    let standard = settings(json!({"registration_points": 100_000}));
    let app = TestApp::with(&[("standard", standard), ("lottery", settings(prizes))], &Settings::default()).await;
    let amy = app.member("amy").await;
    let host = &app.app;
    let mut tenants = Tenants::new(Arc::clone(&host.sealer));
    let now = host.clock.now();
    let open = draws::open(&host.db, &host.engine, &mut tenants, &host.sealer, &app.tenant, CAMPAIGN, now).await;
    open.expect("odds to publish");
    (app, amy)
}

async fn draw(app: &TestApp, who: &MemberId, n: u32) -> Result<ledger::DrawProof, ApiError> {
    let asked = app.asked(&format!("draw-{n}"), Some(who), Act::Event(Event::Draw(CAMPAIGN.into())));
    app.ask(asked).await.map(|(reply, _)| reply.draw.expect("a draw"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_ticket_of_a_closed_draw_can_be_recomputed_and_stock_is_never_oversold() {
    let prizes = json!({
        "campaign": CAMPAIGN, "cost": 1, "free_per_day": 1, "per_day": 0,
        "prize_names": ["mug", "points"], "prize_weights": [500, 300], "prize_kinds": ["goods", "points"],
        "prize_values": [0, 5], "prize_stocks": [3, 1_000], "none_weight": 200,
    });
    let (app, amy) = opened(prizes).await;
    let mut mugs = 0;
    for n in 0..40 {
        mugs += u32::from(draw(&app, &amy, n).await.expect("drawn").prize.as_deref() == Some("mug"));
    }
    assert_eq!(mugs, 3, "all mugs, and not one more");
    let (db, sealer, now) = (&app.app.db, &app.app.sealer, app.app.clock.now());
    assert!(draws::verify(db, &app.tenant, CAMPAIGN).await.is_err(), "nothing is revealed while the draw is open");
    draws::close(db, sealer, &app.tenant, CAMPAIGN, now).await.expect("closed");
    let verified = draws::verify(db, &app.tenant, CAMPAIGN).await.expect("verifiable");
    assert_eq!((verified.differs, verified.tickets), (None, 40));
    assert!(matches!(draw(&app, &amy, 99).await, Err(ApiError::Rule(ledger::PlanError::DrawClosed(_)))));
}
