//! The auditor of budgets and holds: keeps its own count of everything that was given, promised and taken back.

use crate::world::{Done, World};
use chrono::Datelike;
use ledger::{
    Account, Act, Budget, DecisionId, EffectLine, EntryKind, MemberId, OverCap, Period, Scope, Unit, VoucherCode,
    VoucherState,
};
use std::collections::{BTreeMap, BTreeSet};

/// One counter as the auditor names it: budget, whose, and the first day of its period.
type Key = (String, String, i32);
/// What something given took from budgets.
type Uses = Vec<(Key, i64)>;

/// Something a sale gave, which a return can take back.
#[derive(Clone)]
struct Gave {
    kind: String,
    amount: i64,
    /// Points that became a lot.
    lot: bool,
    uses: Uses,
    voucher: Option<VoucherCode>,
}

/// A quote that is neither confirmed nor cancelled nor too old.
struct Open {
    quote: DecisionId,
    who: MemberId,
    receipt: String,
    until_ms: i64,
    points: i64,
    uses: Uses,
}

#[derive(Default)]
struct Audit {
    used: BTreeMap<Key, i64>,
    gave: BTreeMap<DecisionId, Vec<Gave>>,
    open: Vec<Open>,
    found: Vec<String>,
}

pub fn faults(world: &World, found: &mut Vec<String>) {
    let mut audit = Audit::default();
    for done in world.done.iter().skip(world.budgets_from) {
        audit.let_go(done);
        audit.took_back(world, done);
        audit.gave(world, done);
        audit.hold_faults(done);
    }
    audit.counter_faults(world);
    breaker_faults(world, found);
    found.append(&mut audit.found);
}

/// B4: no policy grants more in an hour than its band.
fn breaker_faults(world: &World, found: &mut Vec<String>) {
    for (policy, max) in &world.settings.breakers {
        let mut hours: BTreeMap<i64, i64> = BTreeMap::new();
        for done in world.done.iter().skip(world.budgets_from) {
            let own = done.planned.plan.applied.granted.iter().filter(|granted| granted.policy == *policy);
            // Zones of whole hours: theirs begin with the server's.
            *hours.entry(done.at.get() / 3_600_000).or_default() +=
                own.map(|granted| granted.granted.get()).sum::<i64>();
        }
        let beyond = hours.iter().filter(|(_, granted)| *granted > max);
        found.extend(beyond.map(|(hour, granted)| format!("B4 {policy}: {granted} of {max} in hour {hour}")));
    }
}

/// The first day of a period, reckoned without the ledger.
fn since(period: Period, day: ledger::Day) -> i32 {
    let date = day.date();
    let first = match period {
        Period::Event | Period::Day => date,
        Period::Week => date - chrono::Duration::days(i64::from(date.weekday().num_days_from_monday())),
        Period::Month => date.with_day(1).unwrap(),
        Period::Year => date.with_ordinal(1).unwrap(),
        Period::Life => return 0,
    };
    first.to_epoch_days()
}

/// Which counter of a budget an act counts on, if any.
fn key(world: &World, done: &Done, budget: &Budget) -> Option<Key> {
    let server = world.settings.zone.local(done.at).day;
    let (whose, day) = match budget.scope {
        Scope::Global => (String::new(), server),
        Scope::Store => (done.store.as_ref()?.to_string(), server),
        Scope::Member => (done.who.as_ref()?.to_string(), done.now.day),
    };
    Some((budget.name.clone(), whose, since(budget.period, day)))
}

fn counts(budget: &Budget, line: &EffectLine) -> bool {
    let whose = budget.policies.is_empty() || budget.policies.contains(&line.policy);
    whose && (budget.unit == Unit::Count || (budget.unit == Unit::Points) == (line.kind == "points"))
}

fn given(line: &&EffectLine) -> bool {
    let counted = ["points", "voucher", "discount", "stored_value"].contains(&line.kind.as_str());
    counted && !line.policy.is_empty() && (line.amount.is_some_and(|n| n > 0) || line.wanted.is_some_and(|n| n > 0))
}

impl Audit {
    /// Holds end: by time, by another quote for the same receipt, by confirmation, by cancellation.
    fn let_go(&mut self, done: &Done) {
        let ends = |open: &Open| {
            let named = match &done.act {
                Act::Receipt(checkout) | Act::Quote(checkout) => {
                    checkout.quote.as_ref() == Some(&open.quote) || checkout.receipt.receipt == open.receipt
                }
                Act::Cancel(quote) => *quote == open.quote,
                _ => false,
            };
            done.who.as_ref() == Some(&open.who) && (named || open.until_ms <= done.at.get())
        };
        let ended: Vec<Open> = self.open.extract_if(.., |open| ends(open)).collect();
        ended.iter().for_each(|open| self.give_back(&open.uses));
    }

