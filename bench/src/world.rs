//! Decisions that hang together, without the ledger's planning: what the journal writes, in the size it has on the
//! whole path.

use crate::cases::Dice;
use anyhow::{Result, ensure};
use db::{
    Db,
    journal::{self, CommitOutcome, Written},
    snapshot::{self, Head, MemberRef, Want},
};
use ledger::{
    Account, Day, DayTotals, DecisionId, Entry, EntryKind, Fen, Lot, LotId, MemberId, MemberState, Plan, Points,
    Settings, StoreId, TenantId, TillId, Totals, UnixMs,
};

/// The stream all of it is written in.
pub const STREAM: &str = "h1";
/// Bytes of a record and of a reply on the whole path, about.
const RECORD_BYTES: usize = 3_000;
const REPLY_BYTES: usize = 1_000;
/// Decisions of one commit while a world is filled.
const FILL_BATCH: usize = 256;

/// A member as the caller keeps it between writes.
pub struct Holder {
    state: MemberState,
    version: i64,
}

/// A tenant, the end of its stream, and its members.
pub struct Shop {
    /// Who.
    pub tenant: TenantId,
    head: Head,
    members: Vec<Holder>,
}

/// How much a world holds.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Tenants.
    pub tenants: usize,
    /// Members, all tenants together.
    pub members: usize,
}

/// Tenants, members, and numbers that are the same in every run.
pub struct World {
    /// The tenants.
    pub shops: Vec<Shop>,
    dice: Dice,
    filler: String,
}

impl World {
    /// Makes tenants and members. Each member's first decision gives points.
    pub async fn fill(db: &Db, size: Size) -> Result<Self> {
        let filler = "{\"sku\":\"6901234567890\"}".repeat(200);
        let mut world = Self { shops: Vec::new(), dice: Dice::new(7), filler };
        for tenant in 0..size.tenants {
            let id = TenantId::new(format!("shop-{tenant:05}"))?;
            db::tenant::create(db, &id, "Shop", &Settings::default(), UnixMs::new(1)).await?;
            let head = Head { seq: 0, hash: ledger::CHAIN_START.to_owned() };
            let members = (0..size.members / size.tenants).map(|n| holder(tenant, n)).collect::<Result<_>>()?;
            world.shops.push(Shop { tenant: id, head, members });
        }
        let everybody: Vec<(usize, usize)> = (0..world.shops.len())
            .flat_map(|at| (0..world.shops[at].members.len()).map(move |who| (at, who)))
            .collect();
        for part in everybody.chunks(FILL_BATCH) {
            let batch: Vec<Written> = part.iter().map(|(shop, who)| world.shops[*shop].grant(*who, 10)).collect();
            write(db, &batch).await?;
        }
        Ok(world)
    }

    /// Index pages filled in order are full; random keys split them once. Measure after that.
    pub async fn settle(&mut self, db: &Db, decisions: usize) -> Result<()> {
        for _ in 0..decisions / FILL_BATCH {
            let batch = self.batch(FILL_BATCH);
            write(db, &batch).await?;
        }
        Ok(())
    }

    /// A sale of a random member of a random tenant, with everything a sale has.
    pub fn decision(&mut self) -> Written {
        let shop = self.dice.below(self.shops.len());
        let who = self.dice.below(self.shops[shop].members.len());
        let (store, till, key) = (self.dice.below(8), self.dice.below(8), self.dice.below(usize::MAX));
        let mut one = self.shops[shop].grant(who, 12);
        one.idempotency_key = Some(format!("{key:016x}{key:016x}"));
        one.natural_key = Some(format!("receipt:S{store}:T{till}:2026-11-21:{:08}", one.seq));
        one.principal = format!("key:S{store}T{till}");
        self.filler[..RECORD_BYTES].clone_into(&mut one.record);
        one.reply = self.filler.as_bytes()[..REPLY_BYTES].to_vec();
        one
    }

    /// So many of them.
    pub fn batch(&mut self, size: usize) -> Vec<Written> {
        (0..size).map(|_| self.decision()).collect()
    }
}

/// Any member of a filled world.
pub fn member_id(tenant: usize, n: usize) -> Result<MemberId> {
    Ok(MemberId::new(format!("m{tenant:05}{n:020}"))?)
}

