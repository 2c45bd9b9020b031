//! Seeded bugs of grants, vouchers, stock, draws, returns and replay.

use crate::bugs::{amy, back, entry, more, planned};
use crate::canaries::Canary;
use crate::check::faults;
use crate::determinism::{again, same_bytes};
use crate::draws::{fair, odds_faults};
use crate::ops::trial_shop;
use crate::same::differences;
use crate::say::{capped, one, points, presenting, receipt, redeeming, tick, voucher, whole_line};
use crate::world::{Done, World, world};
use ledger::{
    Account, Act, Award, Effect, Entry, EntryKind, Event, Fen, Lot, LotId, Odds, Period, Points, Prize, StockUse,
    VoucherState,
};

pub const ALL: &[Canary] = &[
    ("a grant is made twice", "C1", |bug| planned(bug, earning(), sale("R"), None, |done| grant_again(done, 100))),
    ("a grant is forgotten", "C1", |bug| {
        planned(bug, earning(), sale("R"), None, |done| {
            done.planned.plan.applied.granted.clear();
        })
    }),
    ("a cap is skipped", "C1", |bug| planned(bug, capped_shop(), sale("S"), None, |done| grant_again(done, 40))),
    ("a cap is off by one", "C1", |bug| {
        planned(bug, capped_shop(), sale("S"), None, |done| {
            done.planned.plan.applied.granted[0].granted = Points::new(41);
        })
    }),
    ("a policy beyond its limit is obeyed", "C1", |bug| {
        let shop = world().under(|_, event| match event {
            Event::Receipt(_) => one([("much", points(10_000_001))]),
            _ => one([]),
        });
        planned(bug, shop.with("amy"), sale("R"), None, |done| grant_new(done, 10_000_001))
    }),
    ("a policy is left out for no reason", "R4", |bug| {
        planned(bug, earning(), sale("R"), None, |done| {
            let text = "规则未执行：".to_owned();
            let reason =
                ledger::Reason { rule: "spend".into(), outcome: ledger::Outcome::Missed, text, compared: None };
            done.planned.reply.reasons.push(ledger::ReplyReason { policy: "p".into(), reason });
        })
    }),
    ("a gift nobody asked for is given", "R4", |bug| {
        planned(bug, earning(), sale("R"), None, |done| {
            done.planned.plan.applied.gifted = Fen::new(5);
        })
    }),
    ("a voucher nobody asked for is issued", "R4", |bug| {
        planned(bug, earning(), sale("R"), None, |done| {
            let code = ledger::VoucherCode::new("X").unwrap();
            done.planned.plan.applied.vouchers_issued.push(code);
        })
    }),
    ("a tag nobody asked for is set", "R4", |bug| {
        planned(bug, earning(), sale("R"), None, |done| {
            done.planned.plan.applied.tags_changed.push(("vip".into(), true));
        })
    }),
    ("a voucher is used on two receipts", "V1", |bug| {
        let (shop, code) = with_used_voucher();
        let again = Act::Receipt(presenting(receipt("B", &[12_000]), &[&code]));
        planned(bug, shop, again, None, |done| done.planned.plan.applied.vouchers_used.push(code.clone()))
    }),
    ("a used voucher is free again without a return", "V1", |bug| revive(bug, with_used_voucher())),
    ("a voided voucher comes back to life", "V1", |bug| {
        let (mut shop, code) = with_used_voucher();
        shop.take_all("amy", "A").unwrap();
        shop = void(shop, &code);
        revive(bug, (shop, code))
    }),
    ("a held voucher is used by another receipt", "V1", |bug| {
        let (shop, code) = with_held_voucher();
        planned(bug, shop, Act::Receipt(presenting(receipt("B", &[12_000]), &[&code])), None, |done| {
            let mut voucher = done_voucher(&code);
            voucher.state = VoucherState::Used { by: done.id.clone() };
            done.planned.plan.vouchers.push(voucher);
        })
    }),
    ("a voucher is lost", "V2", |bug| {
        let (mut shop, code) = with_used_voucher();
        if bug {
            shop.vouchers.remove(&code);
        }
        faults(&shop)
    }),
    ("a voucher is given without its stock", "V2", |bug| {
        planned(bug, stocked(), sale("R"), None, |done| done.planned.plan.stock.clear())
    }),
    ("a voucher taken back leaves its stock used", "V2", |bug| {
        let mut shop = stocked();
        shop.act("amy", sale("R")).unwrap();
        planned(bug, shop, back(None), Some("R"), |done| done.planned.plan.stock.clear())
    }),
    ("stock is oversold", "Z1", |bug| {
        let mut shop = stocked();
        shop.act("amy", sale("R")).unwrap();
        planned(bug, shop, sale("S"), None, |done| {
            let name = "voucher/v".to_owned();
            done.planned.plan.stock.push(StockUse { name, delta: 1, max: Some(1), since: 0 });
        })
    }),
    ("stock falls below nothing", "Z1", |bug| {
        planned(bug, stocked(), tick(), None, |done| {
            done.planned.plan.stock.push(StockUse { name: "voucher/v".into(), delta: -1, max: Some(1), since: 0 });
        })
    }),
    ("a prize is won and its stock is not moved", "Z1", |bug| {
        drawn(bug, |done| {
            done.planned.plan.stock.retain(|used| !used.name.starts_with("prize/"));
            done.planned.plan.stock.push(StockUse { name: "prize/c/p".into(), delta: 0, max: Some(9), since: 0 });
        })
    }),
    ("a draw gives another prize than its seed", "Z2", |bug| {
        drawn(bug, |done| {
            done.planned.reply.draw.as_mut().unwrap().prize = Some("q".into());
        })
    }),
    ("a ticket is drawn twice", "Z4", |bug| {
        let mut shop = lottery();
        shop.act("amy", ask()).unwrap();
        planned(bug, shop, ask(), None, |done| done.planned.reply.draw.as_mut().unwrap().ticket = 1)
    }),
    ("a draw is biased by its remainder", "Z3", |bug| {
        let byte = |_: &Odds, ticket: i64| {
            let hash = ledger::sha256_hex(&ticket.to_be_bytes());
            let number = u32::from_str_radix(&hash[..2], 16).unwrap() % 100;
            (number < 50).then(|| "p0".to_owned())
        };
        odds_faults(&even(), |odds, ticket| if bug { byte(odds, ticket) } else { fair(odds, ticket) }, 100_000)
    }),
    ("the last number of a prize falls to the next", "Z3", |bug| {
        let skewed = Odds { prizes: vec![Prize { weight: 49, ..even().prizes.remove(0) }], none_weight: 51, ..even() };
        odds_faults(&even(), |odds, ticket| fair(if bug { &skewed } else { odds }, ticket), 100_000)
    }),
    ("a refund is more than was paid", "S3", |bug| {
        planned(bug, sold(), back(None), Some("R"), |done| {
            done.planned.reply.refund_fen = Some(Fen::new(10_001));
        })
    }),
    ("a partial refund asks for money", "S3", |bug| {
        planned(bug, sold(), back(Some(vec![whole_line(1)])), Some("R"), |done| {
            done.planned.reply.refund_fen = Some(Fen::new(-1));
        })
    }),
    ("partial returns take more than was given", "S3", |bug| {
        let mut shop = sold();
        shop.take("amy", "R", Some(vec![whole_line(0)])).unwrap();
        planned(bug, shop, back(None), Some("R"), |done| more(done, EntryKind::Reversal, -60))
    }),
    ("a return gives more points back than were redeemed", "S3", |bug| {
        let mut shop = sold();
        shop.sell("amy", redeeming(receipt("S", &[100]), 100)).unwrap();
        planned(bug, shop, back(None), Some("S"), |done| more(done, EntryKind::Reversal, 1))
    }),
    ("a return leaves the tier it should undo", "amy tier", |bug| {
        undone(bug, |shop| amy(shop).tier.name = "gold".into())
    }),
    ("a return leaves a cap used", "amy caps", |bug| {
        undone(bug, |shop| {
            let from = shop.today();
            let used = ledger::CapUse { period: Period::Day, from, used: Points::new(1) };
            amy(shop).caps.insert("p/r/day/1".into(), used);
        })
    }),
    ("a return leaves a visit counted", "amy life", |bug| undone(bug, |shop| amy(shop).life.visits += 1)),
    ("a return gives a lot back with another last day", "amy lots", |bug| {
        undone(bug, |shop| {
            amy(shop).lots[0].expires = Some(ledger::Day::new(30_000));
        })
    }),
    ("a return leaves a voucher it should void", "X", |bug| {
        undone(bug, |shop| {
            let voucher = shop.vouchers.values().next().unwrap().clone();
            let code = ledger::VoucherCode::new("X").unwrap();
            shop.vouchers.insert(code.clone(), ledger::Voucher { code, ..voucher });
        })
    }),
    ("a plan depends on something it was not given", "R1", |bug| {
        let (before, mut shop) = (stocked(), stocked());
        shop.act("amy", sale("R")).unwrap();
        let mut done = shop.done.pop().unwrap();
        if bug {
            done.planned.plan.vouchers[0].title.push('!');
        }
        if same_bytes(&done.planned, &again(&before, &done)) { Vec::new() } else { vec!["R1 the plans differ".into()] }
    }),
];