    fn give_back(&mut self, uses: &Uses) {
        for (key, amount) in uses {
            *self.used.entry(key.clone()).or_default() -= amount;
        }
    }

    /// B1 and B2: nothing is given beyond a budget, and what is cut is cut to what was left.
    fn gave(&mut self, world: &World, done: &Done) {
        let (quoted, mut all) = (matches!(done.act, Act::Quote(_)), Vec::new());
        let mut codes = done.planned.reply.vouchers.iter().filter(|v| v.change == "issued").map(|v| v.code.clone());
        for line in done.planned.reply.effects.iter().filter(given) {
            let voucher = if line.kind == "voucher" { codes.next() } else { None };
            let uses = self.count(world, done, line);
            let (kind, amount) = (line.kind.clone(), line.amount.unwrap_or(0));
            all.push(Gave { lot: kind == "points" && amount > 0, kind, amount, uses, voucher });
        }
        if !quoted {
            self.gave.insert(done.id.clone(), all);
            return;
        }
        let uses: Uses = all.into_iter().flat_map(|gave| gave.uses).collect();
        let (Some(who), Act::Quote(checkout)) = (done.who.clone(), &done.act) else { return self.give_back(&uses) };
        let points = self.promised(done, checkout.receipt.redeem_points.get());
        let until_ms = done.at.get() + i64::from(world.settings.reserve_seconds) * 1_000;
        let receipt = checkout.receipt.receipt.clone();
        self.open.push(Open { quote: done.id.clone(), who, receipt, until_ms, points, uses });
    }

    /// H1: what a quote promises is neither spent nor promised already.
    fn promised(&mut self, done: &Done, asked: i64) -> i64 {
        let state = done.planned.plan.member.as_ref().unwrap();
        let others: i64 = self.open.iter().filter(|open| open.who == state.id).map(|open| open.points).sum();
        let free = (state.spendable(done.today).get() - others).max(0);
        if asked > free {
            self.found.push(format!("H1 {}: {asked} points are promised of {free} free", done.id));
        }
        // A policy may spend what the receipt itself would earn.
        done.planned.reply.points.redeemed.get().min(free)
    }

    fn count(&mut self, world: &World, done: &Done, line: &EffectLine) -> Uses {
        let amount = line.amount.unwrap_or(0);
        let (mut due, mut uses) = (line.wanted.unwrap_or(amount), Uses::new());
        for budget in world.settings.budgets.iter().filter(|budget| counts(budget, line)) {
            let Some(key) = key(world, done, budget) else { continue };
            let (used, one) = (self.used.get(&key).copied().unwrap_or(0), budget.unit == Unit::Count);
            let room = (budget.limit - used).max(0);
            let need = |n: i64| if one { n.min(1) } else { n };
            if need(due) > room {
                let whole = one || line.kind == "voucher" || budget.over == OverCap::Refuse;
                due = if whole { 0 } else { room };
            }
            if need(amount) > room {
                self.found.push(format!("B1 {}: {} gives {amount} of {room} left", done.id, budget.name));
            }
            uses.push((key, need(amount)));
        }
        // Where no budget is, caps cut.
        if amount != due && !world.settings.budgets.is_empty() {
            self.found.push(format!("B2 {}: {} {} instead of {due}", done.id, line.kind, amount));
        }
        for (key, amount) in &uses {
            *self.used.entry(key.clone()).or_default() += amount;
        }
        uses
    }

