//! A host in this process behind its real door: HTTP on a free port of loopback.

use crate::app::{host, scratch};
use db::snapshot::MemberRef;
use ledger::{MemberState, Settings, StoreId, TenantId, TillId};
use punchcard::{
    app::App,
    clock::Clock,
    config::Config,
    edge,
    entropy::Entropy,
    http,
    seal::IdentityKind,
    setup::{Desk, NewKey},
    shipped,
};
use sandbox::{Credential, Till, counted_nonces};
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::oneshot};

/// A served host with a demo-like tenant, a till key and an import key.
pub struct Served {
    /// The host.
    pub app: App,
    /// Its tenant.
    pub tenant: TenantId,
    /// `http://127.0.0.1:…`.
    pub url: String,
    /// The key of store `s1`, till `t1`.
    pub till: NewKey,
    /// A key that may name store and till.
    pub import: NewKey,
    /// A database that ends with the test.
    pub scratch: db::testing::Scratch,
    _stop: oneshot::Sender<()>,
}

impl Served {
    /// Starts a host whose tenant has these policies and settings.
    pub async fn start(policies: &[(&str, shipped::Settings)], settings: &Settings) -> Self {
        let scratch = scratch().await;
        let app = host(&scratch.db, &Clock::System, "a");
        let tenant = TenantId::new("demo").expect("an id");
        let desk = Desk { db: &app.db, sealer: &app.sealer, entropy: Entropy, now: app.clock.now(), by: "test" };
        let (store, till) = (StoreId::new("s1").expect("an id"), TillId::new("t1").expect("an id"));
        desk.tenant(&tenant, "Demo", settings).await.expect("a tenant");
        desk.store(&tenant, store.clone(), "Store", "{}").await.expect("a store");
        desk.till(&tenant, store.clone(), till.clone(), "Till").await.expect("a till");
        let (till, import) = (desk.key(&tenant, &store, &till, "test").await, desk.import_key(&tenant, "test").await);
        shipped::publish(&app.db, &app.engine, &tenant, policies, app.clock.now(), "test").await.expect("a rulebook");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel::<()>();
        let router = http::router(app.clone());
        tokio::spawn(async move {
            let ended = async move {
                let _dropped = stopped.await;
                Ok(())
            };
            edge::serve(listener, router, &Config::default().edge, ended).await
        });
        let (till, import) = (till.expect("a key"), import.expect("a key"));
        Self { app, tenant, url, till, import, scratch, _stop: stop }
    }

    /// A till that signs with a key.
    pub fn signing(&self, key: &NewKey) -> Till {
        let credential =
            Credential { key: key.key_id.clone(), secret: wechat::Secret::new(key.secret.as_str().to_owned()) };
        let nonces = counted_nonces(&Entropy.hex::<12>().expect("random bytes"));
        let now = || Duration::from_millis(u64::try_from(Clock::System.now().get()).unwrap_or(0));
        Till::new(&self.url, credential, Arc::new(now), nonces).expect("a till")
    }

    /// The state of whoever holds a card.
    pub async fn by_card(&self, card: &str) -> Option<MemberState> {
        let index = self.app.sealer.index(&self.tenant, IdentityKind::Card, card);
        let who = MemberRef::Identity { kind: IdentityKind::Card.as_str(), index };
        db::member::find(&self.app.db, &self.tenant, &who).await.expect("readable").map(|member| member.state)
    }
}
