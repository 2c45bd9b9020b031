//! From upload to resident policy and back.

use super::determinism::standard;
use crate::components::Core;
use crate::kit::engine;
use engine::{ArtifactKey, Compiler, Engine, Limits, LoadError, Source};

/// Every policy in `rules`, as committed.
fn shipped() -> Vec<Source> {
    let rules = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let folders = [rules.clone(), rules.join("scripts")].map(|folder| std::fs::read_dir(folder).unwrap());
    let mut found = Vec::new();
    for folder in folders.into_iter().flatten() {
        let folder = folder.unwrap().path();
        found.extend(std::fs::read(folder.join("policy.wasm")).map(Source::Wasm));
        found.extend(std::fs::read_to_string(folder.join("policy.rhai")).map(Source::Rhai));
    }
    found
}

#[test]
fn every_shipped_policy_is_admitted_and_loads() {
    let engine = engine(Limits::default());
    let shipped = shipped();
    assert!(shipped.len() >= 3, "{shipped:?}");
    for source in shipped {
        let admitted = engine.admit(&source).unwrap();
        assert_eq!(engine.load(&admitted.digest, &admitted.artifact).unwrap().description(), &admitted.description);
    }
}

#[test]
fn one_engine_s_artifact_loads_in_another_of_its_build_and_key() {
    let (one, two) = (engine(Limits::default()), engine(Limits::default()));
    let admitted = one.admit(&standard()).unwrap();
    let policy = two.load(&admitted.digest, &admitted.artifact).unwrap();
    assert_eq!(policy.description(), &admitted.description);
    assert_eq!(policy.digest(), &admitted.digest);
}

#[test]
fn another_key_means_admitting_again() {
    let source = standard();
    let admitted = engine(Limits::default()).admit(&source).unwrap();
    let other = Engine::new(Limits::default(), ArtifactKey::new([8; 32]), Compiler::InProcess).unwrap();
    let refused = other.load(&admitted.digest, &admitted.artifact).unwrap_err();
    assert_eq!(refused, LoadError::NotOurs { digest: admitted.digest.to_string() });
    let again = other.admit(&source).unwrap();
    assert!(other.load(&again.digest, &again.artifact).is_ok());
}

#[test]
fn a_script_under_another_digest_is_refused() {
    let engine = engine(Limits::default());
    let script = Source::Rhai("fn describe() { #{ name: \"p\" } } fn on_bind(ctx) { }".into());
    let admitted = engine.admit(&script).unwrap();
    let altered = [admitted.artifact.as_slice(), b" "].concat();
    assert!(matches!(engine.load(&admitted.digest, &altered), Err(LoadError::OtherScript { .. })));
    assert!(engine.load(&admitted.digest, &admitted.artifact).is_ok());
}

#[test]
fn resident_policies_keep_to_their_bytes() {
    let engine = engine(Limits { resident_bytes_max: 400 << 10, ..Limits::default() });
    let digests: Vec<_> = (0..20)
        .map(|at| {
            let core = Core::evaluating("(i32.const 56)").with(&format!("(func (result i32) (i32.const {at}))"));
            let admitted = engine.admit(&Source::Wasm(core.component())).unwrap();
            engine.load(&admitted.digest, &admitted.artifact).unwrap();
            admitted.digest
        })
        .collect();
    let resident = digests.iter().filter(|digest| engine.resident(digest).is_some()).count();
    assert!((1..16).contains(&resident), "{resident} of 20 policies are resident");
    assert!(engine.resident(digests.last().unwrap()).is_some(), "the latest stays");
}

#[test]
fn code_beyond_its_limit_is_refused() {
    let engine = engine(Limits { code_bytes_max: 10_000, ..Limits::default() });
    assert_eq!(engine.admit(&standard()).unwrap_err().code, "code_size");
}

#[test]
fn a_compiler_that_is_not_there_says_try_again() {
    let compiler = Compiler::Process { program: "/no/such/program".into(), args: vec![] };
    let engine = Engine::new(Limits::default(), ArtifactKey::new([7; 32]), compiler).unwrap();
    assert_eq!(engine.admit(&standard()).unwrap_err().code, "try_again");
}

#[test]
fn a_script_that_kills_its_reader_is_refused_and_one_that_does_not_is_read_again() {
    let script = Source::Rhai("fn describe() { #{ name: \"p\" } }\nfn on_sign_in(ctx) { grant(\"r\", 1); }".to_owned());
    let admitted = |program: &str, what: &str| {
        let compiler = Compiler::Process { program: program.into(), args: vec!["-c".into(), what.into()] };
        Engine::new(Limits::default(), ArtifactKey::new([7; 32]), compiler).unwrap().admit(&script)
    };
    assert_eq!(admitted("/bin/sh", "exit 0").unwrap().description.name, "p");
    let killed = admitted("/bin/sh", "kill -SEGV $$").unwrap_err();
    assert_eq!(killed.code, "compile");
    assert!(killed.text.starts_with("the script is too expensive to read"), "{killed}");
    assert_eq!(admitted("/no/such/program", "").unwrap_err().code, "try_again");
}

#[test]
fn refusals_say_what_to_do() {
    let engine = engine(Limits::default());
    let words = |bytes: &[u8]| engine.admit(&Source::Wasm(bytes.to_vec())).unwrap_err().text;
    assert!(words(b"(module)").contains("text format"));
    assert!(words(b"\x7fELF").contains("machine code"));
    let http = wat::parse_str("(component (import \"wasi:http/types@0.2.0\" (instance)))").unwrap();
    assert_eq!(words(&http), "imports wasi:http/types@0.2.0; policies get no network");
    assert!(words(&wat::parse_str("(module)").unwrap()).contains("wasm-tools component new"));
}
