//! From what policies ask for to what they get, within limits no tenant can change.

use super::work::Work;
use super::{Notice, PlanError};
use crate::{
    AMOUNT_MAX, Act, Answer, Decision, Effect, Envelope, Event, Expiry, Fen, Grant, Outcome, Points, PolicyDecision,
    Reason, RuledEffect, Tag, TierChange,
};
use serde_json::json;

impl Work<'_> {
    /// Applies the rulebook's decision, policy by policy in its order.
    pub(super) fn apply(&mut self, decision: &Decision) -> Result<(), PlanError> {
        let mut room = Room::new(self.case.envelope);
        for part in &decision.0 {
            match &part.answer {
                Answer::Failed { code, text } => self.said.failed(&part.policy, code, text),
                Answer::Decided { effects, reasons } => {
                    self.said.reasons(&part.policy, reasons);
                    match room.admit(effects) {
                        Ok(()) => self.apply_in_band(part, effects)?,
                        Err(text) => self.said.failed(&part.policy, "outside_limits", &text),
                    }
                }
            }
        }
        if let Some(Event::Draw(campaign)) = self.event.clone()
            && self.said.draw.is_none()
        {
            return Err(PlanError::NoOdds(campaign));
        }
        self.after_effects()
    }

    /// What happened whatever a policy says: goods were sold, goods came back, money was paid in.
    fn must_stand(&self) -> bool {
        matches!(self.case.act, Act::Receipt(_) | Act::Quote(_) | Act::Return(_) | Act::Recharge(_))
    }

    /// Applies a policy's effects; where the event must stand, one that breaks a rule gives nothing at all instead.
    pub(super) fn apply_or_fail(&mut self, part: &PolicyDecision, effects: &[RuledEffect]) -> Result<(), PlanError> {
        if !self.must_stand() || !self.may_fail(effects) {
            return self.apply_policy(part, effects);
        }
        let before = self.clone();
        if let Err(error) = self.apply_policy(part, effects) {
            *self = before;
            self.said.failed(&part.policy, error.code(), &error.to_string());
        }
        Ok(())
    }

    /// Whether the effects can break a rule: by taking more than is held, or beyond the range of amounts.
    fn may_fail(&self, effects: &[RuledEffect]) -> bool {
        let near = |balance: i64| balance.unsigned_abs() > AMOUNT_MAX.unsigned_abs() / 2;
        let accounts = self.member.as_ref().map(|m| m.accounts).unwrap_or_default();
        near(accounts.points.balance)
            || near(accounts.gift.balance)
            || effects.iter().any(|e| matches!(e.effect, Effect::DeductPoints(_)))
    }

    fn apply_policy(&mut self, part: &PolicyDecision, effects: &[RuledEffect]) -> Result<(), PlanError> {
        let refusal = effects.iter().find_map(|e| match &e.effect {
            Effect::Reject(text) => Some((&e.rule, text)),
            _ => None,
        });
        if let Some((rule, text)) = refusal {
            // A sale never fails because of a policy: on a receipt the refusing policy only gives nothing.
            if self.must_stand() {
                let reason =
                    Reason { rule: rule.clone(), outcome: Outcome::Missed, text: text.clone(), compared: None };
                self.said.reasons(&part.policy, &[reason]);
                return Ok(());
            }
            return Err(PlanError::Refused(text.clone()));
        }
        effects.iter().try_for_each(|e| self.apply_effect(&part.policy, &e.rule, &e.effect))
    }

    fn apply_effect(&mut self, policy: &str, rule: &str, effect: &Effect) -> Result<(), PlanError> {
        match effect {
            Effect::DiscountLine(discount) => self.discount_line(policy, rule, discount),
            Effect::DiscountOrder(amount) => {
                self.discount(policy, rule, *amount);
            }
            _ if self.member.is_none() => self.said.would_have(policy, rule, effect),
            Effect::GrantPoints(grant) => {
                let granted = self.grant(policy, rule, grant)?;
                self.said.granted(policy, rule, granted, grant.amount);
            }
            Effect::DeductPoints(amount) => {
                let taken = self.spend(crate::EntryKind::Redemption, policy, rule, *amount)?;
                self.plan.applied.redeemed.extend(taken);
                self.said.deducted(policy, rule, *amount);
            }
            Effect::IssueVoucher(issue) => self.issue(policy, rule, issue),
            Effect::VoidVoucher(code) => self.void(policy, rule, code),
            Effect::SetTier(change) => self.set_tier(policy, rule, change),
            Effect::SetOdds(odds) => self.draw(policy, rule, odds)?,
            Effect::GiftStoredValue(amount) => self.gift(policy, rule, *amount)?,
            Effect::SendMessage(message) => self.notify(&message.template, &message.text),
            Effect::SetTag(tag) => self.set_tag(policy, rule, tag),
            Effect::Reject(_) => {}
        }
        Ok(())
    }

    pub(super) fn notify(&mut self, template: &str, text: &str) {
        let member = self.member.as_ref().map(|m| m.id.clone());
        let body = json!({"member": member, "template": template, "text": text});
        self.plan.notices.push(Notice { topic: "message".into(), body, due: None });
    }

    fn set_tier(&mut self, policy: &str, rule: &str, change: &TierChange) {
        let today = self.case.now.day;
        let cause = Some(self.case.decision.clone());
        let Some(member) = &mut self.member else { return };
        if member.tier.name == change.tier && member.tier.until == change.until {
            return;
        }
        // The same tier until another day is a renewal: its period begins anew.
        let pinned = member.tier.pinned;
        let tier = crate::Tier { name: change.tier.clone(), since: today, until: change.until, pinned, cause };
        let before = std::mem::replace(&mut member.tier, tier);
        if before.name != change.tier {
            self.said.tier(policy, rule, &before.name, &change.tier);
        }
        self.plan.applied.tier_before.get_or_insert(before);
    }

    fn set_tag(&mut self, policy: &str, rule: &str, tag: &Tag) {
        let Some(member) = &mut self.member else { return };
        let changed = if tag.on { member.tags.insert(tag.name.clone()) } else { member.tags.remove(&tag.name) };
        if changed {
            // Set and cleared again is no change.
            let changes = &mut self.plan.applied.tags_changed;
            match changes.iter().position(|(name, _)| *name == tag.name) {
                Some(at) => drop(changes.remove(at)),
                None => changes.push((tag.name.clone(), tag.on)),
            }
            self.said.tag(policy, rule, &tag.name, tag.on);
        }
    }
}

