//! What belongs to another tenant looks like what is not there (T5).

use reqwest::Method;
use serde_json::{Value, json};
use tests::http::{AMY, Host, PASSWORD, RECEIPTS, Staff, Tenant, Till, Told, receipt};

/// A draw of nothing.
const WHEEL: &str = r#"
fn describe() { #{ name: "wheel", summary: "" } }
fn on_draw(ctx, campaign) {
    set_odds("r", #{ campaign: campaign, cost: 1, per_day: 3, none_weight: 9, prizes: [
        #{ id: "1", name: "积分", weight: 1, award: #{ points: 5 } }] });
}
"#;

/// What a caller can tell two answers apart by; every answer has a name of its own and a date.
fn seen(told: &Told) -> (u16, String, Vec<(String, String)>) {
    let own = |name: &str| name == "punchcard-request" || name == "date";
    let headers = told.headers.iter().filter(|(name, _)| !own(name.as_str()));
    let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    (told.status, told.text(), headers.map(|(name, value)| (name.to_string(), text(value))).collect())
}

/// Names of another tenant's things, and names of nothing, one above the other.
struct Names {
    member: String,
    decision: String,
    key: String,
    adjustment: String,
    user: &'static str,
    campaign: &'static str,
}

async fn theirs(tenant: &Tenant, admin: &Staff) -> Names {
    let joined = tenant.till.join(AMY).await;
    let sold = tenant.till.sell(&receipt("R-1", &[1_000])).await.ok();
    tenant.add_script(WHEEL, 1).await;
    let opened = admin.post("campaigns", &json!({"campaign": "wheel"})).await;
    assert_eq!(opened.status, 201, "{}", opened.text());
    let carl = json!({"user": "carl", "name": "Carl", "password": PASSWORD});
    admin.post("staff", &carl).await.ok();
    let keys = admin.get("keys").await.ok();
    let large = json!({"account": "points", "delta": 20_000, "note": "x"});
    let path = format!("members/{}/adjustments", joined["member"]["id"].as_str().expect("an id"));
    let waits = admin.keyed(&path, "large", &large).await.ok();
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    let (member, key) = (word(&joined["member"]["id"]), word(&keys[0]["key_id"]));
    let (adjustment, decision) = (word(&waits["adjustment_id"]), word(&sold["decision_id"]));
    Names { member, decision, key, adjustment, user: "carl", campaign: "wheel" }
}

fn nothing() -> Names {
    let member = "019aa5d0-1b2c-7def-8a90-1234567890ab".to_owned();
    Names {
        member,
        decision: "a-9999".to_owned(),
        key: "tk_0123456789abcdef0123".to_owned(),
        adjustment: "019aa5d0-1b2c-7def-8a90-1234567890ab".to_owned(),
        user: "zoe",
        campaign: "spin",
    }
}

/// Everything of the console that takes a name.
async fn ask_desk(admin: &Staff, names: &Names) -> Vec<Told> {
    let Names { member, decision, key, adjustment, user, campaign } = names;
    let adjust = json!({"account": "points", "delta": 1, "note": "x"});
    let large = json!({"account": "points", "delta": 20_000, "note": "x"});
    vec![
        admin.get(&format!("members/{member}")).await,
        admin.get(&format!("members/{member}/entries")).await,
        admin.get(&format!("members/{member}/vouchers")).await,
        admin.get(&format!("decisions/{decision}")).await,
        admin.post(&format!("members/{member}/pay-code"), &json!({})).await,
        admin.keyed(&format!("members/{member}/adjustments"), "k-1", &adjust).await,
        admin.keyed(&format!("members/{member}/adjustments"), "k-2", &large).await,
        admin.post(&format!("adjustments/{adjustment}/approve"), &json!({})).await,
        admin.post(&format!("adjustments/{adjustment}/reject"), &json!({})).await,
        admin.get(&format!("campaigns/{campaign}/verification")).await,
        admin.post(&format!("campaigns/{campaign}/close"), &json!({})).await,
        admin.send(Method::DELETE, &format!("keys/{key}"), None).await,
        admin.send(Method::DELETE, &format!("staff/{user}"), None).await,
        admin.post(&format!("staff/{user}/password"), &json!({"password": "another long password"})).await,
    ]
}

/// Everything at the till that takes a name.
async fn ask_till(till: &Till, names: &Names, receipt_number: &str) -> Vec<Told> {
    let Names { member, decision, .. } = names;
    let mut sale = receipt("R-7", &[1_000]);
    sale["member"] = json!({"id": member});
    vec![
        till.get(&format!("{RECEIPTS}/{receipt_number}")).await,
        till.get(&format!("/api/v1/pos/members/lookup?id={member}")).await,
        till.post(&format!("/api/v1/pos/members/{member}/sign-in"), "k-1", &json!({})).await,
        till.post(&format!("/api/v1/pos/quotes/{decision}/cancel"), "k-2", &json!({})).await,
        till.take_back(receipt_number, &json!({"return_id": "B-1"})).await,
        till.sell(&sale).await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_things_look_like_nothing_at_the_desk_and_at_the_till() {
    let host = Host::open().await;
    let (a, b) = (host.demo().await, host.tenant("acme", &[], &ledger::Settings::default()).await);
    let (admin_a, admin_b) = (a.admin().await, b.admin().await);
    let (theirs, nothing) = (theirs(&a, &admin_a).await, nothing());
    let before = admin_a.get(&format!("members/{}", theirs.member)).await.ok();
    let desk = ask_desk(&admin_b, &theirs).await.into_iter().zip(ask_desk(&admin_b, &nothing).await);
    let till = ask_till(&b.till, &theirs, "R-1").await.into_iter().zip(ask_till(&b.till, &nothing, "R-9").await);
    for (at, (foreign, missing)) in desk.chain(till).enumerate() {
        assert!(matches!(foreign.status, 404 | 422), "row {at}: {}", foreign.text());
        assert_eq!(seen(&foreign), seen(&missing), "row {at}");
    }
    assert_eq!(admin_a.get(&format!("members/{}", theirs.member)).await.ok(), before, "nothing of theirs moved");
    assert_eq!(a.till.points(AMY).await, 40);
    let open = admin_a.get("campaigns").await.ok();
    assert_eq!(open.as_array().expect("campaigns").len(), 1, "their draw is still open");
}