fn sale(number: &str) -> Act {
    Act::Receipt(receipt(number, &[6_000, 4_000]))
}

fn ask() -> Act {
    Act::Event(Event::Draw("c".into()))
}

fn earning() -> World {
    let shop = world().under(|_, event| match event {
        Event::Receipt(r) => one([("spend", points(r.payable.get() / 100))]),
        _ => one([]),
    });
    shop.with("amy")
}

/// Amy has bought for a hundred yuan and earned a hundred points.
fn sold() -> World {
    let mut shop = earning();
    shop.act("amy", sale("R")).unwrap();
    shop
}

/// Of 140 points a day, 100 are granted.
fn capped_shop() -> World {
    let mut shop = world().under(|_, event| match event {
        Event::Receipt(_) => one([("spend", capped(100, 140, Period::Day))]),
        _ => one([]),
    });
    shop = shop.with("amy");
    shop.act("amy", sale("R")).unwrap();
    shop
}

/// Every receipt gives a voucher, of which there is one.
fn stocked() -> World {
    let mut shop = world().under(|_, event| match event {
        Event::Receipt(_) => one([("give", Effect::IssueVoucher(voucher("v")))]),
        _ => one([]),
    });
    shop.stock.insert("voucher/v".into(), ledger::Counter::up_to(1));
    shop.with("amy")
}

