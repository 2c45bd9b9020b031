//! `docs/RULES.md` as a newcomer follows it: every command that is marked to be run, in order, in an empty folder.

use std::{fmt::Write as _, fs, path::Path, process::Command};
use tests::faults::{figure, punchcard};

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/RULES.md");

/// A block of commands: the words behind its fence, and what it says.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let parts = text.split("```").skip(1).step_by(2);
    parts.filter_map(|block| block.split_once('\n')).filter(|(words, _)| words.starts_with("sh run")).collect()
}

/// Whether this machine can build a component: rustup's target, or Debian's compiler with its sources.
fn builds_wasm() -> bool {
    let sysroot = |rustc: &str| {
        let output = Command::new(rustc).args(["--print", "sysroot"]).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let has = |rustc, path: &str| sysroot(rustc).is_some_and(|root| Path::new(&root).join(path).exists());
    has("rustc", "lib/rustlib/wasm32-unknown-unknown/lib") || has("/usr/bin/rustc", "lib/rustlib/src/rust/library")
}

/// One script of all blocks, each told when it begins.
fn script(blocks: &[&str]) -> String {
    let mut script = String::from("set -euo pipefail\n");
    for (n, block) in blocks.iter().enumerate() {
        writeln!(script, "echo \"== block {n}\"\n{block}").expect("memory");
    }
    script
}

#[test]
fn every_command_of_the_guide_works_in_the_order_it_is_written() {
    let text = fs::read_to_string(GUIDE).expect("the guide");
    let rust = builds_wasm();
    let all = blocks(&text);
    let run: Vec<&str> = all.iter().filter(|(words, _)| rust || *words == "sh run").map(|(_, block)| *block).collect();
    assert!(run.len() >= 12, "the guide has {} blocks to run", run.len());
    let dir = tempfile::tempdir().expect("a folder");
    let binary = punchcard().expect("the program");
    let programs = binary.parent().expect("a folder");
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("bash").arg("-c").arg(script(&run)).current_dir(&dir).env("PATH", path).output();
    let output = output.expect("bash");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    let left_out = all.len() - run.len();
    figure(&format!("guide: {} blocks run, {left_out} left out for want of a wasm target", run.len()));
}

#[test]
fn a_command_that_fails_is_noticed() {
    let text = "```sh run\ntrue\n```\nwords\n```sh\nfalse\n```\n```sh run rust\nfalse\n```\n";
    let found = blocks(text);
    assert_eq!(found, [("sh run", "true\n"), ("sh run rust", "false\n")]);
    let status = Command::new("bash").arg("-c").arg(script(&["true\n", "false\n"])).status().expect("bash");
    assert!(!status.success());
}
