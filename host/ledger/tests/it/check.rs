//! The auditor of the accounts: reads what was written and reports every broken invariant by its name.

use crate::world::World;
use crate::{check_budgets, check_grants, check_stock};
use ledger::{Account, Act, Day, DecisionId, Entry, EntryKind, ExpiryRule, Lot, LotId, MemberId, MemberState};
use std::collections::BTreeMap;

/// Everything that is wrong, each beginning with the invariant's name; empty when all is well.
pub fn faults(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    let days: BTreeMap<&DecisionId, Day> = world.done.iter().map(|done| (&done.id, done.today)).collect();
    for (id, state) in &world.members {
        let book = world.books.get(id).map(Vec::as_slice).unwrap_or_default();
        for account in [Account::Points, Account::Principal, Account::Gift] {
            account_faults(state, book, account, &mut found);
        }
        lot_faults(state, &mut found);
        settled_faults(world, state, &mut found);
        let lots = replay_lots(world, &days, book, &mut found);
        replayed_faults(&lots, state, &mut found);
    }
    stored_faults(world, &mut found);
    check_budgets::faults(world, &mut found);
    check_grants::faults(world, &mut found);
    check_stock::faults(world, &mut found);
    found
}

/// Panics with everything that is wrong.
#[track_caller]
pub fn assert_sound(world: &World) {
    let found = faults(world);
    assert!(found.is_empty(), "after {:?}:\n{}", world.done.last().map(|done| &done.act), found.join("\n"));
}

/// L1 and L2: running sums and numbers without a gap.
fn account_faults(state: &MemberState, book: &[(DecisionId, Entry)], account: Account, found: &mut Vec<String>) {
    let lines: Vec<_> = book.iter().filter(|(_, entry)| entry.account == account).collect();
    let sum: i64 = lines.iter().map(|(_, entry)| entry.delta).sum();
    let (seq, now) = (i64::try_from(lines.len()).unwrap(), state.account(account));
    if now.balance != sum {
        found.push(format!("L1 {}: {account:?} balance {}, entries say {sum}", state.id, now.balance));
    }
    if now.entries != seq {
        found.push(format!("L2 {}: {account:?} counts {} entries, there are {seq}", state.id, now.entries));
    }
    line_faults(&lines, found);
}

fn line_faults(lines: &[&(DecisionId, Entry)], found: &mut Vec<String>) {
    let mut sum = 0_i64;
    for (seq, (by, entry)) in (1_i64..).zip(lines) {
        sum += entry.delta;
        if entry.balance_after != sum {
            found.push(format!("L1 {by}: {} behind entry {}, not {sum}", entry.balance_after, entry.seq));
        }
        if entry.seq != seq {
            found.push(format!("L2 {by}: entry {} where {seq} is due", entry.seq));
        }
        if !sign_fits(entry) {
            found.push(format!("SIGN {by}: {:?} of {} on {:?}", entry.kind, entry.delta, entry.account));
        }
    }
}

fn sign_fits(entry: &Entry) -> bool {
    match entry.kind {
        EntryKind::Accrual => entry.delta > 0,
        EntryKind::Redemption => entry.delta < 0,
        EntryKind::Expiry => entry.delta < 0 && entry.account == Account::Points,
        EntryKind::Adjustment | EntryKind::Reversal => entry.delta != 0,
    }
}

/// L7 and S4: lots less debt are the balance; no lot is empty or below; a debt leaves nothing to spend.
fn lot_faults(state: &MemberState, found: &mut Vec<String>) {
    let (who, balance, debt) = (&state.id, state.accounts.points.balance, state.debt.get());
    let held: i64 = state.lots.iter().map(|lot| lot.left.get()).sum();
    if held - debt != balance {
        found.push(format!("L7 {who}: lots {held} less debt {debt} are not the balance {balance}"));
    }
    if debt < 0 {
        found.push(format!("S4 {who}: a debt of {debt}"));
    }
    for lot in state.lots.iter().filter(|lot| lot.left.get() <= 0) {
        found.push(format!("L7 {who}: lot {:?} holds {}", lot.id, lot.left));
    }
    let mut names: Vec<&LotId> = state.lots.iter().map(|lot| &lot.id).collect();
    names.sort();
    names.dedup();
    if names.len() != state.lots.len() {
        found.push(format!("L7 {who}: two lots of one name"));
    }
}

