//! The auditor of grants, vouchers, stock and returns: what was given is what was asked for, inside every limit.

use crate::draws;
use crate::world::{Done, Move, World};
use chrono::Datelike;
use ledger::{
    Account, Act, Award, Day, Decision, Effect, EntryKind, Envelope, Event, Expiry, Fen, Grant, Granted, LotId,
    MemberId, Odds, OverCap, Period, PolicyDecision, RuledEffect, VoucherState,
};
use std::collections::BTreeMap;

pub fn faults(world: &World, found: &mut Vec<String>) {
    grant_faults(world, found);
    given_faults(world, found);
    voucher_faults(world, found);
    stock_faults(world, found);
    return_faults(world, found);
}

/// Names one cap: member, policy, rule, kind of period and which one.
type CapName = (MemberId, String, String, Period, (i32, u32));

/// The period a day lies in, reckoned without the ledger.
fn which(period: Period, day: Day, nth: usize) -> (i32, u32) {
    let date = day.date();
    match period {
        Period::Event => (0, u32::try_from(nth).unwrap()),
        Period::Day => (day.get(), 0),
        Period::Week => (date.iso_week().year(), date.iso_week().week()),
        Period::Month => (date.year(), date.month()),
        Period::Year => (date.year(), 0),
        Period::Life => (0, 0),
    }
}

/// C1 and R4: every grant is what its policy asked for, as far as the limits and its cap leave room.
fn grant_faults(world: &World, found: &mut Vec<String>) {
    let mut used: BTreeMap<CapName, i64> = BTreeMap::new();
    let mut lots: BTreeMap<LotId, (CapName, i64)> = BTreeMap::new();
    for (nth, done) in world.done.iter().enumerate() {
        if let Some((_, sale)) = &done.planned.plan.sale {
            give_room(&sale.applied.granted, &lots, &mut used);
            lots.retain(|id, _| !sale.applied.granted.iter().any(|g| g.lot == *id));
            remember(&sale.applied.granted, world, nth, &mut lots);
        }
        if matches!(done.act, Act::Quote(_)) {
            continue;
        }
        let due = due_grants(world, done, nth, &mut used);
        let given = &done.planned.plan.applied.granted;
        let seen: Vec<_> =
            given.iter().map(|g| (g.policy.clone(), g.rule.clone(), g.wanted.get(), g.granted.get())).collect();
        if seen != due {
            found.push(format!("C1 {}: granted {seen:?}, due was {due:?}", done.id));
        }
        remember(given, world, nth, &mut lots);
    }
}

/// A return makes room under the caps its sale used.
fn give_room(left: &[Granted], lots: &BTreeMap<LotId, (CapName, i64)>, used: &mut BTreeMap<CapName, i64>) {
    for granted in left {
        if let Some((name, before)) = lots.get(&granted.lot) {
            *used.entry(name.clone()).or_default() -= before - granted.granted.get();
        }
    }
}

fn remember(given: &[Granted], world: &World, nth: usize, lots: &mut BTreeMap<LotId, (CapName, i64)>) {
    for granted in given {
        let by = world.done.iter().position(|done| done.id == granted.lot.0).unwrap_or(nth);
        let (Some((_, cap)), Some(who)) = (&granted.cap, world.done[by].who.clone()) else { continue };
        let period = which(cap.period, world.done[by].now.day, by);
        let name = (who, granted.policy.clone(), granted.rule.clone(), cap.period, period);
        lots.insert(granted.lot.clone(), (name, granted.granted.get()));
    }
}

type DueGrant = (String, String, i64, i64);

fn due_grants(world: &World, done: &Done, nth: usize, used: &mut BTreeMap<CapName, i64>) -> Vec<DueGrant> {
    let (mut due, mut drawn) = (Vec::new(), false);
    for (policy, e) in obeyed(world, done) {
        let (wanted, granted) = match &e.effect {
            Effect::GrantPoints(grant) => (grant.amount.get(), room(world, done, nth, (policy, &e.rule, grant), used)),
            // One ask is one draw, whoever else answers it.
            Effect::SetOdds(odds) if !std::mem::replace(&mut drawn, true) => match award(odds, done) {
                Some(Award::Points(amount)) => (amount.get(), amount.get()),
                _ => continue,
            },
            _ => continue,
        };
        if granted > 0 {
            due.push((policy.to_owned(), e.rule.clone(), wanted, granted));
        }
    }
    due
}

fn room(
    world: &World,
    done: &Done,
    nth: usize,
    (policy, rule, grant): (&str, &str, &Grant),
    used: &mut BTreeMap<CapName, i64>,
) -> i64 {
    let (Some(cap), Some(who)) = (grant.cap, done.who.clone()) else { return grant.amount.get() };
    let name = (who, policy.to_owned(), rule.to_owned(), cap.period, which(cap.period, done.now.day, nth));
    let so_far = used.entry(name).or_default();
    let room = (cap.limit.get() - *so_far).max(0);
    let granted = match world.settings.over_cap {
        _ if grant.amount.get() <= room => grant.amount.get(),
        OverCap::Reduce => room,
        OverCap::Refuse => 0,
    };
    *so_far += granted;
    granted
}

