//! Returns of points and money, rule by rule.

use crate::check::assert_sound;
use crate::say::{
    capped, of_lines, one, part_line, pending, points, receipt, redeeming, says, whole_line, with_stored,
};
use crate::world::{World, world};
use ledger::{
    Decision, Effect, EntryKind, Event, ExpiryRule, Fen, Line, Negative, Period, PlanError, Points, ReturnLine,
    Returned,
};

/// A point a yuan of what is paid, and amy.
fn earning() -> World {
    let shop = world().under(|_, event| match event {
        Event::Receipt(r) => one([("spend", points(r.payable.get() / 100))]),
        _ => one([]),
    });
    shop.with("amy")
}

fn spend(shop: &mut World, points: i64) {
    let number = format!("S{}", shop.next);
    shop.sell("amy", redeeming(receipt(&number, &[points]), points)).unwrap();
}

#[test]
fn points_already_spent_are_owed_waived_or_left_as_the_setting_says() {
    use Negative::{Allow, PendingOnly, WithinBalance};
    // Earned 100, spent so many of them; then the sale comes back: balance, debt and what is taken.
    let table = [
        (Allow, 0, (0, 0, -100)),
        (Allow, 70, (-70, 70, -100)),
        (Allow, 100, (-100, 100, -100)),
        (WithinBalance, 0, (0, 0, -100)),
        (WithinBalance, 70, (0, 0, -30)),
        (WithinBalance, 100, (0, 0, 0)),
        (PendingOnly, 0, (100, 0, 0)),
        (PendingOnly, 70, (30, 0, 0)),
    ];
    for (negative, spent, left) in table {
        let mut shop = earning().set(|s| s.negative = negative);
        shop.sell("amy", receipt("R", &[10_000])).unwrap();
        if spent > 0 {
            spend(&mut shop, spent);
        }
        let reply = shop.take_all("amy", "R").unwrap();
        let amy = shop.of("amy");
        assert_eq!(
            (amy.accounts.points.balance, amy.debt.get(), reply.points.earned.get()),
            left,
            "{negative:?} {spent}"
        );
        assert_eq!(amy.life.earned, 0);
        assert_sound(&shop);
    }
}

#[test]
fn pending_points_of_the_sale_are_taken_back_whatever_the_setting() {
    for negative in [Negative::Allow, Negative::WithinBalance, Negative::PendingOnly] {
        let mut shop = world().set(|s| s.negative = negative).under(|_, event| match event {
            Event::Receipt(_) => one([("later", pending(40, 7))]),
            _ => one([]),
        });
        shop = shop.with("amy");
        shop.sell("amy", receipt("R", &[100])).unwrap();
        shop.take_all("amy", "R").unwrap();
        assert_eq!((shop.balance("amy"), shop.of("amy").debt.get()), (0, 0), "{negative:?}");
        shop.sell("amy", receipt("S", &[100])).unwrap();
        shop.pass_days(7);
        shop.take_all("amy", "S").unwrap();
        assert_eq!(shop.balance("amy"), if negative == Negative::PendingOnly { 40 } else { 0 }, "{negative:?}");
        assert_sound(&shop);
    }
}

#[test]
fn while_in_debt_new_points_repay_first() {
    let mut shop = earning();
    shop.sell("amy", receipt("R", &[10_000])).unwrap();
    spend(&mut shop, 100);
    shop.take_all("amy", "R").unwrap();
    let story: Vec<(i64, i64, usize)> = ["A", "B", "C"]
        .into_iter()
        .map(|number| {
            shop.sell("amy", receipt(number, &[6_000])).unwrap();
            (shop.of("amy").spendable(shop.today()).get(), shop.of("amy").debt.get(), shop.of("amy").lots.len())
        })
        .collect();
    assert_eq!(story, [(-40, 40, 0), (20, 0, 1), (80, 0, 2)]);
    assert!(shop.sell("amy", redeeming(receipt("D", &[81]), 81)).is_err());
    assert_sound(&shop);
}

#[test]
fn points_spent_on_a_returned_sale_come_back_with_their_own_last_day() {
    let mut shop = earning().set(|s| s.expiry = ExpiryRule::Rolling(5, ledger::RoundTo::Day));
    shop.sell("amy", receipt("R", &[10_000])).unwrap();
    let (before, day) = (shop.of("amy").lots.clone(), shop.today());
    shop.pass_days(2);
    shop.sell("amy", redeeming(receipt("S", &[80]), 80)).unwrap();
    shop.pass_days(2);
    shop.take_all("amy", "S").unwrap();
    assert_eq!(shop.of("amy").lots, before);
    assert_eq!(shop.of("amy").lots[0].expires, Some(day.plus(5)));
    assert_sound(&shop);
}

