//! Seeded bugs of the accounts: entries, lots, debts, stored value, arithmetic, the calendar.

use crate::canaries::Canary;
use crate::check::faults;
use crate::machine::order_faults;
use crate::money::{rounding_faults, share_faults};
use crate::nightly::second_night;
use crate::ops::trial_shop;
use crate::say::{lasting, one, points, receipt, redeeming, tick, whole_line, with_stored};
use crate::world::{Done, World, member, world};
use ledger::{
    Account, Act, Entry, EntryKind, Event, Expiry, Fen, Lot, LotId, MemberState, Points, Return, TooLarge, share,
};

pub const ALL: &[Canary] = &[
    ("an entry is dropped", "L2", |bug| written(bug, |shop| drop(book(shop).remove(1)))),
    ("the last entry is dropped", "L1", |bug| written(bug, |shop| drop(book(shop).pop()))),
    ("an entry is written twice", "L2", |bug| {
        written(bug, |shop| {
            let again = book(shop)[0].clone();
            book(shop).push(again);
        })
    }),
    ("a number is used again", "L2", |bug| written(bug, |shop| book(shop)[1].1.seq = 1)),
    ("a running balance is off by one", "L1", |bug| written(bug, |shop| book(shop)[1].1.balance_after += 1)),
    ("an entry is changed afterwards", "L1", |bug| written(bug, |shop| book(shop)[0].1.delta += 1)),
    ("a balance is not moved", "L1", |bug| written(bug, |shop| amy(shop).accounts.points.balance -= 1)),
    ("a redemption is written with the wrong sign", "SIGN", |bug| {
        let shop = holding(&[(100, Expiry::Never)]);
        planned(bug, shop, Act::Receipt(redeeming(receipt("S", &[50]), 50)), None, |done| {
            entry(done, EntryKind::Redemption).delta = 50;
        })
    }),
    ("a lot goes below nothing", "L7", |bug| written(bug, |shop| amy(shop).lots[0].left = Points::new(-1))),
    ("a lot is made without an entry", "L7", |bug| {
        written(bug, |shop| {
            let copy = Lot { id: LotId(shop.done[0].id.clone(), 9), ..amy(shop).lots[0].clone() };
            amy(shop).lots.push(copy);
        })
    }),
    ("a redemption spends the last to expire first", "L7", wrong_order),
    ("a lot that ran out stays", "L7", |bug| {
        night(bug, |done, before| {
            let state = done.planned.plan.member.as_mut().unwrap();
            state.lots = before.lots.clone();
            state.accounts = before.accounts;
            done.planned.plan.entries.clear();
        })
    }),
    ("a lot runs out and its points stay in the balance", "L7", |bug| {
        night(bug, |done, before| {
            done.planned.plan.member.as_mut().unwrap().accounts = before.accounts;
            done.planned.plan.entries.clear();
        })
    }),
    ("a lot runs out on its last day", "L7", early_expiry),
    ("a lot runs out twice", "L7", |bug| {
        night(bug, |done, _| {
            let mut again = done.planned.plan.entries[0].clone();
            (again.seq, again.balance_after) = (again.seq + 1, again.balance_after + again.delta);
            let state = done.planned.plan.member.as_mut().unwrap();
            state.accounts.points.balance += again.delta;
            state.accounts.points.entries += 1;
            state.debt = again_debt(&again);
            done.planned.plan.entries.push(again);
        })
    }),
    ("a return forgets to give a lot back", "L7", |bug| {
        let shop = redeemed();
        planned(bug, shop, back(None), Some("S"), |done| {
            done.planned.plan.member.as_mut().unwrap().lots.clear();
        })
    }),
    ("a debt is lost", "L7", |bug| {
        planned(bug, spent(), back(None), Some("R"), |done| {
            done.planned.plan.member.as_mut().unwrap().debt = Points::ZERO;
        })
    }),
    ("a grant does not repay a debt first", "S4", |bug| {
        let mut shop = spent();
        shop.take_all("amy", "R").unwrap();
        planned(bug, shop, Act::Receipt(receipt("T", &[5_000])), None, |done| {
            let id = LotId(done.id.clone(), 0);
            let state = done.planned.plan.member.as_mut().unwrap();
            state.debt = Points::new(100);
            state.lots.push(Lot { id, left: Points::new(50), starts: done.today, expires: None });
        })
    }),
    ("a debt turns into credit", "S4", |bug| {
        written(bug, |shop| {
            amy(shop).debt = Points::new(-5);
            amy(shop).lots[0].left = Points::new(amy(shop).lots[0].left.get() - 5);
        })
    }),
    ("stored value is spent below nothing", "S1", |bug| {
        let shop = recharged();
        planned(bug, shop, Act::Receipt(with_stored(receipt("S", &[900]), 900)), None, |done| {
            entry(done, EntryKind::Redemption).balance_after = -100;
        })
    }),
    ("a return gives more stored value back than was spent", "S1", |bug| {
        let mut shop = recharged();
        shop.sell("amy", with_stored(receipt("S", &[900]), 900)).unwrap();
        planned(bug, shop, back(None), Some("S"), |done| more(done, EntryKind::Reversal, 1))
    }),
    ("a gift comes back as principal", "S1", gift_as_principal),
    ("a recharge credits more than was paid", "S1", |bug| {
        planned(bug, recharged(), Act::Recharge(Fen::new(700)), None, |done| more(done, EntryKind::Accrual, 70))
    }),
    ("points are rounded up by a float", "ROUND", |bug| {
        let up = |paid: i64| i64::from((f64::from(i32::try_from(paid).unwrap()) / 150.0).ceil() as i32);
        rounding_faults(|paid| if bug { up(paid) } else { share(paid, 1, 150).unwrap() }, 50, 50)
    }),
    ("points are rounded to the nearest", "ROUND", |bug| {
        rounding_faults(|paid| if bug { (paid + 75) / 150 } else { paid / 150 }, 100, 100)
    }),
    ("a share goes through a float", "L6", |bug| {
        let float = |a: i64, p: i64, w: i64| Ok((a as f64 * p as f64 / w as f64).floor() as i64);
        let numbers = [8_897_819_725_737_612, 915, 930];
        share_faults(|a, p, w| if bug { float(a, p, w) } else { share(a, p, w) }, numbers)
    }),
    ("a share wraps", "L6", |bug| {
        let wraps = |a: i64, p: i64, w: i64| -> Result<i64, TooLarge> { Ok(a.wrapping_mul(p) / w) };
        share_faults(|a, p, w| if bug { wraps(a, p, w) } else { share(a, p, w) }, [1 << 40, 1 << 40, 1 << 40])
    }),
    ("a second night writes again", "NIGHT", |bug| {
        let mut shop = trial_shop();
        shop.settle("amy");
        if bug {
            let today = shop.today();
            amy(&mut shop).lots[0].expires = Some(today.plus(-1));
        }
        second_night(&shop)
    }),
];

