//! What the acts of a batch see: the rows as they were read, changed by the acts before them.

use crate::apply::Replied;
use db::snapshot::{Found, FoundSale, MemberRef, Snapshot, StoredReply, TenantRow};
use ledger::{MemberId, MemberState, Plan, Sale, Stock, TenantId, Voucher, VoucherCode};
use std::collections::{BTreeMap, HashMap};

/// A member in the batch: the version that was read, and the state as the batch leaves it.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// 0 = not in the database.
    pub version: i64,
    pub state: MemberState,
}

/// An answer given earlier in the same batch or before it.
#[derive(Debug, Clone)]
pub(crate) struct Earlier {
    pub input_hash: String,
    pub replied: Replied,
}

/// The rows of a batch and what its acts did to them.
#[derive(Debug)]
pub(crate) struct Overlay {
    pub tenants: BTreeMap<TenantId, TenantRow>,
    members: HashMap<(TenantId, MemberId), Held>,
    identities: HashMap<(TenantId, &'static str, String), MemberId>,
    vouchers: HashMap<(TenantId, VoucherCode), Voucher>,
    keys: HashMap<(TenantId, String, String), Earlier>,
    naturals: HashMap<(TenantId, String), Earlier>,
    sales: HashMap<(TenantId, String), Sale>,
}

/// One act's part of the overlay.
#[derive(Debug)]
pub(crate) struct Seen {
    pub by_key: Option<Earlier>,
    pub by_natural: Option<Earlier>,
    pub member: Option<Held>,
    pub vouchers: Vec<Voucher>,
    pub sale: Option<FoundSale>,
}

impl Overlay {
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            tenants: snapshot.tenants,
            members: HashMap::new(),
            identities: HashMap::new(),
            vouchers: HashMap::new(),
            keys: HashMap::new(),
            naturals: HashMap::new(),
            sales: HashMap::new(),
        }
    }

    /// The counters of a tenant.
    pub fn stock(&self, tenant: &TenantId) -> Stock {
        self.tenants.get(tenant).map(|row| row.stock.clone()).unwrap_or_default()
    }

    /// What an act sees: its own rows as read, overlaid with what the batch did so far.
    pub fn see(&mut self, asked: &crate::apply::Asked, found: Found) -> Seen {
        let tenant = &asked.tenant;
        let key = (tenant.clone(), asked.principal.clone(), asked.idempotency_key.clone());
        let by_key = self.keys.get(&key).cloned().or_else(|| found.by_key.map(earlier));
        let natural = asked.natural_key.as_ref().map(|n| (tenant.clone(), n.clone()));
        let by_natural = natural.and_then(|n| self.naturals.get(&n).cloned()).or_else(|| found.by_natural.map(earlier));
        let member = self.member(tenant, asked.member.as_ref(), found.member);
        let vouchers = self.vouchers_seen(tenant, member.as_ref(), found.vouchers);
        let mut sale = found.sale;
        if let (Some(sale), Some(name)) = (&mut sale, &asked.sale)
            && let Some(left) = self.sales.get(&(tenant.clone(), name.clone()))
        {
            sale.left = Some(left.clone());
        }
        Seen { by_key, by_natural, member, vouchers, sale }
    }

    fn member(
        &mut self,
        tenant: &TenantId,
        wanted: Option<&MemberRef>,
        read: Option<db::snapshot::MemberRow>,
    ) -> Option<Held> {
        let id = match (read.as_ref(), wanted?) {
            (Some(row), _) => row.id.clone(),
            (None, MemberRef::Id(id)) => id.clone(),
            (None, MemberRef::Identity { kind, index }) => {
                self.identities.get(&(tenant.clone(), *kind, index.clone()))?.clone()
            }
        };
        let held = self.members.get(&(tenant.clone(), id)).cloned();
        held.or_else(|| read.map(|row| Held { version: row.version, state: row.state }))
    }

    /// The member's vouchers as read, with those the batch issued or changed.
    fn vouchers_seen(&self, tenant: &TenantId, member: Option<&Held>, read: Vec<Voucher>) -> Vec<Voucher> {
        let mut seen: BTreeMap<VoucherCode, Voucher> = read.into_iter().map(|v| (v.code.clone(), v)).collect();
        let Some(member) = member else { return seen.into_values().collect() };
        let changed = self.vouchers.iter().filter(|((t, _), v)| t == tenant && v.member == member.state.id);
        seen.extend(changed.map(|((_, code), v)| (code.clone(), v.clone())));
        seen.into_values().collect()
    }

    /// Notes what an act did, so that the acts behind it see it.
    pub fn note(&mut self, asked: &crate::apply::Asked, version: i64, plan: &Plan, hash: &str, replied: &Replied) {
        let tenant = &asked.tenant;
        let earlier =
            Earlier { input_hash: asked.input_hash.clone(), replied: Replied { replayed: true, ..replied.clone() } };
        if let Some(natural) = &asked.natural_key {
            self.naturals.insert((tenant.clone(), natural.clone()), earlier.clone());
        }
        self.keys.insert((tenant.clone(), asked.principal.clone(), asked.idempotency_key.clone()), earlier);
        if let Some(state) = &plan.member {
            let id = state.id.clone();
            for (kind, index) in &asked.identities {
                self.identities.insert((tenant.clone(), *kind, index.clone()), id.clone());
            }
            self.members
                .insert((tenant.clone(), id), Held { version: version.saturating_add(1), state: state.clone() });
        }
        for voucher in &plan.vouchers {
            self.vouchers.insert((tenant.clone(), voucher.code.clone()), voucher.clone());
        }
        if let Some((name, sale)) = &plan.sale {
            self.sales.insert((tenant.clone(), name.clone()), sale.clone());
        }
        if let Some(row) = self.tenants.get_mut(tenant) {
            row.head.seq = row.head.seq.saturating_add(1);
            hash.clone_into(&mut row.head.hash);
            for used in &plan.stock {
                row.stock.entry(used.name.clone()).or_default().apply(used);
            }
        }
    }
}

fn earlier(stored: StoredReply) -> Earlier {
    Earlier {
        input_hash: stored.input_hash,
        replied: Replied { status: stored.status, body: stored.reply, replayed: true, decision: stored.decision_id },
    }
}
