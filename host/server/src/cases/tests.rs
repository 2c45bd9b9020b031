use super::*;
use engine::{ArtifactKey, Compiler, Limits, Source};

/// A script with a parameter of each awkward kind, a statistic, a log line and a fault.
const SCRIPT: &str = r#"
    fn describe() {
        #{
            name: "early",
            params: [
                #{ name: "points", kind: "number", min: 0, max: 50, initial: 5 },
                #{ name: "last", kind: "date", initial: "2026-12-31" },
                #{ name: "tiers", kind: "texts" },
            ],
            stats: [#{ name: "visits", metric: "visits", days: 30 }],
        }
    }
    fn on_sign_in(ctx) {
        log(`hour ${ctx.now.hour}`);
        if ctx.now.hour >= 9 || ctx.now.day > date(ctx.params.last) {
            missed("early", "too late", "hour", ctx.now.hour, 9);
            return;
        }
        grant("early", ctx.params.points + ctx.stats.visits, #{ expiry_on: date("2026-12-31") });
        applied("early", "early bird");
    }
    fn on_recharge(ctx, fen) { throw "no"; }
    fn on_receipt(ctx, receipt) { if receipt.payable > 0 { deduct("spend", receipt.payable); } }
"#;

fn engine() -> Engine {
    Engine::new(Limits::default(), ArtifactKey::new([1; 32]), Compiler::InProcess).expect("an engine")
}

fn load(engine: &Engine, source: &Source) -> Policy {
    let admitted = engine.admit(source).expect("admitted");
    engine.load(&admitted.digest, &admitted.artifact).expect("loaded")
}

fn early(cases: &str, set: &Given) -> Result<Report, CasesError> {
    let engine = engine();
    run(&engine, &load(&engine, &Source::Rhai(SCRIPT.to_owned())), cases, set)
}

/// What is wrong with one case; empty if it holds.
fn one(case: &str) -> String {
    let report = early(&format!(r#"{{"cases":[{case}]}}"#), &Given::new()).expect("run");
    report.findings().concat()
}

fn granted(now: &str, stats: &str, params: &str, amount: i64) -> String {
    format!(
        r#"{{"name":"n","params":{params},"facts":{{"now":{now},"stats":{stats}}},"event":"sign_in","expect":{{
            "effects":[{{"rule":"early","effect":{{"grant_points":{{"amount":{amount},"expiry":{{"on":"2026-12-31"}}}}}}}}],
            "reasons":[{{"rule":"early","outcome":"applied"}}]}}}}"#
    )
}

