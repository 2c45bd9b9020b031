//! Equal cases and decisions give equal plans, byte for byte, and everything survives being stored.

use crate::ops::{op, shops};
use crate::runner::holds;
use crate::world::{Done, World};
use ledger::{Applied, MemberState, Plan, Planned, Reply, Sale, Settings, Voucher, Work};
use proptest::collection::vec;
use proptest::prelude::any;
use serde::{Serialize, de::DeserializeOwned};

/// Plans the act once more from the world before it, with the decisions that were given.
pub fn again(before: &World, done: &Done) -> Planned {
    let mut before = before.clone();
    (before.at, before.late_ms) = (done.at, before.late_ms);
    let who = done.who.as_ref().map(ledger::MemberId::as_str);
    let mut work = Work::open(before.case(&done.id, who, &done.act, done.sale.as_deref())).unwrap();
    for (question, decision) in &done.asked {
        assert_eq!(work.question().as_ref(), Some(question));
        work.answer(decision).unwrap();
    }
    assert_eq!(work.question(), None);
    work.finish().unwrap()
}

/// Whether two plans are the same bytes.
pub fn same_bytes(one: &Planned, other: &Planned) -> bool {
    let bytes = |planned: &Planned| (json(&planned.plan), json(&planned.reply));
    bytes(one) == bytes(other)
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

#[test]
fn inv_r1_equal_cases_and_decisions_give_equal_plans() {
    holds(250, (shops(), vec(op(), 1..20)), |(mut shop, ops)| {
        for op in &ops {
            let before = shop.clone();
            shop.run(op);
            if shop.done.len() > before.done.len() {
                let done = shop.done.last().unwrap();
                assert!(same_bytes(&done.planned, &again(&before, done)), "{:?}", done.act);
            }
        }
    });
}

#[test]
fn what_is_loaded_in_another_order_is_planned_the_same() {
    holds(150, (shops(), vec(op(), 1..20), any::<u64>()), |(mut shop, ops, turn)| {
        for op in &ops {
            let before = shop.clone();
            shop.run(op);
            if shop.done.len() == before.done.len() {
                continue;
            }
            let done = shop.done.last().unwrap();
            let mut case =
                before.case(&done.id, done.who.as_ref().map(ledger::MemberId::as_str), &done.act, done.sale.as_deref());
            let turn = usize::try_from(turn).unwrap() % case.vouchers.len().max(1);
            case.vouchers.rotate_left(turn);
            let mut work = Work::open(case).unwrap();
            done.asked.iter().for_each(|(_, decision)| work.answer(decision).unwrap());
            assert!(same_bytes(&done.planned, &work.finish().unwrap()));
        }
    });
}

#[track_caller]
fn survives<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
    let stored = json(value);
    let read: T = serde_json::from_str(&stored).unwrap();
    assert_eq!(&read, value, "{stored}");
    assert_eq!(json(&read), stored);
}

#[test]
fn everything_written_is_read_back_as_it_was() {
    holds(150, (shops(), vec(op(), 1..25)), |(mut shop, ops)| {
        ops.iter().for_each(|op| drop(shop.run(op)));
        survives::<Settings>(&shop.settings);
        shop.members.values().for_each(survives::<MemberState>);
        shop.vouchers.values().for_each(survives::<Voucher>);
        shop.sales.values().for_each(|scored| survives::<Sale>(&scored.sale));
        for done in &shop.done {
            survives::<Plan>(&done.planned.plan);
            survives::<Reply>(&done.planned.reply);
            survives::<Applied>(&done.planned.plan.applied);
            survives(&done.act);
            done.asked.iter().for_each(|(question, decision)| {
                survives(decision);
                survives(&question.facts);
                survives(&question.event);
            });
        }
    });
}

#[test]
fn a_member_state_of_today_is_read_without_its_defaults() {
    let state: MemberState = serde_json::from_str(r#"{"id":"amy","joined":20514}"#).unwrap();
    assert_eq!(state.accounts.points.balance, 0);
    assert_eq!(json(&state), r#"{"id":"amy","joined":20514}"#);
    assert!(serde_json::from_str::<MemberState>(r#"{"id":"amy","joined":1,"wallet":5}"#).is_err());
}
