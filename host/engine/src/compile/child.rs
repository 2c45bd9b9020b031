//! The other end of the pipe: a process that compiles one component and ends.

use super::rlimit;
use std::io::{Read, Write};
use std::process::ExitCode;

/// Bytes of address space the compiler may have.
const MEMORY_BYTES_MAX: u64 = 1 << 30;
/// Seconds of processor time the compiler may have.
const CPU_SECONDS_MAX: u64 = 5;
/// How far it steps behind everything else.
const NICE: i32 = 10;

/// Exit code: the component is not valid; standard error says why.
pub(super) const INVALID: i32 = 2;
/// Exit code: the compiler itself could not start.
pub(super) const NOT_STARTED: i32 = 3;

/// Compiles the component on standard input to machine code on standard output, within 1 GiB and 5 s.
///
/// The whole body of the hidden subcommand that [`super::Compiler::Process`] names. Reads no environment,
/// opens no file.
pub fn compile_child_main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, words)) => {
            // With nobody to read it, the exit code still tells.
            let _ = std::io::stderr().write_all(words.as_bytes());
            ExitCode::from(u8::try_from(code).unwrap_or(1))
        }
    }
}

fn run() -> Result<(), (i32, String)> {
    let not_started = |why: String| (NOT_STARTED, why);
    rlimit::confine(MEMORY_BYTES_MAX, CPU_SECONDS_MAX, NICE).map_err(|e| not_started(e.to_string()))?;
    let mut component = Vec::new();
    std::io::stdin().read_to_end(&mut component).map_err(|e| not_started(e.to_string()))?;
    let engine = crate::wasm::compile_engine().map_err(|e| not_started(format!("{e:#}")))?;
    let code = crate::wasm::compile(&engine, &component).map_err(|e| (INVALID, format!("{e:#}")))?;
    std::io::stdout().write_all(&code).map_err(|e| not_started(e.to_string()))
}