    /// What a return takes back is free again in the budgets it came from.
    fn took_back(&mut self, world: &World, done: &Done) {
        let Some((key, after)) = &done.planned.plan.sale else { return };
        let earlier = world.done.iter().take_while(|other| other.id != done.id);
        let before =
            earlier.filter_map(|other| other.planned.plan.sale.as_ref().filter(|(other, _)| other == key)).last();
        let sold = world.done.iter().find(|other| other.id == after.decision).unwrap();
        let granted = before.map_or(&sold.planned.plan.applied.granted, |(_, sale)| &sale.applied.granted);
        let lost: Vec<i64> =
            granted.iter().zip(&after.applied.granted).map(|(b, a)| b.granted.get() - a.granted.get()).collect();
        let voided = |v: &&ledger::Voucher| v.issued_by == after.decision && v.state == VoucherState::Voided;
        let voided: BTreeSet<&VoucherCode> =
            done.planned.plan.vouchers.iter().filter(voided).map(|v| &v.code).collect();
        let gifts = done.planned.reply.effects.iter().filter(|e| e.kind == "stored_value" && e.rule == "return");
        let mut gift = -gifts.filter_map(|e| e.amount).sum::<i64>();
        let mut gave = self.gave.remove(&after.decision).unwrap_or_default();
        let mut lost = lost.into_iter();
        for one in &mut gave {
            let back = match one.kind.as_str() {
                "points" if one.lot => lost.next().unwrap_or(0),
                "voucher" if one.voucher.as_ref().is_some_and(|code| voided.contains(code)) => one.amount,
                "discount" if after.whole => one.amount,
                "stored_value" => one.amount.min(gift),
                _ => 0,
            };
            gift -= if one.kind == "stored_value" { back } else { 0 };
            self.give_back(&one.take(back));
        }
        self.gave.insert(after.decision.clone(), gave);
    }

    /// H1 and H2: what is promised is not spent by another, and promises end when they should.
    fn hold_faults(&mut self, done: &Done) {
        let Some(state) = &done.planned.plan.member else { return };
        let open = self.open.iter().filter(|open| open.who == state.id);
        let promised: i64 = open.map(|open| open.points).sum();
        let spent = |e: &&ledger::Entry| e.kind == EntryKind::Redemption && e.account == Account::Points;
        let spends = done.planned.plan.entries.iter().any(|e| spent(&e));
        if spends && promised > state.spendable(done.today).get() {
            let left = state.spendable(done.today);
            self.found.push(format!("H1 {}: {promised} points are promised of {left} left", done.id));
        }
        for hold in &state.holds {
            if !self.open.iter().any(|open| open.quote == hold.quote) {
                self.found.push(format!("H2 {}: {} still holds", done.id, hold.quote));
            }
        }
    }

    /// B3: counters hold what was given and promised and not taken back.
    fn counter_faults(&mut self, world: &World) {
        for budget in &world.settings.budgets {
            let name = format!("budget/{}/{}/", budget.name, budget.unit.as_str());
            let counters = world.stock.iter().filter(|(counter, _)| counter.starts_with(&name));
            for (counter, kept) in counters {
                let whose = if budget.scope == Scope::Global { "" } else { counter.rsplit('/').next().unwrap() };
                let first = i32::try_from(kept.since).unwrap();
                if first != since(budget.period, world.settings.zone.local(world.at).day) {
                    // Its period is over: it begins anew with the next grant, and nothing is given back to it.
                    continue;
                }
                self.equal(counter, &(budget.name.clone(), whose.to_owned(), first), kept.used);
            }
            for (id, state) in world.members.iter().filter(|_| budget.scope == Scope::Member) {
                for (cap, kept) in state.caps.iter().filter(|(cap, _)| cap.starts_with(&name)) {
                    self.equal(cap, &(budget.name.clone(), id.to_string(), kept.from.get()), kept.used.get());
                }
            }
        }
        // A counter that is not there counts nothing; one that has moved on has forgotten what it counted.
        let kept = |key: &Key| world.stock.keys().any(|name| name.starts_with(&format!("budget/{}/", key.0)));
        for (key, used) in self.used.iter().filter(|(_, used)| **used != 0) {
            let member = world.members.keys().any(|id| id.as_str() == key.1);
            if !member && !kept(key) {
                self.found.push(format!("B3 {key:?}: {used} given, no counter knows of it"));
            }
        }
    }

    fn equal(&mut self, name: &str, key: &Key, kept: i64) {
        let given = self.used.get(key).copied().unwrap_or(0);
        if given != kept {
            self.found.push(format!("B3 {name}: {given} given, the counter says {kept}"));
        }
    }
}

impl Gave {
    /// Takes so much of it back. Gives what that frees: a count is free when nothing is left.
    fn take(&mut self, back: i64) -> Uses {
        let before = self.amount;
        self.amount -= back;
        let mut freed = Uses::new();
        for (key, used) in &mut self.uses {
            let gives = match (self.amount == 0, *used == before) {
                (true, _) => *used,
                (false, true) => back,
                (false, false) => 0,
            };
            *used -= gives;
            freed.push((key.clone(), gives));
        }
        freed
    }
}
