//! Sorts what Wasmtime reports into the policy's faults, which are decisions, and the machine's.

use super::guest::Guest;
use crate::{EvalFault, FailCode, Limits, error::Failure, log::printable};
use wasmtime::{PoolConcurrencyLimitError, Trap};

/// Bytes of Wasmtime's words that are kept.
const CAUSE_BYTES_MAX: usize = 200;
/// Wasmtime's own words for an exhausted copy allowance; its error type is private.
const COPIED_TOO_MUCH: &str = "fuel allocated for hostcalls";

/// Whose fault it is.
pub(super) enum Fault {
    /// The policy's, and the same again on the next try.
    Failed(Failure),
    /// The safety net stopped it.
    TimedOut,
    /// No place was free.
    Busy,
    /// Wasmtime itself.
    Engine(String),
}

/// Sorts an error of an instantiation or a call.
pub(super) fn sort(error: &wasmtime::Error, guest: &Guest) -> Fault {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return Fault::Failed(failure.clone());
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return trapped(*trap, guest);
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return Fault::Busy;
    }
    if error.is::<wasmtime::OutOfMemory>() {
        return Fault::Engine("the host is out of memory".into());
    }
    let cause = printable(&error.root_cause().to_string(), CAUSE_BYTES_MAX);
    if cause.contains(COPIED_TOO_MUCH) {
        return Fault::Failed(Failure::new(FailCode::OutputSize, "handed the host more data than it may"));
    }
    // What is left are values that break the canonical ABI: bad pointers, bad UTF-8, bad discriminants.
    Fault::Failed(Failure::new(FailCode::BadOutput, format!("the value does not follow the contract: {cause}")))
}

fn trapped(trap: Trap, guest: &Guest) -> Fault {
    let (code, text) = match trap {
        Trap::Interrupt => return Fault::TimedOut,
        Trap::OutOfFuel => (FailCode::Fuel, "used up its fuel: it loops, or does too much for one event".to_owned()),
        Trap::StackOverflow => (FailCode::Stack, "called itself too deeply".to_owned()),
        _ if guest.denied => (FailCode::Memory, "asked for more memory than a policy may have".to_owned()),
        Trap::InvalidChar
        | Trap::StringOutOfBounds
        | Trap::ListOutOfBounds
        | Trap::InvalidDiscriminant
        | Trap::UnalignedPointer => (FailCode::BadOutput, format!("the value does not follow the contract: {trap}")),
        _ => (FailCode::Trap, trap.to_string()),
    };
    Fault::Failed(Failure::new(code, text))
}

impl Fault {
    /// The machine's fault, with the policy it happened to.
    pub(super) fn named(self, policy: &str, limits: &Limits) -> EvalFault {
        let policy = policy.to_owned();
        match self {
            Self::TimedOut => EvalFault::TimedOut { policy, limit_ms: limits.evaluate_ms_max },
            Self::Busy => EvalFault::Busy { limit: limits.evaluations_at_once_max },
            Self::Engine(cause) => EvalFault::Engine { policy, cause },
            Self::Failed(failure) => EvalFault::Engine { policy, cause: failure.text },
        }
    }
}
