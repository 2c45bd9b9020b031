//! Scripts that mean harm: each is refused or fails with its own code, in bounded time, and the host goes on.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test program")]

mod kit;
#[path = "hostile_rhai/parsing.rs"]
mod parsing;
#[path = "hostile_rhai/running.rs"]
mod running;

use engine::{ArtifactKey, Compiler, Engine, Limits, Source};
use ledger::{Answer, Event, Facts, PolicyDecision};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The longest any script may take, parsing and describing included.
const CASE_MAX: Duration = Duration::from_secs(2);

/// What makes this program the child that reads scripts first.
const CHILD: &str = "__child";

/// Bytes of stack the corpus runs on: half of what a server's thread has.
const STACK_BYTES: usize = 1 << 20;

/// One script and what must become of it.
pub struct Case {
    /// What it does.
    pub name: String,
    /// The whole script.
    pub script: String,
    /// What contains it.
    pub end: End,
}

/// What contains a script.
#[derive(Debug, Clone)]
pub enum End {
    /// Refused at upload with this code.
    Refused(&'static str),
    /// Admitted, and its answer is a failure with one of these codes.
    Failed(&'static [&'static str]),
    /// Admitted; it decides, and does what this says.
    Decides(fn(&PolicyDecision) -> bool),
}

impl Case {
    /// A script whose sign-in handler is `body`.
    pub fn handling(name: &str, body: &str, end: End) -> Self {
        Self::whole(name, &format!("fn on_sign_in(ctx) {{ {body} }}"), end)
    }

    /// A script with `fields` beside its description.
    pub fn whole(name: &str, fields: &str, end: End) -> Self {
        Self { name: name.to_owned(), script: format!("fn describe() {{ #{{ name: \"hostile\" }} }}\n{fields}"), end }
    }
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(CHILD) {
        return engine::compile_child_main();
    }
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(corpus).unwrap().join().unwrap()
}

fn corpus() -> ExitCode {
    let compiler = Compiler::Process { program: std::env::current_exe().unwrap(), args: vec![CHILD.into()] };
    let engine = Engine::new(Limits::default(), ArtifactKey::new([7; 32]), compiler).unwrap();
    let cases: Vec<Case> = [running::cases(), parsing::cases()].into_iter().flatten().collect();
    let mut escaped: Vec<String> = cases.iter().filter_map(|case| contain(&engine, case).err()).collect();
    escaped.extend(canaries(&engine));
    for line in &escaped {
        println!("escaped: {line}");
    }
    let all = cases.len();
    let contained = all.saturating_sub(escaped.len());
    let slowest = cases.iter().filter_map(evaluation).max().unwrap_or_default();
    let peak_kib = peak_kib();
    println!(
        "hostile rhai: {contained} of {all} contained; slowest answer {slowest:?}, process at most {peak_kib} KiB"
    );
    if escaped.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How long an admitted script takes to answer, without being read.
fn evaluation(case: &Case) -> Option<Duration> {
    let engine = kit::engine(Limits::default());
    let rulebook = kit::rulebook(&engine, &Source::Rhai(case.script.clone())).ok()?;
    let began = Instant::now();
    let _ = engine.evaluate(&rulebook, &Facts::default(), &Event::SignIn);
    Some(began.elapsed())
}

/// The most memory this process has had at once.
fn peak_kib() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or("?".to_owned(), |line| line.trim().trim_end_matches(" kB").to_owned())
}

/// Runs one script to its end, twice: a failure must be the same failure again.
fn contain(engine: &Engine, case: &Case) -> Result<(), String> {
    let source = Source::Rhai(case.script.clone());
    let began = Instant::now();
    let answer = kit::ask(engine, &source, &Event::SignIn);
    let took = began.elapsed();
    let contained = match (&answer, &case.end) {
        (Err(kit::Stop::Refused(refusal)), End::Refused(code)) => refusal.code == *code,
        (Ok(decision), End::Failed(codes)) => kit::code(&decision.answer).is_some_and(|code| codes.contains(&code)),
        (Ok(decision), End::Decides(right)) => matches!(decision.answer, Answer::Decided { .. }) && right(decision),
        _ => false,
    };
    if contained && took < CASE_MAX && kit::ask(engine, &source, &Event::SignIn) == answer {
        return Ok(());
    }
    Err(format!("{}: expected {:?}, got {answer:?} after {took:?}", case.name, case.end))
}

/// The check itself must be able to fail.
fn canaries(engine: &Engine) -> Option<String> {
    let wrong = [
        Case::handling("honest", "grant(\"r\", 1);", End::Failed(&["fuel"])),
        Case::handling("honest", "grant(\"r\", 1);", End::Refused("syntax")),
        Case::handling("looping", "loop { }", End::Failed(&["memory"])),
        Case::handling("looping", "loop { }", End::Decides(|_| true)),
    ];
    let blind = wrong.iter().find(|case| contain(engine, case).is_ok())?;
    Some(format!("canary {:?}: the check does not see it", blind.name))
}
