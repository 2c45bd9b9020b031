//! libFuzzer over one target, in this process.

use super::{COMPILE, PLANTED};
use fuzz::{TARGETS, Target};
use libfuzzer_sys as _;
use std::{
    ffi::{CString, c_char, c_int},
    process::ExitCode,
    sync::OnceLock,
};

static CHOSEN: OnceLock<Target> = OnceLock::new();

type Callback = extern "C" fn(*const u8, usize) -> c_int;

#[expect(unsafe_code, reason = "libFuzzer's own entry")]
unsafe extern "C" {
    fn LLVMFuzzerRunDriver(argc: *mut c_int, argv: *mut *mut *mut c_char, callback: Callback) -> c_int;
}

/// Runs libFuzzer with this program's arguments.
pub fn drive(name: &str) -> ExitCode {
    let target = TARGETS.into_iter().find(|target| target.name == name).expect("a target's name");
    CHOSEN.set(target).ok().expect("once");
    fuzz::plant(std::env::var_os(PLANTED).is_some());
    fuzz::compile_in(&std::env::current_exe().expect("this program"), COMPILE);
    let report = std::panic::take_hook();
    // Also a panic that the product would contain is a finding.
    std::panic::set_hook(Box::new(move |what| {
        report(what);
        std::process::abort();
    }));
    let code = run_driver(std::env::args().collect());
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

#[expect(unsafe_code, reason = "libFuzzer's own entry")]
fn run_driver(args: Vec<String>) -> c_int {
    let args = args.into_iter().map(|arg| CString::new(arg).expect("no NUL").into_raw());
    let mut argv: Vec<*mut c_char> = args.chain([std::ptr::null_mut()]).collect();
    let mut argc = c_int::try_from(argv.len() - 1).expect("few");
    let mut argv = argv.as_mut_ptr();
    // SAFETY: `argv` points at `argc` strings and a null pointer, all alive until the call returns, and the strings
    // for ever; `one` reads only the bytes it is given.
    unsafe { LLVMFuzzerRunDriver(&raw mut argc, &raw mut argv, one) }
}

#[expect(unsafe_code, reason = "libFuzzer hands over a pointer")]
extern "C" fn one(data: *const u8, size: usize) -> c_int {
    // SAFETY: libFuzzer owns `size` bytes at `data` for as long as this call lasts; they may be none.
    let input = if size == 0 { &[] } else { unsafe { std::slice::from_raw_parts(data, size) } };
    (CHOSEN.get().expect("a target").run)(input);
    0
}
