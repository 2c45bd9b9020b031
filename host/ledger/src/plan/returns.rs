//! Returns: what is left is scored again as the sale was, and the difference is taken back.

use super::effects::Room;
use super::work::{Ask, Question, Work};
use super::{PlanError, StockUse};
use crate::{
    Answer, Applied, Decision, Effect, Event, Fen, Given, Granted, Points, Receipt, Return, ReturnLine, Returned,
    Taken, Totals, VoucherState, share,
};
use std::collections::BTreeMap;

impl Work<'_> {
    /// Takes the returned lines off the sale and asks for the rest to be scored again.
    pub(super) fn ready_return(&mut self, back: &Return) -> Result<(), PlanError> {
        let (_, scored) = self.case.sale.as_ref().ok_or(PlanError::UnknownSale)?;
        if scored.sale.whole {
            return Err(PlanError::NothingLeft);
        }
        let before = scored.sale.left.clone();
        let left = rest(&before, back.lines.as_deref())?;
        let whole = left.lines.iter().all(|line| line.quantity_milli == 0 && line.amount == Fen::ZERO);
        let returned = Returned { receipt: before.receipt.clone(), amount: before.total.minus(left.total)?, whole };
        self.event = Some(Event::Return(returned));
        self.refund(&before, &left, whole)?;
        self.return_tenders(&before, &left, whole)?;
        if let Some((_, scored)) = &mut self.case.sale {
            scored.sale.left = left;
            scored.sale.whole = whole;
            scored.sale.returns = scored.sale.returns.saturating_add(1);
        }
        if whole {
            self.undo_discounts();
        }
        match (self.member.is_some(), whole) {
            (false, _) => self.keep_sale(),
            (true, true) => self.undo(&BTreeMap::new(), &Kept::default())?,
            (true, false) => self.asks.push_back(Ask::Rescore),
        }
        if self.member.is_some() {
            self.asks.push_back(Ask::Returned);
        }
        Ok(())
    }

    /// What is left of the sale, asked as the sale was.
    pub(super) fn rescore_question(&self) -> Option<Question> {
        let (_, scored) = self.case.sale.as_ref()?;
        let event = Event::Receipt(scored.sale.left.clone());
        Some(Question { rulebook: Some(scored.rulebook), facts: scored.facts.clone(), event })
    }

    /// Takes back what the rest of the sale no longer earns.
    pub(super) fn rescored(&mut self, decision: &Decision) -> Result<(), PlanError> {
        let mut points: BTreeMap<(String, String), Points> = BTreeMap::new();
        let mut kept = Kept::default();
        let mut room = Room::new(self.case.envelope);
        for part in &decision.0 {
            let Answer::Decided { effects, .. } = &part.answer else { continue };
            // As when it was sold: a policy beyond the limits, or one that refuses, gives nothing.
            if room.admit(effects).is_err() || effects.iter().any(|e| matches!(e.effect, Effect::Reject(_))) {
                continue;
            }
            for e in effects {
                match &e.effect {
                    Effect::GrantPoints(grant) => {
                        let sum = points.entry((part.policy.clone(), e.rule.clone())).or_default();
                        *sum = sum.plus(grant.amount)?;
                    }
                    Effect::IssueVoucher(issue) => kept.templates.push(issue.template.clone()),
                    Effect::GiftStoredValue(gift) => kept.gift = kept.gift.plus(*gift)?,
                    Effect::SetTier(_) => kept.tier = true,
                    Effect::SetTag(tag) => drop(kept.tags.insert(tag.name.clone(), tag.on)),
                    _ => {}
                }
            }
        }
        self.undo(&points, &kept)
    }

    /// Undoes what the sale did, but for what is kept.
    fn undo(&mut self, points: &BTreeMap<(String, String), Points>, kept: &Kept) -> Result<(), PlanError> {
        let Some((_, scored)) = self.case.sale.clone() else { return Ok(()) };
        let mut applied = scored.sale.applied.clone();
        let mut counted = Totals::default();
        let mut room = points.clone();
        for granted in &mut applied.granted {
            let keep = room.get_mut(&(granted.policy.clone(), granted.rule.clone()));
            let keep = keep.map_or(Points::ZERO, |left| {
                let keep = granted.granted.min(*left).max(Points::ZERO);
                *left = Points::new(left.get() - keep.get());
                keep
            });
            self.give_back_to(granted, keep, &mut applied.redeemed)?;
            let back = self.shrink(granted, keep)?;
            self.return_to_budgets(&mut applied.budgeted, &Given::Points(granted.lot.clone()), back);
            counted.earned = counted.earned.saturating_add(back);
        }
        self.undo_gift(&mut applied, kept, scored.sale.whole)?;
        self.undo_vouchers(&mut applied, kept);
        self.undo_standing(&mut applied, &scored.sale.decision, kept);
        self.charge(&mut applied)?;
        counted.spend = applied.counted.spend.saturating_sub(applied.paid.get());
        counted.visits = if scored.sale.whole { applied.counted.visits } else { 0 };
        let undone = counted.negated();
        applied.counted.add(&undone);
        if let Some(member) = &mut self.member {
            member.count(applied.day, &undone);
        }
        self.uncounted = undone;
        if let Some((_, scored)) = &mut self.case.sale {
            scored.sale.applied = applied;
        }
        self.keep_sale();
        Ok(())
    }

    /// What the sale itself spent of a grant comes back before the grant is taken back, so that other lots stay
    /// as they were however the goods come back.
    fn give_back_to(&mut self, granted: &Granted, keep: Points, spent: &mut Vec<Taken>) -> Result<(), PlanError> {
        let lots = self.member.as_ref().map(|m| m.lots.as_slice()).unwrap_or_default();
        let held = lots.iter().find(|lot| lot.id == granted.lot).map_or(Points::ZERO, |lot| lot.left);
        let mut short = granted.granted.minus(keep)?.minus(held)?.get();
        let (mut own, others) = spent.drain(..).partition(|taken| taken.lot == granted.lot);
        let back = give_from(&mut own, &mut short);
        *spent = others;
        spent.append(&mut own);
        self.said.points_back(Points::sum(back.iter().map(|t| t.amount))?);
        self.give_back(&back)
    }

    /// Takes back a grant down to `keep`, its cap's use included. Gives how much that was.
    fn shrink(&mut self, granted: &mut Granted, keep: Points) -> Result<i64, PlanError> {
        let back = granted.granted.minus(keep)?;
        if back <= Points::ZERO {
            return Ok(0);
        }
        let taken = self.take_back(granted, back)?;
        self.said.taken_back(&granted.policy, &granted.rule, taken, back);
        granted.granted = keep;
        if let (Some((name, use_)), Some(member)) = (&mut granted.cap, &mut self.member) {
            use_.used = use_.used.minus(back)?;
            if let Some(found) = member.caps.get_mut(name) {
                found.used = found.used.minus(back)?;
            }
            member.caps.retain(|_, cap| cap.used != Points::ZERO);
        }
        Ok(back.get())
    }

    /// What policies took off a receipt goes back to their budgets with the last of its goods.
    fn undo_discounts(&mut self) {
        let Some((_, scored)) = &mut self.case.sale else { return };
        let mut budgeted = std::mem::take(&mut scored.sale.applied.budgeted);
        self.return_to_budgets(&mut budgeted, &Given::Discount, i64::MAX);
        if let Some((_, scored)) = &mut self.case.sale {
            scored.sale.applied.budgeted = budgeted;
        }
    }

    /// Takes back stored value the sale was given. What has been spent is tried again with the next return, and
    /// charged with the last.
    fn undo_gift(&mut self, applied: &mut Applied, kept: &Kept, whole: bool) -> Result<(), PlanError> {
        let back = applied.gifted.minus(kept.gift.min(applied.gifted))?;
        let taken = self.take_gift(back)?;
        self.return_to_budgets(&mut applied.budgeted, &Given::Gift, taken.get());
        applied.gifted = applied.gifted.minus(taken)?;
        let missing = back.minus(taken)?;
        if whole && missing > Fen::ZERO {
            applied.gifted = Fen::ZERO;
            applied.owed = applied.owed.plus(missing)?;
            self.said.gift_charged(missing);
        }
        Ok(())
    }

    /// Takes charges off the refund; what it does not cover waits for the next.
    fn charge(&mut self, applied: &mut Applied) -> Result<(), PlanError> {
        let now = applied.owed.min(self.said.refund_fen).max(Fen::ZERO);
        applied.owed = applied.owed.minus(now)?;
        self.said.refund_fen = self.said.refund_fen.minus(now)?;
        Ok(())
    }

    fn undo_vouchers(&mut self, applied: &mut Applied, kept: &Kept) {
        let mut templates = kept.templates.clone();
        let (mut stay, mut go) = (Vec::new(), Vec::new());
        for code in std::mem::take(&mut applied.vouchers_issued) {
            let template = self.vouchers.get(&code).map(|v| v.template.clone()).unwrap_or_default();
            match templates.iter().position(|t| *t == template) {
                Some(at) => {
                    templates.remove(at);
                    stay.push(code);
                }
                None => go.push(code),
            }
        }
        applied.vouchers_issued = stay;
        for code in go {
            let Some(voucher) = self.vouchers.get_mut(&code) else { continue };
            if voucher.state.is_open() {
                voucher.state = VoucherState::Voided;
                self.touched.insert(code.clone());
                let name = format!("voucher/{}", voucher.template);
                if let Some(max) = self.case.stock.get(&name).map(|counter| counter.max).filter(Option::is_some) {
                    self.use_stock(StockUse { name, delta: -1, max, since: 0 });
                }
                self.return_to_budgets(&mut applied.budgeted, &Given::Voucher(code.clone()), i64::MAX);
                self.said.voucher_voided("", "return", &code);
            } else if matches!(voucher.state, VoucherState::Used { .. }) {
                let face = voucher.face;
                applied.owed = Fen::new(applied.owed.get().saturating_add(face.get()));
                self.said.voucher_charged(&code, face);
            }
        }
    }

    /// Tier and tags go back to what they were before the sale, unless something else has moved them since.
    fn undo_standing(&mut self, applied: &mut Applied, sale: &crate::DecisionId, kept: &Kept) {
        let Some(member) = &mut self.member else { return };
        if !kept.tier
            && member.tier.cause.as_ref() == Some(sale)
            && let Some(before) = applied.tier_before.take()
        {
            self.said.tier("", "return", &member.tier.name, &before.name);
            member.tier = before;
        }
        for (tag, on) in std::mem::take(&mut applied.tags_changed) {
            if kept.tags.get(&tag) == Some(&on) {
                applied.tags_changed.push((tag, on));
            } else if on {
                member.tags.remove(&tag);
            } else {
                member.tags.insert(tag);
            }
        }
    }

    /// What is paid back: the part of what was paid that the rest of the goods no longer costs.
    fn refund(&mut self, before: &Receipt, left: &Receipt, whole: bool) -> Result<(), PlanError> {
        let Some((_, scored)) = &mut self.case.sale else { return Ok(()) };
        let paid = &mut scored.sale.applied.paid;
        let kept = if whole { Fen::ZERO } else { still_paid(*paid, left.total, before.total)? };
        self.said.refund_fen = paid.minus(kept)?;
        *paid = kept;
        Ok(())
    }

    /// Gives back points, stored value and vouchers the sale was paid with: in proportion, the rest with the last goods.
    fn return_tenders(&mut self, before: &Receipt, left: &Receipt, whole: bool) -> Result<(), PlanError> {
        let Some((_, scored)) = &mut self.case.sale else { return Ok(()) };
        let applied = &mut scored.sale.applied;
        let returned = before.total.minus(left.total)?;
        let part = |of: i64| -> Result<i64, PlanError> {
            match (whole, before.total > Fen::ZERO) {
                (true, _) => Ok(of),
                (false, true) => Ok(share(of, returned.get().max(0), before.total.get())?.clamp(0, of)),
                (false, false) => Ok(0),
            }
        };
        let stored = Fen::new(part(applied.principal_spent.plus(applied.gift_spent)?.get())?);
        // Gift last.
        let principal = stored.min(applied.principal_spent);
        let gift = stored.minus(principal)?;
        let spent = Points::sum(applied.redeemed.iter().map(|t| t.amount))?;
        let mut points = part(spent.get())?;
        let back = give_from(&mut applied.redeemed, &mut points);
        applied.principal_spent = applied.principal_spent.minus(principal)?;
        applied.gift_spent = applied.gift_spent.minus(gift)?;
        let mut restored = Vec::new();
        if whole {
            restored.append(&mut applied.vouchers_used);
            restored.append(&mut applied.vouchers_voided);
        }
        self.said.points_back(Points::sum(back.iter().map(|t| t.amount))?);
        self.give_back(&back)?;
        self.return_stored(principal, gift)?;
        for code in restored {
            if let Some(voucher) = self.vouchers.get_mut(&code) {
                voucher.state = VoucherState::Issued;
                self.touched.insert(code.clone());
                self.said.voucher_restored(&code);
            }
        }
        Ok(())
    }

    /// Notes what is left of the sale for the next return.
    fn keep_sale(&mut self) {
        self.plan.sale = self.case.sale.as_ref().map(|(key, scored)| (key.clone(), scored.sale.clone()));
    }
}

