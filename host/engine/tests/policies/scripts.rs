//! Scripts: every fact they read, every effect they ask for, and what they are told when they err.

use crate::kit::{ask, engine, rulebook};
use engine::{Limits, Source};
use ledger::*;

/// The answer of a script whose one handler is given.
fn answer(handler: &str, facts: &Facts, event: &Event) -> Answer {
    let engine = engine(Limits::default());
    let script = format!(
        "fn describe() {{ #{{ name: \"p\", stats: [#{{ name: \"visits\", metric: \"visits\", days: 30 }}] }} }}\n{handler}"
    );
    let rulebook = rulebook(&engine, &Source::Rhai(script)).unwrap();
    engine.evaluate(&rulebook, facts, event).unwrap().0.remove(0).answer
}

fn decided(answer: Answer) -> (Vec<RuledEffect>, Vec<Reason>) {
    match answer {
        Answer::Decided { effects, reasons } => (effects, reasons),
        Answer::Failed { code, text } => panic!("{code}: {text}"),
    }
}

fn facts() -> Facts {
    let member = MemberFacts {
        id: MemberId::new("m").unwrap(),
        tier: "gold".into(),
        tier_pinned: true,
        tier_since: Day::new(11),
        joined: Day::new(12),
        birthday: Some(MonthDay { month: 2, day: 13 }),
        referred: true,
        tags: vec!["vip".into()],
        points: Points::new(-16),
        pending: Points::new(17),
        stored_principal: Fen::new(18),
        stored_gift: Fen::new(19),
    };
    let voucher = VoucherFacts {
        code: VoucherCode::new("code").unwrap(),
        template: "template".into(),
        face: Fen::new(24),
        min_spend: Fen::new(25),
        valid_until: None,
        presented: true,
    };
    Facts {
        now: LocalTime { day: Day::new(1), year: 2, month: 3, day_of_month: 4, weekday: 5, hour: 6, minute: 7 },
        store: Some(StoreId::new("s").unwrap()),
        member: Some(member),
        expiring: vec![ExpiringLot { amount: Points::new(20), expires: Day::new(21) }],
        vouchers: vec![voucher],
        stats: vec![Stat { metric: Metric::Visits, days: 30, value: 28 }],
    }
}

/// Runs `claims`, each of which must hold, in a handler.
fn hold(handler: &str, claims: &[&str], facts: &Facts, event: &Event) {
    for claim in claims {
        let body = format!("fn {handler} {{ if !({claim}) {{ throw \"not so\"; }} applied(\"r\", \"holds\"); }}");
        let (_, reasons) = decided(answer(&body, facts, event));
        assert_eq!(reasons.len(), 1, "{claim}");
    }
}

#[test]
fn every_fact_of_the_member_can_be_read() {
    let claims = [
        "ctx.member.id == \"m\"",
        "ctx.member.tier == \"gold\"",
        "ctx.member.tier_pinned",
        "ctx.member.tier_since == 11",
        "ctx.member.joined == 12",
        "ctx.member.birthday.month == 2",
        "ctx.member.birthday.day == 13",
        "ctx.member.referred",
        "\"vip\" in ctx.member.tags",
        "ctx.member.has_tag(\"vip\")",
        "!ctx.member.has_tag(\"new\")",
        "ctx.member.points == -16",
        "ctx.member.pending == 17",
        "ctx.member.stored_principal == 18",
        "ctx.member.stored_gift == 19",
        "ctx.member != ()",
    ];
    hold("on_sign_in(ctx)", &claims, &facts(), &Event::SignIn);
    hold("on_sign_in(ctx)", &["ctx.member == ()", "ctx.store == \"\""], &Facts::default(), &Event::SignIn);
}