#[test]
fn points_that_come_back_after_their_last_day_run_out_at_once() {
    let mut shop = earning().set(|s| s.expiry = ExpiryRule::Rolling(5, ledger::RoundTo::Day));
    shop.sell("amy", receipt("R", &[10_000])).unwrap();
    shop.sell("amy", redeeming(receipt("S", &[80]), 80)).unwrap();
    shop.pass_days(6);
    let reply = shop.take_all("amy", "S").unwrap();
    let kinds: Vec<(EntryKind, i64)> =
        shop.done.last().unwrap().planned.plan.entries.iter().map(|e| (e.kind, e.delta)).collect();
    assert_eq!(kinds, [(EntryKind::Expiry, -20), (EntryKind::Reversal, 80), (EntryKind::Expiry, -80)]);
    assert_eq!((reply.points.balance, shop.balance("amy")), (Points::ZERO, 0));
    assert_sound(&shop);
}

#[test]
fn points_that_come_back_too_late_pay_no_debt() {
    let mut shop = earning().set(|s| s.expiry = ExpiryRule::Rolling(5, ledger::RoundTo::Day));
    shop.sell("amy", receipt("R", &[10_000])).unwrap();
    shop.pass_days(4);
    shop.sell("amy", redeeming(receipt("S", &[5_100]), 100)).unwrap();
    shop.sell("amy", redeeming(receipt("T", &[50]), 50)).unwrap();
    shop.pass_days(2);
    shop.take_all("amy", "S").unwrap();
    assert_eq!((shop.balance("amy"), shop.of("amy").debt.get()), (-50, 50));
    assert_sound(&shop);
}

#[test]
fn points_that_ran_out_are_not_taken_a_second_time() {
    // Of 100 points granted so many are spent, the rest runs out; then the sale comes back, in one piece or in two.
    for (spent, owed) in [(0, 0), (30, 30), (100, 100)] {
        for halves in [false, true] {
            let mut shop = earning().set(|s| s.expiry = ExpiryRule::Rolling(3, ledger::RoundTo::Day));
            shop.sell("amy", receipt("R", &[5_000, 5_000])).unwrap();
            if spent > 0 {
                spend(&mut shop, spent);
            }
            shop.pass_days(7);
            if halves {
                shop.take("amy", "R", Some(vec![whole_line(1)])).unwrap();
            }
            shop.take_all("amy", "R").unwrap();
            assert_eq!((shop.balance("amy"), shop.of("amy").debt.get()), (-owed, owed), "{spent} spent");
            assert!(shop.of("amy").ran_out.is_empty());
            assert_sound(&shop);
        }
    }
}

#[test]
fn nothing_is_owed_for_points_that_ran_out_longer_ago_than_is_noted() {
    for (days, owed) in [(390, 30), (401, 0), (4_000, 0)] {
        let mut shop = earning().set(|s| s.expiry = ExpiryRule::Rolling(3, ledger::RoundTo::Day));
        shop.sell("amy", receipt("R", &[10_000])).unwrap();
        spend(&mut shop, 30);
        shop.pass_days(days);
        shop.take_all("amy", "R").unwrap();
        assert_eq!(shop.of("amy").debt.get(), owed, "after {days} days");
        assert_sound(&shop);
    }
}

#[test]
fn what_ran_out_is_remembered_about_a_year() {
    let mut shop = earning().set(|s| s.expiry = ExpiryRule::Rolling(0, ledger::RoundTo::Day));
    shop.sell("amy", receipt("R", &[5_000])).unwrap();
    let story: Vec<usize> = [1, 395, 1]
        .into_iter()
        .map(|days| {
            shop.pass_days(days);
            shop.settle("amy");
            shop.of("amy").ran_out.len()
        })
        .collect();
    assert_eq!(story, [1, 1, 0]);
}