/// What a re-scored sale still asks for besides points.
#[derive(Debug, Default)]
struct Kept {
    templates: Vec<String>,
    gift: Fen,
    tier: bool,
    tags: BTreeMap<String, bool>,
}

/// Takes up to `amount` points off what was spent, last taken first.
fn give_from(spent: &mut Vec<Taken>, amount: &mut i64) -> Vec<Taken> {
    let mut back = Vec::new();
    for taken in spent.iter_mut().rev() {
        let gives = taken.amount.get().min(*amount);
        if gives > 0 {
            taken.amount = Points::new(taken.amount.get() - gives);
            *amount -= gives;
            back.push(Taken { amount: Points::new(gives), ..taken.clone() });
        }
    }
    spent.retain(|t| t.amount != Points::ZERO);
    back
}

/// The receipt without what comes back; what is left to pay shrinks in proportion, rounded down.
fn rest(before: &Receipt, lines: Option<&[ReturnLine]>) -> Result<Receipt, PlanError> {
    let mut left = before.clone();
    match lines {
        None => left.lines.iter_mut().for_each(|line| (line.quantity_milli, line.amount) = (0, Fen::ZERO)),
        Some([]) => return Err(PlanError::BadReturnLine { line: 0, why: "the return names no lines" }),
        Some(lines) => lines.iter().try_for_each(|line| take_line(&mut left, line))?,
    }
    left.total = Fen::sum(left.lines.iter().map(|line| line.amount))?;
    let nothing = left.lines.iter().all(|line| line.quantity_milli == 0 && line.amount == Fen::ZERO);
    left.payable = if nothing { Fen::ZERO } else { still_paid(before.payable, left.total, before.total)? };
    Ok(left)
}

