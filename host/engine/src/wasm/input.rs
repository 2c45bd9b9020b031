//! Facts, event and parameters in the contract's types. Texts are borrowed, never copied.

use super::{
    Question,
    contract::punchcard::policy::types::{self as wit, ParamValueParam},
};
use ledger::{Event, Facts, LocalTime, MemberFacts, MonthDay, ParamValue, Receipt, VoucherChange};

/// Owns the few lists the contract's types borrow.
pub(super) struct Input<'a> {
    question: Question<'a>,
    texts: Vec<Vec<&'a str>>,
    tags: Vec<&'a str>,
    expiring: Vec<wit::ExpiringLot>,
    vouchers: Vec<wit::Voucher<'a>>,
    stats: Vec<i64>,
    lines: Vec<wit::Line<'a>>,
    payments: Vec<wit::Payment<'a>>,
}

impl<'a> Input<'a> {
    pub(super) fn new(question: Question<'a>) -> Self {
        let Question { params, stats, facts, event } = question;
        let receipt = match event {
            Event::Receipt(receipt) => Some(receipt),
            _ => None,
        };
        Self {
            question,
            texts: params.iter().filter_map(texts).collect(),
            tags: facts.member.iter().flat_map(|member| &member.tags).map(String::as_str).collect(),
            expiring: expiring(facts),
            vouchers: vouchers(facts),
            stats: stats.iter().map(|need| crate::rulebook::stat(facts, *need)).collect(),
            lines: receipt.map(lines).unwrap_or_default(),
            payments: receipt.map(payments).unwrap_or_default(),
        }
    }

    /// Lines of the receipt.
    pub(super) fn lines(&self) -> usize {
        self.lines.len()
    }

    /// About how many bytes the guest will be given.
    pub(super) fn bytes(&self) -> usize {
        crate::rulebook::input_bytes(self.question.params, self.question.facts, self.question.event)
    }

    pub(super) fn params(&self) -> Vec<ParamValueParam<'_>> {
        let mut texts = self.texts.iter();
        self.question
            .params
            .iter()
            .map(|value| match value {
                ParamValue::Number(number) => ParamValueParam::Number(*number),
                ParamValue::Flag(flag) => ParamValueParam::Flag(*flag),
                ParamValue::Text(text) => ParamValueParam::Text(text),
                ParamValue::Numbers(list) => ParamValueParam::Numbers(list),
                ParamValue::Texts(_) => ParamValueParam::Texts(texts.next().map_or(&[], Vec::as_slice)),
            })
            .collect()
    }

    pub(super) fn facts(&self) -> wit::Facts<'_> {
        let facts = self.question.facts;
        wit::Facts {
            now: now(&facts.now),
            store: facts.store.as_ref().map_or("", |store| store.as_str()),
            member: facts.member.as_ref().map(|member| self.member(member)),
            expiring: &self.expiring,
            vouchers: &self.vouchers,
            stats: &self.stats,
        }
    }

    fn member<'b>(&'b self, member: &'b MemberFacts) -> wit::Member<'b> {
        wit::Member {
            id: member.id.as_str(),
            tier: &member.tier,
            tier_pinned: member.tier_pinned,
            tier_since: member.tier_since.get(),
            joined: member.joined.get(),
            birthday: member.birthday.map(|MonthDay { month, day }| wit::MonthDay { month, day }),
            referred: member.referred,
            tags: &self.tags,
            points: member.points.get(),
            pending: member.pending.get(),
            stored_principal: member.stored_principal.get(),
            stored_gift: member.stored_gift.get(),
        }
    }

    pub(super) fn event(&self) -> wit::Event<'_> {
        match self.question.event {
            Event::Follow(scene) => wit::Event::Follow(scene.as_deref()),
            Event::Register => wit::Event::Register,
            Event::Bind => wit::Event::Bind,
            Event::Referral(member) => wit::Event::Referral(member.as_str()),
            Event::SignIn => wit::Event::SignIn,
            Event::Receipt(receipt) => wit::Event::Receipt(self.receipt(receipt)),
            Event::Return(returned) => wit::Event::Return(wit::Returned {
                receipt: &returned.receipt,
                amount: returned.amount.get(),
                whole: returned.whole,
            }),
            Event::Recharge(fen) => wit::Event::Recharge(fen.get()),
            Event::Draw(campaign) => wit::Event::Draw(campaign),
            Event::Birthday => wit::Event::Birthday,
            Event::TierReview => wit::Event::TierReview,
            Event::Voucher(code, change) => wit::Event::Voucher((code.as_str(), voucher_change(*change))),
            Event::Custom(name, data) => wit::Event::Custom((name, data)),
        }
    }

    fn receipt<'b>(&'b self, receipt: &'b Receipt) -> wit::Receipt<'b> {
        wit::Receipt {
            receipt: &receipt.receipt,
            till: receipt.till.as_ref().map_or("", |till| till.as_str()),
            lines: &self.lines,
            total: receipt.total.get(),
            payable: receipt.payable.get(),
            payments: &self.payments,
            redeem_points: receipt.redeem_points.get(),
        }
    }
}

fn texts(value: &ParamValue) -> Option<Vec<&str>> {
    match value {
        ParamValue::Texts(list) => Some(list.iter().map(String::as_str).collect()),
        _ => None,
    }
}

fn expiring(facts: &Facts) -> Vec<wit::ExpiringLot> {
    facts.expiring.iter().map(|lot| wit::ExpiringLot { amount: lot.amount.get(), expires: lot.expires.get() }).collect()
}

fn vouchers(facts: &Facts) -> Vec<wit::Voucher<'_>> {
    facts
        .vouchers
        .iter()
        .map(|voucher| wit::Voucher {
            code: voucher.code.as_str(),
            template: &voucher.template,
            face: voucher.face.get(),
            min_spend: voucher.min_spend.get(),
            valid_until: voucher.valid_until.map(|day| day.get()),
            presented: voucher.presented,
        })
        .collect()
}

fn lines(receipt: &Receipt) -> Vec<wit::Line<'_>> {
    receipt
        .lines
        .iter()
        .map(|line| wit::Line {
            sku: &line.sku,
            department: &line.department,
            category: &line.category,
            brand: &line.brand,
            quantity_milli: line.quantity_milli,
            amount: line.amount.get(),
            discount: line.discount.get(),
        })
        .collect()
}

fn payments(receipt: &Receipt) -> Vec<wit::Payment<'_>> {
    receipt
        .payments
        .iter()
        .map(|payment| wit::Payment { method: &payment.method, amount: payment.amount.get() })
        .collect()
}

fn now(now: &LocalTime) -> wit::LocalTime {
    wit::LocalTime {
        day: now.day.get(),
        year: now.year,
        month: now.month,
        day_of_month: now.day_of_month,
        weekday: now.weekday,
        hour: now.hour,
        minute: now.minute,
    }
}

fn voucher_change(change: VoucherChange) -> wit::VoucherChange {
    match change {
        VoucherChange::Issued => wit::VoucherChange::Issued,
        VoucherChange::Used => wit::VoucherChange::Used,
        VoucherChange::Restored => wit::VoucherChange::Restored,
        VoucherChange::Expired => wit::VoucherChange::Expired,
        VoucherChange::Voided => wit::VoucherChange::Voided,
    }
}
