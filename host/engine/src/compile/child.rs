//! The other end of the pipe: a process that compiles one component, or reads one script, and ends.

use super::rlimit;
use crate::{Limits, script};
use std::io::{Read, Write};
use std::process::ExitCode;

/// Bytes of address space the compiler may have.
const MEMORY_BYTES_MAX: u64 = 1 << 30;
/// Seconds of processor time the compiler may have.
const CPU_SECONDS_MAX: u64 = 5;
/// Bytes of address space and seconds of processor time a script may have to be read in.
const SCRIPT_MEMORY_BYTES_MAX: u64 = 256 << 20;
const SCRIPT_CPU_SECONDS_MAX: u64 = 1;
/// How far it steps behind everything else.
const NICE: i32 = 10;

/// The last argument of a child that is given a script.
pub(super) const SCRIPT: &str = "script";

/// Exit code: the component is not valid; standard error says why.
pub(super) const INVALID: i32 = 2;
/// Exit code: the compiler itself could not start.
pub(super) const NOT_STARTED: i32 = 3;

/// Compiles the component on standard input to machine code on standard output, within 1 GiB and 5 s; or reads the
/// script there, within 256 MiB and 1 s, and lives or dies of it.
///
/// The whole body of the hidden subcommand that [`super::Compiler::Process`] names. Reads no environment (but for its allocator),
/// opens no file.
pub fn compile_child_main() -> ExitCode {
    let is_script = std::env::args_os().next_back().is_some_and(|last| last == SCRIPT);
    match if is_script { read_script() } else { compile() } {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, words)) => {
            // With nobody to read it, the exit code still tells.
            let _ = std::io::stderr().write_all(words.as_bytes());
            ExitCode::from(u8::try_from(code).unwrap_or(1))
        }
    }
}

fn not_started(why: impl ToString) -> (i32, String) {
    (NOT_STARTED, why.to_string())
}

fn read_script() -> Result<(), (i32, String)> {
    rlimit::confine(SCRIPT_MEMORY_BYTES_MAX, SCRIPT_CPU_SECONDS_MAX, NICE).map_err(not_started)?;
    let text = std::io::read_to_string(std::io::stdin()).map_err(not_started)?;
    // Whoever asked reads it again and says what is wrong with it.
    let _ = script::Runtime::new(&Limits::default(), Default::default()).load(&text);
    Ok(())
}

fn compile() -> Result<(), (i32, String)> {
    rlimit::confine(MEMORY_BYTES_MAX, CPU_SECONDS_MAX, NICE).map_err(not_started)?;
    let mut component = Vec::new();
    std::io::stdin().read_to_end(&mut component).map_err(not_started)?;
    let engine = crate::wasm::compile_engine().map_err(|e| not_started(format!("{e:#}")))?;
    let code = crate::wasm::compile(&engine, &component).map_err(|e| (INVALID, format!("{e:#}")))?;
    std::io::stdout().write_all(&code).map_err(not_started)
}