fn even() -> Odds {
    let prize =
        |id: &str, weight| Prize { id: id.into(), name: id.into(), weight, stock: Some(9), award: Award::Nothing };
    Odds { campaign: "c".into(), cost: Points::ZERO, per_day: 0, prizes: vec![prize("p0", 50)], none_weight: 50 }
}

/// A draw everybody wins.
fn lottery() -> World {
    let prizes = vec![Prize { id: "p".into(), ..even().prizes.remove(0) }];
    let odds = Odds { prizes, none_weight: 0, ..even() };
    let published = odds.clone();
    let mut shop = world().under(move |_, event| match event {
        Event::Draw(_) => one([("odds", Effect::SetOdds(odds.clone()))]),
        _ => one([]),
    });
    shop.open = Some(ledger::DrawSecret { campaign: "c".into(), secret: [5; 32], published });
    shop.with("amy")
}

fn drawn(bug: bool, change: impl FnOnce(&mut Done)) -> Vec<String> {
    planned(bug, lottery(), ask(), None, change)
}

/// Writes the first grant once more, everything but the decision consistent with it.
fn grant_again(done: &mut Done, amount: i64) {
    let (granted, line) = (done.planned.plan.applied.granted[0].clone(), entry(done, EntryKind::Accrual).clone());
    let lot = LotId(done.id.clone(), 7);
    done.planned.plan.applied.granted.push(ledger::Granted {
        lot: lot.clone(),
        granted: Points::new(amount),
        ..granted
    });
    post_grant(done, lot, amount, line);
}