#[test]
fn what_a_case_leaves_out_is_the_default() {
    assert_eq!(one(&granted(r#"{"hour":8}"#, "[]", "{}", 5)), "");
    assert_eq!(one(r#"{"name":"n","event":{"follow":null},"expect":{}}"#), "");
    let dates = r#"{"name":"n","facts":{"store":"","member":{"tier_since":"2026-11-21","joined":20778},
        "expiring":[{"amount":1,"expires":"2026-11-21"}],
        "vouchers":[{"code":"V","template":"t","face":1,"min_spend":0,"valid_until":"2026-11-21"}]},
        "event":{"receipt":{"till":""}},"expect":{}}"#;
    assert_eq!(one(dates), "");
}

#[test]
fn a_receipt_that_does_not_say_what_is_left_to_pay_is_paid_in_full() {
    let paid = |receipt: &str, points: i64| {
        format!(
            r#"{{"name":"n","event":{{"receipt":{receipt}}},
            "expect":{{"effects":[{{"rule":"spend","effect":{{"deduct_points":{points}}}}}]}}}}"#
        )
    };
    assert_eq!(one(&paid(r#"{"total":100}"#, 100)), "");
    assert_eq!(one(&paid(r#"{"total":100,"payable":40}"#, 40)), "");
    assert_eq!(one(r#"{"name":"n","event":{"receipt":{}},"expect":{}}"#), "");
}

#[test]
fn a_moment_may_be_written_short() {
    assert_eq!(one(&granted(r#""2026-11-21T08:59""#, "[]", "{}", 5)), "");
    assert!(one(&granted(r#""2026-11-21T09:00""#, "[]", "{}", 5)).contains("effects differ"));
    // The calendar is filled in too: the last day is over.
    assert!(one(&granted(r#""2027-01-01T08:59""#, "[]", "{}", 5)).contains("effects differ"));
}

#[test]
fn statistics_and_settings_reach_the_policy() {
    let visits = r#"[{"metric":"visits","days":30,"value":3}]"#;
    assert_eq!(one(&granted(r#"{"hour":8}"#, visits, r#"{"points":7,"last":"2030-01-01"}"#, 10)), "");
}

#[test]
fn a_setting_stands_where_the_case_leaves_it_out() {
    let set = Given::from([("points".to_owned(), ParamValue::Number(9))]);
    let cases = format!(
        r#"{{"cases":[{},{}]}}"#,
        granted(r#"{"hour":8}"#, "[]", "{}", 9),
        granted(r#"{"hour":8}"#, "[]", r#"{"points":7}"#, 7)
    );
    let report = early(&cases, &set).expect("run");
    assert_eq!((report.findings(), report.cases.len()), (Vec::new(), 2));
    assert!(report.cases.iter().all(|case| case.fuel_used > 0 && case.log == ["hour 8"]));
}

#[test]
fn a_field_nobody_knows_is_named() {
    for (case, wanted) in [
        (r#"{"name":"n","event":"sign_in","expect":{},"why":1}"#, "unknown field `why`"),
        (r#"{"name":"n","event":"signin","expect":{}}"#, "event: unknown variant `signin`"),
        (r#"{"name":"n","event":"sign_in"}"#, "missing field `expect`"),
        (r#"{"name":"n","expect":{}}"#, "missing field `event`"),
        (r#"{"event":"sign_in","expect":{}}"#, "missing field `name`"),
        (
            r#"{"name":"n","facts":{"member":{"teir":"x"}},"event":"sign_in","expect":{}}"#,
            "facts.member.teir: unknown field `teir`",
        ),
        (r#"{"name":"n","facts":{"now":"noon"},"event":"sign_in","expect":{}}"#, "facts.now: \"noon\" is no moment"),
        (
            r#"{"name":"n","facts":{"member":{"joined":"21.11.2026"}},"event":"sign_in","expect":{}}"#,
            "facts.member.joined: \"21.11.2026\" is no date",
        ),
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
        (
            r#"{"name":"n","params":{"points":1.5},"event":"sign_in","expect":{}}"#,
            "params.points: must be a whole number from 0 to 50, not 1.5",
        ),
        (r#"{"name":"n","params":{"last":"2026-02-30"},"event":"sign_in","expect":{}}"#, "params.last: must be a date"),
        (r#"{"name":"n","event":{"receipt":{"lines":[{"price":1}]}},"expect":{}}"#, "unknown field `price`"),
        (
            r#"{"name":"n","event":"sign_in","expect":{"effects":[{"rule":"r","effect":{"grant_points":{}}}]}}"#,
            "missing field `amount`",
        ),
        (
            r#"{"name":"n","event":"sign_in","expect":{"effects":[{"rule":"r","effect":{"set_tier":{"tier":"g","until":"soon"}}}]}}"#,
            "expect.effects[0].effect.set_tier.until: \"soon\" is no date",
        ),
    ] {
        let found = one(case);
        assert!(found.starts_with("case 1 (") && found.contains(wanted), "{case}\n{found}");
    }
}

/// The canary: a runner that lets a wrong expectation pass is worth nothing.
#[test]
fn a_wrong_expectation_fails_with_a_readable_difference() {
    let found = one(&granted(r#"{"hour":8}"#, "[]", "{}", 6));
    let wanted = concat!(
        "case 1 (n):\n  effects differ (- expected, + decided):\n",
        "          \"rule\": \"early\",\n",
        "          \"effect\": {\n",
        "            \"grant_points\": {\n",
        "    -         \"amount\": 6,\n",
        "    +         \"amount\": 5,\n",
    );
    assert!(found.starts_with(wanted), "{found}");
    let nothing = one(r#"{"name":"n","facts":{"now":{"hour":8}},"event":"sign_in","expect":{}}"#);
    assert!(nothing.contains("    - []\n    + [\n"), "{nothing}");
}

#[test]
fn a_missing_reason_is_shown_with_those_there_are() {
    let late = |have: u8| {
        format!(
            r#"{{"name":"n","facts":{{"now":{{"hour":11}}}},"event":"sign_in",
            "expect":{{"reasons":[{{"rule":"early","outcome":"missed","compared":{{"what":"hour","have":{have}}}}}]}}}}"#
        )
    };
    assert_eq!(one(&late(11)), "");
    let found = one(&late(12));
    assert!(
        found.contains(
            r#"no reason like {"rule":"early","outcome":"missed","compared":{"what":"hour","have":12}}; there are:"#
        ),
        "{found}"
    );
    assert!(
        found.contains(
            r#"{"rule":"early","outcome":"missed","text":"too late","compared":{"what":"hour","have":11,"need":9}}"#
        ),
        "{found}"
    );
}

#[test]
fn a_policy_that_fails_fails_its_case() {
    let found = one(r#"{"name":"n","event":{"recharge":100},"expect":{}}"#);
    assert!(found.contains("the policy failed (script): line 22, column 32: no"), "{found}");
}

#[test]
fn a_file_without_cases_is_refused() {
    assert_eq!(early(r#"{"cases":[]}"#, &Given::new()), Err(CasesError::Empty));
    let many = vec![r#"{"name":"n","event":"bind","expect":{}}"#; CASES_MAX + 1].join(",");
    assert_eq!(early(&format!(r#"{{"cases":[{many}]}}"#), &Given::new()), Err(CasesError::TooMany(CASES_MAX + 1)));
    for broken in ["", "[]", r#"{"case":[]}"#, r#"{"cases":[1]}"#] {
        assert!(matches!(early(broken, &Given::new()), Err(CasesError::Malformed(_))), "{broken}");
    }
}