#[test]
fn what_remains_is_scored_again_and_only_the_difference_taken() {
    // Lines of 150, 150 and 99.99 yuan earn 399 points; each return leaves what the rest earns.
    let priced = |quantity, fen| ReturnLine { line: 0, quantity_milli: Some(quantity), amount: Some(Fen::new(fen)) };
    let table = [
        (vec![whole_line(0)], 249, 15_000),
        (vec![whole_line(2)], 300, 9_999),
        (vec![part_line(0, 500)], 324, 7_500),
        (vec![part_line(0, 1)], 399, 15),
        (vec![priced(1_000, 14_999)], 250, 14_999),
        (vec![priced(0, 1_000)], 389, 1_000),
        (vec![whole_line(0), whole_line(1)], 99, 30_000),
        (vec![part_line(0, 400), part_line(0, 600)], 249, 15_000),
    ];
    for (lines, held, refund) in table {
        let mut shop = earning();
        shop.sell("amy", receipt("R", &[15_000, 15_000, 9_999])).unwrap();
        let reply = shop.take("amy", "R", Some(lines.clone())).unwrap();
        assert_eq!((shop.balance("amy"), reply.refund_fen.unwrap().get()), (held, refund), "{lines:?}");
        assert_sound(&shop);
    }
}

#[test]
fn a_rule_with_a_threshold_is_scored_under_the_sales_own_facts_and_version() {
    let mut shop = world().under(|facts, event| match event {
        Event::Receipt(r) if r.payable.get() >= 10_000 && facts.member.as_ref().is_some_and(|m| m.tier.is_empty()) => {
            one([("big", points(500))])
        }
        Event::TierReview => one([("t", Effect::SetTier(ledger::TierChange { tier: "gold".into(), until: None }))]),
        _ => one([]),
    });
    shop = shop.with("amy");
    shop.sell("amy", receipt("R", &[10_000, 10_000, 10_000])).unwrap();
    shop.act("amy", ledger::Act::Event(Event::TierReview)).unwrap();
    let story: Vec<i64> = (0..3)
        .map(|line| {
            shop.take("amy", "R", Some(vec![whole_line(line)])).unwrap();
            shop.balance("amy")
        })
        .collect();
    assert_eq!(story, [500, 500, 0]);
    let asked: Vec<_> = shop.done[3].asked.iter().map(|(q, _)| (q.rulebook, q.event.kind())).collect();
    assert_eq!(asked, [(Some(1), ledger::EventKind::Receipt), (None, ledger::EventKind::Return)]);
}

#[test]
fn a_return_makes_room_under_the_cap_its_sale_used() {
    let mut shop = world().under(|_, event| match event {
        Event::Receipt(r) => one([("spend", capped(r.payable.get() / 100, 100, Period::Day))]),
        _ => one([]),
    });
    shop = shop.with("amy");
    let mut story = Vec::new();
    for (number, price) in [("A", 7_000), ("B", 7_000), ("C", 7_000)] {
        shop.sell("amy", receipt(number, &[price])).unwrap();
        story.push(shop.balance("amy"));
    }
    shop.take_all("amy", "A").unwrap();
    story.push(shop.balance("amy"));
    shop.sell("amy", receipt("D", &[9_000])).unwrap();
    story.push(shop.balance("amy"));
    assert_eq!(story, [70, 100, 100, 30, 100]);
    assert_sound(&shop);
}

#[test]
fn a_refund_is_what_was_paid_and_never_more() {
    // Prices, points redeemed, order of lines given back, refunds.
    let table: [(&[i64], i64, &[u32], &[i64]); 7] = [
        (&[10_000], 0, &[0], &[10_000]),
        (&[100, 200, 33], 0, &[2, 1, 0], &[33, 200, 100]),
        (&[100, 200, 33], 30, &[0, 1, 2], &[91, 182, 30]),
        (&[1_000, -300], 0, &[0, 1], &[700, 0]),
        (&[1_000, -300], 0, &[1, 0], &[0, 700]),
        (&[1_000, -1_000, 500], 0, &[0, 1, 2], &[500, 0, 0]),
        (&[0, 500], 0, &[1, 0], &[500, 0]),
    ];
    for (prices, redeem, order, refunds) in table {
        let mut shop = earning();
        shop.adjust("amy", ledger::Account::Points, 100).unwrap();
        let line =
            |price: &i64| Line { quantity_milli: 1_000 * price.signum(), amount: Fen::new(*price), ..Line::default() };
        let mut goods: Vec<Line> = prices.iter().map(line).collect();
        goods.iter_mut().filter(|line| line.quantity_milli == 0).for_each(|line| line.quantity_milli = 1_000);
        shop.sell("amy", redeeming(of_lines("R", goods), redeem)).unwrap();
        let back = |line: &u32| shop.take("amy", "R", Some(vec![whole_line(*line)])).unwrap().refund_fen.unwrap().get();
        assert_eq!(order.iter().map(back).collect::<Vec<_>>(), refunds, "{prices:?} {order:?}");
        assert_eq!(shop.balance("amy"), 100);
    }
}

