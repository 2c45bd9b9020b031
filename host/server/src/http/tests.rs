//! The whole HTTP side over a real ledger, a real database and a manual clock, without a socket.

mod admin;
mod door;
mod pos;
mod wechat;

use super::router;
use crate::{
    app::{App, Parts},
    auth::{Secret, signed_text},
    clock::Clock,
    config::Config,
    entropy::Entropy,
    passwords::hash_once,
    seal::{MasterKey, Sealer},
    setup::{ADMIN, Desk, NewKey},
    shipped,
};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use db::Db;
use engine::{Compiler, Engine, Limits};
use http_body_util::BodyExt as _;
use ledger::{Settings, StoreId, TenantId, TillId, UnixMs, sha256_hex};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use tower::ServiceExt as _;

/// Saturday 2026-11-21, 18:30 in Shanghai: the weekend policy gives a point for each yuan.
const NOW_S: i64 = 1_795_257_000;
const PASSWORD: &str = "correct horse";

/// A host with one tenant, one till and a rulebook.
pub(super) struct Host {
    pub router: Router,
    pub app: App,
    pub key: NewKey,
    nonces: AtomicU64,
    dir: TempDir,
}

pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn is_replayed(&self) -> bool {
        self.headers.get("idempotency-replayed").is_some_and(|value| value == "true")
    }
}

impl Host {
    pub async fn start() -> Self {
        Self::with(Config { test_mode: true, ..Config::default() }).await
    }

    pub async fn with(config: Config) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let db = Db::open(&format!("sqlite:{}", dir.path().join("p.db").display())).await.expect("a database");
        db.migrate().await.expect("migrated");
        let sealer = Sealer::new(&MasterKey::from_bytes([7; 32]), Entropy);
        let engine = Engine::new(Limits::default(), sealer.artifact_key(), Compiler::InProcess).expect("an engine");
        let clock = Clock::manual(UnixMs::new(NOW_S * 1_000));
        let app = App::start(Parts { config, db, engine, clock, sealer, stream: "a".to_owned() });
        let key = set_up(&app, "acme").await;
        Self { router: router(app.clone()), app, key, nonces: AtomicU64::new(0), dir }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// A signed request of the till; `key` is the idempotency key.
    pub fn signed(&self, method: &str, target: &str, key: Option<&str>, body: &str) -> Request<Body> {
        let nonce = format!("nonce-{:016}", self.nonces.fetch_add(1, Ordering::Relaxed));
        let text = signed_text(method, target, NOW_S, &nonce, &sha256_hex(body.as_bytes()));
        let signature = Secret::new(self.key.secret.as_bytes()).expect("any length").sign(&text);
        let request = Request::builder().method(method).uri(target).header("content-type", "application/json");
        let request = request.header("punchcard-key", &self.key.key_id).header("punchcard-timestamp", NOW_S);
        let request = request.header("punchcard-nonce", nonce).header("punchcard-signature", signature);
        let request = key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
        request.body(Body::from(body.to_owned())).expect("a request")
    }

    pub async fn post(&self, target: &str, key: &str, body: &Value) -> Answer {
        self.send(self.signed("POST", target, Some(key), &body.to_string())).await
    }

    /// The directory of its database.
    pub fn file(&self) -> &std::path::Path {
        self.dir.path()
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.send(self.signed("GET", target, None, "")).await
    }

    /// A new member by their phone; gives the id.
    pub async fn member(&self, phone: &str) -> String {
        let answer = self.post("/api/v1/pos/members", &sha256_hex(phone.as_bytes()), &json!({"phone": phone})).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
        answer.json()["member"]["id"].as_str().expect("an id").to_owned()
    }
}

/// A tenant with a store, a till, an admin and the weekend policy; gives the till's key.
pub(super) async fn set_up(app: &App, tenant: &str) -> NewKey {
    let (now, tenant) = (app.clock.now(), TenantId::new(tenant).expect("an id"));
    let desk = Desk { db: &app.db, sealer: &app.sealer, entropy: Entropy, now, by: "test" };
    let (store, till) = (StoreId::new("s1").expect("an id"), TillId::new("t1").expect("an id"));
    desk.tenant(&tenant, "Acme", &Settings::default()).await.expect("a tenant");
    desk.store(&tenant, store.clone(), "Main street", "{}").await.expect("a store");
    desk.till(&tenant, store.clone(), till.clone(), "Front").await.expect("a till");
    let hash = hash_once(PASSWORD, Entropy).expect("a hash");
    desk.staff(&tenant, "amy", "Amy", ADMIN, hash).await.expect("an admin");
    let weekend = [("weekend-double", shipped::Settings::new())];
    shipped::publish(&app.db, &app.engine, &tenant, &weekend, now, "test").await.expect("a rulebook");
    desk.key(&tenant, &store, &till, "test").await.expect("a key")
}

/// A receipt of 128 yuan.
pub(super) fn receipt(number: &str, member: Value) -> Value {
    json!({
        "receipt": number,
        "business_at": "2026-11-21T18:29:00+08:00",
        "member": member,
        "lines": [
            {"sku": "rice", "category": "food", "quantity": "1.5", "amount_fen": 10000},
            {"sku": "tea", "quantity": 2, "amount_fen": 2800},
        ],
        "total_fen": 12800,
        "payments": [{"method": "cash", "amount_fen": 12800}],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_the_router_are_problems_too() {
    let host = Host::start().await;
    let plain = |method: &str, target: &str| {
        Request::builder().method(method).uri(target).body(Body::empty()).expect("a request")
    };
    let long = format!("/{}", "x".repeat(5_000));
    for (method, target, status, code) in [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/api//v1/pos/receipts", 404, "not_found"),
        ("DELETE", "/api/v1/pos/receipts", 405, "method_not_allowed"),
        ("TRACE", "/api/v1/pos/receipts", 405, "method_not_allowed"),
        ("GET", long.as_str(), 414, "address_too_long"),
        ("GET", "/api/v1/admin/stores", 401, "not_signed_in"),
        ("GET", "/api/v1/pos/receipts/R-1", 401, "bad_signature_header"),
    ] {
        let answer = host.send(plain(method, target)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{method} {target}");
        assert_eq!(answer.headers.get("content-type").expect("a type"), "application/problem+json");
        assert!(answer.headers.contains_key("punchcard-request"));
    }
    let allow = host.send(plain("DELETE", "/api/v1/pos/receipts")).await;
    assert_eq!(allow.headers.get("allow").expect("a header"), "POST");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_says_how_it_is() {
    let host = Host::start().await;
    crate::telemetry::start_metrics();
    for (target, says) in [("/healthz", "ok"), ("/readyz", "ready")] {
        let answer = host.send(Request::get(target).body(Body::empty()).expect("a request")).await;
        assert_eq!((answer.status, String::from_utf8_lossy(&answer.body).trim()), (StatusCode::OK, says));
    }
    host.get("/api/v1/pos/receipts/R-1").await;
    let page = host.send(Request::get("/metrics").body(Body::empty()).expect("a request")).await;
    let page = String::from_utf8_lossy(&page.body).into_owned();
    assert!(
        page.contains(
            r#"punchcard_http_requests_total{method="GET",route="/api/v1/pos/receipts/{receipt}",status="404"}"#
        ),
        "{page}"
    );
    assert!(!page.contains("R-1"), "a path leaked");
}
