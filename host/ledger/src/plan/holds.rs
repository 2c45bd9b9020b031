//! Holds: what a quote promises stays promised until it is confirmed or cancelled, or its time is up.
//!
//! Points and stored value stay in the balance and cannot be spent by anything else; what a budget promised is taken
//! from it at once, and given back with the hold. Vouchers hold themselves, see [`crate::VoucherState`].

use super::Notice;
use super::vouchers::reserve_until;
use super::work::Work;
use crate::{Act, BudgetUse, DecisionId, Fen, Hold, Points, UnixMs};
use serde_json::json;

/// The most quotes that hold something for one member; the oldest makes room for another.
const HOLDS_MAX: usize = 16;

impl Work<'_> {
    /// Points and stored value that are promised to other quotes.
    pub(super) fn held(&self) -> (Points, Fen) {
        self.member.as_ref().map(|member| member.held(self.case.at)).unwrap_or_default()
    }

    /// Lets go of holds whose time is up.
    pub(super) fn settle_holds(&mut self) {
        let now_ms = self.case.at.get();
        self.let_holds_go(|hold| hold.until_ms <= now_ms);
    }

    /// What was held for this receipt is free for it, and what it leaves stays free: the quote it names, and
    /// whatever was quoted for the same receipt before.
    pub(super) fn let_go_of_confirmed(&mut self) {
        let (Act::Receipt(checkout) | Act::Quote(checkout)) = self.case.act else { return };
        let receipt = (self.case.store.clone(), checkout.receipt.till.clone(), checkout.receipt.receipt.clone());
        let holds = self.member.as_ref().map(|member| member.holds.as_slice()).unwrap_or_default();
        let same = holds.iter().filter(|hold| hold.receipt == receipt).map(|hold| hold.quote.clone());
        let quotes: Vec<DecisionId> = same.chain(checkout.quote.clone()).collect();
        for quote in quotes {
            self.let_go(&quote);
        }
    }

    /// Lets go of what a quote holds besides vouchers.
    pub(super) fn let_hold_go(&mut self, quote: &DecisionId) {
        self.let_holds_go(|hold| hold.quote == *quote);
    }

    fn let_holds_go(&mut self, ends: impl Fn(&Hold) -> bool) {
        let Some(member) = &mut self.member else { return };
        let ended: Vec<Hold> = member.holds.extract_if(.., |hold| ends(hold)).collect();
        ended.iter().flat_map(|hold| &hold.budgets).for_each(|used| self.give_to_budget(used));
    }

    /// What the quote promises, if anything; without a member nobody can be promised anything.
    pub(super) fn hold(&self) -> Option<Hold> {
        let Act::Quote(checkout) = self.case.act else { return None };
        let before = self.before.as_ref()?.member.as_ref()?;
        let applied = &self.plan.applied;
        let points = applied.redeemed.iter().map(|taken| taken.amount.get()).fold(0, i64::saturating_add);
        let stored = applied.principal_spent.get().saturating_add(applied.gift_spent.get());
        // What the receipt itself would give first is not there to be held.
        let (points_held, stored_held) = self.held();
        let points = points.min(before.spendable(self.case.today).get().saturating_sub(points_held.get())).max(0);
        let stored = stored.min(before.stored().get().saturating_sub(stored_held.get())).max(0);
        let uses = applied.budgeted.iter().flat_map(|budgeted| &budgeted.uses);
        let budgets: Vec<BudgetUse> = uses.filter(|used| used.used > 0).cloned().collect();
        if points == 0 && stored == 0 && budgets.is_empty() && applied.vouchers_used.is_empty() {
            return None;
        }
        Some(Hold {
            quote: self.case.decision.clone(),
            receipt: (self.case.store.clone(), checkout.receipt.till.clone(), checkout.receipt.receipt.clone()),
            until_ms: reserve_until(self.case.at, self.case.settings).get(),
            points: Points::new(points),
            stored: Fen::new(stored),
            budgets,
        })
    }

    /// Notes the hold with the member. Nobody may ask for this member again, so the outbox reminds us to give back
    /// what a shared budget holds.
    pub(super) fn keep_hold(&mut self, hold: Hold) {
        let holds = self.member.as_ref().map(|member| member.holds.as_slice()).unwrap_or_default();
        let oldest = holds.first().filter(|_| holds.len() >= HOLDS_MAX).map(|oldest| oldest.quote.clone());
        if let Some(oldest) = oldest {
            self.let_go(&oldest);
        }
        for used in hold.budgets.iter().filter(|used| used.member) {
            self.use_budget(used, i64::MAX);
        }
        let Some(member) = &mut self.member else { return };
        if hold.budgets.iter().any(|used| !used.member) {
            let body = json!({"member": member.id, "quote": hold.quote});
            let due = Some(UnixMs::new(hold.until_ms));
            self.plan.notices.push(Notice { topic: "release".into(), body, due });
        }
        member.holds.push(hold);
    }
}