/// What goods for `left` cost of the `paid` for goods for `total`: in proportion, rounded down. Negative lines can
/// make the rest dearer than the whole or turn its sign; no more is ever refunded than was paid, and nothing asked for.
fn still_paid(paid: Fen, left: Fen, total: Fen) -> Result<Fen, PlanError> {
    let kept = match total > Fen::ZERO {
        true => Fen::new(share(paid.get(), left.get().clamp(0, total.get()), total.get())?),
        false => left,
    };
    Ok(kept.clamp(paid.min(Fen::ZERO), paid.max(Fen::ZERO)))
}

/// Nothing, all of it, or something between: never more, never of the other sign.
fn is_part(part: i64, whole: i64) -> bool {
    (whole.min(0)..=whole.max(0)).contains(&part)
}

fn take_line(left: &mut Receipt, back: &ReturnLine) -> Result<(), PlanError> {
    let bad = |why| PlanError::BadReturnLine { line: back.line, why };
    let at = usize::try_from(back.line).unwrap_or(usize::MAX);
    let line = left.lines.get_mut(at).ok_or_else(|| bad("the sale has no such line"))?;
    let quantity = back.quantity_milli.unwrap_or(line.quantity_milli);
    if !is_part(quantity, line.quantity_milli) {
        return Err(bad("more than is left of it"));
    }
    let all = quantity == line.quantity_milli;
    let amount = match back.amount {
        Some(amount) => amount,
        None if all => line.amount,
        None => {
            let sign = line.quantity_milli.signum();
            Fen::new(share(line.amount.get(), quantity.saturating_mul(sign), line.quantity_milli.saturating_mul(sign))?)
        }
    };
    if !is_part(amount.get(), line.amount.get()) {
        return Err(bad("it cost less than that"));
    }
    if quantity == 0 && amount == Fen::ZERO && (line.quantity_milli != 0 || line.amount != Fen::ZERO) {
        return Err(bad("nothing of it comes back"));
    }
    line.quantity_milli -= quantity;
    line.amount = line.amount.minus(amount)?;
    Ok(())
}
