//! Vouchers, rule by rule: refusals by name, holds and their release, stock, stacking.

use crate::check::assert_sound;
use crate::say::{of_lines, one, presenting, receipt, says, tick, voucher};
use crate::world::{World, world};
use ledger::{
    Act, Checkout, Decision, DecisionId, Effect, Event, Fen, Line, Reply, VoucherCode, VoucherIssue, VoucherRefusal,
    VoucherState,
};

/// A shop whose members get these vouchers when they register.
fn giving(issues: Vec<VoucherIssue>) -> World {
    let shop = world().under(move |_, event| match event {
        Event::Register => one(issues.iter().map(|issue| ("welcome", Effect::IssueVoucher(issue.clone())))),
        _ => one([]),
    });
    shop.with("amy").with("bob")
}

fn first(shop: &World) -> VoucherCode {
    shop.codes("v")[0].clone()
}

/// What became of each presented voucher, and what is left to pay.
fn told(reply: &Reply) -> (Vec<&str>, i64) {
    (reply.vouchers.iter().map(|v| v.change.as_str()).collect(), reply.payable_fen.unwrap().get())
}

fn refusal(reply: &Reply) -> Option<VoucherRefusal> {
    reply.vouchers.first().and_then(|v| v.refusal.clone())
}

#[test]
fn each_refused_voucher_comes_back_with_its_reason() {
    use VoucherRefusal::{Expired, MinSpend, Reserved, Scope, Unknown, Used, Voided};
    type Change = fn(&mut World, &VoucherCode);
    let table: [(Change, &[i64], VoucherRefusal); 9] = [
        (|shop, code| drop(shop.vouchers.remove(code)), &[10_000], Unknown),
        (|shop, code| shop.vouchers.get_mut(code).unwrap().member = crate::world::member("bob"), &[10_000], Unknown),
        (|shop, code| drop(shop.sell("amy", presenting(receipt("A", &[10_000]), &[code]))), &[10_000], Used),
        (|shop, _| shop.pass_days(31), &[10_000], Expired),
        (|shop, code| void(shop, code), &[10_000], Voided),
        (
            |shop, code| drop(shop.act("amy", Act::Quote(presenting(receipt("Q", &[10_000]), &[code])))),
            &[10_000],
            Reserved,
        ),
        (
            |shop, code| shop.vouchers.get_mut(code).unwrap().valid_from = shop.today().plus(1),
            &[10_000],
            VoucherRefusal::NotYet { from: "2026-03-03".into() },
        ),
        (|_, _| (), &[9_999], MinSpend { need: "100.00".into(), missing: "0.01".into() }),
        (|shop, code| shop.vouchers.get_mut(code).unwrap().categories = vec!["tea".into()], &[10_000], Scope),
    ];
    for (change, prices, reason) in table {
        let mut shop = giving(vec![voucher("v")]);
        let code = first(&shop);
        change(&mut shop, &code);
        let reply = shop.sell("amy", presenting(receipt("R", prices), &[&code])).unwrap();
        assert_eq!(refusal(&reply), Some(reason.clone()));
        assert_eq!(told(&reply), (vec!["refused"], prices.iter().sum()), "{reason:?}");
        assert_eq!(reply.vouchers[0].text, reason.to_string());
    }
}

fn void(shop: &mut World, code: &VoucherCode) {
    let (rules, code) = (shop.rules.clone(), code.clone());
    *shop = shop.clone().under(move |facts, event| match event {
        Event::Custom(..) => one([("void", Effect::VoidVoucher(code.clone()))]),
        _ => rules(facts, event),
    });
    shop.act("amy", tick()).unwrap();
}

