//! What the engines are given, each in its own values.

use crate::cases::Case;
use ledger::{Facts, Line, MemberFacts, Payment, Points, Receipt, TillId};
use serde::Serialize;

/// How much of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// All facts and the whole receipt: a host does not know what a policy will read.
    Everything,
    /// The fields this one policy reads.
    WhatItReads,
}

/// What a script finds, for engines that take JSON or anything that serialises.
#[derive(Serialize)]
pub struct Asked<'a> {
    member: bool,
    tier: &'a str,
    spent: i64,
    payable: i64,
    lines: Lines<'a>,
    #[serde(flatten)]
    rest: Option<Rest<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Lines<'a> {
    Whole(&'a [Line]),
    Read(Vec<Read<'a>>),
}

#[derive(Serialize)]
struct Read<'a> {
    category: &'a str,
    amount: i64,
}

#[derive(Serialize)]
struct Rest<'a> {
    facts: &'a Facts,
    receipt: &'a str,
    till: &'a Option<TillId>,
    payments: &'a [Payment],
    redeem_points: Points,
}

impl<'a> Asked<'a> {
    /// This much of a case.
    pub fn of(case: &'a Case, given: Given) -> Self {
        let receipt = case.receipt();
        let read = |line: &'a Line| Read { category: &line.category, amount: line.amount.get() };
        let Receipt { payments, till, redeem_points, .. } = receipt;
        let rest =
            Rest { facts: &case.facts, receipt: &receipt.receipt, till, payments, redeem_points: *redeem_points };
        Self {
            member: case.tier().is_some(),
            tier: case.tier().unwrap_or_default(),
            spent: case.spent_fen(),
            payable: receipt.payable.get(),
            lines: match given {
                Given::Everything => Lines::Whole(&receipt.lines),
                Given::WhatItReads => Lines::Read(receipt.lines.iter().map(read).collect()),
            },
            rest: (given == Given::Everything).then_some(rest),
        }
    }
}

/// Makes an engine's own values, for engines that are given those.
pub trait Maker {
    /// A value.
    type Value;
    /// Yes or no.
    fn flag(&self, on: bool) -> Self::Value;
    /// A whole number.
    fn number(&self, number: i64) -> Self::Value;
    /// A text.
    fn text(&self, text: &str) -> Self::Value;
    /// A list.
    fn list(&self, items: impl ExactSizeIterator<Item = Self::Value>) -> Self::Value;
    /// A map.
    fn map<const N: usize>(&self, fields: [(&'static str, Self::Value); N]) -> Self::Value;
}

/// [`Asked`], in the maker's values.
pub fn make<M: Maker>(m: &M, case: &Case, given: Given) -> M::Value {
    let receipt = case.receipt();
    let member = ("member", m.flag(case.tier().is_some()));
    let tier = ("tier", m.text(case.tier().unwrap_or_default()));
    let (spent, payable) = (("spent", m.number(case.spent_fen())), ("payable", m.number(receipt.payable.get())));
    if given == Given::WhatItReads {
        let line = |line: &Line| m.map([("category", m.text(&line.category)), ("amount", m.number(line.amount.get()))]);
        return m.map([member, tier, spent, payable, ("lines", m.list(receipt.lines.iter().map(line)))]);
    }
    let payment =
        |payment: &Payment| m.map([("method", m.text(&payment.method)), ("amount", m.number(payment.amount.get()))]);
    m.map([
        member,
        tier,
        spent,
        payable,
        ("lines", m.list(receipt.lines.iter().map(|line| whole(m, line)))),
        ("facts", facts(m, &case.facts)),
        ("receipt", m.text(&receipt.receipt)),
        ("till", m.text(receipt.till.as_ref().map_or("", |till| till.as_str()))),
        ("payments", m.list(receipt.payments.iter().map(payment))),
        ("redeem_points", m.number(receipt.redeem_points.get())),
    ])
}

fn whole<M: Maker>(m: &M, line: &Line) -> M::Value {
    m.map([
        ("sku", m.text(&line.sku)),
        ("department", m.text(&line.department)),
        ("category", m.text(&line.category)),
        ("brand", m.text(&line.brand)),
        ("quantity_milli", m.number(line.quantity_milli)),
        ("amount", m.number(line.amount.get())),
        ("discount", m.number(line.discount.get())),
    ])
}

fn facts<M: Maker>(m: &M, facts: &Facts) -> M::Value {
    let now = &facts.now;
    let vouchers = facts.vouchers.iter().map(|voucher| {
        m.map([
            ("code", m.text(voucher.code.as_str())),
            ("template", m.text(&voucher.template)),
            ("face", m.number(voucher.face.get())),
            ("min_spend", m.number(voucher.min_spend.get())),
            ("valid_until", m.number(voucher.valid_until.map_or(0, |day| day.get().into()))),
            ("presented", m.flag(voucher.presented)),
        ])
    });
    let expiring = facts
        .expiring
        .iter()
        .map(|lot| m.map([("amount", m.number(lot.amount.get())), ("expires", m.number(lot.expires.get().into()))]));
    m.map([
        (
            "now",
            m.map([
                ("day", m.number(now.day.get().into())),
                ("year", m.number(now.year.into())),
                ("month", m.number(now.month.into())),
                ("day_of_month", m.number(now.day_of_month.into())),
                ("weekday", m.number(now.weekday.into())),
                ("hour", m.number(now.hour.into())),
                ("minute", m.number(now.minute.into())),
            ]),
        ),
        ("store", m.text(facts.store.as_ref().map_or("", |store| store.as_str()))),
        ("member", m.list(facts.member.iter().map(|member| known(m, member)))),
        ("expiring", m.list(expiring)),
        ("vouchers", m.list(vouchers)),
        ("stats", m.list(facts.stats.iter().map(|stat| m.number(stat.value)))),
    ])
}

fn known<M: Maker>(m: &M, member: &MemberFacts) -> M::Value {
    m.map([
        ("id", m.text(member.id.as_str())),
        ("tier", m.text(&member.tier)),
        ("tier_pinned", m.flag(member.tier_pinned)),
        ("tier_since", m.number(member.tier_since.get().into())),
        ("joined", m.number(member.joined.get().into())),
        ("referred", m.flag(member.referred)),
        ("tags", m.list(member.tags.iter().map(|tag| m.text(tag)))),
        ("points", m.number(member.points.get())),
        ("pending", m.number(member.pending.get())),
        ("stored_principal", m.number(member.stored_principal.get())),
        ("stored_gift", m.number(member.stored_gift.get())),
    ])
}
