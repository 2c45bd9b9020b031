//! Decisions that hang together, without the ledger's planning: what the journal writes, in the size it has on the
//! whole path.

pub use crate::build::STREAM;
use crate::{
    build::{self, Amy},
    cases::Dice,
};
use anyhow::{Result, ensure};
use db::{
    Db,
    journal::{self, CommitOutcome, Written},
    snapshot::{self, MemberRef, Want},
};
use ledger::{Day, DayTotals, DecisionId, Lot, LotId, MemberId, MemberState, Points, Totals};

/// Bytes of a record and of a reply on the whole path, about.
const RECORD_BYTES: usize = 3_000;
const REPLY_BYTES: usize = 1_000;
/// Decisions of one commit while a world is filled.
const FILL_BATCH: usize = 256;

/// A tenant, the end of its stream, and its members.
pub struct Shop {
    /// The tenant.
    pub shop: build::Shop,
    members: Vec<Amy>,
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
            let shop = build::Shop::open(db, &format!("shop-{tenant:05}")).await;
            let members = (0..size.members / size.tenants).map(|n| holder(tenant, n)).collect::<Result<_>>()?;
            world.shops.push(Shop { shop, members });
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
fn holder(tenant: usize, n: usize) -> Result<Amy> {
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
    Ok(Amy { state, version: 0 })
}

impl Shop {
    /// The next decision of the stream, giving points to a member.
    fn grant(&mut self, who: usize, points: i64) -> Written {
        self.shop.grant(&mut self.members[who], points)
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
