//! Large corrections need two people.

use ledger::{DAY_MS, Settings};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::http::{AMY, Host, PASSWORD, Staff, Tenant, Told};

/// A tenant where one person corrects up to 500 points alone; Amy, who has 30; Ann and Bob, who run it.
struct Desk {
    tenant: Tenant,
    amy: String,
    ann: Staff,
    bob: Staff,
}

async fn desk(host: &Host) -> Desk {
    let settings = Settings { adjust_alone_max: 500, ..Settings::default() };
    let tenant = host.tenant("demo", &[("standard", BTreeMap::new())], &settings).await;
    let amy = tenant.till.join(AMY).await["member"]["id"].as_str().expect("an id").to_owned();
    let ann = tenant.admin().await;
    ann.post("staff", &json!({"user": "bob", "name": "Bob", "password": PASSWORD})).await.ok();
    let bob = Staff::sign_in(&host.web, Some("demo"), "bob").await;
    Desk { tenant, amy, ann, bob }
}

impl Desk {
    async fn ask(&self, key: &str, delta: i64) -> Told {
        let body = json!({"account": "points", "delta": delta, "note": "补录"});
        self.ann.keyed(&format!("members/{}/adjustments", self.amy), key, &body).await
    }

    async fn points(&self) -> i64 {
        self.tenant.till.points(AMY).await
    }

    /// States of everything that was asked for.
    async fn states(&self) -> Vec<Value> {
        let listed = self.ann.get("adjustments").await.ok();
        listed["items"].as_array().expect("items").iter().map(|item| item["state"].clone()).collect()
    }
}

fn path(waits: &Told, verb: &str) -> String {
    format!("adjustments/{}/{verb}", waits.json()["adjustment_id"].as_str().expect("an id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_correction_takes_effect_when_somebody_else_approves_it_and_once() {
    let host = Host::open().await;
    let desk = desk(&host).await;
    assert_eq!(desk.ask("k-1", 500).await.status, 200, "small enough for one");
    let waits = desk.ask("k-2", 501).await;
    assert_eq!((waits.status, &waits.json()["state"]), (202, &json!("waiting")), "{}", waits.text());
    assert_eq!(waits.json()["expires_at"], "2026-03-09T02:00:00.000Z", "after seven days");
    let again = desk.ask("k-2", 501).await;
    assert_eq!((again.status, again.is_replayed(), &again.body), (202, true, &waits.body));
    assert_eq!(desk.ask("k-2", 502).await.refusal(), (422, "idempotency_mismatch".to_owned()));
    assert_eq!((desk.points().await, desk.states().await), (530, vec![json!("waiting")]));

    let approve = path(&waits, "approve");
    assert_eq!(desk.ann.post(&approve, &json!({})).await.refusal(), (422, "own_adjustment".to_owned()));
    let done = desk.bob.post(&approve, &json!({})).await;
    assert_eq!(done.ok()["points"]["balance"], 1_031);
    for staff in [&desk.bob, &desk.ann] {
        let again = staff.post(&approve, &json!({})).await;
        assert_eq!((again.is_replayed(), &again.body), (true, &done.body));
    }
    assert_eq!(desk.ask("k-2", 501).await.body, waits.body, "whoever asked is told the same for ever");
    assert_eq!((desk.points().await, desk.states().await), (1_031, vec![json!("approved")]));
    let reject = desk.bob.post(&path(&waits, "reject"), &json!({})).await;
    assert_eq!(reject.refusal(), (422, "adjustment_approved".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_decision_names_who_asked_and_who_approved() {
    let host = Host::open().await;
    let desk = desk(&host).await;
    let waits = desk.ask("k-1", -30 - 1_000).await;
    let approve = path(&waits, "approve");
    let refused = desk.bob.post(&approve, &json!({})).await;
    assert_eq!(refused.refusal(), (422, "overdrawn".to_owned()), "the ledger's rules hold for two as for one");
    assert_eq!(desk.states().await, vec![json!("waiting")]);
    desk.ask("k-2", 500).await.ok();
    desk.ask("k-3", 500).await.ok();
    let decision = desk.bob.post(&approve, &json!({})).await.ok()["decision_id"].clone();
    assert_eq!(desk.points().await, 0);
    let record = desk.ann.get(&format!("decisions/{}", decision.as_str().expect("an id"))).await.ok();
    assert_eq!(record["record"]["principal"], "staff/ann/approved-by/bob");
    let listed = desk.ann.get("adjustments").await.ok()["items"][0].clone();
    let said = |field: &str| listed[field].as_str().unwrap_or_default().to_owned();
    assert_eq!((said("asked_by"), said("decided_by"), &listed["decision_id"]), ("ann".into(), "bob".into(), &decision));
    assert_eq!(db::audit::oracle(&host.app.db).await.expect("readable"), vec![]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rejected_or_too_old_never_takes_effect() {
    let host = Host::open().await;
    let desk = desk(&host).await;
    let rejected = desk.ask("k-1", 900).await;
    host.later(1_000);
    let late = desk.ask("k-2", 900).await;
    for _ in 0..2 {
        assert_eq!(desk.bob.post(&path(&rejected, "reject"), &json!({})).await.ok()["state"], "rejected");
    }
    let approved = desk.bob.post(&path(&rejected, "approve"), &json!({})).await;
    assert_eq!(approved.refusal(), (422, "adjustment_rejected".to_owned()));
    host.later(7 * DAY_MS);
    let bob = Staff::sign_in(&host.web, Some("demo"), "bob").await;
    for verb in ["approve", "reject"] {
        let told = bob.post(&path(&late, verb), &json!({})).await;
        assert_eq!(told.refusal(), (422, "adjustment_expired".to_owned()));
    }
    let states: Vec<_> = bob.get("adjustments").await.ok()["items"].as_array().expect("items").clone();
    assert_eq!((&states[0]["state"], &states[1]["state"]), (&json!("rejected"), &json!("expired")));
    assert_eq!(desk.points().await, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_approvals_at_once_one_counts() {
    let host = Host::open().await;
    let desk = desk(&host).await;
    let approve = path(&desk.ask("k-1", 1_000).await, "approve");
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (bob, approve) = (desk.bob.clone(), approve.clone());
        running.spawn(async move { bob.post(&approve, &json!({})).await.status });
    }
    let answers = running.join_all().await;
    assert!(answers.iter().all(|status| matches!(status, 200 | 409)), "{answers:?}");
    assert!(answers.contains(&200), "{answers:?}");
    assert_eq!(desk.points().await, 1_030);
}
