//! Lists and maps: our own functions instead of Rhai's packages, whose one operation may cost a whole list
//! and whose callbacks may cost anything. What walks a list is charged for its length.

use super::{meter, values::wrong};
use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString, Map};
use std::cmp::Ordering;

type Read<T> = Result<T, Box<EvalAltResult>>;

/// Teaches the interpreter lists and maps.
pub(super) fn register(engine: &mut Engine) {
    engine.register_iterator::<Array>();
    reading(engine);
    changing(engine);
    walking(engine);
    maps(engine);
}

/// How many, as scripts count.
fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// A place in a list; negative ones count from its end.
fn place(list: &Array, index: i64) -> Read<usize> {
    let from_start = if index < 0 { count(list.len()).saturating_add(index) } else { index };
    let found = usize::try_from(from_start).ok().filter(|place| *place < list.len());
    found.ok_or_else(|| wrong(format!("the list has no item {index}; it has {}", list.len())))
}

fn reading(engine: &mut Engine) {
    engine
        .register_get("len", |list: &mut Array| count(list.len()))
        .register_fn("len", |list: &mut Array| count(list.len()))
        .register_fn("is_empty", |list: &mut Array| list.is_empty())
        .register_fn("extract", |list: &mut Array, start: i64, length: i64| {
            let start = usize::try_from(start.max(0)).unwrap_or(usize::MAX);
            let length = usize::try_from(length.max(0)).unwrap_or(usize::MAX);
            charged(list).iter().skip(start).take(length).cloned().collect::<Array>()
        });
}

fn changing(engine: &mut Engine) {
    engine
        .register_fn("push", |list: &mut Array, item: Dynamic| list.push(item))
        .register_fn("append", |list: &mut Array, other: Array| list.extend(other))
        .register_fn("+", |mut list: Array, other: Array| {
            list.extend(other);
            list
        })
        .register_fn("pop", |list: &mut Array| list.pop().unwrap_or(Dynamic::UNIT))
        .register_fn("clear", |list: &mut Array| list.clear())
        .register_fn("truncate", |list: &mut Array, length: i64| {
            list.truncate(usize::try_from(length.max(0)).unwrap_or(usize::MAX));
        })
        .register_fn("remove", |list: &mut Array, index: i64| {
            Ok::<_, Box<EvalAltResult>>({
                let place = place(list, index)?;
                charged(list).remove(place)
            })
        })
        .register_fn("insert", |list: &mut Array, index: i64, item: Dynamic| {
            let place = if index == count(list.len()) { list.len() } else { place(list, index)? };
            charged(list).insert(place, item);
            Ok::<_, Box<EvalAltResult>>(())
        })
        .register_fn("set", |list: &mut Array, index: i64, item: Dynamic| {
            let place = place(list, index)?;
            if let Some(slot) = list.get_mut(place) {
                *slot = item;
            }
            Ok::<_, Box<EvalAltResult>>(())
        });
}

fn walking(engine: &mut Engine) {
    engine
        .register_fn("contains", |list: &mut Array, item: Dynamic| charged(list).iter().any(|known| same(known, &item)))
        .register_fn("index_of", |list: &mut Array, item: Dynamic| {
            charged(list).iter().position(|known| same(known, &item)).map_or(-1, count)
        })
        .register_fn("==", |list: &mut Array, other: Array| equal(charged(list), &other))
        .register_fn("!=", |list: &mut Array, other: Array| !equal(charged(list), &other))
        .register_fn("reverse", |list: &mut Array| charged(list).reverse())
        .register_fn("sort", |list: &mut Array| {
            // Sorting looks at each item about log₂ times; twice the list for the usual lengths.
            charged(list);
            charged(list).sort_by(order);
        })
        .register_fn("sum", |list: &mut Array| sum(charged(list)))
        .register_fn("join", |list: &mut Array, between: &str| texts(charged(list)).join(between))
        .register_fn("to_string", |list: &mut Array| {
            ImmutableString::from(format!("[{}]", texts(charged(list)).join(", ")))
        })
        .register_fn("to_debug", |list: &mut Array| {
            ImmutableString::from(format!("[{}]", texts(charged(list)).join(", ")))
        });
}

fn maps(engine: &mut Engine) {
    engine
        .register_get("len", |map: &mut Map| count(map.len()))
        .register_fn("len", |map: &mut Map| count(map.len()))
        .register_fn("is_empty", |map: &mut Map| map.is_empty())
        .register_fn("contains", |map: &mut Map, name: &str| map.contains_key(name))
        .register_fn("get", |map: &mut Map, name: &str| map.get(name).cloned().unwrap_or(Dynamic::UNIT))
        .register_fn("set", |map: &mut Map, name: &str, value: Dynamic| {
            map.insert(name.into(), value);
        })
        .register_fn("remove", |map: &mut Map, name: &str| map.remove(name).unwrap_or(Dynamic::UNIT))
        .register_fn("clear", |map: &mut Map| map.clear())
        .register_fn("keys", |map: &mut Map| {
            meter::charge(map.len());
            map.keys().map(|name| super::text(name)).collect::<Array>()
        })
        .register_fn("values", |map: &mut Map| {
            meter::charge(map.len());
            map.values().cloned().collect::<Array>()
        })
        .register_fn("to_string", |map: &mut Map| format!("a map of {}", map.len()))
        .register_fn("to_debug", |map: &mut Map| format!("a map of {}", map.len()));
}

/// The list, once its length is on the bill.
fn charged(list: &mut Array) -> &mut Array {
    meter::charge(list.len());
    list
}

/// Whether two plain values are equal; lists and maps inside lists never are.
fn same(one: &Dynamic, other: &Dynamic) -> bool {
    order_of(one, other) == Some(Ordering::Equal)
}

fn equal(one: &Array, other: &Array) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
}

/// Numbers before texts before everything else, which stays where it is.
fn order(one: &Dynamic, other: &Dynamic) -> Ordering {
    order_of(one, other).unwrap_or_else(|| rank(one).cmp(&rank(other)))
}

fn rank(value: &Dynamic) -> u8 {
    if value.is_int() {
        0
    } else if value.is_string() {
        1
    } else {
        2
    }
}

fn order_of(one: &Dynamic, other: &Dynamic) -> Option<Ordering> {
    if let (Ok(one), Ok(other)) = (one.as_int(), other.as_int()) {
        return Some(one.cmp(&other));
    }
    if let (Ok(one), Ok(other)) = (one.as_bool(), other.as_bool()) {
        return Some(one.cmp(&other));
    }
    if let (Ok(one), Ok(other)) = (one.as_char(), other.as_char()) {
        return Some(one.cmp(&other));
    }
    if one.is_unit() && other.is_unit() {
        return Some(Ordering::Equal);
    }
    let (one, other) = (one.read_lock::<ImmutableString>()?, other.read_lock::<ImmutableString>()?);
    Some(one.as_str().cmp(other.as_str()))
}

fn sum(list: &Array) -> Read<i64> {
    list.iter().try_fold(0_i64, |sum, item| {
        let number = item.as_int().map_err(|other| wrong(format!("sum() needs whole numbers, not {other}")))?;
        sum.checked_add(number).ok_or_else(|| wrong("the sum does not fit"))
    })
}

fn texts(list: &Array) -> Vec<String> {
    list.iter().map(|item| if item.is_array() || item.is_map() { "...".to_owned() } else { item.to_string() }).collect()
}