/// Writes a grant where the plan has none.
fn grant_new(done: &mut Done, amount: i64) {
    let (lot, starts) = (LotId(done.id.clone(), 0), done.today);
    let (policy, rule, points) = ("p".to_owned(), "much".to_owned(), Points::new(amount));
    let granted = ledger::Granted {
        policy,
        rule,
        lot: lot.clone(),
        wanted: points,
        granted: points,
        expires: None,
        starts,
        cap: None,
    };
    done.planned.plan.applied.granted.push(granted);
    let (account, kind) = (Account::Points, EntryKind::Accrual);
    let (policy, rule, lots) = (String::new(), String::new(), Vec::new());
    let (starts, expires) = (Some(starts), None);
    let line = Entry { account, seq: 0, kind, delta: 0, balance_after: 0, policy, rule, lots, starts, expires };
    post_grant(done, lot, amount, line);
}

fn post_grant(done: &mut Done, lot: LotId, amount: i64, like: Entry) {
    let starts = done.today;
    let state = done.planned.plan.member.as_mut().unwrap();
    state.accounts.points.balance += amount;
    state.accounts.points.entries += 1;
    state.lots.push(Lot { id: lot.clone(), left: Points::new(amount), starts, expires: None });
    let (seq, balance_after) = (state.accounts.points.entries, state.accounts.points.balance);
    let lots = vec![(lot, Points::new(amount))];
    done.planned.plan.entries.push(Entry { seq, delta: amount, balance_after, lots, ..like });
}

/// Amy holds a voucher and has used it on receipt A.
fn with_used_voucher() -> (World, ledger::VoucherCode) {
    let mut shop = trial_shop();
    let code = shop.codes("welcome")[0].clone();
    shop.sell("amy", presenting(receipt("A", &[12_000]), &[&code])).unwrap();
    (shop, code)
}

fn with_held_voucher() -> (World, ledger::VoucherCode) {
    let mut shop = trial_shop();
    let code = shop.codes("welcome")[0].clone();
    shop.act("amy", Act::Quote(presenting(receipt("Q", &[12_000]), &[&code]))).unwrap();
    (shop, code)
}

fn done_voucher(code: &ledger::VoucherCode) -> ledger::Voucher {
    trial_shop().vouchers[code].clone()
}

/// The voucher's state becomes issued by an act that has nothing to do with it.
fn revive(bug: bool, (shop, code): (World, ledger::VoucherCode)) -> Vec<String> {
    let held = shop.vouchers[&code].clone();
    planned(bug, shop, tick(), None, |done| {
        done.planned.plan.vouchers.push(ledger::Voucher { state: VoucherState::Issued, ..held });
    })
}

fn void(shop: World, code: &ledger::VoucherCode) -> World {
    let target = code.clone();
    let rules = shop.rules.clone();
    let mut shop = shop.under(move |facts, event| match event {
        Event::Custom(..) => one([("void", Effect::VoidVoucher(target.clone()))]),
        _ => rules(facts, event),
    });
    shop.act("amy", tick()).unwrap();
    shop
}

/// A sale of the trial shop that has come back, with the bug in what it left.
fn undone(bug: bool, change: impl FnOnce(&mut World)) -> Vec<String> {
    let before = trial_shop();
    let mut after = before.clone();
    after.sell("amy", receipt("R", &[60_000])).unwrap();
    after.take_all("amy", "R").unwrap();
    if bug {
        change(&mut after);
    }
    differences(&before, &after)
}
