//! The facts as script values: getters on shared data, so that a script pays only for what it reads.

use super::values::{Params, Stats};
use ledger::{Event, Facts, LocalTime, MonthDay, VoucherChange};
use rhai::{Dynamic, Engine, EvalAltResult};
use std::marker::PhantomData;
use std::sync::Arc;

/// What one evaluation is about, shared by every value a script gets.
pub(super) struct Input {
    pub(super) facts: Facts,
    pub(super) event: Event,
}

impl Input {
    fn receipt(&self) -> Option<&ledger::Receipt> {
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

/// A kind of item the facts hold a list of.
trait Item: Clone + Send + Sync + 'static {
    /// What scripts call the list.
    const LIST: &'static str;
    /// How many there are.
    fn count(input: &Input) -> usize;
    /// One of them, if it is there.
    fn at(input: &Arc<Input>, index: usize) -> Option<Self>;
}

/// A list of the facts, read item by item.
#[derive(Clone)]
struct List<T>(Arc<Input>, PhantomData<T>);

impl<T: Item> List<T> {
    fn of(input: &Arc<Input>) -> Self {
        Self(input.clone(), PhantomData)
    }

    fn get(&self, index: i64) -> Result<T, Box<EvalAltResult>> {
        let found = usize::try_from(index).ok().and_then(|index| T::at(&self.0, index));
        found.ok_or_else(|| {
            super::values::wrong(format!("{}[{index}] is not there; there are {}", T::LIST, T::count(&self.0)))
        })
    }
}

impl<T: Item> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = Items<T>;
    fn into_iter(self) -> Items<T> {
        Items { list: self, next: 0 }
    }
}

/// Walks a list.
struct Items<T> {
    list: List<T>,
    next: usize,
}

impl<T: Item> Iterator for Items<T> {
    type Item = T;
    fn next(&mut self) -> Option<T> {
        let item = T::at(&self.list.0, self.next)?;
        self.next += 1;
        Some(item)
    }
}

/// Declares a list's item: its script names, where it is, and how to count.
macro_rules! item {
    ($name:ident, $list:literal, |$input:ident| $items:expr, $of:ty) => {
        #[derive(Clone)]
        struct $name(Arc<Input>, usize);

        impl $name {
            fn list($input: &Input) -> &[$of] {
                $items
            }

            /// What the item says. `None` cannot happen to an item of [`Item::at`].
            fn read<R: Default>(&self, read: impl FnOnce(&$of) -> R) -> R {
                Self::list(&self.0).get(self.1).map(read).unwrap_or_default()
            }
        }

        impl Item for $name {
            const LIST: &'static str = $list;
            fn count(input: &Input) -> usize {
                Self::list(input).len()
            }
            fn at(input: &Arc<Input>, index: usize) -> Option<Self> {
                (index < Self::count(input)).then(|| Self(input.clone(), index))
            }
        }
    };
}

item!(Line, "receipt.lines", |input| input.receipt().map_or(&[], |r| &r.lines), ledger::Line);
item!(Payment, "receipt.payments", |input| input.receipt().map_or(&[], |r| &r.payments), ledger::Payment);
item!(Voucher, "ctx.vouchers", |input| &input.facts.vouchers, ledger::VoucherFacts);
item!(Lot, "ctx.expiring", |input| &input.facts.expiring, ledger::ExpiringLot);

/// Teaches the interpreter every fact.
pub(super) fn register(engine: &mut Engine) {
    ctx(engine);
    now(engine);
    member(engine);
    receipt(engine);
    items(engine);
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
        .register_get("tags", |m: &mut Member| of(m, |m| m.tags.iter().map(|tag| super::text(tag)).collect::<rhai::Array>()))
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
        .register_get("till", |r: &mut Receipt| on(r, |r| super::text(r.till.as_ref().map_or("", |till| till.as_str()))))
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

fn items(engine: &mut Engine) {
    list::<Line>(engine, "line");
    engine
        .register_get("sku", |line: &mut Line| line.read(|line| super::text(&line.sku)))
        .register_get("department", |line: &mut Line| line.read(|line| super::text(&line.department)))
        .register_get("category", |line: &mut Line| line.read(|line| super::text(&line.category)))
        .register_get("brand", |line: &mut Line| line.read(|line| super::text(&line.brand)))
        .register_get("quantity_milli", |line: &mut Line| line.read(|line| line.quantity_milli))
        .register_get("amount", |line: &mut Line| line.read(|line| line.amount.get()))
        .register_get("discount", |line: &mut Line| line.read(|line| line.discount.get()))
        .register_get("index", |line: &mut Line| i64::try_from(line.1).unwrap_or(i64::MAX));
    list::<Payment>(engine, "payment");
    engine
        .register_get("method", |payment: &mut Payment| payment.read(|payment| super::text(&payment.method)))
        .register_get("amount", |payment: &mut Payment| payment.read(|payment| payment.amount.get()));
    list::<Voucher>(engine, "voucher");
    engine
        .register_get("code", |voucher: &mut Voucher| voucher.read(|v| super::text(v.code.as_str())))
        .register_get("template", |voucher: &mut Voucher| voucher.read(|v| super::text(&v.template)))
        .register_get("face", |voucher: &mut Voucher| voucher.read(|v| v.face.get()))
        .register_get("min_spend", |voucher: &mut Voucher| voucher.read(|v| v.min_spend.get()))
        .register_get("valid_until", |voucher: &mut Voucher| {
            voucher.read(|v| v.valid_until.map_or(Dynamic::UNIT, |day| Dynamic::from(i64::from(day.get()))))
        })
        .register_get("presented", |voucher: &mut Voucher| voucher.read(|v| v.presented));
    list::<Lot>(engine, "lot");
    engine
        .register_get("amount", |lot: &mut Lot| lot.read(|lot| lot.amount.get()))
        .register_get("expires", |lot: &mut Lot| lot.read(|lot| i64::from(lot.expires.get())));
}

/// Teaches the interpreter one list: `for`, `[i]`, `len`.
fn list<T: Item>(engine: &mut Engine, item: &str) {
    let count = |list: &mut List<T>| i64::try_from(T::count(&list.0)).unwrap_or(i64::MAX);
    engine
        .register_type_with_name::<T>(item)
        .register_type_with_name::<List<T>>(T::LIST)
        .register_iterator::<List<T>>()
        .register_get("len", count)
        .register_fn("len", count)
        .register_fn("is_empty", |list: &mut List<T>| T::count(&list.0) == 0)
        .register_indexer_get(|list: &mut List<T>, index: i64| list.get(index));
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
