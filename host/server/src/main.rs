//! The `punchcard` binary.

use punchcard::cli::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: the child that compiles a policy must not start threads or read files.
    if std::env::args_os().nth(1).is_some_and(|arg| arg == punchcard::host::COMPILE_COMMAND) {
        return engine::compile_child_main();
    }
    Cli::run()
}
