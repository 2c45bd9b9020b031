//! What a handler is given besides the event.

use crate::types::{Day, Facts, LocalTime, Member, Points, Voucher};

/// The merchant's settings, the statistics the policy asked for, and the facts.
#[derive(Debug, Clone, Default)]
pub struct Context<P, S = ()> {
    /// What the merchant set; defaults already filled in.
    pub params: P,
    /// The member's statistics, the event itself not included.
    pub stats: S,
    /// Everything the host tells a policy.
    pub facts: Facts,
}

impl<P, S> Context<P, S> {
    /// Who it happened to; `None` for a receipt without a member.
    pub fn member(&self) -> Option<&Member> {
        self.facts.member.as_ref()
    }

    /// The event's moment in the merchant's time zone.
    pub fn now(&self) -> &LocalTime {
        &self.facts.now
    }

    /// The event's day, counted from 1970-01-01.
    pub fn today(&self) -> Day {
        self.facts.now.day
    }

    /// Saturday or Sunday.
    pub fn is_weekend(&self) -> bool {
        self.facts.now.weekday >= 6
    }

    /// The shop it happened in; empty if in none.
    pub fn store(&self) -> &str {
        &self.facts.store
    }

    /// The member's tier; empty for none.
    pub fn tier(&self) -> &str {
        self.member().map_or("", |m| m.tier.as_str())
    }

    /// The member's spendable points; 0 without a member.
    pub fn points(&self) -> Points {
        self.member().map_or(0, |m| m.points)
    }

    /// Whether the member carries the tag.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.member().is_some_and(|m| m.tags.iter().any(|t| t == tag))
    }

    /// Today is the member's birthday; 29 February is kept on 1 March in other years.
    pub fn is_birthday(&self) -> bool {
        let Some(born) = self.member().and_then(|m| m.birthday) else { return false };
        let now = self.now();
        let leap = now.year % 4 == 0 && (now.year % 100 != 0 || now.year % 400 == 0);
        let kept = if (born.month, born.day) == (2, 29) && !leap { (3, 1) } else { (born.month, born.day) };
        kept == (now.month, now.day_of_month)
    }

    /// Vouchers the member could use now.
    pub fn vouchers(&self) -> &[Voucher] {
        &self.facts.vouchers
    }
}