/// Effects the host had to carry out: those of policies that stay inside the envelope, refuse nothing and did not fail.
fn obeyed<'a>(world: &World, done: &'a Done) -> Vec<(&'a str, &'a RuledEffect)> {
    if done.who.is_none() {
        return Vec::new();
    }
    let failed = |policy: &str| {
        done.planned.reply.reasons.iter().any(|r| r.policy == policy && r.reason.text.starts_with("规则未执行"))
    };
    let mut effects = Vec::new();
    for (_, decision) in done.asked.iter().filter(|(question, _)| question.rulebook.is_none()) {
        for part in inside(&world.envelope, decision) {
            let asked = effects_of(part);
            let rejects = asked.iter().any(|e| matches!(e.effect, Effect::Reject(_)));
            if !rejects && !failed(&part.policy) {
                effects.extend(asked.iter().map(|e| (part.policy.as_str(), e)));
            }
        }
    }
    effects
}

pub fn effects_of(part: &PolicyDecision) -> &[RuledEffect] {
    match &part.answer {
        ledger::Answer::Decided { effects, .. } => effects,
        ledger::Answer::Failed { .. } => &[],
    }
}

/// Policies whose effects stay inside the platform's limits, reckoned without the ledger.
fn inside<'a>(limits: &Envelope, decision: &'a Decision) -> Vec<&'a PolicyDecision> {
    let mut room = [limits.points_per_event_max.get(), i64::from(limits.vouchers_per_event_max)];
    let mut gifts = limits.gift_per_event_max.get();
    let mut taken = Vec::new();
    for part in &decision.0 {
        let effects = effects_of(part);
        let sum = |f: &dyn Fn(&Effect) -> i64| effects.iter().fold(0_i64, |n, e| n.saturating_add(f(&e.effect)));
        let points = sum(&|e| if let Effect::GrantPoints(g) = e { g.amount.get() } else { 0 });
        let vouchers = sum(&|e| i64::from(matches!(e, Effect::IssueVoucher(_))));
        let gift = sum(&|e| if let Effect::GiftStoredValue(fen) = e { fen.get() } else { 0 });
        if points > room[0] || vouchers > room[1] || gift > gifts || !effects.iter().all(|e| sane(limits, &e.effect)) {
            continue;
        }
        (room[0], room[1], gifts) = (room[0] - points, room[1] - vouchers, gifts - gift);
        taken.push(part);
    }
    taken
}

fn sane(limits: &Envelope, effect: &Effect) -> bool {
    let points = |n: i64| (0..=limits.points_per_event_max.get()).contains(&n);
    let money = |fen: Fen| (0..=ledger::AMOUNT_MAX).contains(&fen.get());
    let days = |n: u32| n <= limits.days_max;
    match effect {
        Effect::GrantPoints(g) => {
            points(g.amount.get()) && days(g.pending_days) && !matches!(g.expiry, Expiry::Days(n) if !days(n))
        }
        Effect::DeductPoints(n) => points(n.get()),
        Effect::IssueVoucher(v) => {
            (1..=limits.voucher_face_max.get()).contains(&v.face.get()) && money(v.min_spend) && days(v.valid_days)
        }
        Effect::GiftStoredValue(fen) | Effect::DiscountOrder(fen) => money(*fen),
        Effect::DiscountLine(line) => money(line.amount),
        _ => true,
    }
}

fn award<'a>(odds: &'a Odds, done: &Done) -> Option<&'a Award> {
    let won = done.planned.reply.draw.as_ref()?.prize.as_ref()?;
    odds.prizes.iter().find(|prize| prize.id == *won).map(|prize| &prize.award)
}