/// L7: as of the member's last act nothing is left that has run out, nothing is spent that is pending.
fn settled_faults(world: &World, state: &MemberState, found: &mut Vec<String>) {
    let last = world.done.iter().rev().find(|done| done.who.as_ref() == Some(&state.id));
    let Some(day) = last.map(|done| done.today) else { return };
    let who = &state.id;
    let open = |lot: &&Lot| lot.starts <= day;
    for lot in state.lots.iter().filter(open).filter(|lot| lot.expires.is_some_and(|last| last < day)) {
        found.push(format!("L7 {who}: lot {:?} ran out on {:?} and still holds {}", lot.id, lot.expires, lot.left));
    }
    let active: i64 = state.lots.iter().filter(open).map(|lot| lot.left.get()).sum();
    if state.debt.get() > 0 && active > 0 {
        found.push(format!("S4 {who}: {active} to spend beside a debt of {}", state.debt));
    }
    if state.spendable(day).get() > state.accounts.points.balance {
        found.push(format!("L7 {who}: more to spend than the balance"));
    }
}

/// What the entries say of one lot.
#[derive(Default)]
pub struct Replayed {
    sum: i64,
    expires: Option<Day>,
    given_back: u32,
    expired: u32,
}

type Lots = BTreeMap<LotId, Replayed>;

fn replay_lots(
    world: &World,
    days: &BTreeMap<&DecisionId, Day>,
    book: &[(DecisionId, Entry)],
    found: &mut Vec<String>,
) -> Lots {
    let mut lots = Lots::new();
    for (by, entry) in book.iter().filter(|(_, entry)| entry.account == Account::Points) {
        replay_entry(entry, &mut lots);
        for lot in entry.lots.iter().map(|(id, _)| &lots[id]) {
            if lot.sum < 0 {
                found.push(format!("L7 {by}: a lot falls to {}", lot.sum));
            }
            if entry.kind == EntryKind::Expiry && !due(world, lot, days.get(by).copied()) {
                found.push(format!("L7 {by}: a lot expires before {:?} has passed", lot.expires));
            }
        }
    }
    lots
}

fn replay_entry(entry: &Entry, lots: &mut Lots) {
    for (id, delta) in &entry.lots {
        let lot = lots.entry(id.clone()).or_default();
        lot.sum += delta.get();
        lot.expires = entry.expires.or(lot.expires);
        lot.given_back += u32::from(entry.kind == EntryKind::Reversal && delta.get() > 0);
        lot.expired += u32::from(entry.kind == EntryKind::Expiry);
    }
}

fn due(world: &World, lot: &Replayed, day: Option<Day>) -> bool {
    let idle = matches!(world.settings.expiry, ExpiryRule::Inactivity(_));
    idle || lot.expires.zip(day).is_some_and(|(last, day)| last < day)
}

/// L7: one expiry for each time a lot held something, and no open lot holds more than its entries say.
fn replayed_faults(lots: &Lots, state: &MemberState, found: &mut Vec<String>) {
    for (id, lot) in lots {
        if lot.expired > 1 + lot.given_back {
            found.push(format!("L7 {}: lot {id:?} expires {} times", state.id, lot.expired));
        }
    }
    for lot in &state.lots {
        let said = lots.get(&lot.id).map_or(0, |replayed| replayed.sum);
        if lot.left.get() > said {
            found.push(format!("L7 {}: lot {:?} holds {}, its entries say {said}", state.id, lot.id, lot.left));
        }
    }
}

/// S1: stored value is never below zero; principal comes from recharges alone, and back only from what was spent.
fn stored_faults(world: &World, found: &mut Vec<String>) {
    let mut spent: BTreeMap<(MemberId, bool), i64> = BTreeMap::new();
    for done in &world.done {
        let Some(state) = &done.planned.plan.member else { continue };
        for entry in done.planned.plan.entries.iter().filter(|entry| entry.account != Account::Points) {
            let principal = entry.account == Account::Principal;
            let open = spent.entry((state.id.clone(), principal)).or_default();
            *open -= if matches!(entry.kind, EntryKind::Redemption) { entry.delta } else { 0 };
            *open -= if entry.kind == EntryKind::Reversal { entry.delta.max(0) } else { 0 };
            if *open < 0 {
                found.push(format!("S1 {}: {:?} gives back more than was spent", done.id, entry.account));
            }
            if entry.balance_after < 0 {
                found.push(format!("S1 {}: {:?} falls to {}", done.id, entry.account, entry.balance_after));
            }
            let paid_in = if let Act::Recharge(fen) = &done.act { fen.get() } else { 0 };
            if principal && entry.kind == EntryKind::Accrual && entry.delta != paid_in {
                found.push(format!("S1 {}: {} of principal for {paid_in} paid in", done.id, entry.delta));
            }
        }
    }
}
