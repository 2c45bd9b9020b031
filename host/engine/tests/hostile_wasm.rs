//! Components that mean harm: each is refused or fails with its own code, in bounded time, and the host goes
//! on. This program is also the compiling process: it runs itself as one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test program")]

#[path = "hostile_wasm/bombs.rs"]
mod bombs;
mod components;
#[path = "hostile_wasm/files.rs"]
mod files;
mod kit;
#[path = "hostile_wasm/running.rs"]
mod running;

use engine::{ArtifactKey, Compiler, Engine, Limits, Source};
use ledger::{Answer, Event, PolicyDecision};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What this program is called as when it compiles.
const COMPILE: &str = "__compile";
/// The longest any case may take: a compilation to its limit and some.
const CASE_MAX: Duration = Duration::from_secs(12);

/// Bytes of stack the corpus runs on: half of what a server's thread has.
const STACK_BYTES: usize = 1 << 20;

/// One upload and what must become of it.
pub struct Case {
    /// Its number in the corpus, and what it does.
    pub name: String,
    /// The upload.
    pub bytes: Vec<u8>,
    /// What contains it.
    pub end: End,
}

/// What contains a case.
#[derive(Debug, Clone)]
pub enum End {
    /// Refused at upload with one of these codes.
    Refused(&'static [&'static str]),
    /// Admitted, and its answer is a failure with this code.
    Failed(&'static str),
    /// Admitted; it decides, and does what this says.
    Decides(fn(&PolicyDecision) -> bool),
    /// Anything but harm.
    Whatever,
}

impl Case {
    /// A case of the corpus.
    pub fn new(name: impl Into<String>, bytes: Vec<u8>, end: End) -> Self {
        Self { name: name.into(), bytes, end }
    }
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(COMPILE) {
        return engine::compile_child_main();
    }
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(corpus).unwrap().join().unwrap()
}

fn corpus() -> ExitCode {
    let program = std::env::current_exe().unwrap();
    let compiler = Compiler::Process { program: program.clone(), args: vec![COMPILE.into()] };
    let engine = Engine::new(Limits::default(), ArtifactKey::new([7; 32]), compiler).unwrap();
    let cases: Vec<Case> = [running::cases(), files::cases(), bombs::cases()].into_iter().flatten().collect();
    let mut escaped: Vec<String> = cases.iter().filter_map(|case| contain(&engine, case).err()).collect();
    let checks = [bombs::killed(&program), files::mutants(&kit::engine(Limits::default())), files::artifacts(&engine)];
    let all = cases.len() + checks.len();
    escaped.extend(checks.into_iter().filter_map(Result::err));
    escaped.extend(canaries(&engine));
    for line in &escaped {
        println!("escaped: {line}");
    }
    println!("hostile wasm: {} of {all} contained", all.saturating_sub(escaped.len()));
    if escaped.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one case to its end.
fn contain(engine: &Engine, case: &Case) -> Result<(), String> {
    let began = Instant::now();
    let answer = kit::ask(engine, &Source::Wasm(case.bytes.clone()), &Event::SignIn);
    let took = began.elapsed();
    let contained = match (&answer, &case.end) {
        (_, End::Whatever) => true,
        (Err(kit::Stop::Refused(refusal)), End::Refused(codes)) => codes.contains(&refusal.code),
        (Ok(decision), End::Failed(code)) => kit::code(&decision.answer) == Some(code),
        (Ok(decision), End::Decides(right)) => matches!(decision.answer, Answer::Decided { .. }) && right(decision),
        _ => false,
    };
    if contained && took < CASE_MAX {
        return Ok(());
    }
    Err(format!("{}: expected {:?}, got {answer:?} after {took:?}", case.name, case.end))
}

/// The check itself must be able to fail: an honest policy is not contained, nor one with another's code.
fn canaries(engine: &Engine) -> Option<String> {
    let honest = components::Core::evaluating("(i32.const 56)").component();
    let looping = components::Core::evaluating("(loop (br 0)) (unreachable)").component();
    let wrong = [
        Case::new("honest", honest.clone(), End::Failed("fuel")),
        Case::new("honest", honest, End::Refused(&["import"])),
        Case::new("looping", looping, End::Failed("trap")),
    ];
    let blind = wrong.iter().find(|case| contain(engine, case).is_ok())?;
    Some(format!("canary {:?}: the check does not see it", blind.name))
}
