//! A host behind its real door, with tenants, tills and staff of its own, who tell everything they were told.

use crate::app::{NOON, host, scratch};
use db::policy::RulebookEntry;
use engine::Source;
use ledger::{Settings, StoreId, TenantId, TillId, UnixMs};
use punchcard::{
    app::App,
    clock::Clock,
    config::Config,
    edge,
    entropy::Entropy,
    passwords::hash_once,
    setup::{ADMIN, Desk, NewKey, OPERATOR, PLATFORM},
    shipped,
};
use reqwest::{Client, Method, header::HeaderMap};
use sandbox::{Signed, sign};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpListener, sync::oneshot};

/// [`NOON`] as a till writes it.
pub const AT: &str = "2026-03-02T10:00:00+08:00";
/// The phone of the member most tests are about.
pub const AMY: &str = "13812341234";
/// Where receipts go.
pub const RECEIPTS: &str = "/api/v1/pos/receipts";
/// The password of everybody who signs in.
pub const PASSWORD: &str = "correct horse battery";
/// An answer that takes longer is none.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// A request as it is sent: everything in it can be spoiled.
#[derive(Debug, Clone)]
pub struct Sent {
    /// How.
    pub method: Method,
    /// Path with query.
    pub path: String,
    /// Headers by their names.
    pub headers: BTreeMap<&'static str, String>,
    /// The bytes.
    pub body: Vec<u8>,
}

impl Sent {
    /// A request with a JSON body, or without one.
    pub fn new(method: Method, path: &str, body: Option<&Value>) -> Self {
        let headers = BTreeMap::from([("Content-Type", "application/json".to_owned())]);
        let body = body.map(|body| serde_json::to_vec(body).expect("JSON")).unwrap_or_default();
        Self { method, path: path.to_owned(), headers, body }
    }

    /// The same with another header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.insert(name, value.into());
        self
    }
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Told {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The bytes.
    pub body: Vec<u8>,
}

impl Told {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.text()))
    }

    /// The body of something that was done.
    pub fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.text());
        self.json()
    }

    /// Status and stable code of a refusal.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.json()["code"].as_str().unwrap_or_default().to_owned())
    }

    /// A header's value; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// It was answered before.
    pub fn is_replayed(&self) -> bool {
        self.header("Idempotency-Replayed") == "true"
    }
}

/// Speaks HTTP with a host. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Web {
    client: Client,
    url: String,
}

impl Web {
    /// Speaks with the host at this address.
    pub fn new(url: &str) -> Self {
        let client = Client::builder().no_proxy().timeout(ANSWER_WITHIN).build().expect("a client");
        Self { client, url: url.to_owned() }
    }

    /// Sends a request as it is.
    pub async fn send(&self, sent: &Sent) -> Told {
        let request = self.client.request(sent.method.clone(), format!("{}{}", self.url, sent.path));
        let request = sent.headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let response = request.body(sent.body.clone()).send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Told { status, headers, body: response.bytes().await.expect("a body").to_vec() }
    }
}

/// A host in this process. Its clock stands still until it is moved.
pub struct Host {
    /// The host.
    pub app: App,
    /// Speaks with it.
    pub web: Web,
    /// Its clock.
    pub clock: Clock,
    /// A database that ends with the test.
    pub scratch: db::testing::Scratch,
    _stop: oneshot::Sender<()>,
}

impl Host {
    /// A host with its defaults, at [`NOON`].
    pub async fn open() -> Self {
        Self::with(Config::default()).await
    }

    /// A host set like this, at [`NOON`].
    pub async fn with(config: Config) -> Self {
        let (scratch, clock) = (scratch().await, Clock::manual(NOON));
        let mut app = host(&scratch.db, &clock, "a");
        app.config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel::<()>();
        let (router, limits) = (punchcard::http::router(app.clone()), app.config.edge.clone());
        tokio::spawn(async move {
            let ended = async move {
                let _dropped = stopped.await;
                Ok(())
            };
            edge::serve(listener, router, &limits, ended).await
        });
        Self { app, web: Web::new(&url), clock, scratch, _stop: stop }
    }

    /// Moves the clock on.
    pub fn later(&self, ms: i64) {
        self.clock.set(self.clock.now().after_ms(ms));
    }