/// R4: vouchers, gifts, deductions, tiers and tags come from effects that were allowed, and from nothing else.
fn given_faults(world: &World, found: &mut Vec<String>) {
    for done in world.done.iter().filter(|done| !matches!(done.act, Act::Quote(_))) {
        let effects = obeyed(world, done);
        let won = effects
            .iter()
            .find_map(|(_, e)| if let Effect::SetOdds(odds) = &e.effect { award(odds, done) } else { None });
        let sum = |f: &dyn Fn(&Effect) -> i64| effects.iter().map(|(_, e)| f(&e.effect)).sum::<i64>();
        let gifts = sum(&|e| if let Effect::GiftStoredValue(fen) = e { fen.get() } else { 0 })
            + if let Some(Award::Gift(fen)) = won { fen.get() } else { 0 };
        let vouchers = sum(&|e| i64::from(matches!(e, Effect::IssueVoucher(_))))
            + i64::from(matches!(won, Some(Award::Voucher(_))));
        let applied = &done.planned.plan.applied;
        let issued = i64::try_from(applied.vouchers_issued.len()).unwrap();
        if applied.gifted.get() != gifts || issued > vouchers {
            let gifted = applied.gifted;
            found.push(format!("R4 {}: gifts {gifted} of {gifts}, vouchers {issued} of {vouchers}", done.id));
        }
        let tiers = sum(&|e| i64::from(matches!(e, Effect::SetTier(_))));
        let tags = sum(&|e| i64::from(matches!(e, Effect::SetTag(_))));
        let changed = i64::try_from(applied.tags_changed.len()).unwrap();
        if changed > tags || (applied.tier_before.is_some() && tiers == 0) {
            found.push(format!("R4 {}: a tier or tag nobody may set", done.id));
        }
    }
}

/// V1 and V2: vouchers move along their states, are used at most once, and none is lost.
fn voucher_faults(world: &World, found: &mut Vec<String>) {
    let acts: BTreeMap<_, _> = world.done.iter().map(|done| (&done.id, done)).collect();
    let mut uses: BTreeMap<ledger::VoucherCode, i64> = BTreeMap::new();
    for step in &world.moves {
        let used = |state: Option<&VoucherState>| i64::from(matches!(state, Some(VoucherState::Used { .. })));
        let count = uses.entry(step.code.clone()).or_default();
        *count += used(Some(&step.to)) - used(step.from.as_ref());
        if !acts.get(&step.by).is_some_and(|done| allowed(world, done, step)) {
            found.push(format!("V1 {}: {} goes from {:?} to {:?}", step.by, step.code, step.from, step.to));
        }
        if *count > 1 {
            found.push(format!("V1 {}: {} is used again", step.by, step.code));
        }
    }
    let mut paid: BTreeMap<_, i64> = BTreeMap::new();
    for code in world.sales.values().flat_map(|scored| &scored.sale.applied.vouchers_used) {
        *paid.entry(code).or_default() += 1;
    }
    found.extend(paid.iter().filter(|(_, n)| **n > 1).map(|(code, n)| format!("V1 {code} pays {n} receipts")));
    template_faults(world, found);
}

fn template_faults(world: &World, found: &mut Vec<String>) {
    let returns =
        |by: &ledger::DecisionId| world.done.iter().any(|done| done.id == *by && matches!(done.act, Act::Return(_)));
    let mut issued: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for step in &world.moves {
        let Some(voucher) = world.vouchers.get(&step.code) else {
            found.push(format!("V2 {} is gone", step.code));
            continue;
        };
        let counts = issued.entry(&voucher.template).or_default();
        counts.0 += i64::from(step.from.is_none());
        counts.1 += i64::from(step.to == VoucherState::Voided && returns(&step.by));
    }
    for (template, (issued, back)) in issued {
        let held = world.vouchers.values().filter(|v| v.template == template).count();
        if i64::try_from(held).unwrap() != issued {
            found.push(format!("V2 {template}: {issued} issued, {held} kept"));
        }
        let counter = world.stock.get(&format!("voucher/{template}")).filter(|(_, max)| max.is_some());
        if counter.is_some_and(|(used, _)| *used != issued - back) {
            found.push(format!("V2 {template}: {issued} issued, {back} taken back, counter {counter:?}"));
        }
    }
}

fn allowed(world: &World, done: &Done, step: &Move) -> bool {
    use VoucherState::{Expired, Issued, Reserved, Used, Voided};
    let confirms = |quote: &ledger::DecisionId| match &done.act {
        Act::Receipt(checkout) | Act::Quote(checkout) => checkout.quote.as_ref() == Some(quote),
        Act::Cancel(cancelled) => cancelled == quote,
        _ => false,
    };
    let sale_of = |id: &ledger::DecisionId| {
        world.sales.values().any(|s| s.sale.decision == *id && done.sale == Some(s.sale.left.receipt.clone()))
    };
    match (&step.from, &step.to) {
        (None, Issued) => true,
        (Some(Issued), Expired | Voided) => true,
        (Some(Issued), Used { by }) => *by == done.id && matches!(done.act, Act::Receipt(_)),
        (Some(Issued), Reserved { quote, .. }) => *quote == done.id && matches!(done.act, Act::Quote(_)),
        (Some(Reserved { quote, until_ms }), to) => match to {
            Voided => true,
            _ => *until_ms <= done.at.get() || confirms(quote),
        },
        (Some(Used { by }), Issued | Expired) => matches!(done.act, Act::Return(_)) && sale_of(by),
        (Some(Voided), Issued | Expired) => matches!(done.act, Act::Return(_)),
        _ => false,
    }
}