#[test]
fn a_voucher_pays_its_face_as_far_as_its_goods_and_the_receipt_reach() {
    let goods = |list: &[(&str, i64)]| {
        let line = |(category, price): &(&str, i64)| Line {
            category: (*category).into(),
            quantity_milli: 1_000,
            amount: Fen::new(*price),
            ..Line::default()
        };
        of_lines("R", list.iter().map(line).collect())
    };
    let table: [(&[(&str, i64)], &[&str], i64); 7] = [
        (&[("tea", 5_000)], &[], 2_000),
        (&[("tea", 1_500)], &[], 1_500),
        (&[("tea", 700), ("cup", 5_000)], &["tea"], 700),
        (&[("tea", 700), ("cup", 900)], &["tea", "cup"], 1_600),
        (&[("tea", 700), ("tea", -300), ("cup", 5_000)], &["tea"], 400),
        (&[("tea", 3_000), ("cup", -2_500)], &["tea"], 500),
        (&[("tea", 5_000), ("cup", 0)], &["tea", "book"], 2_000),
    ];
    for (lines, categories, pays) in table {
        let categories = categories.iter().map(|c| (*c).to_owned()).collect();
        let mut shop = giving(vec![VoucherIssue { min_spend: Fen::ZERO, categories, ..voucher("v") }]);
        let (code, checkout) = (first(&shop), goods(lines));
        let total = checkout.receipt.total.get();
        let reply = shop.sell("amy", presenting(checkout, &[&code])).unwrap();
        assert_eq!(told(&reply), (vec!["used"], total - pays), "{lines:?}");
        assert_eq!(reply.vouchers[0].amount_fen.unwrap().get(), pays);
    }
}

#[test]
fn a_receipt_takes_as_many_vouchers_as_the_setting_says_and_none_twice() {
    let twice = [VoucherRefusal::Used, VoucherRefusal::TooMany { max: 1 }];
    for (max, used) in [(0, 0), (1, 1), (2, 2), (9, 3)] {
        let mut shop = giving(vec![voucher("v"); 3]).set(|s| s.vouchers_per_receipt = max);
        let codes = shop.codes("v");
        let mine: Vec<&VoucherCode> = codes.iter().filter(|c| shop.vouchers[*c].member.as_str() == "amy").collect();
        let offered = [mine[0], mine[0], mine[1], mine[2]];
        let reply = shop.sell("amy", presenting(receipt("R", &[20_000]), &offered)).unwrap();
        let paid = 20_000 - reply.payable_fen.unwrap().get();
        assert_eq!((paid, reply.vouchers.len()), (2_000 * used, 4), "at most {max}");
        let again = reply.vouchers[1].refusal.clone().unwrap();
        assert!(max == 0 || twice.contains(&again), "{again:?}");
        assert_sound(&shop);
    }
}

#[test]
fn vouchers_together_never_pay_more_than_the_receipt() {
    let mut shop =
        giving(vec![VoucherIssue { min_spend: Fen::ZERO, ..voucher("v") }; 3]).set(|s| s.vouchers_per_receipt = 9);
    let codes = shop.codes("v");
    let reply = shop.sell("amy", presenting(receipt("R", &[3_000]), &[&codes[0], &codes[1], &codes[2]])).unwrap();
    assert_eq!(told(&reply), (vec!["used", "used", "refused"], 0));
    assert_eq!(shop.vouchers[&codes[2]].state, VoucherState::Issued);
}

fn quote(shop: &mut World, code: &VoucherCode, earlier: Option<&DecisionId>) -> (DecisionId, Reply) {
    let checkout = Checkout { quote: earlier.cloned(), ..presenting(receipt("Q", &[12_000]), &[code]) };
    let reply = shop.act("amy", Act::Quote(checkout)).unwrap();
    (shop.done.last().unwrap().id.clone(), reply)
}

fn confirm(shop: &mut World, code: Option<&VoucherCode>, quote: Option<&DecisionId>) -> Reply {
    let codes: Vec<&VoucherCode> = code.into_iter().collect();
    let number = format!("R{}", shop.next);
    let checkout = Checkout { quote: quote.cloned(), ..presenting(receipt(&number, &[12_000]), &codes) };
    shop.sell("amy", checkout).unwrap()
}