#[test]
fn a_refund_leaves_out_what_policies_took_off() {
    let mut shop = world().under(|_, event| match event {
        Event::Receipt(r) if r.total.get() >= 1_000 => one([("off", Effect::DiscountOrder(Fen::new(100)))]),
        _ => one([]),
    });
    shop = shop.with("amy");
    shop.sell("amy", receipt("R", &[600, 600])).unwrap();
    assert_eq!(shop.of("amy").life.spend, 1_100);
    let first = shop.take("amy", "R", Some(vec![whole_line(0)])).unwrap();
    assert_eq!((first.refund_fen.unwrap().get(), shop.of("amy").life.spend), (550, 550));
    let last = shop.take_all("amy", "R").unwrap();
    assert_eq!((last.refund_fen.unwrap().get(), shop.of("amy").life.spend), (550, 0));
    assert_eq!(shop.of("amy").life.visits, 0);
}

#[test]
fn redeemed_points_come_back_in_proportion_and_the_rest_with_the_last_goods() {
    let mut shop = earning();
    shop.adjust("amy", ledger::Account::Points, 100).unwrap();
    shop.sell("amy", redeeming(receipt("R", &[100, 100, 100]), 100)).unwrap();
    let back: Vec<i64> = (0..3)
        .map(|line| -shop.take("amy", "R", Some(vec![whole_line(line)])).unwrap().points.redeemed.get())
        .collect();
    assert_eq!(back, [33, 33, 34]);
    assert_sound(&shop);
}

#[test]
fn what_a_policy_deducted_for_a_sale_comes_back_with_it() {
    let mut shop = world().under(|_, event| match event {
        Event::Receipt(_) => one([("swap", Effect::DeductPoints(Points::new(30)))]),
        _ => one([]),
    });
    shop = shop.with("amy");
    shop.adjust("amy", ledger::Account::Points, 100).unwrap();
    shop.sell("amy", receipt("R", &[100])).unwrap();
    assert_eq!(shop.balance("amy"), 70);
    shop.take_all("amy", "R").unwrap();
    assert_eq!((shop.balance("amy"), shop.of("amy").lots.len()), (100, 1));
}

#[test]
fn a_bad_return_says_which_line_and_why() {
    let line = |line, quantity, amount: Option<i64>| ReturnLine {
        line,
        quantity_milli: quantity,
        amount: amount.map(Fen::new),
    };
    let table = [
        (line(3, None, None), "line 3 cannot be returned: the sale has no such line"),
        (line(u32::MAX, None, None), "line 4294967295 cannot be returned: the sale has no such line"),
        (line(0, Some(1_001), None), "line 0 cannot be returned: more than is left of it"),
        (line(0, Some(-1), None), "line 0 cannot be returned: more than is left of it"),
        (line(0, Some(i64::MIN), None), "line 0 cannot be returned: more than is left of it"),
        (line(1, Some(1), None), "line 1 cannot be returned: more than is left of it"),
        (line(0, Some(500), Some(101)), "line 0 cannot be returned: it cost less than that"),
        (line(0, None, Some(-1)), "line 0 cannot be returned: it cost less than that"),
        (line(0, None, Some(i64::MIN)), "line 0 cannot be returned: it cost less than that"),
        (line(0, Some(0), None), "line 0 cannot be returned: nothing of it comes back"),
    ];
    for (bad, text) in table {
        let mut shop = earning();
        let goods = [(1_000, 100), (-1_000, -20), (1_000, 0)];
        let goods =
            goods.map(|(quantity_milli, fen)| Line { quantity_milli, amount: Fen::new(fen), ..Line::default() });
        shop.sell("amy", of_lines("R", goods.to_vec())).unwrap();
        assert_eq!(shop.take("amy", "R", Some(vec![bad])).unwrap_err().to_string(), text);
        assert_eq!(shop.sales["R"].sale.returns, 0);
    }
}