#[test]
fn every_other_fact_can_be_read() {
    let claims = [
        "ctx.now.day == 1",
        "ctx.now.year == 2",
        "ctx.now.month == 3",
        "ctx.now.day_of_month == 4",
        "ctx.now.weekday == 5",
        "ctx.now.hour == 6",
        "ctx.now.minute == 7",
        "ctx.store == \"s\"",
        "ctx.stats.visits == 28",
        "ctx.vouchers.len == 1",
        "ctx.vouchers[0].code == \"code\"",
        "ctx.vouchers[0].template == \"template\"",
        "ctx.vouchers[0].face == 24",
        "ctx.vouchers[0].min_spend == 25",
        "ctx.vouchers[0].valid_until == ()",
        "ctx.vouchers[0].presented",
        "ctx.expiring[0].amount == 20",
        "ctx.expiring[0].expires == 21",
        "rate(999, 5000) == 499",
        "date(\"1970-01-02\") == 1",
    ];
    hold("on_sign_in(ctx)", &claims, &facts(), &Event::SignIn);
}

#[test]
fn every_part_of_a_receipt_can_be_read() {
    let line = Line {
        sku: "sku".into(),
        department: "d".into(),
        category: "c".into(),
        brand: "b".into(),
        quantity_milli: -7,
        amount: Fen::new(-8),
        discount: Fen::new(9),
    };
    let receipt = Receipt {
        receipt: "r".into(),
        till: Some(TillId::new("t").unwrap()),
        lines: vec![Line::default(), line],
        total: Fen::new(10),
        payable: Fen::new(11),
        payments: vec![Payment { method: "cash".into(), amount: Fen::new(13) }],
        redeem_points: Points::new(14),
    };
    let claims = [
        "receipt.receipt == \"r\"",
        "receipt.till == \"t\"",
        "receipt.lines.len() == 2",
        "!receipt.lines.is_empty()",
        "receipt.lines[1].sku == \"sku\"",
        "receipt.lines[1].department == \"d\"",
        "receipt.lines[1].category == \"c\"",
        "receipt.lines[1].brand == \"b\"",
        "receipt.lines[1].quantity_milli == -7",
        "receipt.lines[1].amount == -8",
        "receipt.lines[1].discount == 9",
        "receipt.lines[1].index == 1",
        "receipt.total == 10",
        "receipt.payable == 11",
        "receipt.payments[0].method == \"cash\"",
        "receipt.payments[0].amount == 13",
        "receipt.redeem_points == 14",
    ];
    hold("on_receipt(ctx, receipt)", &claims, &Facts::default(), &Event::Receipt(receipt));
}

#[test]
fn every_event_reaches_its_handler_with_what_it_carries() {
    let code = VoucherCode::new("v").unwrap();
    let returned = Returned { receipt: "r".into(), amount: Fen::new(2), whole: true };
    let table: [(Event, &str, &str); 14] = [
        (Event::Follow(Some("qr".into())), "on_follow(ctx, scene)", "scene == \"qr\""),
        (Event::Follow(None), "on_follow(ctx, scene)", "scene == ()"),
        (Event::Register, "on_register(ctx)", "true"),
        (Event::Bind, "on_bind(ctx)", "true"),
        (Event::Referral(MemberId::new("new").unwrap()), "on_referral(ctx, member_id)", "member_id == \"new\""),
        (Event::SignIn, "on_sign_in(ctx)", "true"),
        (
            Event::Return(returned),
            "on_return(ctx, returned)",
            "returned.receipt == \"r\" && returned.amount == 2 && returned.whole",
        ),
        (Event::Recharge(Fen::new(5)), "on_recharge(ctx, fen)", "fen == 5"),
        (Event::Draw("spring".into()), "on_draw(ctx, campaign)", "campaign == \"spring\""),
        (Event::Birthday, "on_birthday(ctx)", "true"),
        (Event::TierReview, "on_tier_review(ctx)", "true"),
        (
            Event::Voucher(code, VoucherChange::Used),
            "on_voucher(ctx, code, change)",
            "code == \"v\" && change == \"used\"",
        ),
        (
            Event::Custom("n".into(), "{\"a\": [1, {\"b\": true}]}".into()),
            "on_custom(ctx, name, data)",
            "name == \"n\" && data.a[0] == 1 && data.a[1].b",
        ),
        (
            Event::Custom("n".into(), "{\"a\": 1.5}".into()),
            "on_custom(ctx, name, data)",
            "data == \"{\\\"a\\\": 1.5}\"",
        ),
    ];
    for (event, handler, claim) in table {
        hold(handler, &[claim], &Facts::default(), &event);
    }
}