/// A member with six lots and twelve days of statistics.
fn holder(tenant: usize, n: usize) -> Result<Holder> {
    let mut state = MemberState::new(member_id(tenant, n)?, Day::new(20_000), "");
    for i in 0..6 {
        state.lots.push(Lot {
            id: LotId(DecisionId::new(format!("{STREAM}-{n}{i}"))?, 0),
            left: Points::new(10),
            starts: Day::new(20_000 + i),
            expires: Some(Day::new(20_365 + i)),
        });
    }
    for i in 0..12 {
        let totals = Totals { spend: 12_800, visits: 1, earned: 128, ..Totals::default() };
        state.days.push(DayTotals { day: Day::new(20_000 + i), totals });
    }
    Ok(Holder { state, version: 0 })
}

impl Shop {
    /// The next decision of the stream, giving points to a member.
    fn grant(&mut self, who: usize, points: i64) -> Written {
        let mut one = self.next();
        let holder = &mut self.members[who];
        one.member = Some((holder.state.id.clone(), holder.version));
        one.plan.entries.push(holder.entry(Account::Points, points));
        one.plan.entries.push(holder.entry(Account::Gift, 5));
        one.plan.member = Some(holder.state.clone());
        holder.version += 1;
        one
    }

    fn next(&mut self) -> Written {
        let seq = self.head.seq + 1;
        let decision_id = DecisionId::new(format!("{STREAM}-{seq}")).expect("a name and a number");
        let record = format!("{{\"decision\":\"{decision_id}\"}}");
        let hash = ledger::chained(&self.head.hash, &record);
        self.head = Head { seq, hash: hash.clone() };
        Written {
            tenant: self.tenant.clone(),
            seq,
            member: None,
            kind: "receipt".to_owned(),
            natural_key: Some(format!("receipt:{decision_id}")),
            principal: "till:1".to_owned(),
            idempotency_key: Some(format!("key-{decision_id}")),
            input_hash: "input".to_owned(),
            at: UnixMs::new(1_700_000_000_000 + seq),
            store: StoreId::new("S1").ok(),
            till: TillId::new("T1").ok(),
            business_day: Some(Day::new(20_000)),
            amount: Some(Fen::new(100)),
            record,
            status: 200,
            reply: b"{}".to_vec(),
            hash,
            plan: Plan::default(),
            new_identities: Vec::new(),
            profile_sealed: None,
            config_version_seen: 1,
            next_due_day: None,
            decision_id,
        }
    }
}

impl Holder {
    fn entry(&mut self, account: Account, delta: i64) -> Entry {
        let accounts = &mut self.state.accounts;
        let held = match account {
            Account::Points => &mut accounts.points,
            Account::Principal => &mut accounts.principal,
            Account::Gift => &mut accounts.gift,
        };
        held.balance += delta;
        held.entries += 1;
        Entry {
            account,
            seq: held.entries,
            kind: EntryKind::Accrual,
            delta,
            balance_after: held.balance,
            policy: "standard".to_owned(),
            rule: "earn".to_owned(),
            lots: Vec::new(),
            starts: Some(Day::new(20_000)),
            expires: None,
        }
    }
}

/// Commits a batch that must go through.
pub async fn write(db: &Db, batch: &[Written]) -> Result<()> {
    let outcome = journal::commit(db, STREAM, batch).await;
    ensure!(matches!(outcome, CommitOutcome::Committed), "{outcome:?}");
    Ok(())
}

/// Reads what a batch depends on, as the host does before it decides, and commits it.
pub async fn read_and_write(db: &Db, batch: &[Written]) -> Result<()> {
    let want = |one: &Written| Want {
        tenant: one.tenant.clone(),
        principal: one.principal.clone(),
        idempotency_key: one.idempotency_key.clone(),
        natural_key: one.natural_key.clone(),
        member: one.member.as_ref().map(|(id, _)| MemberRef::Id(id.clone())),
        vouchers: Vec::new(),
        sale: None,
    };
    snapshot::read(db, STREAM, &batch.iter().map(want).collect::<Vec<_>>()).await?;
    write(db, batch).await
}