    /// A tenant with a store `s1`, a till `t1`, these shipped policies and these settings.
    pub async fn tenant(&self, id: &str, policies: &[(&str, shipped::Settings)], settings: &Settings) -> Tenant {
        let (app, id) = (self.app.clone(), TenantId::new(id).expect("an id"));
        let desk = desk(&app);
        desk.tenant(&id, "Tenant", settings).await.expect("a tenant");
        desk.store(&id, StoreId::new("s1").expect("an id"), "Store", "{}").await.expect("a store");
        shipped::publish(&app.db, &app.engine, &id, policies, app.clock.now(), "test").await.expect("a rulebook");
        let (first, web) = (add_till(&app, &self.web, &id, "t1").await, self.web.clone());
        Tenant { id, till: first, app, web }
    }

    /// A tenant `demo` with the standard policy and its defaults.
    pub async fn demo(&self) -> Tenant {
        self.tenant("demo", &[("standard", BTreeMap::new())], &Settings::default()).await
    }

    /// Somebody who runs the platform, signed in.
    pub async fn operator(&self) -> Staff {
        let platform = TenantId::new(PLATFORM).expect("an id");
        let hash = hash_once(PASSWORD, Entropy).expect("a hash");
        desk(&self.app).staff(&platform, "olga", "Olga", OPERATOR, hash).await.expect("an operator");
        Staff::sign_in(&self.web, None, "olga").await
    }
}

fn desk(app: &App) -> Desk<'_> {
    Desk { db: &app.db, sealer: &app.sealer, entropy: Entropy, now: app.clock.now(), by: "test" }
}

async fn add_till(app: &App, web: &Web, tenant: &TenantId, till: &str) -> Till {
    let (store, till) = (StoreId::new("s1").expect("an id"), TillId::new(till).expect("an id"));
    desk(app).till(tenant, store.clone(), till.clone(), "Till").await.expect("a till");
    let key = desk(app).key(tenant, &store, &till, "test").await.expect("a key");
    Till::signing(web, &app.clock, &key)
}

/// A tenant of a host.
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its first till.
    pub till: Till,
    app: App,
    web: Web,
}

impl Tenant {
    /// Another till in the store.
    pub async fn add_till(&self, till: &str) -> Till {
        add_till(&self.app, &self.web, &self.id, till).await
    }

    /// An import: its requests name the place in the query.
    pub async fn import(&self) -> Till {
        let key = desk(&self.app).import_key(&self.id, "test").await.expect("a key");
        Till::signing(&self.web, &self.app.clock, &key)
    }

    /// An admin, signed in.
    pub async fn admin(&self) -> Staff {
        let hash = hash_once(PASSWORD, Entropy).expect("a hash");
        desk(&self.app).staff(&self.id, "ann", "Ann", ADMIN, hash).await.expect("an admin");
        Staff::sign_in(&self.web, Some(self.id.as_str()), "ann").await
    }

    /// Puts a script behind the policies in force, so many times.
    pub async fn add_script(&self, source: &str, times: usize) {
        let (db, now) = (&self.app.db, self.app.clock.now());
        let mut book = db::policy::current_rulebook(db, &self.id).await.expect("readable").expect("a rulebook");
        for at in 0..times {
            let name = format!("script-{at}");
            let source = Source::Rhai(source.to_owned());
            let row =
                shipped::store(db, &self.app.engine, &self.id, &name, source, now, "test").await.expect("a script");
            book.entries.push(RulebookEntry { name, digest: row.digest, params: BTreeMap::new() });
        }
        let published = db::policy::publish(db, &self.id, book.version, &book.entries, now, "test", "").await;
        published.expect("a rulebook");
    }
}

/// A till that signs what it sends. Clones share their nonces.
#[derive(Clone)]
pub struct Till {
    /// Speaks with the host.
    pub web: Web,
    /// Names its key.
    pub key_id: String,
    secret: String,
    clock: Clock,
    nonces: Arc<AtomicU64>,
}

impl Till {
    /// A till that signs with this key.
    pub fn signing(web: &Web, clock: &Clock, key: &NewKey) -> Self {
        let (key_id, secret) = (key.key_id.clone(), key.secret.as_str().to_owned());
        Self { web: web.clone(), key_id, secret, clock: clock.clone(), nonces: Arc::default() }
    }

