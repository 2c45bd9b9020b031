//! Whatever is asked in whatever order: what was committed is there, what was refused is not, the oracle is content.

use crate::build::*;
use db::{
    journal::{CommitOutcome, Written},
    testing::Scratch,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// One decision of a batch.
#[derive(Debug, Clone)]
enum Op {
    /// Moves a member's points.
    Move { who: u8, delta: i64 },
    /// Uses a counter whose maximum is 20.
    Count { delta: i64 },
    /// Issues a voucher of this code.
    Issue { who: u8, code: u8 },
    /// A decision about nobody.
    Nobody,
    /// Repeats the natural key of an earlier decision.
    Repeat,
    /// Plans against a version that is not there.
    Late { who: u8 },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0..6_u8, -50..200_i64).prop_map(|(who, delta)| Op::Move { who, delta }),
        2 => (-3..4_i64).prop_map(|delta| Op::Count { delta }),
        2 => (0..6_u8, 0..12_u8).prop_map(|(who, code)| Op::Issue { who, code }),
        1 => Just(Op::Nobody),
        1 => Just(Op::Repeat),
        1 => (0..6_u8).prop_map(|who| Op::Late { who }),
    ]
}

/// What must be in the database.
#[derive(Clone)]
struct Model {
    shop: Shop,
    members: BTreeMap<u8, Amy>,
    counter: i64,
    codes: BTreeMap<u8, u8>,
    sound: bool,
}

impl Model {
    fn member(&mut self, who: u8) -> Amy {
        self.members.entry(who).or_insert_with(|| Amy::new(&format!("m{who}"))).clone()
    }

    fn plan(&mut self, op: &Op) -> Written {
        match *op {
            Op::Move { who, delta } => self.moved(who, delta),
            Op::Count { delta } => self.counted(delta),
            Op::Issue { who, code } => self.issued(who, code),
            Op::Nobody => self.shop.decision("receipt"),
            Op::Repeat => {
                self.sound &= self.shop.head.seq == 0;
                let first = self.shop.head.seq == 0;
                let mut one = self.shop.decision("receipt");
                one.natural_key = if first { one.natural_key } else { Some("receipt:h1-1".to_owned()) };
                one
            }
            Op::Late { who } => {
                let mut amy = self.member(who);
                amy.version += 1;
                self.sound = false;
                self.shop.grant(&mut amy, 1)
            }
        }
    }

    fn moved(&mut self, who: u8, delta: i64) -> Written {
        let mut amy = self.member(who);
        let one = self.shop.grant(&mut amy, delta);
        self.members.insert(who, amy);
        Written { kind: "receipt".to_owned(), natural_key: Some(format!("receipt:{}", one.decision_id)), ..one }
    }

    fn counted(&mut self, delta: i64) -> Written {
        let mut one = self.shop.decision("receipt");
        one.plan.stock.push(ledger::StockUse { name: "prize".to_owned(), delta, max: Some(20), since: 0 });
        self.counter += delta;
        one
    }

    fn issued(&mut self, who: u8, code: u8) -> Written {
        let mut one = self.moved(who, 1);
        one.plan.vouchers.push(Shop::voucher(&one, &format!("V{code}")));
        self.sound &= self.codes.insert(code, who).is_none();
        one
    }
}

async fn run(scratch: &Scratch, name: &str, batches: &[Vec<Op>]) {
    let shop = Shop::open(&scratch.db, name).await;
    let mut model = Model { shop, members: BTreeMap::new(), counter: 0, codes: BTreeMap::new(), sound: true };
    for batch in batches {
        let mut next = model.clone();
        let written: Vec<Written> = batch.iter().map(|op| next.plan(op)).collect();
        let late = written.iter().any(|one| one.member.as_ref().is_some_and(|(_, version)| *version > 500));
        assert!(!late);
        let sound = next.sound && (0..=20).contains(&next.counter);
        match commit(&scratch.db, &written).await {
            CommitOutcome::Committed => {
                assert!(sound, "{batch:?} must be refused");
                model = next;
            }
            CommitOutcome::Stale => assert!(!sound, "{batch:?} must be committed"),
            // A late write behind another write of the same member contradicts the batch itself.
            CommitOutcome::Failed(db::DbError::BadBatch(_)) => assert!(!next.sound, "{batch:?}"),
            other => panic!("{other:?}"),
        }
    }
    compare(scratch, &model).await;
}

async fn compare(scratch: &Scratch, model: &Model) {
    let tenant = &model.shop.tenant;
    let rows = db::audit::members(&scratch.db, tenant, None, 100).await.unwrap();
    let stored: Vec<_> = rows.into_iter().map(|row| (row.version, row.state)).collect();
    let known: Vec<_> = model.members.values().map(|amy| (amy.version, amy.state.clone())).collect();
    let known: Vec<_> = known.into_iter().filter(|(version, _)| *version > 0).collect();
    assert_eq!(stored, known);
    let found = read(&scratch.db, want(tenant)).await.tenants.remove(tenant).unwrap();
    assert_eq!(found.head, model.shop.head);
    assert_eq!(found.stock.get("prize").map_or(0, |counter| counter.used), model.counter);
    crate::whole(scratch).await;
}

#[test]
fn random_batches_leave_a_whole_ledger() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let all = runtime.block_on(Scratch::each()).unwrap();
    let number = std::sync::atomic::AtomicU32::new(0);
    let batches = prop::collection::vec(prop::collection::vec(op(), 1..12), 1..10);
    proptest!(ProptestConfig { cases: 40, ..ProptestConfig::default() }, |(batches in batches)| {
        let name = format!("t{}", number.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        for scratch in &all {
            runtime.block_on(run(scratch, &name, &batches));
        }
    });
}