fn voucher() -> VoucherIssue {
    let (face, min_spend) = (Fen::new(1), Fen::new(2));
    VoucherIssue {
        template: "t".into(),
        title: "券".into(),
        face,
        min_spend,
        valid_days: 3,
        categories: vec!["c".into()],
    }
}

fn grant(expiry: Expiry, cap: Option<Cap>) -> Effect {
    Effect::GrantPoints(Grant { amount: Points::new(5), pending_days: 0, expiry, cap })
}

/// Every effect as a call, and what it must become.
fn effects() -> Vec<(&'static str, Effect)> {
    const VOUCHER: &str = "issue_voucher(\"r\", #{ template: \"t\", title: \"券\", face: 1, min_spend: 2, valid_days: 3, categories: [\"c\"] })";
    let cap = |period| Some(Cap { limit: Points::new(9), period });
    let tier = |until| Effect::SetTier(TierChange { tier: "gold".into(), until });
    vec![
        ("grant(\"r\", 5)", grant(Expiry::Standard, None)),
        ("grant(\"r\", 5, #{ expiry_days: 3 })", grant(Expiry::Days(3), None)),
        (
            "grant(\"r\", 5, #{ expiry_on: 7, cap: 9, period: \"week\" })",
            grant(Expiry::On(Day::new(7)), cap(Period::Week)),
        ),
        ("grant(\"r\", 5, #{ expiry_never: true, cap: 9, period: \"life\" })", grant(Expiry::Never, cap(Period::Life))),
        ("deduct(\"r\", 5)", Effect::DeductPoints(Points::new(5))),
        (VOUCHER, Effect::IssueVoucher(voucher())),
        ("void_voucher(\"r\", \"v\")", Effect::VoidVoucher(VoucherCode::new("v").unwrap())),
        ("set_tier(\"r\", \"gold\")", tier(None)),
        ("set_tier(\"r\", \"gold\", 365)", tier(Some(Day::new(365)))),
        ("discount_line(\"r\", 1, 50)", Effect::DiscountLine(LineDiscount { line: 1, amount: Fen::new(50) })),
        ("discount_order(\"r\", 50)", Effect::DiscountOrder(Fen::new(50))),
        ("gift(\"r\", 50)", Effect::GiftStoredValue(Fen::new(50))),
        ("message(\"r\", \"t\", \"hi\")", Effect::SendMessage(Message { template: "t".into(), text: "hi".into() })),
        ("tag(\"r\", \"vip\", true)", Effect::SetTag(Tag { name: "vip".into(), on: true })),
        ("reject(\"r\", \"no\")", Effect::Reject("no".into())),
    ]
}

#[test]
fn every_effect_becomes_what_it_says() {
    for (call, effect) in effects() {
        let (effects, _) =
            decided(answer(&format!("fn on_sign_in(ctx) {{ {call}; }}"), &Facts::default(), &Event::SignIn));
        assert_eq!(effects, vec![RuledEffect { rule: "r".into(), effect }], "{call}");
    }
}

