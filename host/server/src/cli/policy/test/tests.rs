use super::*;
use std::{fs, path::Path};

/// Every folder under `rules` with a manifest.
fn shipped() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder").filter_map(Result::ok) {
            let path = entry.path();
            if path.join("policy.toml").exists() {
                found.push(path);
            } else if path.is_dir() {
                walk(&path, found);
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules")), &mut found);
    found.sort();
    found
}

fn tested(path: &Path) -> Said {
    let compiling = Compiling { in_process: true };
    let test = Test { path: path.to_owned(), settings: Settings::default(), compiling };
    test.run().expect("run")
}

#[test]
fn every_shipped_policy_passes_its_own_cases() {
    let shipped = shipped();
    assert!(shipped.len() >= 5, "{shipped:?}");
    for folder in shipped {
        let said = tested(&folder);
        assert!(said.well && said.text.contains(": all hold\n"), "{}\n{}", folder.display(), said.text);
    }
}

/// The canary: a wrong expectation is told, with what was expected beside what was decided.
#[test]
fn a_wrong_expectation_is_told_and_fails_the_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = r#"fn describe() { #{ name: "p" } } fn on_sign_in(ctx) { log("here"); grant("r", 5); }"#;
    let cases = r#"{"cases":[
        {"name":"five","event":"sign_in","expect":{"effects":[{"rule":"r","effect":{"grant_points":{"amount":5}}}]}},
        {"name":"six","event":"sign_in","expect":{"effects":[{"rule":"r","effect":{"grant_points":{"amount":6}}}]}}]}"#;
    fs::write(folder.path().join("policy.rhai"), script).expect("written");
    fs::write(folder.path().join("cases.json"), cases).expect("written");
    let said = tested(folder.path());
    assert!(!said.well);
    assert!(
        said.text.starts_with("ok    five\nFAIL  six\n      effects differ (- expected, + decided):\n"),
        "{}",
        said.text
    );
    assert!(said.text.contains("-         \"amount\": 6,\n        +         \"amount\": 5,\n"), "{}", said.text);
    assert!(said.text.contains("log: here\n"), "{}", said.text);
    assert!(said.text.contains("2 cases: 1 does not hold\noperations: least "), "{}", said.text);
}

#[test]
fn a_policy_without_cases_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("p.rhai"), r#"fn describe() { #{ name: "p" } } fn on_bind(ctx) {}"#).expect("written");
    let compiling = Compiling { in_process: true };
    let test = Test { path: folder.path().join("p.rhai"), settings: Settings::default(), compiling };
    assert!(test.run().expect_err("refused").to_string().contains("a policy without cases is not published"));
}
