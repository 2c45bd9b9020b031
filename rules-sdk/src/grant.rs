//! Options of a grant and of a voucher.

use crate::types::{Cap, Day, Expiry, Fen, Grant, Member, Period, Points, VoucherIssue};

impl Grant {
    /// Points that can be spent at once and run out as the merchant's setting says.
    pub fn new(amount: Points) -> Self {
        Self { amount, pending_days: 0, expiry: Expiry::Standard, cap: None }
    }

    /// The points can be spent after so many days.
    pub fn pending_days(self, days: u32) -> Self {
        Self { pending_days: days, ..self }
    }

    /// The points run out so many days after they can be spent.
    pub fn expires_in_days(self, days: u32) -> Self {
        Self { expiry: Expiry::Days(days), ..self }
    }

    /// The points can be spent until the end of this day.
    pub fn expires_on(self, day: Day) -> Self {
        Self { expiry: Expiry::On(day), ..self }
    }

    /// The points never run out.
    pub fn never_expires(self) -> Self {
        Self { expiry: Expiry::Never, ..self }
    }

    /// This rule gives a member at most `limit` points in the period; the host counts.
    pub fn cap(self, limit: Points, period: Period) -> Self {
        Self { cap: Some(Cap { limit, period }), ..self }
    }
}

impl From<Points> for Grant {
    fn from(amount: Points) -> Self {
        Self::new(amount)
    }
}

impl VoucherIssue {
    /// A voucher worth `face` fen for any goods, without a minimum, whose last day is `valid_days` after today.
    pub fn new(template: &str, title: impl Into<String>, face: Fen, valid_days: u32) -> Self {
        let (template, title) = (template.to_owned(), title.into());
        Self { template, title, face, min_spend: 0, valid_days, categories: Vec::new() }
    }

    /// The receipt's total the voucher needs.
    pub fn min_spend(self, min_spend: Fen) -> Self {
        Self { min_spend, ..self }
    }

    /// The goods the voucher is for.
    pub fn categories<T: Into<String>>(self, categories: impl IntoIterator<Item = T>) -> Self {
        Self { categories: categories.into_iter().map(Into::into).collect(), ..self }
    }
}

impl Default for Member {
    /// A member without tier, points or tags, called `member` as in the host's cases.
    fn default() -> Self {
        Self {
            id: "member".to_owned(),
            tier: String::new(),
            tier_pinned: false,
            tier_since: 0,
            joined: 0,
            birthday: None,
            referred: false,
            tags: Vec::new(),
            points: 0,
            pending: 0,
            stored_principal: 0,
            stored_gift: 0,
        }
    }
}
