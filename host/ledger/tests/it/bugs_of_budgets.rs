//! Seeded bugs of budgets and holds.

use crate::bugs::{amy, back, planned};
use crate::canaries::Canary;
use crate::check::faults;
use crate::say::{one, points, receipt, redeeming};
use crate::world::{Done, World, world};
use ledger::{Act, Budget, Event, Points, Scope, Unit};

pub const ALL: &[Canary] = &[
    ("a budget is exceeded", "B1", |bug| {
        planned(bug, spent(), sale("S"), None, |done| {
            let line = done.planned.reply.effects.iter_mut().find(|line| line.kind == "points").unwrap();
            line.amount = Some(100);
        })
    }),
    ("a grant is cut though the budget has room", "B2", |bug| {
        planned(bug, earning(Scope::Global), sale("R"), None, |done| {
            let line = &mut done.planned.reply.effects[0];
            (line.amount, line.wanted) = (Some(60), Some(100));
        })
    }),
    ("a grant is not counted", "B3", |bug| {
        planned(bug, earning(Scope::Global), sale("R"), None, |done| done.planned.plan.stock.clear())
    }),
    ("a grant is counted twice", "B3", |bug| {
        planned(bug, earning(Scope::Global), sale("R"), None, |done| done.planned.plan.stock[0].delta += 40)
    }),
    ("a grant is counted with another member", "B3", |bug| {
        planned(bug, earning(Scope::Member), sale("R"), None, |done| {
            let caps = &mut done.planned.plan.member.as_mut().unwrap().caps;
            caps.values_mut().for_each(|cap| cap.used = Points::new(1));
        })
    }),
    ("a return leaves the budget used", "B3", |bug| {
        let mut shop = earning(Scope::Global);
        shop.act("amy", sale("R")).unwrap();
        planned(bug, shop, back(None), Some("R"), |done| done.planned.plan.stock.clear())
    }),
    ("a return gives back to a budget that has begun anew", "B3", |bug| {
        let mut shop = earning(Scope::Global).set(|s| s.budgets[0].period = ledger::Period::Day);
        shop.act("amy", sale("R")).unwrap();
        shop.pass_days(1);
        shop.act("amy", sale("S")).unwrap();
        planned(bug, shop, back(None), Some("R"), |done| {
            let stock = &mut done.planned.plan.stock;
            assert!(stock.is_empty());
            let name = "budget/spring/points/day".to_owned();
            let since = i64::from(done.today.get());
            stock.push(ledger::StockUse { name, delta: -100, max: Some(140), since });
        })
    }),
    ("a quote takes nothing from the budget it promises", "B3", |bug| {
        planned(bug, earning(Scope::Global), quote("Q"), None, |done| done.planned.plan.stock.clear())
    }),
    ("a hold whose time is up still counts", "B3", |bug| {
        let mut shop = earning(Scope::Global);
        shop.act("amy", quote("Q")).unwrap();
        shop.at = shop.at.after_ms(300_000);
        let nobody = ledger::DecisionId::new("nobody-0").unwrap();
        planned(bug, shop, Act::Cancel(nobody), None, |done| done.planned.plan.stock.clear())
    }),
    ("promised points are spent by another receipt", "H1", |bug| {
        let mut shop = rich();
        shop.act("amy", Act::Quote(redeeming(receipt("Q", &[5_000]), 80))).unwrap();
        if bug {
            amy(&mut shop).holds[0].points = Points::ZERO;
        }
        let taken = if bug { 80 } else { 20 };
        shop.sell("amy", redeeming(receipt("S", &[80]), taken)).unwrap();
        faults(&shop)
    }),
    ("a cancelled quote goes on holding", "H2", |bug| {
        let mut shop = rich();
        shop.act("amy", Act::Quote(redeeming(receipt("Q", &[5_000]), 80))).unwrap();
        let held = shop.of("amy").holds.clone();
        let quote = held[0].quote.clone();
        planned(bug, shop, Act::Cancel(quote), None, |done| state(done).holds = held)
    }),
    ("a policy beyond its band is not stopped", "B4", |bug| {
        let shop = banded();
        let before = shop.done.last().unwrap().planned.plan.applied.granted.clone();
        planned(bug, shop, sale("S"), None, |done| {
            done.planned.plan.applied.granted = before;
        })
    }),
];

/// A policy that grants 100 points a receipt and may grant 140 an hour.
fn banded() -> World {
    let mut shop = earning(Scope::Global).set(|s| {
        s.budgets.clear();
        s.breakers.insert("p".into(), 140);
    });
    shop.act("amy", sale("R")).unwrap();
    shop
}

fn state(done: &mut Done) -> &mut ledger::MemberState {
    done.planned.plan.member.as_mut().unwrap()
}

fn sale(number: &str) -> Act {
    Act::Receipt(receipt(number, &[6_000, 4_000]))
}

fn quote(number: &str) -> Act {
    Act::Quote(receipt(number, &[6_000, 4_000]))
}

/// A point for a yuan, 140 in all.
fn earning(scope: Scope) -> World {
    let shop = world().under(|_, event| match event {
        Event::Receipt(r) => one([("spend", points(r.payable.get() / 100))]),
        _ => one([]),
    });
    let spring = Budget { scope, ..crate::budgets::budget("spring", Unit::Points, 140) };
    shop.set(|s| s.budgets = vec![spring]).with("amy")
}

/// Of 140 points, 100 are granted.
fn spent() -> World {
    let mut shop = earning(Scope::Global);
    shop.act("amy", sale("R")).unwrap();
    shop
}

/// Amy has 100 points.
fn rich() -> World {
    let mut shop = spent().set(|s| s.budgets.clear());
    shop.settle("amy");
    shop
}
