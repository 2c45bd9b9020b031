//! What every handler, job and command shares.

use crate::{
    apply::{Asked, Replied},
    batch::Batcher,
    clock::Clock,
    config::Config,
    costs::Costs,
    entropy::Entropy,
    error::ApiError,
    journal::Journal,
    recheck::Recheck,
    record::Record,
    seal::Sealer,
    tenants::Tenants,
};
use db::{
    Db,
    snapshot::{self, MemberRef, Want},
};
use engine::Engine;
use ledger::{Act, Envelope, VoucherCode};
use std::sync::Arc;

/// The host, assembled. Clones share everything.
#[derive(Clone)]
pub struct App {
    /// What whoever runs the host has set.
    pub config: Arc<Config>,
    /// The database.
    pub db: Db,
    /// The sandbox.
    pub engine: Engine,
    /// Now.
    pub clock: Clock,
    /// Random bytes.
    pub entropy: Entropy,
    /// Secrets at rest.
    pub sealer: Arc<Sealer>,
    /// Limits no tenant can change.
    pub envelope: Envelope,
    /// Names this host's chain of decisions.
    pub stream: Arc<str>,
    journal: Journal,
}

/// What an app is assembled from.
pub struct Parts {
    /// What whoever runs the host has set.
    pub config: Config,
    /// The database, migrated.
    pub db: Db,
    /// The sandbox.
    pub engine: Engine,
    /// Now.
    pub clock: Clock,
    /// Secrets at rest.
    pub sealer: Sealer,
    /// Names this host's chain of decisions; no two hosts of one database share it.
    pub stream: String,
}

impl App {
    /// Assembles the host and starts the tasks that write.
    pub fn start(parts: Parts) -> Self {
        let sealer = Arc::new(parts.sealer);
        let (entropy, envelope) = (Entropy, Envelope::default());
        let costs = Arc::new(Costs::default());
        let recheck = Recheck::start(parts.db.clone(), parts.engine.clone(), Arc::clone(&sealer));
        let batcher = |stream: String, stands_back: bool| Batcher {
            db: parts.db.clone(),
            engine: parts.engine.clone(),
            clock: parts.clock.clone(),
            entropy,
            tenants: Tenants::new(Arc::clone(&sealer)),
            envelope,
            costs: Arc::clone(&costs),
            recheck: recheck.clone(),
            stream,
            stands_back,
        };
        let quick = [parts.stream.clone(), format!("{}.two", parts.stream)].map(|stream| batcher(stream, false));
        let slow = batcher(format!("{}.slow", parts.stream), true);
        let journal = Journal::start(quick, slow, costs);
        Self {
            config: Arc::new(parts.config),
            db: parts.db,
            engine: parts.engine,
            clock: parts.clock,
            entropy,
            sealer,
            envelope,
            stream: parts.stream.into(),
            journal,
        }
    }

    /// Sends an act through the queue. A return first looks up whose sale it names, a cancellation whose quote.
    pub(crate) async fn ask(&self, mut asked: Asked) -> Result<Replied, ApiError> {
        let vouchers = match &asked.act {
            Act::Return(_) => self.find_sale(&mut asked).await?,
            Act::Cancel(quote) => {
                let quote = quote.clone();
                let record = db::audit::decision(&self.db, &asked.tenant, &quote).await?;
                let record: Record = parse(&record.ok_or(ApiError::NotFound)?.record)?;
                asked.member = record.member.map(MemberRef::Id);
                Vec::new()
            }
            _ => Vec::new(),
        };
        self.journal.ask(asked, vouchers).await
    }

    async fn find_sale(&self, asked: &mut Asked) -> Result<Vec<VoucherCode>, ApiError> {
        let want = Want {
            tenant: asked.tenant.clone(),
            principal: asked.principal.clone(),
            idempotency_key: None,
            natural_key: None,
            member: None,
            vouchers: Vec::new(),
            sale: asked.sale.clone(),
        };
        let found = snapshot::read(&self.db, &self.stream, &[want]).await?.found.pop();
        let sale = found.and_then(|f| f.sale).ok_or(ledger::PlanError::UnknownSale)?;
        let record: Record = parse(&sale.record)?;
        let applied = sale.left.map_or(record.applied, |left| left.applied);
        asked.member = record.member.map(MemberRef::Id);
        Ok(applied.vouchers_used.into_iter().chain(applied.vouchers_issued).collect())
    }
}

fn parse(record: &str) -> Result<Record, ApiError> {
    serde_json::from_str(record).map_err(ApiError::internal)
}