/// What one event may still give; effects of all policies draw on it together.
pub(super) struct Room<'a> {
    envelope: &'a Envelope,
    effects: usize,
    points: i64,
    vouchers: u32,
    gifts: i64,
}

impl<'a> Room<'a> {
    pub(super) fn new(envelope: &'a Envelope) -> Self {
        Self { envelope, effects: 0, points: 0, vouchers: 0, gifts: 0 }
    }

    /// Takes a policy's effects whole, or says which limit they break and takes none.
    pub(super) fn admit(&mut self, effects: &[RuledEffect]) -> Result<(), String> {
        let mut next = Room { ..*self };
        effects
            .iter()
            .try_for_each(|e| next.admit_one(&e.effect).map_err(|why| format!("rule {:?}: {why}", e.rule)))?;
        *self = next;
        Ok(())
    }

    fn admit_one(&mut self, effect: &Effect) -> Result<(), String> {
        let limits = self.envelope;
        self.effects += 1;
        if self.effects > limits.effects_max {
            return Err(format!("more than {} effects", limits.effects_max));
        }
        match effect {
            Effect::GrantPoints(grant) => self.admit_grant(grant),
            Effect::DeductPoints(points) => {
                within(points.get(), 0, limits.points_per_event_max.get(), "points to deduct")
            }
            Effect::IssueVoucher(issue) => self.admit_voucher(issue),
            Effect::GiftStoredValue(fen) => {
                within(fen.get(), 0, limits.gift_per_event_max.get(), "stored value")?;
                self.gifts = self.gifts.saturating_add(fen.get());
                within(self.gifts, 0, limits.gift_per_event_max.get(), "stored value of the event")
            }
            Effect::DiscountOrder(fen) => within(fen.get(), 0, AMOUNT_MAX, "discount"),
            Effect::DiscountLine(line) => within(line.amount.get(), 0, AMOUNT_MAX, "discount"),
            Effect::SetOdds(odds) => odds.check(limits),
            _ => Ok(()),
        }
    }

    fn admit_grant(&mut self, grant: &Grant) -> Result<(), String> {
        let max = self.envelope.points_per_event_max.get();
        let days_max = i64::from(self.envelope.days_max);
        within(grant.amount.get(), 0, max, "points")?;
        within(i64::from(grant.pending_days), 0, days_max, "pending days")?;
        if let Expiry::Days(days) = grant.expiry {
            within(i64::from(days), 0, days_max, "days until expiry")?;
        }
        if let Some(cap) = grant.cap {
            within(cap.limit.get(), 0, AMOUNT_MAX, "cap")?;
        }
        self.points = self.points.saturating_add(grant.amount.get());
        within(self.points, 0, max, "points of the event")
    }

    fn admit_voucher(&mut self, issue: &crate::VoucherIssue) -> Result<(), String> {
        self.vouchers = self.vouchers.saturating_add(1);
        within(i64::from(self.vouchers), 0, i64::from(self.envelope.vouchers_per_event_max), "vouchers of the event")?;
        issue.check(self.envelope)
    }
}

impl crate::VoucherIssue {
    /// Within the platform's limits, or which one it breaks.
    pub(super) fn check(&self, limits: &Envelope) -> Result<(), String> {
        within(self.face.get(), 1, limits.voucher_face_max.get(), "face value in fen")?;
        within(self.min_spend.get(), 0, AMOUNT_MAX, "minimum spend in fen")?;
        within(i64::from(self.valid_days), 0, i64::from(limits.days_max), "days of validity")
    }
}

pub(super) fn within(value: i64, low: i64, high: i64, what: &str) -> Result<(), String> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        Err(format!("{what} must be from {low} to {high}, not {value}"))
    }
}

/// What the tenant's receipt still has to be paid, and by what.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Due {
    /// After vouchers, points and discounts.
    pub payable: Fen,
    /// Points used to pay.
    pub redeemed: Points,
}
