//! The facts as script values: getters on shared data, so that a script pays only for what it reads.

use super::items::{self, Line, List, Lot, Payment, Voucher};
use super::values::{Params, Stats};
use ledger::{Event, Facts, LocalTime, MonthDay, VoucherChange};
use rhai::{Dynamic, Engine};
use std::sync::Arc;

/// What one evaluation is about, shared by every value a script gets.
pub(super) struct Input {
    pub(super) facts: Facts,
    pub(super) event: Event,
}

impl Input {
    pub(super) fn receipt(&self) -> Option<&ledger::Receipt> {
        match &self.event {
            Event::Receipt(receipt) => Some(receipt),
            _ => None,
        }
    }

    fn member(&self) -> Option<&ledger::MemberFacts> {
        self.facts.member.as_ref()
    }
}

/// `ctx`: everything besides the event.
#[derive(Clone)]
pub(super) struct Ctx {
    input: Arc<Input>,
    params: Params,
    stats: Stats,
}

impl Ctx {
    pub(super) fn new(input: Arc<Input>, params: Params, stats: Stats) -> Self {
        Self { input, params, stats }
    }
}

/// `ctx.member`; only made if there is one.
#[derive(Clone)]
struct Member(Arc<Input>);

/// The receipt of `on_receipt`.
#[derive(Clone)]
pub(super) struct Receipt(pub(super) Arc<Input>);

/// The return of `on_return`.
#[derive(Clone)]
pub(super) struct Returned(pub(super) Arc<Input>);

/// Teaches the interpreter every fact.
pub(super) fn register(engine: &mut Engine) {
    ctx(engine);
    now(engine);
    member(engine);
    receipt(engine);
    items::register(engine);
}

fn ctx(engine: &mut Engine) {
    engine
        .register_type_with_name::<Ctx>("ctx")
        .register_get("now", |ctx: &mut Ctx| ctx.input.facts.now)
        .register_get("store", |ctx: &mut Ctx| super::text(ctx.input.facts.store.as_ref().map_or("", |s| s.as_str())))
        .register_get("member", |ctx: &mut Ctx| match ctx.input.member() {
            Some(_) => Dynamic::from(Member(ctx.input.clone())),
            None => Dynamic::UNIT,
        })
        .register_get("params", |ctx: &mut Ctx| ctx.params.clone())
        .register_get("stats", |ctx: &mut Ctx| ctx.stats.clone())
        .register_get("vouchers", |ctx: &mut Ctx| List::<Voucher>::of(&ctx.input))
        .register_get("expiring", |ctx: &mut Ctx| List::<Lot>::of(&ctx.input));
}

fn now(engine: &mut Engine) {
    engine
        .register_type_with_name::<LocalTime>("now")
        .register_get("day", |now: &mut LocalTime| i64::from(now.day.get()))
        .register_get("year", |now: &mut LocalTime| i64::from(now.year))
        .register_get("month", |now: &mut LocalTime| i64::from(now.month))
        .register_get("day_of_month", |now: &mut LocalTime| i64::from(now.day_of_month))
        .register_get("weekday", |now: &mut LocalTime| i64::from(now.weekday))
        .register_get("hour", |now: &mut LocalTime| i64::from(now.hour))
        .register_get("minute", |now: &mut LocalTime| i64::from(now.minute));
}

/// Reads the member; there is one wherever a `Member` is.
fn of<R: Default>(member: &Member, read: impl FnOnce(&ledger::MemberFacts) -> R) -> R {
    member.0.member().map(read).unwrap_or_default()
}

fn member(engine: &mut Engine) {
    engine
        .register_type_with_name::<Member>("member")
        .register_get("id", |m: &mut Member| of(m, |m| super::text(m.id.as_str())))
        .register_get("tier", |m: &mut Member| of(m, |m| super::text(&m.tier)))
        .register_get("tier_pinned", |m: &mut Member| of(m, |m| m.tier_pinned))
        .register_get("tier_since", |m: &mut Member| of(m, |m| i64::from(m.tier_since.get())))
        .register_get("joined", |m: &mut Member| of(m, |m| i64::from(m.joined.get())))
        .register_get("birthday", |m: &mut Member| of(m, |m| m.birthday.map_or(Dynamic::UNIT, Dynamic::from)))
        .register_get("referred", |m: &mut Member| of(m, |m| m.referred))
        .register_get("tags", |m: &mut Member| {
            of(m, |m| m.tags.iter().map(|tag| super::text(tag)).collect::<rhai::Array>())
        })
        .register_get("points", |m: &mut Member| of(m, |m| m.points.get()))
        .register_get("pending", |m: &mut Member| of(m, |m| m.pending.get()))
        .register_get("stored_principal", |m: &mut Member| of(m, |m| m.stored_principal.get()))
        .register_get("stored_gift", |m: &mut Member| of(m, |m| m.stored_gift.get()))
        .register_fn("has_tag", |m: &mut Member, tag: &str| of(m, |m| m.tags.iter().any(|known| known == tag)))
        .register_type_with_name::<MonthDay>("birthday")
        .register_get("month", |day: &mut MonthDay| i64::from(day.month))
        .register_get("day", |day: &mut MonthDay| i64::from(day.day));
}

/// Reads the receipt; there is one wherever a `Receipt` is.
fn on<R: Default>(receipt: &Receipt, read: impl FnOnce(&ledger::Receipt) -> R) -> R {
    receipt.0.receipt().map(read).unwrap_or_default()
}

/// Reads the return; there is one wherever a `Returned` is.
fn back<R: Default>(returned: &Returned, read: impl FnOnce(&ledger::Returned) -> R) -> R {
    match &returned.0.event {
        Event::Return(returned) => read(returned),
        _ => R::default(),
    }
}

fn receipt(engine: &mut Engine) {
    engine
        .register_type_with_name::<Receipt>("receipt")
        .register_get("receipt", |r: &mut Receipt| on(r, |r| super::text(&r.receipt)))
        .register_get("till", |r: &mut Receipt| {
            on(r, |r| super::text(r.till.as_ref().map_or("", |till| till.as_str())))
        })
        .register_get("lines", |r: &mut Receipt| List::<Line>::of(&r.0))
        .register_get("total", |r: &mut Receipt| on(r, |r| r.total.get()))
        .register_get("payable", |r: &mut Receipt| on(r, |r| r.payable.get()))
        .register_get("payments", |r: &mut Receipt| List::<Payment>::of(&r.0))
        .register_get("redeem_points", |r: &mut Receipt| on(r, |r| r.redeem_points.get()))
        .register_type_with_name::<Returned>("returned")
        .register_get("receipt", |r: &mut Returned| back(r, |r| super::text(&r.receipt)))
        .register_get("amount", |r: &mut Returned| back(r, |r| r.amount.get()))
        .register_get("whole", |r: &mut Returned| back(r, |r| r.whole));
}

/// What happened to a voucher, as scripts read it.
pub(super) const fn change(change: VoucherChange) -> &'static str {
    match change {
        VoucherChange::Issued => "issued",
        VoucherChange::Used => "used",
        VoucherChange::Restored => "restored",
        VoucherChange::Expired => "expired",
        VoucherChange::Voided => "voided",
    }
}
