//! The lists of the facts, read item by item: a script that looks at one line pays for one line.

use super::{facts::Input, values::wrong};
use rhai::{Dynamic, Engine, EvalAltResult};
use std::marker::PhantomData;
use std::sync::Arc;

/// A kind of item the facts hold a list of.
pub(super) trait Item: Clone + Send + Sync + 'static {
    /// What scripts call the list.
    const LIST: &'static str;
    /// How many there are.
    fn count(input: &Input) -> usize;
    /// One of them, if it is there.
    fn at(input: &Arc<Input>, index: usize) -> Option<Self>;
}

/// A list of the facts, read item by item.
#[derive(Clone)]
pub(super) struct List<T>(Arc<Input>, PhantomData<T>);

impl<T: Item> List<T> {
    pub(super) fn of(input: &Arc<Input>) -> Self {
        Self(input.clone(), PhantomData)
    }

    fn get(&self, index: i64) -> Result<T, Box<EvalAltResult>> {
        let found = usize::try_from(index).ok().and_then(|index| T::at(&self.0, index));
        found.ok_or_else(|| wrong(format!("{}[{index}] is not there; there are {}", T::LIST, T::count(&self.0))))
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
pub(super) struct Items<T> {
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
        pub(super) struct $name(Arc<Input>, usize);

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

/// Teaches the interpreter every list and its items.
pub(super) fn register(engine: &mut Engine) {
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