/// Z1, Z2 and Z4: counters stay between nothing and their limit, tickets are 1, 2, 3 …, each draws what its seed says.
fn stock_faults(world: &World, found: &mut Vec<String>) {
    for (name, (used, max)) in &world.stock {
        if *used < 0 || max.is_some_and(|max| *used > max) {
            found.push(format!("Z1 {name}: {used} of {max:?}"));
        }
    }
    let proofs: Vec<_> = world.done.iter().filter_map(|done| done.planned.reply.draw.as_ref()).collect();
    let mut won: BTreeMap<&str, i64> = BTreeMap::new();
    for (nth, proof) in (1_i64..).zip(&proofs) {
        if proof.ticket != nth {
            found.push(format!("Z4 ticket {} where {nth} is due", proof.ticket));
        }
        let Some(open) = &world.open else { continue };
        let fair = draws::by_hand(&open.published, &open.secret, nth);
        if fair != proof.prize && !(proof.out_of_stock && proof.prize.is_none() && fair.is_some()) {
            found.push(format!("Z2 ticket {nth} gives {:?}, its seed says {fair:?}", proof.prize));
        }
        *won.entry(proof.prize.as_deref().unwrap_or_default()).or_default() += 1;
    }
    for (name, (used, _)) in world.stock.iter().filter(|(name, _)| name.starts_with("prize/")) {
        let prize = name.rsplit('/').next().unwrap_or_default();
        if won.get(prize).copied().unwrap_or(0) != *used {
            found.push(format!("Z1 {prize}: {used} taken, {:?} won", won.get(prize)));
        }
    }
}

/// S3: over all returns of a sale nothing is given back or taken back twice.
fn return_faults(world: &World, found: &mut Vec<String>) {
    for (key, scored) in &world.sales {
        let sold = world.done.iter().find(|done| done.id == scored.sale.decision).unwrap();
        let (applied, mut refunds, mut back) = (&sold.planned.plan.applied, 0_i64, [0_i64; 4]);
        for done in world.done.iter().filter(|done| done.sale.as_ref() == Some(key)) {
            let refund = done.planned.reply.refund_fen.map_or(0, Fen::get);
            refunds += refund;
            if refund < 0 && applied.paid.get() >= 0 {
                found.push(format!("S3 {}: a refund of {refund}", done.id));
            }
            moved(done, &mut back);
        }
        let own = own_lots(world, &scored.sale.decision, key);
        if own.0 > own.1 {
            found.push(format!("S3 {key}: {} ran out or was taken back of {} granted and given back", own.0, own.1));
        }
        let sum = |taken: &[ledger::Taken]| taken.iter().map(|t| t.amount.get()).sum::<i64>();
        let granted: i64 = applied.granted.iter().map(|g| g.granted.get()).sum();
        let most = [granted, sum(&applied.redeemed), applied.principal_spent.get(), applied.gift_spent.get()];
        if back.iter().zip(most).any(|(back, most)| *back > most) {
            found.push(format!("S3 {key}: {back:?} moved back of {most:?}"));
        }
        if applied.paid.get() >= 0 && refunds > applied.paid.get() {
            found.push(format!("S3 {key}: {refunds} refunded of {}", applied.paid));
        }
    }
}

/// Of the lots of a sale: what ran out of them and what its returns took back, from whichever lot; and what was
/// granted and what returns gave back to them.
fn own_lots(world: &World, sale: &ledger::DecisionId, key: &String) -> (i64, i64) {
    let (mut gone, mut given) = (0, 0);
    for done in &world.done {
        let returned = done.sale.as_ref() == Some(key);
        for entry in done.planned.plan.entries.iter().filter(|entry| entry.account == Account::Points) {
            let own: i64 = entry.lots.iter().filter(|(lot, _)| lot.0 == *sale).map(|(_, delta)| delta.get()).sum();
            match entry.kind {
                EntryKind::Accrual => given += own,
                EntryKind::Expiry => gone -= own,
                EntryKind::Reversal if entry.delta > 0 => given += own,
                EntryKind::Reversal if returned => gone -= entry.delta,
                _ => {}
            }
        }
    }
    (gone, given)
}

/// Points taken back, points, principal and gift given back by a return.
fn moved(done: &Done, back: &mut [i64; 4]) {
    for entry in done.planned.plan.entries.iter().filter(|entry| entry.kind == EntryKind::Reversal) {
        match (entry.account, entry.delta > 0) {
            (Account::Points, false) => back[0] -= entry.delta,
            (Account::Points, true) => back[1] += entry.delta,
            (Account::Principal, true) => back[2] += entry.delta,
            (Account::Gift, true) => back[3] += entry.delta,
            _ => {}
        }
    }
}

/// Whether the event was a draw.
pub fn is_draw(done: &Done) -> bool {
    matches!(&done.act, Act::Event(Event::Draw(_)))
}
