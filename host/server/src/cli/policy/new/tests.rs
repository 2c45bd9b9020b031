use super::*;
use crate::{
    cases::{self, Given},
    cli::policy::{
        place::Found,
        subject::{Compiling, Subject},
    },
};

fn made(rust: bool) -> (tempfile::TempDir, PathBuf, Said) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("early-bird");
    let said = New { path: path.clone(), rhai: !rust, rust, sdk: None }.run().expect("made");
    (folder, path, said)
}

#[test]
fn a_new_script_passes_its_own_cases() {
    let (_folder, path, said) = made(false);
    let subject = Subject::at(&path, Compiling { in_process: true }).expect("admitted");
    assert_eq!(subject.policy.description().name, "early-bird");
    let cases = subject.found.cases().expect("cases");
    let report = cases::run(&subject.engine, &subject.policy, &cases, &Given::new()).expect("run");
    assert_eq!((report.findings(), report.cases.len()), (Vec::new(), 4));
    assert!(said.text.contains("punchcard policy test"), "{}", said.text);
}

#[test]
fn a_new_crate_depends_on_the_sdk_and_says_how_to_build() {
    let (_folder, path, said) = made(true);
    let manifest = fs::read_to_string(path.join("Cargo.toml")).expect("written");
    assert!(manifest.contains("punchcard-rules = { path = \""), "{manifest}");
    let why = format!("{:#}", Found::at(&path).expect_err("not built yet"));
    assert!(why.contains("build it with"), "{why}");
    assert!(said.text.contains("early-bird/build"), "{}", said.text);
    assert!(path.join("src/lib.rs").exists() && path.join(CASES).exists());
}

#[test]
fn nothing_is_written_over() {
    let (_folder, path, _) = made(false);
    let again = New { path: path.clone(), rhai: true, rust: false, sdk: None }.run();
    assert!(again.expect_err("refused").to_string().contains("is there already"));
}

#[test]
fn a_name_must_fit_a_folder_a_crate_and_a_policy() {
    for name in ["", "Bakery", "9-oclock", "a_b", "面包", "ends-", &"a".repeat(41)] {
        assert!(name_of(Path::new(name)).is_err(), "{name}");
    }
    assert_eq!(name_of(Path::new("rules/bakery-9")).expect("a name"), "bakery-9");
}
