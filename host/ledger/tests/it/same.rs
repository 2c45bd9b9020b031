//! Whether two worlds are the same, but for what only records that something happened.

use crate::world::World;
use ledger::{Day, MemberState, VoucherState};
use serde_json::Value;
use std::collections::BTreeSet;

/// Where the worlds differ: members but for entry counts and the last active day, vouchers but for new ones that are
/// voided, shared counters.
pub fn differences(before: &World, after: &World) -> Vec<String> {
    let mut found = Vec::new();
    for (id, state) in &before.members {
        let (old, new) = (plain(state), plain(&after.members[id]));
        let keys: BTreeSet<&String> = [&old, &new].into_iter().flat_map(|m| m.as_object().unwrap().keys()).collect();
        let moved = keys.into_iter().filter(|key| old.get(key) != new.get(key));
        found.extend(moved.map(|key| format!("{id} {key}: {:?} became {:?}", old.get(key), new.get(key))));
    }
    thing_differences(before, after, &mut found);
    found
}

fn thing_differences(before: &World, after: &World, found: &mut Vec<String>) {
    for (code, voucher) in &after.vouchers {
        match before.vouchers.get(code) {
            Some(old) if old != voucher => found.push(format!("{code}: {:?} became {:?}", old.state, voucher.state)),
            None if voucher.state != VoucherState::Voided => found.push(format!("{code}: left {:?}", voucher.state)),
            _ => {}
        }
    }
    for name in before.stock.keys().chain(after.stock.keys()) {
        // What a counter counted before it began anew is gone.
        let since = after.stock.get(name).map(|counter| counter.since);
        let present = |counter: &&ledger::Counter| since.is_none_or(|since| counter.since == since);
        let used = |world: &World| world.stock.get(name).filter(present).map_or(0, |counter| counter.used);
        if used(before) != used(after) {
            found.push(format!("{name}: {} became {}", used(before), used(after)));
        }
    }
}

/// A member as JSON, without what only counts entries or days of activity.
pub fn plain(state: &MemberState) -> Value {
    let mut state = state.clone();
    state.active = Day::default();
    for account in [&mut state.accounts.points, &mut state.accounts.principal, &mut state.accounts.gift] {
        account.entries = 0;
    }
    serde_json::to_value(state).unwrap()
}

#[track_caller]
pub fn assert_same(before: &World, after: &World) {
    let found = differences(before, after);
    assert!(found.is_empty(), "{}", found.join("\n"));
}