    /// Signs a request at a moment, with a nonce.
    pub fn sign_at(&self, sent: Sent, at: UnixMs, nonce: &str) -> Sent {
        let timestamp_s = at.get().unsigned_abs() / 1_000;
        let signed = Signed { method: sent.method.as_str(), path: &sent.path, timestamp_s, nonce, body: &sent.body };
        let signature = sign(&self.secret, &signed);
        sent.with("Punchcard-Key", &self.key_id)
            .with("Punchcard-Timestamp", timestamp_s.to_string())
            .with("Punchcard-Nonce", nonce)
            .with("Punchcard-Signature", signature)
    }

    /// Signs a request now, with a new nonce.
    pub fn sign(&self, sent: Sent) -> Sent {
        let nonce = format!("{:020}", self.nonces.fetch_add(1, Ordering::Relaxed));
        self.sign_at(sent, self.clock.now(), &nonce)
    }

    /// Asks.
    pub async fn get(&self, path: &str) -> Told {
        self.web.send(&self.sign(Sent::new(Method::GET, path, None))).await
    }

    /// Asks with a body, which changes nothing.
    pub async fn ask(&self, path: &str, body: &Value) -> Told {
        self.web.send(&self.sign(Sent::new(Method::POST, path, Some(body)))).await
    }

    /// Writes under a key.
    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Told {
        let sent = self.sign(Sent::new(Method::POST, path, Some(body))).with("Idempotency-Key", key);
        self.web.send(&sent).await
    }

    /// Posts a final receipt under a key made of its number.
    pub async fn sell(&self, receipt: &Value) -> Told {
        self.post(RECEIPTS, &format!("key-{}", receipt["receipt"].as_str().unwrap_or_default()), receipt).await
    }

    /// Posts a return under a key made of its number.
    pub async fn take_back(&self, receipt: &str, back: &Value) -> Told {
        let key = format!("back-{receipt}-{}", back["return_id"].as_str().unwrap_or_default());
        self.post(&format!("{RECEIPTS}/{receipt}/returns"), &key, back).await
    }

    /// Registers a phone, and gives the answer.
    pub async fn join(&self, phone: &str) -> Value {
        self.post("/api/v1/pos/members", &format!("join-{phone}"), &json!({"phone": phone})).await.ok()
    }

    /// What a member holds.
    pub async fn look_up(&self, phone: &str) -> Value {
        self.ask("/api/v1/pos/members/lookup", &json!({"phone": phone})).await.ok()
    }

    /// A member's spendable points.
    pub async fn points(&self, phone: &str) -> i64 {
        self.look_up(phone).await["points"]["balance"].as_i64().expect("a balance")
    }
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Staff {
    /// Speaks with the host.
    pub web: Web,
    /// Their session.
    pub token: String,
}

impl Staff {
    /// Signs in with [`PASSWORD`].
    pub async fn sign_in(web: &Web, tenant: Option<&str>, user: &str) -> Self {
        let mut body = json!({"user": user, "password": PASSWORD});
        if let Some(tenant) = tenant {
            body["tenant"] = json!(tenant);
        }
        let told = web.send(&Sent::new(Method::POST, "/api/v1/admin/session", Some(&body))).await.ok();
        Self { web: web.clone(), token: told["token"].as_str().expect("a token").to_owned() }
    }

    /// Sends anything under `/api/v1/admin/`.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Told {
        let sent = Sent::new(method, &format!("/api/v1/admin/{path}"), body);
        self.web.send(&sent.with("Authorization", format!("Bearer {}", self.token))).await
    }

    /// Asks.
    pub async fn get(&self, path: &str) -> Told {
        self.send(Method::GET, path, None).await
    }

    /// Does.
    pub async fn post(&self, path: &str, body: &Value) -> Told {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Writes under a key.
    pub async fn keyed(&self, path: &str, key: &str, body: &Value) -> Told {
        let sent = Sent::new(Method::POST, &format!("/api/v1/admin/{path}"), Some(body));
        let sent = sent.with("Authorization", format!("Bearer {}", self.token)).with("Idempotency-Key", key);
        self.web.send(&sent).await
    }
}

/// A receipt of [`AMY`]'s at [`AT`], one line for each amount.
pub fn receipt(number: &str, amounts: &[i64]) -> Value {
    let line = |(at, fen): (usize, &i64)| json!({"sku": format!("sku-{at}"), "quantity": 1, "amount_fen": fen});
    let lines: Vec<Value> = amounts.iter().enumerate().map(line).collect();
    let total: i64 = amounts.iter().sum();
    json!({"receipt": number, "business_at": AT, "member": {"phone": AMY}, "lines": lines, "total_fen": total})
}
