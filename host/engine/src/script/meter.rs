//! Counts a run's operations. Rhai tells them to the engine's progress hook, which knows no run: the count
//! lives in the thread that runs.

use super::Stopped;
use crate::{FailCode, clock::Ticks, error::Failure};
use rhai::Dynamic;
use std::cell::Cell;
use std::sync::atomic::Ordering;

thread_local! {
    static RUN: Cell<Run> = const { Cell::new(Run { used: 0, charged: 0, budget: 0, deadline: 0 }) };
}

/// Items a walk may pass for the price of an operation.
const ITEMS_PER_OPERATION: usize = 4;
/// Operations between two looks at the clock.
const CLOCK_EVERY: u64 = 64;

#[derive(Clone, Copy)]
struct Run {
    /// Operations Rhai counted.
    used: u64,
    /// Operations our own functions cost besides.
    charged: u64,
    budget: u64,
    deadline: u64,
}

/// Starts counting this thread's run from 0 up to `budget` operations, until the tick `deadline`.
pub(super) fn start(budget: u64, deadline: u64) {
    RUN.set(Run { used: 0, charged: 0, budget, deadline });
}

/// Operations of this thread's latest run.
pub(super) fn used() -> u64 {
    let run = RUN.get();
    run.used.saturating_add(run.charged)
}

/// Puts a walk over so many items on this thread's bill.
pub(super) fn charge(items: usize) {
    let run = RUN.get();
    RUN.set(Run { charged: run.charged.saturating_add((items / ITEMS_PER_OPERATION) as u64), ..run });
}

/// The progress hook: a token stops the run.
pub(super) fn progress(used: u64, ticks: &Ticks) -> Option<Dynamic> {
    let run = RUN.get();
    RUN.set(Run { used, ..run });
    if used.saturating_add(run.charged) > run.budget {
        let text = format!("used more than {} operations: it loops, or does too much for one event", run.budget);
        return Some(Dynamic::from(Stopped::Failed(Failure::new(FailCode::Fuel, text))));
    }
    if used.is_multiple_of(CLOCK_EVERY) && ticks.load(Ordering::Relaxed) > run.deadline {
        return Some(Dynamic::from(Stopped::TimedOut));
    }
    None
}