#[test]
fn odds_become_what_they_say() {
    let handler = r#"fn on_draw(ctx, campaign) {
        set_odds("r", #{ campaign: campaign, cost: 10, per_day: 3, none_weight: 90, prizes: [
            #{ id: "1", name: "积分", weight: 5, award: #{ points: 50 } },
            #{ id: "2", name: "伞", weight: 1, stock: 8, award: #{ goods: "umbrella" } },
            #{ id: "3", name: "红包", weight: 2, award: #{ gift: 100 } },
            #{ id: "4", name: "券", weight: 2, award: #{ voucher: #{ template: "t", title: "券", face: 1, min_spend: 2, valid_days: 3, categories: ["c"] } } },
        ] });
    }"#;
    let prize =
        |id: &str, name: &str, weight, stock, award| Prize { id: id.into(), name: name.into(), weight, stock, award };
    let prizes = vec![
        prize("1", "积分", 5, None, Award::Points(Points::new(50))),
        prize("2", "伞", 1, Some(8), Award::Goods("umbrella".into())),
        prize("3", "红包", 2, None, Award::Gift(Fen::new(100))),
        prize("4", "券", 2, None, Award::Voucher(voucher())),
    ];
    let odds = Odds { campaign: "spring".into(), cost: Points::new(10), per_day: 3, prizes, none_weight: 90 };
    let (effects, _) = decided(answer(handler, &Facts::default(), &Event::Draw("spring".into())));
    assert_eq!(effects, vec![RuledEffect { rule: "r".into(), effect: Effect::SetOdds(odds) }]);
}

#[test]
fn outcomes_carry_the_numbers_compared() {
    let handler =
        "fn on_sign_in(ctx) { applied(\"a\", \"x\"); missed(\"b\", \"y\", \"fen\", 5, 10); skipped(\"c\", \"z\"); }";
    let (_, reasons) = decided(answer(handler, &Facts::default(), &Event::SignIn));
    let outcomes: Vec<_> = reasons.iter().map(|reason| (reason.rule.as_str(), reason.outcome)).collect();
    assert_eq!(outcomes, [("a", Outcome::Applied), ("b", Outcome::Missed), ("c", Outcome::Skipped)]);
    assert_eq!(reasons[1].compared, Some(Comparison { what: "fen".into(), have: 5, need: 10 }));
}

#[test]
fn errors_say_where_and_what_to_do() {
    let table = [
        (
            "grant(\"r\", \"5\");",
            "line 3, column 5: `grant (text, text)` is not how it is called: grant(rule, points) or grant(rule, points, #{...})",
        ),
        (
            "grant(\"r\", 5, #{ days: 3 });",
            "line 3, column 5: grant has no field `days`; it takes pending_days, expiry_days, expiry_on, expiry_never, cap, period",
        ),
        ("ctx.params.x;", "line 3, column 15: ctx.params has no `x`; describe() declares: "),
        ("throw \"名额已满\";", "line 3, column 5: 名额已满"),
        ("let x = 1 / (ctx.now.hour * 0);", "line 3, column 15: Division by zero: 1 / 0"),
    ];
    for (line, wanted) in table {
        let answer = answer(&format!("fn on_sign_in(ctx) {{\n    {line}\n}}"), &Facts::default(), &Event::SignIn);
        let Answer::Failed { code, text } = answer else { panic!("{line}: {answer:?}") };
        assert_eq!((code.as_str(), text.as_str()), ("script", wanted), "{line}");
    }
}

#[test]
fn a_refused_script_says_where_and_what_to_do() {
    let engine = engine(Limits::default());
    let table = [
        ("fn on_sign_in(ctx) {\n  let x = ;\n}", "line 2, column 11: "),
        ("fn on_signin(ctx) { }", "there is no event for on_signin; the handlers are on_follow, "),
        ("fn on_receipt(ctx) { }", "on_receipt has 1 parameters; write fn on_receipt(ctx, receipt)"),
        (
            "fn on_sign_in(ctx) { let m = #{}; m[\"a\"] = 1; }",
            "this assignment is not supported; use `x.set(key, value)`",
        ),
    ];
    for (script, wanted) in table {
        let script = format!("{script} fn describe() {{ #{{ name: \"p\" }} }}");
        let refused = format!("{:?}", ask(&engine, &Source::Rhai(script.clone()), &Event::SignIn));
        assert!(refused.contains(&wanted.replace('"', "\\\"")), "{script}\n{refused}");
    }
}
