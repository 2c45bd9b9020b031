//! Builders: decisions that hang together, without the ledger's planning.

use db::{
    Db,
    journal::{self, CommitOutcome, Written},
    snapshot::{Head, MemberRef, Snapshot, Want},
};
use ledger::{
    Account, Day, DecisionId, Entry, EntryKind, Fen, MemberId, MemberState, Plan, StoreId, TenantId, TillId, UnixMs,
    Voucher, VoucherCode, VoucherState,
};

pub const STREAM: &str = "h1";

pub fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

pub fn member_id(name: &str) -> MemberId {
    MemberId::new(name).unwrap()
}

/// A shop with its tenant made, and the end of its stream.
#[derive(Clone)]
pub struct Shop {
    pub tenant: TenantId,
    pub head: Head,
}

impl Shop {
    pub async fn open(db: &Db, name: &str) -> Self {
        let tenant = tenant(name);
        db::tenant::create(db, &tenant, name, &ledger::Settings::default(), UnixMs::new(1)).await.unwrap();
        Self { tenant, head: Head { seq: 0, hash: ledger::CHAIN_START.to_owned() } }
    }

    /// The next decision of the stream; nothing changes yet.
    pub fn decision(&mut self, kind: &str) -> Written {
        let seq = self.head.seq + 1;
        let decision_id = DecisionId::new(format!("{STREAM}-{seq}")).unwrap();
        let record = format!("{{\"decision\":\"{decision_id}\"}}");
        let hash = ledger::chained(&self.head.hash, &record);
        self.head = Head { seq, hash: hash.clone() };
        Written {
            tenant: self.tenant.clone(),
            seq,
            member: None,
            kind: kind.to_owned(),
            natural_key: Some(format!("{kind}:{decision_id}")),
            principal: "till:1".to_owned(),
            idempotency_key: Some(format!("key-{decision_id}")),
            input_hash: "input".to_owned(),
            at: UnixMs::new(1_700_000_000_000 + seq),
            store: Some(StoreId::new("S1").unwrap()),
            till: Some(TillId::new("T1").unwrap()),
            business_day: Some(Day::new(20_000)),
            amount: Some(Fen::new(100)),
            record,
            status: 200,
            reply: format!("reply of {decision_id}").into_bytes(),
            hash,
            plan: Plan::default(),
            new_identities: Vec::new(),
            profile_sealed: None,
            config_version_seen: 1,
            next_due_day: None,
            decision_id,
        }
    }

    /// Forgets the last decisions, so that the next one takes their place.
    pub fn rewind(&mut self, decisions: usize) {
        self.head.seq -= decisions as i64;
        // Only numbers matter to the database; the auditor checks hashes.
        self.head.hash = ledger::CHAIN_START.to_owned();
    }

    /// A decision that gives points to a member and moves `state` and `version` along.
    pub fn grant(&mut self, who: &mut Amy, points: i64) -> Written {
        let mut one = self.decision("receipt");
        one.member = Some((who.state.id.clone(), who.version));
        one.plan.entries.push(who.entry(Account::Points, points));
        one.plan.entries.push(who.entry(Account::Gift, 5));
        one.plan.member = Some(who.state.clone());
        who.version += 1;
        one
    }

    /// A voucher for a member, from this decision.
    pub fn voucher(one: &Written, code: &str) -> Voucher {
        Voucher {
            code: VoucherCode::new(code).unwrap(),
            member: one.member.clone().unwrap().0,
            template: "welcome".to_owned(),
            title: "15 yuan".to_owned(),
            face: Fen::new(1500),
            min_spend: Fen::ZERO,
            valid_from: Day::new(20_000),
            valid_until: Some(Day::new(20_030)),
            categories: Vec::new(),
            issued_by: one.decision_id.clone(),
            state: VoucherState::Issued,
        }
    }
}

/// A member as the caller keeps it between writes.
#[derive(Clone)]
pub struct Amy {
    pub state: MemberState,
    pub version: i64,
}

impl Amy {
    pub fn new(name: &str) -> Self {
        Self { state: MemberState::new(member_id(name), Day::new(20_000), ""), version: 0 }
    }

    pub fn entry(&mut self, account: Account, delta: i64) -> Entry {
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
            kind: if delta < 0 { EntryKind::Redemption } else { EntryKind::Accrual },
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

pub fn want(tenant: &TenantId) -> Want {
    Want {
        tenant: tenant.clone(),
        principal: "till:1".to_owned(),
        idempotency_key: None,
        natural_key: None,
        member: None,
        vouchers: Vec::new(),
        sale: None,
    }
}

pub fn want_member(tenant: &TenantId, id: &MemberId) -> Want {
    Want { member: Some(MemberRef::Id(id.clone())), ..want(tenant) }
}

pub async fn read(db: &Db, want: Want) -> Snapshot {
    db::snapshot::read(db, STREAM, &[want]).await.unwrap()
}

pub async fn commit(db: &Db, batch: &[Written]) -> CommitOutcome {
    journal::commit(db, STREAM, batch).await
}

/// Commits a batch that must go through.
pub async fn write(db: &Db, batch: &[Written]) {
    let outcome = commit(db, batch).await;
    assert!(matches!(outcome, CommitOutcome::Committed), "{outcome:?}");
}

/// Commits a batch that must be refused as stale.
pub async fn refused(db: &Db, batch: &[Written]) {
    let outcome = commit(db, batch).await;
    assert!(matches!(outcome, CommitOutcome::Stale), "{outcome:?}");
}
