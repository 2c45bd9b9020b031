//! What the host knows of each tenant: settings, rulebooks, open draws. Read again whenever the version moves.

use crate::{error::ApiError, record::Record, seal::Sealer};
use db::{Db, policy, tenant};
use engine::{Engine, Placed, Rulebook};
use ledger::{Digest, DrawSecret, Settings, StatNeed, TenantId};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

/// Rulebooks known at most, of all tenants and versions.
const RULEBOOKS_MAX: usize = 16_384;

/// A published rulebook, ready to be asked.
#[derive(Debug)]
pub struct Ruled {
    /// Its version; 0 before the first is published.
    pub version: i64,
    /// Its policies.
    pub rulebook: Rulebook,
    /// Statistics they need.
    pub needs: Vec<StatNeed>,
}

/// A tenant as of one configuration version.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Moves with every change of settings, rulebook or draws.
    pub config_version: i64,
    /// The tenant's choices.
    pub settings: Settings,
    /// The current rulebook.
    pub rulebook: Arc<Ruled>,
    /// Open draws by campaign.
    pub draws: BTreeMap<String, DrawSecret>,
}

/// The tenants this host has served lately.
#[derive(Debug)]
pub struct Tenants {
    sealer: Arc<Sealer>,
    current: HashMap<TenantId, Arc<Tenant>>,
    rulebooks: HashMap<(TenantId, i64), Arc<Ruled>>,
    /// The policies the rulebooks keep resident, and their bytes together.
    held: HashSet<Digest>,
    held_bytes: u64,
}

impl Tenants {
    /// Nobody known yet.
    pub fn new(sealer: Arc<Sealer>) -> Self {
        Self { sealer, current: HashMap::new(), rulebooks: HashMap::new(), held: HashSet::new(), held_bytes: 0 }
    }

    /// Forgets everybody when what is known has grown past the engine's bound for resident policies, which rulebooks
    /// keep there. Whoever acts is read again; so it stands between batches.
    pub fn make_room(&mut self, engine: &Engine) {
        if self.rulebooks.len() < RULEBOOKS_MAX && self.held_bytes <= engine.limits().resident_bytes_max {
            return;
        }
        self.current.clear();
        self.rulebooks.clear();
        self.held.clear();
        self.held_bytes = 0;
    }

    /// The tenant as last read.
    pub fn current(&self, tenant: &TenantId) -> Option<Arc<Tenant>> {
        self.current.get(tenant).cloned()
    }

    /// A rulebook version read before.
    pub fn past(&self, tenant: &TenantId, version: i64) -> Option<Arc<Ruled>> {
        self.rulebooks.get(&(tenant.clone(), version)).cloned()
    }

    /// Reads the tenant again if its configuration has moved.
    ///
    /// # Errors
    /// [`ApiError::Busy`] if the database is not to be had, [`ApiError::Internal`] if a policy does not load.
    pub async fn refresh(&mut self, db: &Db, engine: &Engine, id: &TenantId, version: i64) -> Result<(), ApiError> {
        if self.current.get(id).is_some_and(|known| known.config_version == version) {
            return Ok(());
        }
        let Some(row) = tenant::get(db, id).await? else { return Ok(()) };
        let published = policy::current_rulebook(db, id).await?;
        let rulebook = self.ready(db, engine, id, published).await?;
        let draws = self.draws(db, id).await?;
        let tenant = Tenant { config_version: version, settings: row.settings, rulebook, draws };
        self.current.insert(id.clone(), Arc::new(tenant));
        Ok(())
    }

    /// Reads the rulebook a stored sale was scored under.
    pub(crate) async fn fetch_for_sale(&mut self, db: &Db, engine: &Engine, record: &str) -> Result<(), ApiError> {
        let record: Record = serde_json::from_str(record).map_err(ApiError::internal)?;
        let Some(asked) = record.asked.first() else { return Ok(()) };
        self.fetch(db, engine, &record.tenant, asked.rulebook).await.map(|_| ())
    }

    /// A rulebook version, read if it is not known yet.
    ///
    /// # Errors
    /// [`ApiError::Busy`] if the database is not to be had, [`ApiError::Internal`] if a policy does not load.
    pub async fn fetch(
        &mut self,
        db: &Db,
        engine: &Engine,
        id: &TenantId,
        version: i64,
    ) -> Result<Arc<Ruled>, ApiError> {
        if let Some(known) = self.past(id, version) {
            return Ok(known);
        }
        let published = policy::rulebook(db, id, version).await?;
        self.ready(db, engine, id, published).await
    }

    async fn ready(
        &mut self,
        db: &Db,
        engine: &Engine,
        id: &TenantId,
        published: Option<policy::RulebookRow>,
    ) -> Result<Arc<Ruled>, ApiError> {
        let version = published.as_ref().map_or(0, |p| p.version);
        if let Some(known) = self.past(id, version) {
            return Ok(known);
        }
        let entries = load_entries(db, engine, id, published.map(|p| p.entries).unwrap_or_default()).await?;
        for policy in entries.iter().map(Placed::policy) {
            if self.held.insert(policy.digest().clone()) {
                self.held_bytes = self.held_bytes.saturating_add(policy.bytes() as u64);
            }
        }
        let rulebook = Rulebook::new(entries);
        let ruled = Arc::new(Ruled { version, needs: rulebook.stats_needed(), rulebook });
        self.rulebooks.insert((id.clone(), version), Arc::clone(&ruled));
        Ok(ruled)
    }

    async fn draws(&self, db: &Db, id: &TenantId) -> Result<BTreeMap<String, DrawSecret>, ApiError> {
        let open = db::campaign::open_of(db, id).await?;
        let secret = |row: db::campaign::CampaignRow| {
            let published = serde_json::from_str(&row.published_odds).map_err(ApiError::internal)?;
            let secret = crate::draws::unseal(&self.sealer, id, &row)?;
            Ok((row.campaign.clone(), DrawSecret { campaign: row.campaign, secret, published }))
        };
        open.into_iter().map(secret).collect()
    }
}

/// The policies of a rulebook, resident in the engine.
async fn load_entries(
    db: &Db,
    engine: &Engine,
    id: &TenantId,
    rows: Vec<policy::RulebookEntry>,
) -> Result<Vec<Placed>, ApiError> {
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let stored = policy::get(db, id, &row.name, &row.digest).await?;
        let stored = stored.ok_or_else(|| ApiError::internal(format!("policy {} {} is gone", row.name, row.digest)))?;
        let policy = crate::policies::load(engine, stored)?;
        let params = policy.description().settle(&row.params).map_err(ApiError::internal)?;
        entries.push(Placed::new(row.name, policy, params).map_err(ApiError::internal)?);
    }
    Ok(entries)
}
