//! Hard limits of the operating system on the current process.

use std::io;

/// How the C library numbers its limits.
#[cfg(target_env = "gnu")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
type Resource = libc::c_int;

/// Holds this process, for the rest of its life, to so much address space and processor time; it may write
/// no file and dump no core.
///
/// # Errors
/// The system refuses.
pub(super) fn confine(memory_bytes: u64, cpu_seconds: u64, nice: i32) -> io::Result<()> {
    limit(libc::RLIMIT_AS, memory_bytes)?;
    limit(libc::RLIMIT_CPU, cpu_seconds)?;
    limit(libc::RLIMIT_FSIZE, 0)?;
    limit(libc::RLIMIT_CORE, 0)?;
    be_nice(nice);
    Ok(())
}

#[expect(unsafe_code, reason = "the standard library has no setrlimit")]
fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: `setrlimit` reads one `rlimit` through the pointer, which points at a live local, and keeps
    // nothing of it.
    if unsafe { libc::setrlimit(resource, &raw const limit) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Puts the thread that calls it, for the rest of its life, so many steps behind all others that want a processor.
#[expect(unsafe_code, reason = "the standard library has no nice")]
pub fn be_nice(by: i32) {
    // SAFETY: takes and returns numbers. Failing to be nice harms nobody.
    let _ = unsafe { libc::nice(by) };
}
