//! The auditor of vouchers, stock, draws and returns.

use crate::draws;
use crate::world::{Done, Move, World};
use ledger::{Account, Act, Applied, DecisionId, EntryKind, Fen, VoucherCode, VoucherState};
use std::collections::BTreeMap;

pub fn faults(world: &World, found: &mut Vec<String>) {
    voucher_faults(world, found);
    stock_faults(world, found);
    return_faults(world, found);
}

/// V1 and V2: vouchers move along their states, are used at most once, and none is lost.
fn voucher_faults(world: &World, found: &mut Vec<String>) {
    let acts: BTreeMap<_, _> = world.done.iter().map(|done| (&done.id, done)).collect();
    let mut uses: BTreeMap<VoucherCode, i64> = BTreeMap::new();
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
    let returns: Vec<&DecisionId> =
        world.done.iter().filter(|done| matches!(done.act, Act::Return(_))).map(|done| &done.id).collect();
    let mut issued: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for step in &world.moves {
        let Some(voucher) = world.vouchers.get(&step.code) else {
            found.push(format!("V2 {} is gone", step.code));
            continue;
        };
        let counts = issued.entry(&voucher.template).or_default();
        counts.0 += i64::from(step.from.is_none());
        counts.1 += i64::from(step.to == VoucherState::Voided && returns.contains(&&step.by));
    }
    for (template, counts) in issued {
        count_faults(world, template, counts, found);
    }
}

/// V2: as many as were issued are kept, and a limited template's counter knows of each that was not taken back.
fn count_faults(world: &World, template: &str, (issued, back): (i64, i64), found: &mut Vec<String>) {
    let held = world.vouchers.values().filter(|v| v.template == template).count();
    if i64::try_from(held).unwrap() != issued {
        found.push(format!("V2 {template}: {issued} issued, {held} kept"));
    }
    let counter = world.stock.get(&format!("voucher/{template}")).filter(|counter| counter.max.is_some());
    if counter.is_some_and(|counter| counter.used != issued - back) {
        found.push(format!("V2 {template}: {issued} issued, {back} taken back, counter {counter:?}"));
    }
}

/// Whether a return of this very sale is what was done.
fn returns_sale(world: &World, done: &Done, sale: &DecisionId) -> bool {
    let named = done.sale.as_ref().and_then(|key| world.sales.get(key));
    matches!(done.act, Act::Return(_)) && named.is_some_and(|scored| scored.sale.decision == *sale)
}

fn confirms(done: &Done, quote: &DecisionId) -> bool {
    match &done.act {
        Act::Receipt(checkout) | Act::Quote(checkout) => checkout.quote.as_ref() == Some(quote),
        Act::Cancel(cancelled) => cancelled == quote,
        _ => false,
    }
}

fn allowed(world: &World, done: &Done, step: &Move) -> bool {
    use VoucherState::{Expired, Issued, Reserved, Used, Voided};
    let returned = matches!(done.act, Act::Return(_));
    match (&step.from, &step.to) {
        (None, Issued) => true,
        (Some(Issued), Expired | Voided) => true,
        (Some(Issued), Used { by }) => *by == done.id && matches!(done.act, Act::Receipt(_)),
        (Some(Issued), Reserved { quote, .. }) => *quote == done.id && matches!(done.act, Act::Quote(_)),
        (Some(Reserved { .. }), Voided) if returned => true,
        (Some(Reserved { quote, until_ms }), _) => *until_ms <= done.at.get() || confirms(done, quote),
        (Some(Used { by }), Issued | Expired) => returns_sale(world, done, by),
        (Some(Voided), Issued | Expired) => returned,
        _ => false,
    }
}

/// Z1: counters stay between nothing and their limit, and every prize taken was won.
fn stock_faults(world: &World, found: &mut Vec<String>) {
    let won = draw_faults(world, found);
    for (name, ledger::Counter { used, max, .. }) in &world.stock {
        if *used < 0 || max.is_some_and(|max| *used > max) {
            found.push(format!("Z1 {name}: {used} of {max:?}"));
        }
        let prize = name.rsplit('/').next().unwrap_or_default();
        let taken = won.get(prize).copied().unwrap_or(0);
        if name.starts_with("prize/") && taken != *used {
            found.push(format!("Z1 {prize}: {used} taken, {taken} won"));
        }
    }
}

/// Z2 and Z4: tickets are 1, 2, 3 …, and each draws what its seed says. Gives how often each prize was won.
fn draw_faults<'a>(world: &'a World, found: &mut Vec<String>) -> BTreeMap<&'a str, i64> {
    let proofs = world.done.iter().filter_map(|done| done.planned.reply.draw.as_ref());
    let mut won: BTreeMap<&str, i64> = BTreeMap::new();
    for (nth, proof) in (1_i64..).zip(proofs) {
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
    won
}

/// S3: over all returns of a sale nothing is given back or taken back twice.
fn return_faults(world: &World, found: &mut Vec<String>) {
    for (key, scored) in &world.sales {
        let sold = world.done.iter().find(|done| done.id == scored.sale.decision).unwrap();
        let returns: Vec<&Done> = world.done.iter().filter(|done| done.sale.as_ref() == Some(key)).collect();
        refund_faults(sold, &returns, found);
        let (gone, given) = own_lots(world, &scored.sale.decision, key);
        if gone > given {
            found.push(format!("S3 {key}: {gone} ran out or was taken back of {given} granted and given back"));
        }
        let (most, mut back) = (most_back(&sold.planned.plan.applied), [0_i64; 4]);
        returns.iter().for_each(|done| moved(done, &mut back));
        if back.iter().zip(most).any(|(back, most)| *back > most) {
            found.push(format!("S3 {key}: {back:?} moved back of {most:?}"));
        }
    }
}

fn refund_faults(sold: &Done, returns: &[&Done], found: &mut Vec<String>) {
    let paid = sold.planned.plan.applied.paid.get();
    let refunds = || returns.iter().map(|done| done.planned.reply.refund_fen.map_or(0, Fen::get));
    if paid >= 0 && (refunds().any(|refund| refund < 0) || refunds().sum::<i64>() > paid) {
        found.push(format!("S3 {}: refunds {:?} of {paid}", sold.id, refunds().collect::<Vec<_>>()));
    }
}

/// The most that can be taken back in points, and given back in points, principal and gift.
fn most_back(applied: &Applied) -> [i64; 4] {
    let granted = applied.granted.iter().map(|g| g.granted.get()).sum();
    let redeemed = applied.redeemed.iter().map(|t| t.amount.get()).sum();
    [granted, redeemed, applied.principal_spent.get(), applied.gift_spent.get()]
}

/// Of the lots of a sale: what ran out of them and what its returns took back, from whichever lot; and what was
/// granted and what returns gave back to them.
fn own_lots(world: &World, sale: &DecisionId, key: &String) -> (i64, i64) {
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
