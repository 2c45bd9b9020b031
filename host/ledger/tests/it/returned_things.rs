//! Returns of tiers, tags and vouchers, rule by rule.

use crate::check::assert_sound;
use crate::say::{one, presenting, receipt, says, tick, voucher, whole_line, with_stored};
use crate::world::{World, world};
use ledger::{Act, Decision, Effect, Event, Facts, Receipt, Tag, TierChange, VoucherState};

fn tier(name: &str, until: Option<i32>) -> Effect {
    Effect::SetTier(TierChange { tier: name.into(), until: until.map(ledger::Day::new) })
}

fn tag(name: &str, on: bool) -> Effect {
    Effect::SetTag(Tag { name: name.into(), on })
}

/// A shop that asks for this on receipts, and amy.
fn selling(effects: impl Fn(&Facts, &Receipt) -> Vec<(&'static str, Effect)> + 'static) -> World {
    let shop = world().under(move |facts, event| match event {
        Event::Receipt(receipt) => one(effects(facts, receipt)),
        _ => one([]),
    });
    shop.with("amy")
}

fn staff_tier(shop: &mut World, name: &'static str) {
    let rules = shop.rules.clone();
    *shop = shop.clone().under(move |facts, event| match event {
        Event::Custom(..) => one([("t", tier(name, None))]),
        _ => rules(facts, event),
    });
    shop.act("amy", tick()).unwrap();
}

#[test]
fn a_full_return_restores_the_tier_the_sale_changed() {
    let mut shop = selling(|_, r| {
        vec![
            ("t", tier("silver", None)),
            ("t", tier(if r.total.get() > 500 { "gold" } else { "silver" }, Some(30_000))),
        ]
    });
    let before = shop.of("amy").tier.clone();
    shop.sell("amy", receipt("R", &[600])).unwrap();
    assert_eq!((shop.of("amy").tier.name.as_str(), shop.of("amy").tier.since), ("gold", shop.today()));
    shop.pass_days(40);
    let reply = shop.take_all("amy", "R").unwrap();
    assert_eq!(shop.of("amy").tier, before);
    assert!(reply.effects.iter().any(|line| line.kind == "tier"));
}

#[test]
fn a_tier_that_has_moved_since_the_sale_stays() {
    let mut shop = selling(|_, _| vec![("t", tier("gold", None))]);
    shop.sell("amy", receipt("R", &[600])).unwrap();
    staff_tier(&mut shop, "black");
    shop.take_all("amy", "R").unwrap();
    assert_eq!(shop.of("amy").tier.name, "black");
}

#[test]
fn a_tier_the_rest_still_asks_for_stays_until_it_does_not() {
    let mut shop = selling(|_, r| if r.total.get() >= 500 { vec![("t", tier("gold", None))] } else { Vec::new() });
    shop.sell("amy", receipt("R", &[100, 200, 400])).unwrap();
    let story: Vec<String> = [0, 1, 2]
        .into_iter()
        .map(|line| {
            shop.take("amy", "R", Some(vec![whole_line(line)])).unwrap();
            shop.of("amy").tier.name.clone()
        })
        .collect();
    assert_eq!(story, ["gold", "", ""]);
}

#[test]
fn a_renewal_by_a_sale_is_undone_with_it_and_only_with_it() {
    let mut shop = selling(|facts, _| vec![("t", tier("gold", Some(facts.now.day.get() + 365)))]);
    shop.sell("amy", receipt("A", &[600])).unwrap();
    let first = shop.of("amy").tier.clone();
    shop.pass_days(100);
    shop.sell("amy", receipt("B", &[600])).unwrap();
    let renewed = shop.of("amy").tier.clone();
    assert_eq!((renewed.since.plus(-100), renewed.until.map(|d| d.plus(-100))), (first.since, first.until));
    let mut other = shop.clone();
    shop.take_all("amy", "B").unwrap();
    assert_eq!(shop.of("amy").tier, first, "the renewal is gone");
    other.take_all("amy", "A").unwrap();
    assert_eq!(other.of("amy").tier, renewed, "the renewal stands");
}

#[test]
fn tags_go_back_however_often_a_sale_changed_them() {
    let table: [&[(&str, bool)]; 5] = [
        &[("new", true)],
        &[("old", false)],
        &[("new", true), ("new", false)],
        &[("old", false), ("old", true)],
        &[("new", true), ("old", false), ("new", false), ("new", true)],
    ];
    for changes in table {
        let list = changes.to_vec();
        let mut shop = selling(move |_, _| list.iter().map(|(name, on)| ("t", tag(name, *on))).collect());
        shop.members.get_mut(&crate::world::member("amy")).unwrap().tags.insert("old".into());
        let before = shop.of("amy").tags.clone();
        shop.sell("amy", receipt("R", &[600])).unwrap();
        shop.take_all("amy", "R").unwrap();
        assert_eq!(shop.of("amy").tags, before, "{changes:?}");
    }
}

#[test]
fn tags_the_rest_still_asks_for_stay() {
    let mut shop = selling(|_, r| if r.total.get() >= 500 { vec![("t", tag("big", true))] } else { Vec::new() });
    shop.sell("amy", receipt("R", &[100, 200, 400])).unwrap();
    let story: Vec<bool> = [0, 1, 2]
        .into_iter()
        .map(|line| {
            shop.take("amy", "R", Some(vec![whole_line(line)])).unwrap();
            shop.of("amy").tags.contains("big")
        })
        .collect();
    assert_eq!(story, [true, false, false]);
}

#[test]
fn vouchers_a_sale_used_come_back_when_all_of_it_does() {
    let mut shop = selling(|_, _| Vec::new());
    shop.vouchers.clear();
    shop = give(shop);
    let code = shop.codes("v")[0].clone();
    shop.sell("amy", presenting(receipt("R", &[8_000, 8_000]), &[&code])).unwrap();
    let first = shop.take("amy", "R", Some(vec![whole_line(0)])).unwrap();
    assert_eq!((first.refund_fen.unwrap().get(), first.vouchers.len()), (7_000, 0));
    assert!(matches!(shop.vouchers[&code].state, VoucherState::Used { .. }));
    let last = shop.take("amy", "R", Some(vec![whole_line(1)])).unwrap();
    assert_eq!((last.refund_fen.unwrap().get(), last.vouchers[0].change.as_str()), (7_000, "restored"));
    assert_eq!(shop.vouchers[&code].state, VoucherState::Issued);
    shop.sell("amy", presenting(receipt("S", &[16_000]), &[&code])).unwrap();
    assert_sound(&shop);
}

/// Gives amy a voucher by a custom event.
fn give(shop: World) -> World {
    let rules = shop.rules.clone();
    let mut shop = shop.under(move |facts, event| match event {
        Event::Custom(..) => one([("give", Effect::IssueVoucher(voucher("v")))]),
        _ => rules(facts, event),
    });
    shop.act("amy", tick()).unwrap();
    shop
}

#[test]
fn a_voucher_that_comes_back_after_its_last_day_has_run_out() {
    let mut shop = give(selling(|_, _| Vec::new()));
    let code = shop.codes("v")[0].clone();
    shop.sell("amy", presenting(receipt("R", &[16_000]), &[&code])).unwrap();
    shop.pass_days(31);
    shop.take_all("amy", "R").unwrap();
    assert_eq!(shop.vouchers[&code].state, VoucherState::Expired);
    assert_sound(&shop);
}

/// A shop that gives a voucher for every whole 100 yuan.
fn rewarding() -> World {
    let mut shop =
        selling(|_, r| (0..r.payable.get() / 10_000).map(|_| ("reward", Effect::IssueVoucher(voucher("v")))).collect());
    shop.stock.insert("voucher/v".into(), ledger::Counter::up_to(10));
    shop
}

#[test]
fn vouchers_a_returned_sale_issued_are_voided_and_their_stock_comes_back() {
    let mut shop = rewarding();
    shop.sell("amy", receipt("R", &[10_000, 15_000, 5_000])).unwrap();
    let open = |shop: &World| shop.vouchers.values().filter(|v| v.state.is_open()).count();
    let mut story = vec![(open(&shop), shop.stock["voucher/v"].used)];
    for line in [2, 0, 1] {
        shop.take("amy", "R", Some(vec![whole_line(line)])).unwrap();
        story.push((open(&shop), shop.stock["voucher/v"].used));
    }
    assert_eq!(story, [(3, 3), (2, 2), (1, 1), (0, 0)]);
    assert_sound(&shop);
}

#[test]
fn a_voucher_a_returned_sale_issued_is_charged_if_it_was_used() {
    let mut shop = rewarding();
    shop.sell("amy", receipt("R", &[10_000])).unwrap();
    let code = shop.codes("v")[0].clone();
    shop.sell("amy", presenting(receipt("S", &[11_999]), &[&code])).unwrap();
    let reply = shop.take_all("amy", "R").unwrap();
    let line = &reply.vouchers[0];
    assert_eq!((line.change.as_str(), line.amount_fen.unwrap().get()), ("charged", 2_000));
    assert_eq!(reply.refund_fen.unwrap().get(), 8_000);
    assert!(matches!(shop.vouchers[&code].state, VoucherState::Used { .. }));
    assert_eq!(shop.stock["voucher/v"].used, 1);
    assert_sound(&shop);
}

#[test]
fn a_charge_larger_than_a_refund_is_taken_from_the_next() {
    let mut shop =
        selling(
            |_, r| {
                if r.total.get() >= 3_000 { vec![("reward", Effect::IssueVoucher(voucher("v")))] } else { Vec::new() }
            },
        );
    shop.sell("amy", receipt("R", &[500, 1_200, 1_300])).unwrap();
    let code = shop.codes("v")[0].clone();
    shop.sell("amy", presenting(receipt("S", &[12_000]), &[&code])).unwrap();
    let refunds: Vec<i64> = (0..3)
        .map(|line| shop.take("amy", "R", Some(vec![whole_line(line)])).unwrap().refund_fen.unwrap().get())
        .collect();
    assert_eq!(refunds, [0, 0, 1_000]);
    assert_sound(&shop);
}

#[test]
fn a_voucher_a_policy_voided_for_a_sale_comes_back_with_it() {
    let mut shop = give(selling(|facts, _| {
        facts.vouchers.first().map(|v| ("swap", Effect::VoidVoucher(v.code.clone()))).into_iter().collect()
    }));
    let code = shop.codes("v")[0].clone();
    shop.sell("amy", receipt("R", &[500])).unwrap();
    assert_eq!(shop.vouchers[&code].state, VoucherState::Voided);
    shop.take_all("amy", "R").unwrap();
    assert_eq!(shop.vouchers[&code].state, VoucherState::Issued);
    assert_sound(&shop);
}

#[test]
fn a_policy_that_refuses_the_rest_keeps_none_of_it() {
    let mut shop = world().under(|_, event| match event {
        Event::Receipt(r) if r.total.get() < 1_000 => Decision(vec![says(
            "p",
            [("spend", crate::say::points(5)), ("small", Effect::Reject("满十元参加".into()))],
        )]),
        Event::Receipt(_) => one([("spend", crate::say::points(5))]),
        _ => one([]),
    });
    shop = shop.with("amy");
    shop.sell("amy", receipt("R", &[600, 600])).unwrap();
    shop.take("amy", "R", Some(vec![whole_line(0)])).unwrap();
    assert_eq!(shop.balance("amy"), 0);
}

#[test]
fn a_return_takes_the_member_below_a_tier_by_the_policies_own_rule() {
    let mut shop = world().under(|_, event| match event {
        Event::Receipt(_) => one([("t", tier("gold", None))]),
        Event::Return(returned) if !returned.whole => one([("t", tier("silver", None))]),
        _ => one([]),
    });
    shop = shop.with("amy");
    shop.sell("amy", with_stored(receipt("R", &[600, 600]), 0)).unwrap();
    shop.take("amy", "R", Some(vec![whole_line(0)])).unwrap();
    assert_eq!(shop.of("amy").tier.name, "silver");
    assert!(matches!(shop.done.last().unwrap().act, Act::Return(_)));
}

#[test]
fn a_tag_set_and_cleared_by_one_sale_stays_gone_whatever_comes_back_first() {
    let mut shop = selling(|_, r| {
        let big = (r.total.get() >= 500).then(|| ("big", tag("big", true)));
        big.into_iter().chain([("never", tag("big", false))]).collect()
    });
    shop.sell("amy", receipt("R", &[100, 500])).unwrap();
    for line in [1, 0] {
        shop.take("amy", "R", Some(vec![whole_line(line)])).unwrap();
        assert!(shop.of("amy").tags.is_empty());
    }
}
