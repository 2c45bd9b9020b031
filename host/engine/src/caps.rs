//! The envelope every answer must fit, whichever language the policy is written in.

use crate::{FailCode, Limits, error::Failure};
use ledger::{AMOUNT_MAX, Answer, Award, Effect, Expiry, Grant, Odds, Reason, RuledEffect, VoucherIssue};

/// Turns what a policy gave into its answer, or into the limit it broke with nothing asked for.
pub(crate) fn answer(limits: &Limits, given: Result<(Vec<RuledEffect>, Vec<Reason>), Failure>) -> Answer {
    match given.and_then(|given| within(limits, given)) {
        Ok((effects, reasons)) => Answer::Decided { effects, reasons },
        Err(Failure { code, text }) => Answer::Failed { code: code.as_str().to_owned(), text },
    }
}

/// Passes on effects and reasons that fit the envelope.
fn within(
    limits: &Limits,
    (effects, reasons): (Vec<RuledEffect>, Vec<Reason>),
) -> Result<(Vec<RuledEffect>, Vec<Reason>), Failure> {
    at_most(FailCode::Effects, "effects", effects.len(), limits.effects_max)?;
    at_most(FailCode::Reasons, "reasons", reasons.len(), limits.reasons_max)?;
    let mut envelope = Envelope { limits, text_bytes: 0 };
    for ruled in &effects {
        envelope.text(&ruled.rule)?;
        envelope.effect(&ruled.effect)?;
    }
    for reason in &reasons {
        envelope.text(&reason.rule)?;
        envelope.text(&reason.text)?;
        if let Some(compared) = &reason.compared {
            envelope.text(&compared.what)?;
            envelope.signed(compared.have)?;
            envelope.signed(compared.need)?;
        }
    }
    Ok((effects, reasons))
}

fn at_most(code: FailCode, what: &str, have: usize, limit: usize) -> Result<(), Failure> {
    if have <= limit { Ok(()) } else { Err(Failure::new(code, format!("{have} {what}; at most {limit} are allowed"))) }
}

/// Adds up one answer.
struct Envelope<'a> {
    limits: &'a Limits,
    text_bytes: usize,
}

impl Envelope<'_> {
    fn effect(&mut self, effect: &Effect) -> Result<(), Failure> {
        match effect {
            Effect::GrantPoints(grant) => self.grant(grant),
            Effect::DeductPoints(points) => self.amount(points.get()),
            Effect::IssueVoucher(issue) => self.voucher(issue),
            Effect::VoidVoucher(code) => self.text(code.as_str()),
            Effect::SetTier(change) => self.text(&change.tier),
            Effect::DiscountLine(discount) => self.amount(discount.amount.get()),
            Effect::DiscountOrder(fen) | Effect::GiftStoredValue(fen) => self.amount(fen.get()),
            Effect::SetOdds(odds) => self.odds(odds),
            Effect::SendMessage(message) => {
                self.text(&message.template)?;
                self.text(&message.text)
            }
            Effect::SetTag(tag) => self.text(&tag.name),
            Effect::Reject(text) => self.text(text),
        }
    }

    fn grant(&mut self, grant: &Grant) -> Result<(), Failure> {
        self.amount(grant.amount.get())?;
        if let Some(cap) = grant.cap {
            self.amount(cap.limit.get())?;
        }
        self.days(grant.pending_days)?;
        match grant.expiry {
            Expiry::Days(days) => self.days(days),
            Expiry::Standard | Expiry::Never | Expiry::On(_) => Ok(()),
        }
    }

    fn voucher(&mut self, issue: &VoucherIssue) -> Result<(), Failure> {
        self.text(&issue.template)?;
        self.text(&issue.title)?;
        self.amount(issue.face.get())?;
        self.amount(issue.min_spend.get())?;
        self.days(issue.valid_days)?;
        at_most(FailCode::TextSize, "categories", issue.categories.len(), self.limits.list_items_max)?;
        issue.categories.iter().try_for_each(|category| self.text(category))
    }

    fn odds(&mut self, odds: &Odds) -> Result<(), Failure> {
        self.text(&odds.campaign)?;
        self.amount(odds.cost.get())?;
        at_most(FailCode::TextSize, "prizes", odds.prizes.len(), self.limits.list_items_max)?;
        for prize in &odds.prizes {
            self.text(&prize.id)?;
            self.text(&prize.name)?;
            match &prize.award {
                Award::Nothing => {}
                Award::Points(points) => self.amount(points.get())?,
                Award::Gift(fen) => self.amount(fen.get())?,
                Award::Voucher(issue) => self.voucher(issue)?,
                Award::Goods(goods) => self.text(goods)?,
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Failure> {
        let limit = self.limits.text_bytes_max;
        if text.len() > limit {
            return Err(Failure::new(
                FailCode::TextSize,
                format!("a text of {} bytes; at most {limit} are allowed", text.len()),
            ));
        }
        self.text_bytes = self.text_bytes.saturating_add(text.len());
        let limit = self.limits.output_bytes_max;
        if self.text_bytes > limit {
            return Err(Failure::new(
                FailCode::OutputSize,
                format!("more than {limit} bytes of text in effects and reasons"),
            ));
        }
        Ok(())
    }

    fn amount(&self, amount: i64) -> Result<(), Failure> {
        if amount < 0 {
            return Err(Failure::new(FailCode::Amount, format!("an amount of {amount}; effects need 0 or more")));
        }
        self.signed(amount)
    }

    fn signed(&self, amount: i64) -> Result<(), Failure> {
        if (-AMOUNT_MAX..=AMOUNT_MAX).contains(&amount) {
            return Ok(());
        }
        Err(Failure::new(FailCode::Amount, format!("{amount} is outside ±2^53")))
    }

    fn days(&self, days: u32) -> Result<(), Failure> {
        if days <= DAYS_MAX {
            return Ok(());
        }
        Err(Failure::new(FailCode::Amount, format!("{days} days; at most {DAYS_MAX} are allowed")))
    }
}

/// The longest wait, validity or expiry in days: a century, so that day arithmetic never wraps.
const DAYS_MAX: u32 = 36_525;