#[test]
fn a_quote_holds_its_vouchers_and_its_receipt_uses_them() {
    let mut shop = giving(vec![voucher("v")]);
    let code = first(&shop);
    let (held, reply) = quote(&mut shop, &code, None);
    assert_eq!(told(&reply), (vec!["used"], 10_000));
    assert_eq!(told(&confirm(&mut shop, Some(&code), None)), (vec!["refused"], 12_000));
    assert_eq!(told(&confirm(&mut shop, Some(&code), Some(&held))), (vec!["used"], 10_000));
    assert_sound(&shop);
}

#[test]
fn a_cancelled_quote_lets_go_and_no_other_quote_can_make_it() {
    let mut shop = giving(vec![voucher("v")]);
    let code = first(&shop);
    let (held, _) = quote(&mut shop, &code, None);
    shop.act("amy", Act::Cancel(DecisionId::new("s-999").unwrap())).unwrap();
    assert!(matches!(shop.vouchers[&code].state, VoucherState::Reserved { .. }));
    let reply = shop.act("amy", Act::Cancel(held)).unwrap();
    assert_eq!(reply.vouchers[0].change, "restored");
    assert_eq!(shop.vouchers[&code].state, VoucherState::Issued);
    assert_sound(&shop);
}

#[test]
fn a_hold_ends_by_itself_and_a_late_confirm_is_honoured() {
    let mut shop = giving(vec![voucher("v")]);
    let code = first(&shop);
    let (held, _) = quote(&mut shop, &code, None);
    shop.at = shop.at.after_ms(3_600_000);
    assert_eq!(told(&confirm(&mut shop, Some(&code), Some(&held))), (vec!["used"], 10_000));
    assert_sound(&shop);
}

#[test]
fn after_a_hold_has_ended_another_receipt_may_have_used_the_voucher() {
    let mut shop = giving(vec![voucher("v")]);
    let code = first(&shop);
    let (held, _) = quote(&mut shop, &code, None);
    shop.at = shop.at.after_ms(300_000);
    assert_eq!(told(&confirm(&mut shop, Some(&code), None)), (vec!["used"], 10_000));
    let late = confirm(&mut shop, Some(&code), Some(&held));
    assert_eq!(refusal(&late), Some(VoucherRefusal::Used));
    assert_sound(&shop);
}

#[test]
fn a_quote_can_be_renewed_and_holds_from_then_on() {
    let mut shop = giving(vec![voucher("v")]);
    let code = first(&shop);
    let (old, _) = quote(&mut shop, &code, None);
    shop.at = shop.at.after_ms(200_000);
    let (new, reply) = quote(&mut shop, &code, Some(&old));
    assert_eq!(told(&reply), (vec!["used"], 10_000));
    shop.at = shop.at.after_ms(200_000);
    assert_eq!(refusal(&confirm(&mut shop, Some(&code), Some(&old))), Some(VoucherRefusal::Reserved));
    assert_eq!(told(&confirm(&mut shop, Some(&code), Some(&new))), (vec!["used"], 10_000));
}

#[test]
fn what_a_confirmed_or_renewed_quote_no_longer_uses_is_let_go() {
    let mut shop = giving(vec![voucher("v"), voucher("v")]).set(|s| s.vouchers_per_receipt = 2);
    let codes = shop.codes("v");
    let both = presenting(receipt("Q", &[12_000]), &[&codes[0], &codes[1]]);
    shop.act("amy", Act::Quote(both)).unwrap();
    let held = shop.done.last().unwrap().id.clone();
    let (renewed, _) = quote(&mut shop, &codes[0], Some(&held));
    assert_eq!(shop.vouchers[&codes[1]].state, VoucherState::Issued);
    confirm(&mut shop, None, Some(&renewed));
    assert_eq!(shop.vouchers[&codes[0]].state, VoucherState::Issued);
    assert_sound(&shop);
}

