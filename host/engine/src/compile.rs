//! Compiling uploads, in a process of its own: the compiler may be made to eat time and memory, the
//! server may not. Scripts are parsed there first for the same reason.

mod child;
mod rlimit;

use crate::Refusal;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

pub use child::compile_child_main;
pub use rlimit::be_nice;

/// Seconds one compilation may take by the clock on the wall.
const WALL_SECONDS_MAX: u64 = 10;
/// Bytes of the compiler's words that are kept.
const WORDS_BYTES_MAX: u64 = 2 << 10;

/// KiB of address space the host's allocator asks for at a time. Unless told, it asks for 1 GiB, which is all that the
/// child may have.
const ALLOCATOR_RESERVE: (&str, &str) = ("MIMALLOC_ARENA_RESERVE", "65536");

/// Where uploads are compiled.
#[derive(Debug, Clone)]
pub enum Compiler {
    /// In a child process with hard limits: this program with these arguments, which calls
    /// [`compile_child_main`]. What a server that takes uploads uses.
    Process {
        /// The program; usually this very binary.
        program: PathBuf,
        /// What makes it a compiler.
        args: Vec<OsString>,
    },
    /// In this process, without limits: for components the operator built.
    InProcess,
}

impl Compiler {
    /// Turns a component that passed the pre-check into machine code of at most `code_bytes_max` bytes.
    ///
    /// # Errors
    /// [`Refusal`] with the compiler's words, or the limit it hit.
    pub(crate) fn compile(&self, component: &[u8], code_bytes_max: usize) -> Result<Vec<u8>, Refusal> {
        let code = match self {
            Self::InProcess => {
                let engine = crate::wasm::compile_engine().map_err(|e| unavailable(&format!("{e:#}")))?;
                crate::wasm::compile(&engine, component).map_err(|e| invalid(&format!("{e:#}")))?
            }
            Self::Process { program, args } => {
                let mut command = Command::new(program);
                command.args(args);
                in_process(command, component, code_bytes_max).map_err(|ended| ended.refusal("component", "compile"))?
            }
        };
        if code.len() > code_bytes_max {
            return Err(Refusal::new(
                "code_size",
                format!("compiles to {} bytes; at most {code_bytes_max} are allowed", code.len()),
            ));
        }
        Ok(code)
    }

    /// Has a script parsed and asked what it is, where a parser or interpreter that breaks takes nobody with it. Whether
    /// the script is any good is not said here.
    ///
    /// # Errors
    /// [`Refusal`] with the limit it hit.
    pub(crate) fn survive_script(&self, text: &str) -> Result<(), Refusal> {
        let Self::Process { program, args } = self else { return Ok(()) };
        let mut command = Command::new(program);
        command.args(args).arg(child::SCRIPT);
        in_process(command, text.as_bytes(), 0).map(drop).map_err(|ended| ended.refusal("script", "read"))
    }
}

/// Why a child gave nothing.
enum Ended {
    Invalid(String),
    NotStarted(String),
    TooDear(String),
}

impl Ended {
    fn refusal(self, what: &str, doing: &str) -> Refusal {
        match self {
            Self::Invalid(words) => invalid(&words),
            Self::NotStarted(why) => unavailable(&why),
            Self::TooDear(why) => Refusal::new("compile", format!("the {what} is too expensive to {doing}: {why}")),
        }
    }
}

/// Runs the child and waits for it, but not for ever.
fn in_process(mut command: Command, component: &[u8], code_bytes_max: usize) -> Result<Vec<u8>, Ended> {
    command.env_clear().env(ALLOCATOR_RESERVE.0, ALLOCATOR_RESERVE.1);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| Ended::NotStarted(e.to_string()))?;
    let piped = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = piped else {
        return Err(Ended::NotStarted("the compiler has no pipes".to_owned()));
    };
    std::thread::scope(|scope| {
        // A child that stops reading breaks the pipe; its exit status says why.
        scope.spawn(move || drop(stdin.write_all(component)));
        let words = scope.spawn(move || read_at_most(stderr, WORDS_BYTES_MAX));
        let (done, finished) = channel();
        let limit = (code_bytes_max as u64).saturating_add(1);
        let code = scope.spawn(move || {
            let code = read_at_most(stdout, limit);
            // Nobody listens after the deadline.
            let _ = done.send(());
            code
        });
        let on_time = finished.recv_timeout(Duration::from_secs(WALL_SECONDS_MAX)) != Err(RecvTimeoutError::Timeout);
        let status = finish(&mut child, on_time)?;
        let words = words.join().unwrap_or_default();
        judge(on_time, status, code.join().unwrap_or_default(), &String::from_utf8_lossy(&words))
    })
}

fn read_at_most(from: impl Read, limit: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What was read before an error is judged by the exit status.
    let _ = from.take(limit).read_to_end(&mut bytes);
    bytes
}

/// Reaps the child; kills it first if its time is up, or if it lives on after closing its output.
fn finish(child: &mut Child, on_time: bool) -> Result<ExitStatus, Ended> {
    if on_time {
        for _ in 0..100 {
            if let Ok(Some(status)) = child.try_wait() {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    // Fails only for a child that is already gone.
    let _ = child.kill();
    child.wait().map_err(|e| Ended::NotStarted(e.to_string()))
}

fn judge(on_time: bool, status: ExitStatus, code: Vec<u8>, words: &str) -> Result<Vec<u8>, Ended> {
    match status.code() {
        _ if !on_time => Err(Ended::TooDear(format!("it took more than {WALL_SECONDS_MAX} s"))),
        Some(0) => Ok(code),
        Some(child::INVALID) => Err(Ended::Invalid(words.to_owned())),
        Some(child::NOT_STARTED) => Err(Ended::NotStarted(words.to_owned())),
        // Killed by the kernel, or aborted when memory ran out.
        _ => Err(Ended::TooDear(format!("the compiler hit its limits ({status})"))),
    }
}

fn invalid(words: &str) -> Refusal {
    Refusal::new("invalid", format!("the component is not valid: {}", crate::log::printable(words, 1_000)))
}

fn unavailable(why: &str) -> Refusal {
    tracing::error!(why, "the policy compiler does not start");
    Refusal::new("try_again", "the policy compiler is not available; try again later")
}
