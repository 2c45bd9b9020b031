use super::*;
use crate::cli::policy::{
    place::Found,
    subject::{Compiling, Subject},
};
use engine::Source;

fn subject(handler: &str) -> Subject {
    let describe = r#"#{ name: "p", stats: [#{ name: "visits", metric: "visits", days: 30 }] }"#;
    let script = format!("fn describe() {{ {describe} }} fn on_receipt(ctx, receipt) {{ {handler} }}");
    let found = Found { file: "p.rhai".into(), source: Source::Rhai(script), cases: None, name: None, warning: None };
    let engine = Compiling { in_process: true }.engine().expect("an engine");
    Subject::admit(found, engine).expect("admitted")
}

fn sums(handler: &str, limit: Option<usize>, tier: &str) -> Sums {
    let subject = subject(handler);
    let trial = Trial { subject: &subject, params: Vec::new(), tier, limit };
    trial.run(Path::new(SHIPPED)).expect("run")
}

#[test]
fn every_shipped_receipt_is_scored() {
    let sums = sums(r#"grant("r", 1);"#, None, "");
    assert_eq!((sums.receipts, sums.touched, sums.points_given), (5_764, 5_764, 5_764));
    assert_eq!((sums.lines, sums.members, sums.total_fen), (58_538, 1_683, 17_613_612));
    assert_eq!(sums.cost_fen(), 5_764, "a point is worth a fen");
}

#[test]
fn a_cap_counts_over_the_receipts_of_a_member() {
    let sums = sums(r#"grant("r", 10, #{ cap: 10, period: "life" });"#, None, "");
    assert_eq!(sums.points_given, 10 * sums.members as i64);
}

#[test]
fn statistics_grow_from_receipt_to_receipt() {
    // Everybody's second receipt finds one visit.
    let sums =
        sums(r#"if ctx.stats.visits == 0 { tag("first", "seen", true); } else { skipped("again", "") }"#, None, "");
    assert_eq!(sums.rules.get("first").map(|rule| rule.gives), Some(sums.members as u64));
}

#[test]
fn the_tier_and_the_limit_are_as_asked() {
    let handler = r#"if ctx.member.tier == "gold" { discount_order("r", 100) }"#;
    let gold = sums(handler, Some(10), "gold");
    assert_eq!((gold.receipts, gold.touched), (10, 10));
    assert_eq!(sums(handler, Some(10), "").touched, 0);
}

#[test]
fn a_failure_is_counted_and_named_with_its_first_basket() {
    let subject = subject(r#"throw "no bread";"#);
    let trial = Trial { subject: &subject, params: Vec::new(), tier: "", limit: Some(3) };
    let text = shown(&subject, &trial.run(Path::new(SHIPPED)).expect("run"), false);
    assert!(text.contains("\nfailures\nscript  3 times, first on basket "), "{text}");
    assert!(text.contains("no bread") && text.contains("the departments in these baskets are GROCERY"), "{text}");
}

#[test]
fn a_damaged_file_is_named_by_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("b.jsonl");
    std::fs::write(&file, "{}\n").expect("written");
    let subject = subject("");
    let trial = Trial { subject: &subject, params: Vec::new(), tier: "", limit: None };
    let why = format!("{:#}", trial.run(&file).expect_err("refused"));
    assert!(why.contains("b.jsonl: line 1: not a basket: missing field"), "{why}");
}