/// Adds to an entry, its balance and the state as if the amount had been larger.
pub fn more(done: &mut Done, kind: EntryKind, by: i64) {
    let line = entry(done, kind);
    (line.delta, line.balance_after) = (line.delta + by, line.balance_after + by);
    let account = line.account;
    let accounts = &mut done.planned.plan.member.as_mut().unwrap().accounts;
    match account {
        Account::Points => accounts.points.balance += by,
        Account::Principal => accounts.principal.balance += by,
        Account::Gift => accounts.gift.balance += by,
    }
}

pub fn entry(done: &mut Done, kind: EntryKind) -> &mut Entry {
    done.planned.plan.entries.iter_mut().find(|entry| entry.kind == kind).unwrap()
}

pub fn amy(shop: &mut World) -> &mut MemberState {
    shop.members.get_mut(&member("amy")).unwrap()
}

fn book(shop: &mut World) -> &mut Vec<(ledger::DecisionId, Entry)> {
    shop.books.get_mut(&member("amy")).unwrap()
}

pub fn back(lines: Option<Vec<ledger::ReturnLine>>) -> Act {
    Act::Return(Return { return_id: "T".into(), lines })
}

/// A day in the trial shop, then the bug in what it wrote.
fn written(bug: bool, change: impl FnOnce(&mut World)) -> Vec<String> {
    let mut shop = trial_shop();
    shop.sell("amy", receipt("R", &[12_000])).unwrap();
    shop.sell("amy", redeeming(receipt("S", &[500]), 50)).unwrap();
    if bug {
        change(&mut shop);
    }
    faults(&shop)
}

