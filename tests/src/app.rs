//! A host in this process, without HTTP, on a throw-away database of either kind.

use db::{Db, snapshot::MemberRef};
use engine::{ArtifactKey, Compiler, Engine, Limits};
use ledger::{Act, Event, Join, MemberId, Receipt, Reply, Settings, StoreId, TenantId, TillId, UnixMs, sha256_hex};
use punchcard::{
    app::{App, Parts},
    apply::{Asked, Replied, apply_event},
    clock::Clock,
    config::Config,
    entropy::Entropy,
    error::ApiError,
    seal::{MasterKey, Sealer},
    shipped,
};
use std::{collections::BTreeMap, sync::OnceLock};

/// 2026-03-02, a Monday, 10:00 in Shanghai.
pub const NOON: UnixMs = UnixMs::new(1_772_416_800_000);

/// Settings of a policy from JSON pairs.
pub fn settings(json: serde_json::Value) -> shipped::Settings {
    serde_json::from_value(json).expect("parameter values")
}

/// Milliseconds of so many days.
pub const fn day(n: i64) -> i64 {
    n * ledger::DAY_MS
}

/// A host under test.
pub struct TestApp {
    /// The host.
    pub app: App,
    /// Its tenant.
    pub tenant: TenantId,
    /// A database that ends with the test.
    pub scratch: db::testing::Scratch,
}

fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let start = || Engine::new(Limits::default(), ArtifactKey::new([1; 32]), Compiler::InProcess).expect("an engine");
    ENGINE.get_or_init(start).clone()
}

/// The database the run is about: SQLite, or PostgreSQL if `PUNCHCARD_TEST_DB=postgres`.
pub async fn scratch() -> db::testing::Scratch {
    let postgres = std::env::var("PUNCHCARD_TEST_DB").is_ok_and(|kind| kind == "postgres");
    if postgres {
        let scratch = db::testing::Scratch::postgres().await.expect("a cluster");
        return scratch.expect("PostgreSQL's programs; make test installs them");
    }
    db::testing::Scratch::sqlite().await.expect("a file")
}

/// Another host on a database: its own queue and its own stream.
pub fn host(db: &Db, clock: &Clock, stream: &str) -> App {
    App::start(Parts {
        config: Config::default(),
        db: db.clone(),
        engine: engine(),
        clock: clock.clone(),
        sealer: Sealer::new(&MasterKey::from_bytes([7; 32]), Entropy),
        stream: stream.to_owned(),
    })
}

impl TestApp {
    /// A host whose tenant has the standard policy with its defaults.
    pub async fn start() -> Self {
        Self::with(&[("standard", BTreeMap::new())], &Settings::default()).await
    }

    /// A host whose tenant has these shipped policies and settings.
    pub async fn with(policies: &[(&str, shipped::Settings)], settings: &Settings) -> Self {
        let scratch = scratch().await;
        let tenant = TenantId::new("t1").expect("an id");
        db::tenant::create(&scratch.db, &tenant, "Tenant", settings, NOON).await.expect("a tenant");
        shipped::publish(&scratch.db, &engine(), &tenant, policies, NOON, "test").await.expect("a rulebook");
        let app = host(&scratch.db, &Clock::manual(NOON), "a");
        Self { app, tenant, scratch }
    }

    /// What is asked by a till named `till`, with a fresh key.
    pub fn asked(&self, key: &str, member: Option<&MemberId>, act: Act) -> Asked {
        Asked {
            tenant: self.tenant.clone(),
            principal: "till:k1".to_owned(),
            idempotency_key: key.to_owned(),
            input_hash: sha256_hex(serde_json::to_string(&act).expect("JSON").as_bytes()),
            natural_key: None,
            store: StoreId::new("s1").ok(),
            till: TillId::new("t1").ok(),
            business_at: self.app.clock.now(),
            member: member.cloned().map(MemberRef::Id),
            sale: None,
            identities: Vec::new(),
            profile_sealed: None,
            act,
        }
    }

    /// Asks, and reads the answer.
    pub async fn ask(&self, asked: Asked) -> Result<(Reply, Replied), ApiError> {
        let replied = apply_event(&self.app, asked).await?;
        Ok((serde_json::from_slice(&replied.body).expect("a reply"), replied))
    }

    /// Registers a member.
    pub async fn member(&self, name: &str) -> MemberId {
        let id = MemberId::new(name).expect("an id");
        let join = Join { member: id.clone(), event: Event::Register, birthday: None, referrer: None };
        let asked = self.asked(&format!("join-{name}"), Some(&id), Act::Join(join));
        self.ask(asked).await.expect("registered");
        id
    }

    /// A receipt as asked by a till: its number is its natural key.
    pub fn receipt(&self, receipt: &Receipt, member: &MemberId) -> Asked {
        let checkout = ledger::Checkout { receipt: receipt.clone(), ..ledger::Checkout::default() };
        let mut asked = self.asked(&format!("key-{}", receipt.receipt), Some(member), Act::Receipt(checkout));
        asked.natural_key = Some(format!("receipt/s1/t1/{}", receipt.receipt));
        asked
    }

    /// The member's state as stored.
    pub async fn state(&self, member: &MemberId) -> ledger::MemberState {
        let found = db::member::find(&self.scratch.db, &self.tenant, &MemberRef::Id(member.clone())).await;
        found.expect("readable").expect("a member").state
    }
}
