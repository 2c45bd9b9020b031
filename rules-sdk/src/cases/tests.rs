use super::run;
use crate::prelude::*;

/// Gives points to early birds.
/// For the tests of the SDK.
#[policy(name = "early-bird")]
mod early_bird {
    use super::*;

    #[derive(Debug)]
    #[expect(dead_code, reason = "there to be described")]
    pub struct Params {
        /// 积分
        /// 每次所得
        #[param(default = 5, max = 50)]
        pub points: i64,
        #[param(label = "最后一天", date, default = "2026-12-31")]
        pub last: Option<Day>,
        /// 等级
        #[param(default = ["gold"])]
        pub tiers: Vec<String>,
        /// 面额
        #[param(money, default = 300)]
        pub face: Fen,
        /// 倍数
        #[param(rate, default = 15_000)]
        pub rate: i64,
        /// 方式
        #[param(choice("points", "voucher"), default = "points")]
        pub how: String,
        /// 开关
        #[param(default = true)]
        pub on: bool,
        /// 台阶
        #[param(default = [])]
        pub steps: Vec<i64>,
    }

    #[derive(Debug)]
    pub struct Stats {
        #[stat(visits, days = 30)]
        pub visits: i64,
    }

    pub fn on_sign_in(ctx: &Context<Params, Stats>, out: &mut Decision) {
        if ctx.now().hour >= 9 || ctx.params.last.is_some_and(|last| ctx.today() > last) {
            return out.missed("early", "too late", "hour", i64::from(ctx.now().hour), 9);
        }
        out.grant("early", Grant::new(ctx.params.points + ctx.stats.visits).cap(20, Period::Week));
        out.applied("early", "early bird");
    }

    pub fn on_receipt(_ctx: &Context<Params, Stats>, receipt: &Receipt, out: &mut Decision) {
        if receipt.payable > 0 {
            out.grant("spend", receipt.payable);
        }
    }

    pub fn on_voucher(ctx: &Context<Params, Stats>, code: &str, change: VoucherChange, out: &mut Decision) {
        if change == VoucherChange::Used && ctx.params.on {
            out.tag("used", code, true);
        }
    }
}