/// An act of amy whose plan has the bug.
pub fn planned(
    bug: bool,
    mut shop: World,
    act: Act,
    sale: Option<&str>,
    change: impl FnOnce(&mut Done),
) -> Vec<String> {
    let mut done = shop.plan(Some("amy"), act, sale).unwrap();
    if bug {
        change(&mut done);
    }
    shop.commit(done);
    faults(&shop)
}

/// Amy with lots of these sizes and lives.
fn holding(lots: &[(i64, Expiry)]) -> World {
    let lots = lots.to_vec();
    let mut shop = world().under(move |_, event| match event {
        Event::Custom(..) => one(lots.iter().map(|(amount, expiry)| ("r", lasting(*amount, *expiry)))),
        Event::Receipt(r) => one([("spend", points(r.payable.get() / 100))]),
        _ => one([]),
    });
    shop = shop.with("amy");
    shop.act("amy", tick()).unwrap();
    shop
}

/// Amy redeemed everything she had on a sale.
fn redeemed() -> World {
    let mut shop = holding(&[(50, Expiry::Never)]);
    shop.sell("amy", redeeming(receipt("S", &[50]), 50)).unwrap();
    shop
}

/// Amy earned 100 points on a sale and spent them on another.
fn spent() -> World {
    let mut shop = holding(&[]);
    shop.sell("amy", receipt("R", &[10_000])).unwrap();
    shop.sell("amy", redeeming(receipt("S", &[100]), 100)).unwrap();
    shop
}

fn recharged() -> World {
    let mut shop = holding(&[]);
    shop.act("amy", Act::Recharge(Fen::new(1_000))).unwrap();
    shop
}

/// The night after a lot's last day, with the bug in its plan.
fn night(bug: bool, change: impl FnOnce(&mut Done, &MemberState)) -> Vec<String> {
    let mut shop = holding(&[(50, Expiry::Days(1))]);
    let before = shop.of("amy").clone();
    shop.pass_days(2);
    let quiet = Act::Cancel(ledger::DecisionId::new("nobody-0").unwrap());
    planned(bug, shop, quiet, None, |done| change(done, &before))
}

fn again_debt(entry: &Entry) -> Points {
    Points::new(-entry.delta)
}

fn early_expiry(bug: bool) -> Vec<String> {
    let mut shop = holding(&[(50, Expiry::Days(1))]);
    shop.pass_days(if bug { 1 } else { 2 });
    let late = {
        let mut later = shop.clone();
        later.pass_days(1);
        later
    };
    let quiet = Act::Cancel(ledger::DecisionId::new("nobody-0").unwrap());
    let mut done = late.plan(Some("amy"), quiet, None).unwrap();
    (done.today, done.at) = (shop.today(), shop.at);
    shop.commit(done);
    faults(&shop)
}

fn wrong_order(bug: bool) -> Vec<String> {
    let shop = holding(&[(50, Expiry::Days(1)), (50, Expiry::Days(9))]);
    let before = shop.of("amy").lots.clone();
    let act = Act::Receipt(redeeming(receipt("S", &[50]), 50));
    let mut done = shop.plan(Some("amy"), act, None).unwrap();
    if bug {
        entry(&mut done, EntryKind::Redemption).lots[0].0 = before[1].id.clone();
    }
    order_faults(&before, done.today, entry(&mut done, EntryKind::Redemption))
}

fn gift_as_principal(bug: bool) -> Vec<String> {
    let mut shop = holding(&[]);
    shop.adjust("amy", Account::Gift, 500).unwrap();
    shop.sell("amy", with_stored(receipt("S", &[300]), 300)).unwrap();
    planned(bug, shop, back(Some(vec![whole_line(0)])), Some("S"), |done| {
        let line = entry(done, EntryKind::Reversal);
        (line.account, line.seq, line.balance_after) = (Account::Principal, 1, line.delta);
    })
}
