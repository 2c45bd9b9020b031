//! The code on a member's phone: for one till, one purchase, a minute and a half.

use serde_json::{Value, json};
use tests::http::{AMY, Host, Staff, Till, receipt};

async fn issue(admin: &Staff, till: &Till) -> String {
    let id = till.look_up(AMY).await["member"]["id"].as_str().expect("an id").to_owned();
    let told = admin.post(&format!("members/{id}/pay-code"), &json!({})).await.ok();
    told["code"].as_str().expect("a code").to_owned()
}

fn with(number: &str, code: &str) -> Value {
    let mut sale = receipt(number, &[1_000]);
    sale["member"] = json!({"pay_code": code});
    sale
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_names_its_member_and_settles_one_purchase_at_one_till() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    let (till, other, admin) = (tenant.till.clone(), tenant.add_till("t2").await, tenant.admin().await);
    till.join(AMY).await;
    let code = issue(&admin, &till).await;
    assert_eq!((code.len(), code.bytes().all(|b| b.is_ascii_digit())), (18, true), "{code}");
    let seen = till.ask("/api/v1/pos/members/lookup", &json!({"pay_code": code})).await.ok();
    assert_eq!(seen, till.look_up(AMY).await);
    let used = (422, "pay_code_used".to_owned());
    assert_eq!(other.sell(&with("R-0", &code)).await.refusal(), used, "another till had it first");
    let first = till.sell(&with("R-1", &code)).await;
    assert_eq!(first.ok()["points"]["earned"], 10);
    assert_eq!(till.sell(&with("R-2", &code)).await.refusal(), used);
    assert_eq!(till.sell(&with("R-1", &code)).await.body, first.body, "the purchase itself may be sent again");
    assert_eq!(till.points(AMY).await, 30 + 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_runs_out_and_a_newer_one_replaces_it() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    let (till, admin) = (tenant.till.clone(), tenant.admin().await);
    till.join(AMY).await;
    let unknown = (422, "pay_code_unknown".to_owned());
    let (older, newer) = (issue(&admin, &till).await, issue(&admin, &till).await);
    assert_eq!(till.sell(&with("R-1", &older)).await.refusal(), unknown, "replaced");
    host.later(91_000);
    assert_eq!(till.sell(&with("R-1", &newer)).await.refusal(), unknown, "too old");
    assert_eq!(till.sell(&with("R-1", "801234567890123456")).await.refusal(), unknown);
    let fresh = issue(&admin, &till).await;
    let mut refused = with("R-1", &fresh);
    refused["redeem_points"] = json!(1_000);
    assert_eq!(till.sell(&refused).await.status, 422);
    assert_eq!(till.sell(&with("R-2", &fresh)).await.status, 200, "a refused purchase does not use the code up");
}