fn one(case: &str) -> Result<usize, String> {
    run::<early_bird::Policy>(&format!(r#"{{"cases":[{case}]}}"#))
}

#[test]
fn a_case_names_only_what_matters() {
    let case = r#"{"name": "n", "facts": {"now": "2026-11-21T08:30", "stats": [{"metric":"visits","days":30,"value":2}]},
        "event": "sign_in", "expect": {
            "effects": [{"rule":"early","effect":{"grant_points":{"amount":7,"cap":{"limit":20,"period":"week"}}}}],
            "reasons": [{"rule":"early","outcome":"applied"}]}}"#;
    assert_eq!(one(case), Ok(1));
}

#[test]
fn an_event_without_a_handler_decides_nothing() {
    assert_eq!(one(r#"{"name":"n","event":{"recharge":100},"expect":{}}"#), Ok(1));
    assert_eq!(one(r#"{"name":"n","event":{"follow":null},"expect":{}}"#), Ok(1));
}

#[test]
fn a_receipt_is_paid_in_full_unless_it_says_otherwise() {
    let case = |receipt: &str, points: u32| {
        format!(
            r#"{{"name":"n","event":{{"receipt":{receipt}}},
            "expect":{{"effects":[{{"rule":"spend","effect":{{"grant_points":{{"amount":{points}}}}}}}]}}}}"#
        )
    };
    assert_eq!(one(&case(r#"{"total":100}"#, 100)), Ok(1));
    assert_eq!(one(&case(r#"{"total":100,"payable":40}"#, 40)), Ok(1));
}

#[test]
fn an_event_with_two_values_is_a_list() {
    let case = r#"{"name":"n","event":{"voucher":["V-1","used"]},
        "expect":{"effects":[{"rule":"used","effect":{"set_tag":{"name":"V-1","on":true}}}]}}"#;
    assert_eq!(one(case), Ok(1));
}

#[test]
fn a_wrong_decision_is_shown_as_a_diff() {
    let case = r#"{"name": "wrong", "facts": {"now": {"hour": 8}}, "event": "sign_in", "expect": {
        "effects": [{"rule":"early","effect":{"grant_points":{"amount":6,"cap":{"limit":20,"period":"week"}}}}],
        "reasons": [{"rule":"early","compared":{"need":9}}]}}"#;
    let report = one(case).unwrap_err();
    assert!(report.contains("case 1 (wrong):"), "{report}");
    assert!(report.contains("-         \"amount\": 6,\n    +         \"amount\": 5,\n"), "{report}");
    assert!(report.contains(r#"no reason like {"rule":"early","compared":{"need":9}}; there are:"#), "{report}");
}

#[test]
fn numbers_of_a_missed_reason_are_compared() {
    let case = |have: u8| {
        format!(
            r#"{{"name":"n","facts":{{"now":{{"hour":11}}}},"event":"sign_in",
        "expect":{{"reasons":[{{"rule":"early","outcome":"missed","compared":{{"what":"hour","have":{have}}}}}]}}}}"#
        )
    };
    assert_eq!(one(&case(11)), Ok(1));
    assert!(one(&case(12)).is_err());
}

#[test]
fn what_nobody_knows_is_named() {
    for (case, wanted) in [
        (r#"{"name":"n","event":"sign_in","expect":{},"why":1}"#, "unknown field `why`"),
        (r#"{"name":"n","event":"signin","expect":{}}"#, "event: unknown variant `signin`"),
        (r#"{"name":"n","event":"sign_in"}"#, "missing field `expect`"),
        (
            r#"{"name":"n","facts":{"member":{"teir":"x"}},"event":"sign_in","expect":{}}"#,
            "facts.member.teir: unknown field `teir`",
        ),
        (r#"{"name":"n","facts":{"now":"noon"},"event":"sign_in","expect":{}}"#, "facts.now: \"noon\" is no moment"),
        (
            r#"{"name":"n","facts":{"stats":[{"metric":"visits","days":7,"value":1}]},"event":"sign_in","expect":{}}"#,
            "does not ask for \"visits\" over 7 days",
        ),
        (
            r#"{"name":"n","params":{"pionts":1},"event":"sign_in","expect":{}}"#,
            "no parameter \"pionts\"; it has points, last",
        ),
        (
            r#"{"name":"n","params":{"points":51},"event":"sign_in","expect":{}}"#,
            "params.points: must be a whole number from 0 to 50, not 51",
        ),
        (r#"{"name":"n","params":{"last":"2026-02-30"},"event":"sign_in","expect":{}}"#, "params.last: must be a date"),
        (r#"{"name":"n","event":{"receipt":{"lines":[{"price":1}]}},"expect":{}}"#, "unknown field `price`"),
        (
            r#"{"name":"n","event":"sign_in","expect":{"effects":[{"rule":"r","effect":{"grant_points":{}}}]}}"#,
            "missing field `amount`",
        ),
    ] {
        let report = one(case).unwrap_err();
        assert!(report.contains(wanted), "{case}\n{report}");
    }
    assert!(run::<early_bird::Policy>(r#"{"cases":[]}"#).unwrap_err().contains("no cases"));
}

#[test]
fn days_may_be_written_as_dates() {
    let member = |since: &str| {
        format!(
            r#"{{"name":"n","facts":{{"member":{{"tier_since":{since}}},
        "vouchers":[{{"code":"V","template":"t","face":1,"min_spend":0,"valid_until":{since}}}]}},
        "event":{{"receipt":{{}}}},"expect":{{}}}}"#
        )
    };
    assert_eq!(one(&member("\"2026-11-21\"")), Ok(1));
    assert_eq!(one(&member("20778")), Ok(1));
    assert!(
        one(&member("\"21.11.2026\"")).unwrap_err().contains("facts.vouchers[0].valid_until")
            || one(&member("\"21.11.2026\"")).unwrap_err().contains("facts.member.tier_since")
    );
}

#[test]
fn the_description_is_what_the_module_says() {
    let described = early_bird::Policy::describe();
    assert_eq!(
        (described.name.as_str(), described.summary.as_str()),
        ("early-bird", "Gives points to early birds. For the tests of the SDK.")
    );
    assert_eq!(described.events, [EventKind::SignIn, EventKind::Receipt, EventKind::Voucher]);
    assert_eq!(described.stats, [StatNeed { metric: Metric::Visits, days: 30 }]);
    let params: Vec<_> =
        described.params.iter().map(|p| (p.name.as_str(), p.label.as_str(), p.help.as_str())).collect();
    assert_eq!(params[..2], [("points", "积分", "每次所得"), ("last", "最后一天", "")]);
    assert_eq!(described.params[0].kind, ParamKind::Number((0, 50)));
    assert_eq!(described.params[5].kind, ParamKind::Choice(vec!["points".into(), "voucher".into()]));
    assert_eq!(described.params[7].default, ParamValue::Numbers(Vec::new()));
}