#[test]
fn a_quote_writes_holds_and_what_the_calendar_did_and_nothing_else() {
    let mut shop = crate::ops::trial_shop();
    let before = shop.clone();
    let code = shop.codes("welcome")[0].clone();
    let checkout = presenting(receipt("Q", &[25_000]), &[&code]);
    let reply = shop.act("amy", Act::Quote(checkout)).unwrap();
    assert!(reply.points.earned.get() > 0 && reply.vouchers.iter().any(|v| v.change == "issued"));
    let plan = &shop.done.last().unwrap().planned.plan;
    assert!(plan.entries.is_empty() && plan.stock.is_empty() && plan.notices.is_empty());
    assert_eq!((plan.vouchers.len(), &plan.applied), (1, &ledger::Applied::default()));
    assert_sound(&shop);
    let holds = std::mem::take(&mut shop.members.get_mut(&crate::world::member("amy")).unwrap().holds);
    assert_eq!((shop.members, holds.len()), (before.members, 1));
}

#[test]
fn a_policy_cannot_void_what_the_quote_holds() {
    let mut shop = giving(vec![voucher("v")]);
    let code = first(&shop);
    let target = code.clone();
    shop = shop.under(move |_, _| one([("void", Effect::VoidVoucher(target.clone()))]));
    quote(&mut shop, &code, None);
    assert!(matches!(shop.vouchers[&code].state, VoucherState::Reserved { .. }));
    assert_sound(&shop);
}

#[test]
fn stock_of_a_template_ends_and_says_so() {
    let mut shop = world().under(|_, event| match event {
        Event::Register => one([("w", Effect::IssueVoucher(voucher("v"))), ("w", Effect::IssueVoucher(voucher("v")))]),
        _ => one([]),
    });
    shop.stock.insert("voucher/v".into(), ledger::Counter::up_to(3));
    let told: Vec<(usize, usize)> = ["amy", "bob", "cho"]
        .into_iter()
        .map(|who| {
            let reply = shop.join(who, Event::Register).unwrap();
            (reply.vouchers.len(), reply.reasons.iter().filter(|r| r.reason.text == "v券已发完").count())
        })
        .collect();
    assert_eq!((told, shop.stock["voucher/v"].used), (vec![(2, 0), (1, 1), (0, 2)], 3));
    assert_sound(&shop);
}

#[test]
fn codes_have_eighteen_clear_letters_and_never_repeat() {
    let mut shop = world().under(|_, _| {
        let issues = |name| says(name, (0..10).map(|_| ("w", Effect::IssueVoucher(voucher("v")))));
        Decision(vec![issues("a"), issues("b")])
    });
    shop = shop.with("amy");
    for _ in 0..49 {
        shop.act("amy", tick()).unwrap();
    }
    let codes = shop.codes("v");
    assert_eq!(codes.iter().collect::<std::collections::BTreeSet<_>>().len(), 1_000);
    for code in &codes {
        assert_eq!(code.as_str().len(), 18);
        assert!(code.as_str().bytes().all(|b| b"23456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&b)), "{code}");
    }
}

#[test]
fn a_late_receipt_uses_a_voucher_by_its_own_date() {
    let mut shop = giving(vec![voucher("v")]);
    let code = first(&shop);
    shop.late_ms = ledger::DAY_MS;
    let reply = shop.sell("amy", presenting(receipt("R", &[12_000]), &[&code])).unwrap();
    assert_eq!(refusal(&reply), Some(VoucherRefusal::NotYet { from: "2026-03-02".into() }));
}

#[test]
fn policies_are_shown_vouchers_the_member_could_use_and_those_presented() {
    let mut shop = giving(vec![voucher("v"); 4]);
    let codes = shop.codes("v");
    let (mine, bobs) = codes.split_at(4);
    shop.sell("amy", presenting(receipt("R", &[12_000]), &[&mine[0]])).unwrap();
    let later = shop.today().plus(1);
    shop.vouchers.get_mut(&mine[1]).unwrap().valid_from = later;
    let checkout = presenting(receipt("S", &[12_000]), &[&mine[2], &bobs[0]]);
    let done = shop.plan(Some("amy"), Act::Receipt(checkout), None).unwrap();
    let shown: Vec<(&VoucherCode, bool)> =
        done.asked[0].0.facts.vouchers.iter().map(|v| (&v.code, v.presented)).collect();
    let mut due = vec![(&mine[2], true), (&mine[3], false)];
    due.sort();
    assert_eq!(shown, due);
}
