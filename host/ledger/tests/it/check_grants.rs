//! The auditor of grants: what was given is what was asked for, inside every limit.

use crate::world::{Done, World};
use chrono::Datelike;
use ledger::{
    Act, Answer, Award, Day, Decision, Effect, Envelope, Expiry, Fen, Grant, Granted, LotId, MemberId, Odds, OverCap,
    Period, PolicyDecision, RuledEffect,
};
use std::collections::BTreeMap;

pub fn faults(world: &World, found: &mut Vec<String>) {
    // Where budgets cut what is given, or a breaker stops it, their own auditor knows how much is due.
    if world.settings.budgets.is_empty() && world.settings.breakers.is_empty() {
        grant_faults(world, found);
        given_faults(world, found);
    }
    left_out_faults(world, found);
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

/// Whether the reply says that a policy was not carried out.
fn failed(done: &Done, policy: &str) -> bool {
    done.planned.reply.reasons.iter().any(|r| r.policy == policy && r.reason.text.starts_with("规则未执行"))
}

/// R4: a policy inside the limits is only left out where it takes points or draws.
fn left_out_faults(world: &World, found: &mut Vec<String>) {
    for done in world.done.iter().filter(|done| done.who.is_some()) {
        for (_, decision) in done.asked.iter().filter(|(question, _)| question.rulebook.is_none()) {
            for part in inside(&world.envelope, decision) {
                let risky = |e: &RuledEffect| matches!(e.effect, Effect::DeductPoints(_) | Effect::SetOdds(_));
                let bold = world.members.values().any(|m| m.accounts.points.balance > ledger::AMOUNT_MAX / 2);
                let answered = matches!(part.answer, Answer::Decided { .. });
                if answered && failed(done, &part.policy) && !bold && !effects_of(part).iter().any(risky) {
                    found.push(format!("R4 {}: {} is left out for no reason", done.id, part.policy));
                }
            }
        }
    }
}

/// Effects the host had to carry out: those of policies that stay inside the envelope, refuse nothing and did not fail.
fn obeyed<'a>(world: &World, done: &'a Done) -> Vec<(&'a str, &'a RuledEffect)> {
    if done.who.is_none() {
        return Vec::new();
    }
    let mut effects = Vec::new();
    for (_, decision) in done.asked.iter().filter(|(question, _)| question.rulebook.is_none()) {
        for part in inside(&world.envelope, decision) {
            let asked = effects_of(part);
            let rejects = asked.iter().any(|e| matches!(e.effect, Effect::Reject(_)));
            if !rejects && !failed(done, &part.policy) {
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
    let mut count = limits.effects_max;
    let mut taken = Vec::new();
    for part in &decision.0 {
        let effects = effects_of(part);
        let sum = |f: &dyn Fn(&Effect) -> i64| effects.iter().fold(0_i64, |n, e| n.saturating_add(f(&e.effect)));
        let points = sum(&|e| if let Effect::GrantPoints(g) = e { g.amount.get() } else { 0 });
        let vouchers = sum(&|e| i64::from(matches!(e, Effect::IssueVoucher(_))));
        let gift = sum(&|e| if let Effect::GiftStoredValue(fen) = e { fen.get() } else { 0 });
        let fits = points <= room[0] && vouchers <= room[1] && gift <= gifts && effects.len() <= count;
        if !fits || !effects.iter().all(|e| sane(limits, &e.effect)) {
            continue;
        }
        (room[0], room[1], gifts) = (room[0] - points, room[1] - vouchers, gifts - gift);
        count -= effects.len();
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
            let lasts = !matches!(g.expiry, Expiry::Days(n) if !days(n));
            points(g.amount.get()) && days(g.pending_days) && lasts && g.cap.is_none_or(|cap| cap.limit.get() >= 0)
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

/// R4: vouchers, gifts, tiers and tags come from effects that were allowed, and from nothing else.
fn given_faults(world: &World, found: &mut Vec<String>) {
    for done in world.done.iter().filter(|done| !matches!(done.act, Act::Quote(_))) {
        let (most, applied) = (asked(&obeyed(world, done), done), &done.planned.plan.applied);
        let given = Asked {
            gifts: applied.gifted.get(),
            vouchers: applied.vouchers_issued.len(),
            tiers: usize::from(applied.tier_before.is_some()),
            tags: applied.tags_changed.len(),
        };
        let beyond = given.vouchers > most.vouchers || given.tiers > most.tiers || given.tags > most.tags;
        if given.gifts != most.gifts || beyond {
            found.push(format!("R4 {}: {given:?} of {most:?}", done.id));
        }
    }
}

#[derive(Debug, Default)]
struct Asked {
    gifts: i64,
    vouchers: usize,
    tiers: usize,
    tags: usize,
}

fn asked(effects: &[(&str, &RuledEffect)], done: &Done) -> Asked {
    let mut asked = Asked::default();
    for (_, e) in effects {
        match &e.effect {
            Effect::GiftStoredValue(fen) => asked.gifts += fen.get(),
            Effect::IssueVoucher(_) => asked.vouchers += 1,
            Effect::SetTier(_) => asked.tiers += 1,
            Effect::SetTag(_) => asked.tags += 1,
            _ => {}
        }
    }
    let odds = effects.iter().find_map(|(_, e)| if let Effect::SetOdds(odds) = &e.effect { Some(odds) } else { None });
    match odds.and_then(|odds| award(odds, done)) {
        Some(Award::Gift(fen)) => asked.gifts += fen.get(),
        Some(Award::Voucher(_)) => asked.vouchers += 1,
        _ => {}
    }
    asked
}
