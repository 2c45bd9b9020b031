//! A host in this process, with a tenant for each conversation.

use axum::{
    Router,
    body::Body,
    http::{Method, Request},
};
use db::{policy::PolicyRow, testing::Scratch};
use engine::{Compiler, Engine, Limits, Source};
use http_body_util::BodyExt as _;
use ledger::{Settings, StoreId, TenantId, TillId, UnixMs, sha256_hex};
use punchcard::{
    app::{App, Parts},
    auth::{Secret, signed_text},
    clock::Clock,
    config::Config,
    entropy::Entropy,
    http,
    seal::{MasterKey, Sealer},
    setup::{Desk, NewKey},
    shipped,
    verify::{Verdict, verify},
};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

/// Saturday 2026-11-21, 18:30 in Shanghai.
const NOW_S: i64 = 1_795_257_000;
const STEERED: &str = include_str!("steered.rhai");

/// An answer.
pub struct Answered {
    pub status: u16,
    pub kind: String,
    pub body: Vec<u8>,
    is_write: bool,
}

impl Answered {
    /// Something was done, or found.
    pub fn is_done(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The till's deadline passed: what is settled afterwards may end otherwise.
    pub fn is_late(&self) -> bool {
        let told: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        told["settled"] == false
    }

    /// It was written down to be told again.
    pub fn is_replayable(&self) -> bool {
        self.is_write && self.is_done()
    }
}

/// The host and its latest tenant.
pub struct Host {
    runtime: Runtime,
    app: App,
    router: Router,
    scratch: Scratch,
    policy: Option<PolicyRow>,
    tenants: u32,
    nonces: u64,
    tenant: TenantId,
    key: Option<NewKey>,
    member: String,
    decision: String,
}

impl Host {
    pub fn open() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let scratch = runtime.block_on(Scratch::sqlite()).expect("a database");
        runtime.block_on(db::testing::without_sync(&scratch.db)).expect("a database");
        let sealer = Sealer::new(&MasterKey::from_bytes([7; 32]), Entropy);
        let engine = Engine::new(Limits::default(), sealer.artifact_key(), Compiler::InProcess).expect("an engine");
        let clock = Clock::manual(UnixMs::new(NOW_S * 1_000));
        let parts =
            Parts { config: Config::default(), db: scratch.db.clone(), engine, clock, sealer, stream: "a".to_owned() };
        let app = {
            let _entered = runtime.enter();
            App::start(parts)
        };
        let (router, tenant) = (http::router(app.clone()), TenantId::new("none").expect("an id"));
        let (member, decision) = (String::new(), String::new());
        Self { runtime, app, router, scratch, policy: None, tenants: 0, nonces: 0, tenant, key: None, member, decision }
    }

    pub fn tenants(&self) -> u32 {
        self.tenants
    }

    pub fn member(&self) -> &str {
        &self.member
    }

    /// The latest decision's name.
    pub fn decision(&self) -> &str {
        &self.decision
    }

    /// A tenant with a till, a policy and a member.
    pub fn next_tenant(&mut self, phone: &str) {
        self.tenants += 1;
        self.tenant = TenantId::new(format!("t{}", self.tenants)).expect("an id");
        let (app, tenant) = (&self.app, &self.tenant);
        let (known, now) = (self.policy.take(), app.clock.now());
        let (policy, key) = self.runtime.block_on(async {
            let desk = Desk { db: &app.db, sealer: &app.sealer, entropy: Entropy, now, by: "fuzz" };
            let (store, till) = (StoreId::new("s1").expect("an id"), TillId::new("t1").expect("an id"));
            desk.tenant(tenant, "Tenant", &Settings::default()).await.expect("a tenant");
            desk.store(tenant, store.clone(), "Store", "{}").await.expect("a store");
            desk.till(tenant, store.clone(), till.clone(), "Till").await.expect("a till");
            let policy = publish(app, tenant, known, now).await;
            (policy, desk.key(tenant, &store, &till, "fuzz").await.expect("a key"))
        });
        (self.policy, self.key) = (Some(policy), Some(key));
        let body = format!(r#"{{"phone":"{phone}"}}"#);
        let told = self.ask(&Method::POST, "/api/v1/pos/members", "join", body.as_bytes()).expect("a request");
        let told: serde_json::Value = serde_json::from_slice(&told.body).expect("JSON");
        self.member = told["member"]["id"].as_str().expect("an id").to_owned();
    }

    /// Signs a request and sends it; nothing if HTTP cannot carry it.
    pub fn ask(&mut self, method: &Method, path: &str, key: &str, body: &[u8]) -> Option<Answered> {
        let request = self.signed(method, path, key, body)?;
        let answer = self.runtime.block_on(async {
            let (head, body) = self.router.clone().oneshot(request).await.expect("infallible").into_parts();
            let kind = head.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            let body = body.collect().await.expect("a body").to_bytes().to_vec();
            let is_write = head.headers.contains_key("idempotency-replayed") || is_decision(&body);
            Answered { status: head.status.as_u16(), kind: kind.to_owned(), body, is_write }
        });
        let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if let Some(decision) = told["decision_id"].as_str() {
            decision.clone_into(&mut self.decision);
        }
        Some(answer)
    }

    fn signed(&mut self, method: &Method, path: &str, key: &str, body: &[u8]) -> Option<Request<Body>> {
        self.nonces += 1;
        let till = self.key.as_ref().expect("a tenant");
        let uri: axum::http::Uri = path.parse().ok()?;
        let target = uri.path_and_query()?.as_str().to_owned();
        let nonce = format!("nonce-{:016}", self.nonces);
        let text = signed_text(method.as_str(), &target, NOW_S, &nonce, &sha256_hex(body));
        let signature = Secret::new(till.secret.as_bytes()).expect("any length").sign(&text);
        let request = Request::builder().method(method).uri(uri).header("content-type", "application/json");
        let request = request.header("punchcard-key", &till.key_id).header("punchcard-timestamp", NOW_S);
        let request = request.header("punchcard-nonce", nonce).header("punchcard-signature", signature);
        request.header("idempotency-key", key).body(Body::from(body.to_owned())).ok()
    }

    /// What the audit finds.
    pub fn audit(&self) -> Option<String> {
        match self.runtime.block_on(verify(&self.app.db, &self.tenant)).expect("readable books") {
            Verdict::Whole(_) => None,
            Verdict::Differs(what) => Some(what),
        }
    }

    /// Changes a balance past the ledger.
    pub fn plant_a_gift(&self) {
        let sql = format!("update member set gift = gift + 1 where tenant_id = '{}'", self.tenant.as_str());
        self.runtime.block_on(self.scratch.sql(&sql)).expect("written");
    }
}

fn is_decision(body: &[u8]) -> bool {
    let told: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    told["decision_id"].is_string()
}

/// Stores the policy, compiled once, and puts it in force.
async fn publish(app: &App, tenant: &TenantId, known: Option<PolicyRow>, now: UnixMs) -> PolicyRow {
    let (db, source) = (&app.db, Source::Rhai(STEERED.to_owned()));
    let policy = match known {
        Some(policy) => {
            db::policy::insert(db, tenant, &policy).await.expect("stored");
            policy
        }
        None => shipped::store(db, &app.engine, tenant, "steered", source, now, "fuzz").await.expect("a policy"),
    };
    let entry = db::policy::RulebookEntry {
        name: policy.name.clone(),
        digest: policy.digest.clone(),
        params: std::collections::BTreeMap::new(),
    };
    db::policy::publish(db, tenant, 0, &[entry], now, "fuzz", "").await.expect("a rulebook");
    policy
}
