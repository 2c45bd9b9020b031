//! Stored value: principal and gift kept apart.

use super::PlanError;
use super::budgets::Wish;
use super::work::{Line, Work};
use crate::{Account, Adjust, EntryKind, Event, Fen, Given, StoredSpend, Unit, share};

impl Work<'_> {
    /// Credits the principal and asks the rulebook for gifts.
    pub(super) fn ready_recharge(&mut self, amount: Fen) -> Result<(), PlanError> {
        if amount <= Fen::ZERO {
            return Err(PlanError::BadAmount { amount: amount.get(), why: "fen cannot be paid in" });
        }
        let amount = Fen::checked(amount.get())?;
        self.post(Line::new(Account::Principal, EntryKind::Accrual, amount.get(), "recharge"))?;
        self.count(|counts| counts.recharged = amount.get());
        self.ask(Event::Recharge(amount));
        Ok(())
    }

    /// A policy gives stored value.
    pub(super) fn gift(&mut self, policy: &str, rule: &str, wanted: Fen) -> Result<(), PlanError> {
        let wish = Wish { policy, rule, unit: Unit::Money, amount: wanted.get(), given: Given::Gift };
        let amount = if wanted == Fen::ZERO { wanted } else { Fen::new(self.take_budgets(wish)) };
        if amount == Fen::ZERO {
            return Ok(());
        }
        self.post(Line::new(Account::Gift, EntryKind::Accrual, amount.get(), rule).by(policy))?;
        self.plan.applied.gifted = self.plan.applied.gifted.plus(amount)?;
        self.said.gift(policy, rule, amount, wanted);
        Ok(())
    }

    /// Pays part of a receipt from stored value, principal and gift as the tenant's setting says.
    pub(super) fn pay_stored(&mut self, asked: Fen) -> Result<(), PlanError> {
        let member = self.member.as_ref().ok_or(PlanError::MemberRequired)?;
        let (principal, gift) = (member.accounts.principal.balance, member.accounts.gift.balance);
        let stored = member.stored();
        let held = stored.minus(self.held().1)?;
        if asked > held {
            return Err(PlanError::StoredOverdrawn { asked, held });
        }
        let from_gift = match self.case.settings.stored_spend {
            // Down for the gift: the rounding falls on the principal.
            StoredSpend::ProRata => share(asked.get(), gift, stored.get())?.max(asked.get() - principal),
            StoredSpend::PrincipalFirst => asked.get() - asked.get().min(principal),
            StoredSpend::GiftFirst => asked.get().min(gift),
        };
        let from_principal = asked.get() - from_gift;
        for (account, amount) in [(Account::Principal, from_principal), (Account::Gift, from_gift)] {
            if amount != 0 {
                self.post(Line::new(account, EntryKind::Redemption, -amount, "pay"))?;
            }
        }
        self.plan.applied.principal_spent = Fen::new(from_principal);
        self.plan.applied.gift_spent = Fen::new(from_gift);
        Ok(())
    }

    /// Takes back stored value a returned sale was given, as far as it is held. Gives what was taken.
    pub(super) fn take_gift(&mut self, amount: Fen) -> Result<Fen, PlanError> {
        let held = self.member.as_ref().map_or(0, |member| member.accounts.gift.balance);
        let taken = amount.min(Fen::new(held)).max(Fen::ZERO);
        if taken != Fen::ZERO {
            self.post(Line::new(Account::Gift, EntryKind::Reversal, taken.negated().get(), "return"))?;
            self.said.gift_back(taken);
        }
        Ok(taken)
    }

    /// Gives back stored value a returned sale was paid with.
    pub(super) fn return_stored(&mut self, principal: Fen, gift: Fen) -> Result<(), PlanError> {
        for (account, amount) in [(Account::Principal, principal), (Account::Gift, gift)] {
            if amount != Fen::ZERO {
                self.post(Line::new(account, EntryKind::Reversal, amount.get(), "return"))?;
            }
        }
        Ok(())
    }

    /// A correction of stored value by staff; never below zero, nor below what quotes hold.
    pub(super) fn adjust_stored(&mut self, account: Account, adjust: &Adjust) -> Result<(), PlanError> {
        let member = self.member.as_ref().ok_or(PlanError::MemberRequired)?;
        let free = member.stored().minus(self.held().1)?.get();
        let held = member.account(account).balance.min(free);
        if adjust.delta < 0 && held.saturating_add(adjust.delta) < 0 {
            return Err(PlanError::StoredOverdrawn { asked: Fen::new(adjust.delta).negated(), held: Fen::new(held) });
        }
        self.post(Line::new(account, EntryKind::Adjustment, adjust.delta, &adjust.note))
    }
}