#[test]
fn a_return_needs_a_sale_with_something_left() {
    let mut shop = earning();
    assert_eq!(shop.take_all("amy", "R").unwrap_err(), PlanError::UnknownSale);
    shop.sell("amy", receipt("R", &[100])).unwrap();
    assert!(shop.take("amy", "R", Some(Vec::new())).is_err());
    shop.take_all("amy", "R").unwrap();
    assert_eq!(shop.take_all("amy", "R").unwrap_err(), PlanError::NothingLeft);
    assert_eq!(shop.take("amy", "R", Some(vec![whole_line(0)])).unwrap_err(), PlanError::NothingLeft);
}

#[test]
fn policies_see_what_came_back() {
    let seen = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let notes = seen.clone();
    let mut shop = world().under(move |_, event| {
        if let Event::Return(returned) = event {
            notes.borrow_mut().push(returned.clone());
            return one([("sorry", points(3))]);
        }
        one([])
    });
    shop = shop.with("amy");
    shop.sell("amy", receipt("R", &[100, 200])).unwrap();
    shop.take("amy", "R", Some(vec![whole_line(1)])).unwrap();
    shop.take_all("amy", "R").unwrap();
    let returned = |amount, whole| Returned { receipt: "R".into(), amount: Fen::new(amount), whole };
    assert_eq!(*seen.borrow(), [returned(200, false), returned(100, true)]);
    assert_eq!((shop.balance("amy"), shop.of("amy").life.earned), (6, 6), "what a return earns is counted");
}

#[test]
fn a_sale_without_a_member_comes_back_too() {
    let mut shop = earning();
    shop.act_on(None, ledger::Act::Receipt(receipt("R", &[100, 50])), None).unwrap();
    let back = |lines| ledger::Act::Return(ledger::Return { return_id: "T".into(), lines });
    let first = shop.act_on(None, back(Some(vec![whole_line(1)])), Some("R")).unwrap();
    let last = shop.act_on(None, back(None), Some("R")).unwrap();
    assert_eq!((first.refund_fen.unwrap().get(), last.refund_fen.unwrap().get()), (50, 100));
    assert!(shop.sales["R"].sale.whole);
}

#[test]
fn a_return_works_at_any_age_and_leaves_no_old_day_behind() {
    let mut shop = earning();
    shop.sell("amy", receipt("R", &[10_000])).unwrap();
    shop.pass_days(2_000);
    let reply = shop.take_all("amy", "R").unwrap();
    assert_eq!(reply.refund_fen.unwrap().get(), 10_000);
    assert_eq!((shop.balance("amy"), shop.of("amy").debt.get(), shop.of("amy").days.len()), (0, 0, 0));
    assert_eq!(shop.of("amy").life, ledger::Totals::default());
    assert_sound(&shop);
}

#[test]
fn the_whole_of_a_mixed_payment_comes_back() {
    let mut shop = earning().set(|s| s.vouchers_per_receipt = 1);
    shop.adjust("amy", ledger::Account::Principal, 5_000).unwrap();
    shop.adjust("amy", ledger::Account::Points, 100).unwrap();
    let before = shop.clone();
    shop.sell("amy", with_stored(redeeming(receipt("R", &[9_000, 1]), 100), 5_000)).unwrap();
    assert_eq!(shop.of("amy").accounts.principal.balance, 0);
    shop.take_all("amy", "R").unwrap();
    crate::same::assert_same(&before, &shop);
}

#[test]
fn the_rest_is_scored_on_what_was_to_pay_before_policies_took_something_off() {
    // As the engine does: the second policy sees what the first has left to pay.
    let mut shop = world().under(|_, event| match event {
        Event::Receipt(r) => {
            let off = r.payable.get() / 10;
            Decision(vec![
                says("sale", [("off", Effect::DiscountOrder(Fen::new(off)))]),
                says("points", [("spend", points((r.payable.get() - off) / 100))]),
            ])
        }
        _ => one([]),
    });
    shop = shop.with("amy");
    shop.sell("amy", receipt("R", &[10_000, 10_000, 0])).unwrap();
    let story: Vec<(i64, i64)> = [2, 1, 0]
        .into_iter()
        .map(|line| {
            let reply = shop.take("amy", "R", Some(vec![whole_line(line)])).unwrap();
            (reply.refund_fen.unwrap().get(), shop.balance("amy"))
        })
        .collect();
    assert_eq!(story, [(0, 180), (9_000, 90), (9_000, 0)]);
}
