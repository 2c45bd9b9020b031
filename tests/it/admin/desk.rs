//! Sessions, stores, tills, keys, settings.

use reqwest::Method;
use serde_json::{Value, json};
use tests::http::{AMY, Host, PASSWORD, Sent, Staff, Till, Told, receipt};

async fn sign_in(host: &Host, tenant: &str, user: &str, password: &str) -> Told {
    let body = json!({"tenant": tenant, "user": user, "password": password});
    host.web.send(&Sent::new(Method::POST, "/api/v1/admin/session", Some(&body))).await
}

fn not_signed_in() -> (u16, String) {
    (401, "not_signed_in".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_says_who_it_is_until_it_ends() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    let admin = tenant.admin().await;
    assert_eq!(admin.get("session").await.ok(), json!({"tenant": "demo", "user": "ann", "role": "admin"}));
    let told = sign_in(&host, "demo", "ann", PASSWORD).await;
    assert_eq!((told.status, &told.json()["expires_at"]), (201, &json!("2026-03-02T14:00:00.000Z")));
    let second = Staff { token: told.json()["token"].as_str().expect("a token").to_owned(), ..admin.clone() };
    assert_eq!(second.send(Method::DELETE, "session", None).await.status, 204);
    assert_eq!(second.get("session").await.refusal(), not_signed_in());
    assert_eq!(admin.get("session").await.status, 200, "each session ends by itself");
    host.later(12 * 3_600_000);
    assert_eq!(admin.get("session").await.refusal(), not_signed_in(), "after twelve hours");
    for token in ["", "guess"] {
        let stranger = Staff { token: token.to_owned(), ..admin.clone() };
        assert_eq!(stranger.get("members").await.refusal(), not_signed_in());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_name_are_told_the_same_and_have_to_wait() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    tenant.admin().await;
    let wrong = sign_in(&host, "demo", "ann", "not the password").await;
    assert_eq!(wrong.refusal(), (401, "wrong_password".to_owned()));
    assert_eq!(sign_in(&host, "demo", "nobody", PASSWORD).await.body, wrong.body);
    assert_eq!(sign_in(&host, "nobody", "ann", PASSWORD).await.body, wrong.body);
    for _ in 0..6 {
        sign_in(&host, "demo", "ann", "not the password").await;
    }
    let told = sign_in(&host, "demo", "ann", PASSWORD).await;
    assert_eq!(told.refusal(), (429, "too_many".to_owned()));
    let seconds: i64 = told.header("Retry-After").parse().expect("seconds");
    host.later(seconds * 1_000);
    assert_eq!(sign_in(&host, "demo", "ann", PASSWORD).await.status, 201);
}

/// Makes a till with a key, and a till that signs with it.
async fn new_till(host: &Host, admin: &Staff) -> (Till, Value) {
    admin.post("stores", &json!({"id": "s2", "name": "分店"})).await.ok();
    admin.post("tills", &json!({"store": "s2", "id": "t9", "name": "9 号"})).await.ok();
    let told = admin.post("keys", &json!({"store": "s2", "till": "t9", "label": "first"})).await;
    assert_eq!(told.status, 201);
    let key = serde_json::from_slice(&told.body).expect("a key");
    (Till::signing(&host.web, &host.clock, &key), told.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_till_sells_with_its_key_until_the_key_is_revoked() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    let admin = tenant.admin().await;
    let (till, key) = new_till(&host, &admin).await;
    till.join(AMY).await;
    till.sell(&receipt("R-1", &[1_000])).await.ok();
    let path = format!("keys/{}", key["key_id"].as_str().expect("an id"));
    assert_eq!(admin.send(Method::DELETE, &path, None).await.status, 204);
    let told = till.sell(&receipt("R-2", &[1_000])).await;
    assert_eq!(told.refusal(), (401, "bad_signature".to_owned()));
    assert_eq!(tenant.till.points(AMY).await, 40);
    let listed = admin.get("keys").await.ok();
    let revoked = |key: &&Value| key.get("revoked_at").is_some();
    assert_eq!(listed.as_array().expect("keys").iter().filter(revoked).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_once_and_a_till_has_two_keys() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    let admin = tenant.admin().await;
    let (_, key) = new_till(&host, &admin).await;
    let secret = key["secret"].as_str().expect("a secret");
    assert_eq!(secret.len(), 64);
    let listed = admin.get("keys").await.text();
    assert!(listed.contains(key["key_id"].as_str().expect("an id")) && !listed.contains(secret), "{listed}");
    let another = json!({"store": "s2", "till": "t9"});
    assert_eq!(admin.post("keys", &another).await.status, 201);
    assert_eq!(admin.post("keys", &another).await.refusal(), (422, "too_many_keys".to_owned()));
    let nowhere = json!({"store": "s2", "till": "t10"});
    assert_eq!(admin.post("keys", &nowhere).await.refusal(), (404, "not_found".to_owned()));
    let twice = admin.post("stores", &json!({"id": "s2", "name": "分店"})).await;
    assert_eq!(twice.refusal(), (409, "exists".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_count_from_the_next_receipt_and_nobody_overwrites_a_change_unseen() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    let (till, admin) = (tenant.till.clone(), tenant.admin().await);
    till.join(AMY).await;
    let mut redeeming = receipt("R-1", &[1_000]);
    redeeming["redeem_points"] = json!(10);
    assert_eq!(till.sell(&redeeming).await.ok()["payable_fen"], 990);
    let seen = admin.get("settings").await.ok();
    let mut changed = seen.clone();
    changed["settings"]["points_per_yuan"] = json!(10);
    admin.send(Method::PUT, "settings", Some(&changed)).await.ok();
    redeeming["receipt"] = json!("R-2");
    assert_eq!(till.sell(&redeeming).await.ok()["payable_fen"], 900, "ten points pay a yuan now");
    assert_eq!(admin.send(Method::PUT, "settings", Some(&seen)).await.refusal(), (409, "changed".to_owned()));
    let mut nonsense = admin.get("settings").await.ok();
    nonsense["settings"]["reserve_seconds"] = json!(1);
    assert_eq!(admin.send(Method::PUT, "settings", Some(&nonsense)).await.json()["field"], "settings.reserve_seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_makes_tenants_and_sees_nothing_inside_them() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    let (operator, admin) = (host.operator().await, tenant.admin().await);
    let forbidden = (403, "forbidden".to_owned());
    for path in ["members", "settings", "keys", "policies", "staff", "wechat"] {
        assert_eq!(operator.get(path).await.refusal(), forbidden, "{path}");
    }
    assert_eq!(admin.get("tenants").await.refusal(), forbidden);
    let new = json!({"id": "acme", "name": "Acme", "admin": {"user": "bob", "name": "Bob", "password": PASSWORD}});
    assert_eq!(admin.post("tenants", &new).await.refusal(), forbidden);
    operator.post("tenants", &new).await.ok();
    let listed = operator.get("tenants").await.ok();
    let ids: Vec<_> = listed["items"].as_array().expect("tenants").iter().map(|tenant| tenant["id"].clone()).collect();
    assert_eq!(ids, [json!("acme"), json!("demo")]);
    let bob = Staff::sign_in(&host.web, Some("acme"), "bob").await;
    assert_eq!(bob.get("members").await.ok(), json!({"items": []}));
}
