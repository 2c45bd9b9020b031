//! Members at the desk.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::http::{AMY, Host, receipt};

fn id(joined: &Value) -> String {
    joined["member"]["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_counts_once_and_stands_in_the_history_with_its_reason() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    let (till, admin) = (tenant.till.clone(), tenant.admin().await);
    let amy = id(&till.join(AMY).await);
    let path = format!("members/{amy}/adjustments");
    let body = json!({"account": "points", "delta": 100, "note": "补录小票"});
    let first = admin.keyed(&path, "k-1", &body).await;
    assert_eq!(first.ok()["points"]["balance"], 130);
    let again = admin.keyed(&path, "k-1", &body).await;
    assert_eq!((again.is_replayed(), &again.body), (true, &first.body));
    let other = json!({"account": "points", "delta": 200, "note": "补录小票"});
    assert_eq!(admin.keyed(&path, "k-1", &other).await.refusal(), (422, "idempotency_mismatch".to_owned()));
    let more = json!({"account": "points", "delta": -131, "note": "多扣"});
    assert_eq!(admin.keyed(&path, "k-2", &more).await.refusal(), (422, "overdrawn".to_owned()));
    let gift = json!({"account": "gift", "delta": 500, "note": "补偿"});
    assert_eq!(admin.keyed(&path, "k-3", &gift).await.ok()["member"]["gift_fen"], 500);
    assert_eq!(admin.post(&path, &body).await.refusal(), (400, "idempotency_key_missing".to_owned()));
    let history = admin.get(&format!("members/{amy}/entries")).await.ok();
    let kinds: Vec<_> = history["items"].as_array().expect("items").iter().map(|item| item["kind"].clone()).collect();
    assert_eq!(kinds.len(), 3, "newest first: {history}");
    assert!(history["items"][1].to_string().contains("补录小票"), "{history}");
    assert_eq!(till.points(AMY).await, 130);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_needs_an_amount_and_a_reason() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    let admin = tenant.admin().await;
    let amy = id(&tenant.till.join(AMY).await);
    for (body, field) in [
        (json!({"account": "points", "delta": 0, "note": "x"}), "delta"),
        (json!({"account": "points", "delta": 100_000_001, "note": "x"}), "delta"),
        (json!({"account": "points", "delta": 1, "note": ""}), "note"),
        (json!({"account": "money", "delta": 1, "note": "x"}), "account"),
        (json!({"account": "points", "delta": 1.5, "note": "x"}), "delta"),
    ] {
        let told = admin.keyed(&format!("members/{amy}/adjustments"), "k-1", &body).await;
        assert_eq!((told.status, &told.json()["field"]), (422, &json!(field)), "{}", told.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_every_member_once() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    let admin = tenant.admin().await;
    let mut joined = BTreeSet::new();
    for n in 0..5 {
        joined.insert(id(&tenant.till.join(&format!("1391234000{n}")).await));
    }
    let (mut listed, mut sizes, mut path) = (Vec::new(), Vec::new(), "members?limit=2".to_owned());
    loop {
        let page = admin.get(&path).await.ok();
        let items = page["items"].as_array().expect("items");
        sizes.push(items.len());
        listed.extend(items.iter().map(|line| line["id"].as_str().expect("an id").to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("members?limit=2&after={next}");
    }
    assert_eq!((sizes, listed.len()), (vec![2, 2, 1], 5));
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), joined);
    for query in ["limit=0", "limit=201", "limit=x", "page=2"] {
        let told = admin.get(&format!("members?{query}")).await;
        assert!((400..=422).contains(&told.status), "{query}: {}", told.status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_shows_what_it_depended_on() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    let (till, admin) = (tenant.till.clone(), tenant.admin().await);
    let amy = id(&till.join(AMY).await);
    let sold = till.sell(&receipt("R-1", &[12_800])).await.ok();
    let decision = admin.get(&format!("decisions/{}", sold["decision_id"].as_str().expect("an id"))).await.ok();
    assert_eq!(decision["answer"], sold);
    assert_eq!((&decision["kind"], &decision["record"]["member"]), (&json!("receipt"), &json!(amy)));
    assert!(decision["record"]["asked"][0]["facts"].is_object(), "{decision}");
    assert!(!decision.to_string().contains(AMY), "nothing names the person");
    let member = admin.get(&format!("members/{amy}")).await.ok();
    assert_eq!(member, till.look_up(AMY).await);
    assert_eq!(member["member"]["phone"], "138****1234");
}
