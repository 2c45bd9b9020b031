use super::{Answer, Host, PASSWORD, set_up};
use crate::{
    entropy::Entropy,
    passwords::hash_once,
    setup::{Desk, OPERATOR, PLATFORM},
};
use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use ledger::TenantId;
use serde_json::{Value, json};

const ADMIN: &str = "/api/v1/admin";

/// A rule with a case.
const RULE: &str = r#"
fn describe() { #{ name: "hello", summary: "a point for each receipt", params: [] } }
fn on_receipt(ctx, receipt) { if ctx.member != () { grant("hello", 1); applied("hello", "一分"); } }
"#;

impl Host {
    async fn staff(&self, method: &str, path: &str, token: &str, body: &Value) -> Answer {
        let request = Request::builder().method(method).uri(format!("{ADMIN}{path}"));
        let request =
            request.header("content-type", "application/json").header("authorization", format!("Bearer {token}"));
        let request = request.header("idempotency-key", ledger::sha256_hex(format!("{path}-{body}").as_bytes()));
        let body = if method == "GET" { Body::empty() } else { Body::from(body.to_string()) };
        self.send(request.body(body).expect("a request")).await
    }

    async fn sign_in(&self, tenant: &str, password: &str) -> Answer {
        let body = json!({"tenant": tenant, "user": "amy", "password": password});
        self.staff("POST", "/session", "", &body).await
    }

    async fn token(&self, tenant: &str) -> String {
        let answer = self.sign_in(tenant, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json());
        answer.json()["token"].as_str().expect("a token").to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_begins_with_the_password_and_ends_when_told() {
    let host = Host::start().await;
    let token = host.token("acme").await;
    assert_eq!(token.len(), 64);
    assert_eq!(host.staff("GET", "/session", &token, &Value::Null).await.json()["user"], "amy");
    assert_eq!(host.staff("DELETE", "/session", &token, &Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(host.staff("GET", "/session", &token, &Value::Null).await.code(), "not_signed_in");
    for (tenant, password) in [("acme", "wrong horse"), ("nobody", PASSWORD), ("rival", PASSWORD)] {
        let refused = host.sign_in(tenant, password).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (401, "wrong_password"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_a_password_is_slowed_down() {
    let host = Host::start().await;
    for _ in 0..6 {
        assert_eq!(host.sign_in("acme", "wrong horse").await.code(), "wrong_password");
    }
    let waiting = host.sign_in("acme", PASSWORD).await;
    assert_eq!((waiting.status.as_u16(), waiting.headers.get("retry-after").is_some()), (429, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sets_up_a_till_whose_secret_is_shown_once() {
    let mut host = Host::start().await;
    let token = host.token("acme").await;
    let made =
        host.staff("POST", "/stores", &token, &json!({"id": "s2", "name": "二店", "detail": {"region": "北"}})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
    assert_eq!(host.staff("POST", "/stores", &token, &json!({"id": "s2", "name": "二店"})).await.code(), "exists");
    host.staff("POST", "/tills", &token, &json!({"store": "s2", "id": "t1", "name": "前台"})).await;
    let foreign = host.staff("POST", "/tills", &token, &json!({"store": "s9", "id": "t1", "name": "前台"})).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    let key = host.staff("POST", "/keys", &token, &json!({"store": "s2", "till": "t1"})).await.json();
    let id = key["key_id"].as_str().expect("an id").to_owned();
    let listed = host.staff("GET", "/keys", &token, &Value::Null).await;
    assert!(!String::from_utf8_lossy(&listed.body).contains(key["secret"].as_str().expect("a secret")));
    let secret = key["secret"].as_str().expect("a secret").to_owned();
    host.key = crate::setup::NewKey { key_id: id.clone(), secret: secret.into() };
    assert_eq!(host.get("/api/v1/pos/day-end?day=2026-11-21").await.json()["store"], "s2");
    let gone = host.staff("DELETE", &format!("/keys/{id}"), &token, &Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(host.get("/api/v1/pos/day-end?day=2026-11-21").await.code(), "bad_signature");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_till_has_two_keys_at_most() {
    let host = Host::start().await;
    let token = host.token("acme").await;
    let make = json!({"store": "s1", "till": "t1"});
    assert_eq!(host.staff("POST", "/keys", &token, &make).await.status, StatusCode::CREATED);
    assert_eq!(host.staff("POST", "/keys", &token, &make).await.code(), "too_many_keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_adjusted_once_and_its_history_read() {
    let host = Host::start().await;
    let token = host.token("acme").await;
    let amy = host.member("13812341234").await;
    let path = format!("/members/{amy}/adjustments");
    let body = json!({"account": "points", "delta": 50, "note": "补登"});
    let first = host.staff("POST", &path, &token, &body).await;
    let again = host.staff("POST", &path, &token, &body).await;
    assert_eq!((first.status, first.body == again.body, again.is_replayed()), (StatusCode::OK, true, true));
    let history = host.staff("GET", &format!("/members/{amy}/entries"), &token, &Value::Null).await.json();
    assert_eq!(history["items"][0]["entries"][0]["delta"], 50, "{history}");
    let decision = first.json()["decision_id"].as_str().expect("an id").to_owned();
    let record = host.staff("GET", &format!("/decisions/{decision}"), &token, &Value::Null).await.json();
    assert_eq!(record["record"]["principal"], "staff/amy", "{record}");
    let missing = host.staff("POST", "/members/nobody/adjustments", &token, &body).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_another_tenant_is_missing() {
    let host = Host::start().await;
    let amy = host.member("13812341234").await;
    set_up(&host.app, "rival").await;
    let token = host.token("rival").await;
    let view = |path: String| {
        let (host, token) = (&host, token.clone());
        async move { host.staff("GET", &path, &token, &Value::Null).await }
    };
    for tail in ["", "/entries", "/vouchers"] {
        let foreign = view(format!("/members/{amy}{tail}")).await;
        let missing = view(format!("/members/nobody{tail}")).await;
        assert_eq!((foreign.status, &foreign.body), (StatusCode::NOT_FOUND, &missing.body));
    }
    for decision in ["a-1", "a.two-1"] {
        assert_eq!(view(format!("/decisions/{decision}")).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(host.staff("GET", "/tenants", &token, &Value::Null).await.code(), "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_checked_published_and_rolled_back() {
    let host = Host::start().await;
    let token = host.token("acme").await;
    let case = |points: i64| {
        json!({"cases": [{"name": "one point", "facts": {"now": "2026-11-21T12:00", "member": {}},
            "event": {"receipt": {"total": 100, "payable": 100}},
            "expect": {"effects": [{"rule": "hello", "effect": {"grant_points": {"amount": points}}}]}}]})
    };
    let upload = |source: &str, cases: Value| json!({"language": "rhai", "source": source, "cases": cases});
    let failed = host.staff("POST", "/policies", &token, &upload(RULE, case(2))).await;
    assert_eq!((failed.code().as_str(), failed.json()["findings"].as_array().map(Vec::len)), ("cases_failed", Some(1)));
    let broken = host.staff("POST", "/policies", &token, &upload("fn describe( {", case(1))).await;
    assert_eq!(broken.code(), "policy_refused", "{}", broken.json());
    let kept = host.staff("POST", "/policies", &token, &upload(RULE, case(1))).await.json();
    let entry = json!({"name": kept["name"], "digest": kept["digest"]});
    let publish =
        host.staff("POST", "/rulebook", &token, &json!({"replaces": 1, "policies": [entry], "note": "试"})).await;
    assert_eq!(
        (publish.status, publish.json()["version"].as_i64()),
        (StatusCode::CREATED, Some(2)),
        "{}",
        publish.json()
    );
    let late = host.staff("POST", "/rulebook", &token, &json!({"replaces": 1, "policies": []})).await;
    assert_eq!((late.status.as_u16(), late.code().as_str()), (409, "changed"));
    let back = host.staff("POST", "/rulebook/rollback", &token, &json!({"replaces": 2, "version": 1})).await.json();
    assert_eq!((back["version"].as_i64(), back["policies"][0]["name"].as_str()), (Some(3), Some("weekend-double")));
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_are_forgotten_when_their_policies_take_too_much_and_read_again() {
    let host = Host::start().await;
    let (tenant, db) = (TenantId::new("acme").expect("an id"), &host.app.db);
    let version = db::tenant::get(db, &tenant).await.expect("read").expect("there").config_version;
    let limits = engine::Limits { resident_bytes_max: 1, ..engine::Limits::default() };
    let key = host.app.sealer.artifact_key();
    let small = engine::Engine::new(limits, key, engine::Compiler::InProcess).expect("an engine");
    let mut known = crate::tenants::Tenants::new(std::sync::Arc::clone(&host.app.sealer));
    for _ in 0..2 {
        known.refresh(db, &small, &tenant, version).await.expect("read");
        known.make_room(&host.app.engine);
        let policies = known.current(&tenant).expect("known").rulebook.rulebook.policies().len();
        assert!(policies > 0, "there is something to forget");
        known.make_room(&small);
        assert!(known.current(&tenant).is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_keeps_so_many_policies_and_no_more() {
    let host = Host::start().await;
    let token = host.token("acme").await;
    let (tenant, db) = (TenantId::new("acme").expect("an id"), &host.app.db);
    let head = db::policy::list(db, &tenant).await.expect("listed").pop().expect("the demo has policies");
    let known = db::policy::get(db, &tenant, &head.name, &head.digest).await.expect("read").expect("listed");
    for number in 0_u32..1_000 {
        let digest = ledger::Digest::new(ledger::sha256_hex(&number.to_be_bytes())).expect("a digest");
        db::policy::insert(db, &tenant, &db::policy::PolicyRow { digest, ..known.clone() }).await.expect("stored");
    }
    let body = json!({"language": "rhai", "source": RULE, "cases": {"cases": []}});
    let refused = host.staff("POST", "/policies", &token, &body).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (422, "too_many_policies"), "{}", refused.json());
    assert!(refused.json().to_string().contains("at most 1000"), "{}", refused.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pay_code_settles_one_purchase() {
    let host = Host::start().await;
    let token = host.token("acme").await;
    let amy = host.member("13812341234").await;
    let code = host.staff("POST", &format!("/members/{amy}/pay-code"), &token, &Value::Null).await.json();
    let who = json!({"pay_code": code["code"]});
    let seen = host.post("/api/v1/pos/members/lookup", "", &who).await.json();
    assert_eq!(seen["member"]["id"], amy.as_str());
    let body = |number: &str| super::receipt(number, who.clone());
    let mut wrong = body("R-1");
    wrong["redeem_points"] = json!(99_999);
    assert_eq!(host.post("/api/v1/pos/receipts", "k-0", &wrong).await.status.as_u16(), 422);
    let first = host.post("/api/v1/pos/receipts", "k-1", &body("R-1")).await;
    let again = host.post("/api/v1/pos/receipts", "k-1", &body("R-1")).await;
    assert_eq!((first.status, again.is_replayed()), (StatusCode::OK, true), "{}", first.json());
    assert_eq!(host.post("/api/v1/pos/receipts", "k-2", &body("R-2")).await.code(), "pay_code_used");
    let unknown = json!({"pay_code": "801111111111111111"});
    assert_eq!(
        host.post("/api/v1/pos/receipts", "k-3", &super::receipt("R-3", unknown)).await.code(),
        "pay_code_unknown"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_makes_tenants_and_sees_nothing_inside() {
    let host = Host::start().await;
    let now = host.app.clock.now();
    let desk = Desk { db: &host.app.db, sealer: &host.app.sealer, entropy: Entropy, now, by: "test" };
    let platform = TenantId::new(PLATFORM).expect("an id");
    let hash = hash_once(PASSWORD, Entropy).expect("a hash");
    desk.staff(&platform, "root", "Root", OPERATOR, hash).await.expect("an operator");
    let session = host.staff("POST", "/session", "", &json!({"user": "root", "password": PASSWORD})).await.json();
    let token = session["token"].as_str().expect("a token").to_owned();
    let tenant =
        |id: &str| json!({"id": id, "name": "新店", "admin": {"user": "amy", "name": "Amy", "password": PASSWORD}});
    let made = host.staff("POST", "/tenants", &token, &tenant("fresh")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
    for taken in ["fresh", PLATFORM] {
        assert_eq!(host.staff("POST", "/tenants", &token, &tenant(taken)).await.code(), "exists");
    }
    assert_eq!(host.staff("GET", "/members", &token, &Value::Null).await.code(), "forbidden");
    let ids: Vec<Value> = host.staff("GET", "/tenants?limit=1", &token, &Value::Null).await.json()["items"]
        .as_array()
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    assert_eq!((ids.len(), ids[0]["id"].as_str()), (1, Some("acme")));
    host.token("fresh").await;
}
