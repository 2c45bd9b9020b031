//! A host with its tenants, set up past the door.

use super::{PASSWORD, Staff, Till, Web};
use crate::app::{NOON, host, scratch};
use db::policy::RulebookEntry;
use engine::Source;
use ledger::{Settings, StoreId, TenantId, TillId};
use punchcard::{
    app::App,
    clock::Clock,
    config::Config,
    edge,
    entropy::Entropy,
    passwords::hash_once,
    setup::{ADMIN, Desk, OPERATOR, PLATFORM},
    shipped,
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::{net::TcpListener, sync::oneshot};

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
