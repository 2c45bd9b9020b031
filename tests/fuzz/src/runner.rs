//! All targets, two at a time, and one line about each.

use super::{PLANTED, TARGET};
use fuzz::{TARGETS, Target};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::Mutex,
};

/// How long each target runs, in seconds.
const SECONDS: &str = "SECONDS";
const SECONDS_USUAL: u64 = 15;
/// How long a target may look for what is planted in it.
const PLANTED_SECONDS: u64 = 60;
/// How many run at the same time.
const AT_ONCE: usize = 2;
/// Seconds for one input: an upload may take 10 to compile.
const INPUT_SECONDS_MAX: u64 = 25;
/// Megabytes a target may hold.
const MEGABYTES_MAX: u64 = 2_048;
/// Lines of what libFuzzer said that are shown of a failure.
const TAIL_LINES: usize = 40;
/// Lines that begin with the words of a panic.
const WORDS_LINES: usize = 4;

/// What became of a target.
struct Ran {
    row: String,
    failed: Option<String>,
}

/// Runs every target, or those named on the command line.
pub fn run_all() -> ExitCode {
    let seconds = std::env::var(SECONDS).ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS_USUAL);
    let named: Vec<String> = std::env::args().skip(1).collect();
    let chosen = TARGETS.into_iter().filter(|target| named.is_empty() || named.iter().any(|name| name == target.name));
    let waiting = Mutex::new(chosen.collect::<Vec<_>>());
    let failures = Mutex::new(Vec::new());
    println!(
        "{:<10}{:>12}{:>9}{:>8}{:>10}{:>7}{:>11}{:>9}{:>6}  planted",
        "target", "executions", "per s", "edges", "features", "new", "slowest s", "crashes", "MB"
    );
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(target) = next(&waiting) {
                    let ran = run(&target, seconds);
                    println!("{}", ran.row);
                    failures.lock().expect("unpoisoned").extend(ran.failed);
                }
            });
        }
    });
    let failures = failures.into_inner().expect("unpoisoned");
    failures.iter().for_each(|failure| println!("\n{failure}"));
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn next(waiting: &Mutex<Vec<Target>>) -> Option<Target> {
    waiting.lock().expect("unpoisoned").pop()
}

/// Fuzzes one target, then lets it look for what is planted.
fn run(target: &Target, seconds: u64) -> Ran {
    let found = folder(&format!("target/fuzz/found/{}", target.name));
    let (done, said) = fuzz(target, &found, seconds, false);
    let (planted_done, planted_said) = fuzz(target, &folder("target/fuzz/planted"), PLANTED_SECONDS, true);
    let is_caught = !planted_done && planted_said.contains("panicked at");
    let stat = |name: &str| after(&said, &format!("stat::{name}:")).to_owned();
    let row = format!(
        "{:<10}{:>12}{:>9}{:>8}{:>10}{:>7}{:>11}{:>9}{:>6}  {}",
        target.name,
        stat("number_of_executed_units"),
        stat("average_exec_per_sec"),
        after(&said, " cov:"),
        after(&said, " ft:"),
        stat("new_units_added"),
        stat("slowest_unit_time_sec"),
        usize::from(!done),
        stat("peak_rss_mb"),
        if is_caught { "found" } else { "MISSED" },
    );
    let failed = match (done, is_caught) {
        (false, _) => Some(format!("{} does not hold:\n{}", target.name, tail(&said))),
        (true, false) => Some(format!("{} misses {}:\n{}", target.name, target.planted, tail(&planted_said))),
        (true, true) => None,
    };
    Ran { row, failed }
}

/// libFuzzer in a process of its own: whether it ended well, and what it said.
fn fuzz(target: &Target, found: &Path, seconds: u64, planted: bool) -> (bool, String) {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    let artifacts = folder(if planted { "target/fuzz/planted" } else { "target/fuzz/crashes" });
    command
        .env(TARGET, target.name)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={}", target.bytes_max))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-rss_limit_mb={MEGABYTES_MAX}"))
        .arg(format!("-artifact_prefix={}/{}-", artifacts.display(), target.name))
        .args(["-print_final_stats=1", "-detect_leaks=0"]);
    let words = folder("tests/fuzz/words").join(target.name);
    if words.exists() {
        command.arg(format!("-dict={}", words.display()));
    }
    if planted {
        command.env(PLANTED, "1");
    }
    // What is new goes into the first folder.
    command.arg(found);
    let output = command.arg(folder("tests/fuzz/corpus").join(target.name)).output().expect("this program");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A folder of the workspace, made if it is not there.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
    fs::create_dir_all(&folder).expect("a folder");
    folder.canonicalize().expect("a folder")
}

/// The word behind the last `name`.
fn after<'t>(text: &'t str, name: &str) -> &'t str {
    text.rsplit_once(name).and_then(|(_, rest)| rest.split_whitespace().next()).unwrap_or("-")
}

/// What a failure said first, and where its input is; or the end of what was said.
fn tail(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    let panicked = lines.iter().position(|line| line.contains("panicked at"));
    let (from, to) =
        panicked.map_or((lines.len().saturating_sub(TAIL_LINES), lines.len()), |at| (at, at + WORDS_LINES));
    let written = lines.iter().filter(|line| line.contains("Test unit written")).copied();
    lines[from..to.min(lines.len())].iter().copied().chain(written).collect::<Vec<_>>().join("\n")
}
