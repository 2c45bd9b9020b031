//! The kept seeds through every target, without libFuzzer, and what is planted in each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should stop")]

use fuzz::{End, TARGETS, Target};
use std::{collections::BTreeMap, fs, panic::catch_unwind, path::Path};

/// Bytes of all seeds: they are read by people and kept for ever.
const SEED_BYTES_MAX: u64 = 1 << 20;
/// Generated policies, unless `PUNCHCARD_SMITH` says how many.
const GENERATED: u64 = 200;
/// One in so many of them must come as far as a decision, or it is the generator that is tested.
const DECIDED_OF: u64 = 10;

fn seeds(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let files = fs::read_dir(&folder).unwrap_or_else(|_| panic!("{} has no seeds", target.name));
    let read = |path: &Path| (path.display().to_string(), fs::read(path).expect("a seed"));
    let mut seeds: Vec<_> = files.map(|file| read(&file.expect("a seed").path())).collect();
    seeds.sort();
    seeds
}

#[test]
fn every_target_holds_for_its_seeds() {
    for target in TARGETS {
        for (path, bytes) in seeds(&target) {
            assert!(catch_unwind(|| (target.run)(&bytes)).is_ok(), "{path}");
        }
    }
}

#[test]
fn every_target_finds_what_is_planted_in_it() {
    fuzz::plant(true);
    for target in TARGETS {
        let found = seeds(&target).into_iter().any(|(_, bytes)| catch_unwind(|| (target.run)(&bytes)).is_err());
        assert!(found, "{} misses {}", target.name, target.planted);
    }
}

#[test]
fn the_seeds_are_few_and_small() {
    let bytes: u64 = TARGETS.iter().flat_map(seeds).map(|(_, bytes)| bytes.len() as u64).sum();
    assert!(bytes <= SEED_BYTES_MAX, "{bytes} bytes of seeds");
}

#[test]
fn generated_policies_end_in_a_named_refusal_or_an_answer() {
    let wanted = std::env::var("PUNCHCARD_SMITH").ok().and_then(|text| text.parse().ok()).unwrap_or(GENERATED);
    let (mut ends, mut decided) = (BTreeMap::<String, u64>::new(), 0);
    for number in 0..wanted {
        let codes = match fuzz::generated(number) {
            None => vec!["not generated".to_owned()],
            Some(End::Refused(code)) => vec![format!("refused: {code}")],
            Some(End::Answered(codes)) => codes,
        };
        decided += u64::from(codes.iter().any(|code| code == "decided"));
        codes.into_iter().for_each(|code| *ends.entry(code).or_default() += 1);
    }
    println!("{wanted} generated policies: {ends:?}");
    assert!(decided * DECIDED_OF >= wanted, "{ends:?}");
}
