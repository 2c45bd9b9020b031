//! Harnesses that break the host on purpose, and the judge of what is left. The judge reads the tables with SQL
//! of its own and shares no code with what wrote them.

mod binary;
mod books;
mod dice;
mod disk;
mod image;
mod judge;
mod planted;
mod proxy;
mod scene;
mod strace;

pub use binary::{Running, demo, punchcard, ran_well, serve};
pub use books::{Books, Source};
pub use dice::Dice;
pub use disk::{Disk, Lost, Op, What};
pub use image::{Cut, cuts, write_image};
pub use judge::{Finding, judge};
pub use planted::plant;
pub use proxy::Proxy;
pub use scene::{Scene, now, unknown};
pub use strace::{Ack, Trace, traced, with_failing_sync};

use std::io::Write as _;

/// The tenant of every harness; it is the demo's.
pub const TENANT: &str = "demo";

/// Prints a figure as one plain line, also when the test's output is captured.
pub fn figure(line: &str) {
    // Written past the macros, which a test's output is captured from.
    let _unseen = writeln!(std::io::stderr(), "figure: {line}");
}

/// How often a harness repeats itself: what the variable says, or what CI runs.
pub fn times(variable: &str, in_ci: u64) -> u64 {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(in_ci)
}

/// The seed of a run: `PUNCHCARD_SEED` to run one again, the clock otherwise.
pub fn seed() -> u64 {
    times("PUNCHCARD_SEED", u64::try_from(now().as_micros()).unwrap_or(1))
}

/// The value below which so many of a thousand lie, of values that need not be in order.
pub fn permille<T: Copy + Ord + Default>(values: &[T], of_thousand: usize) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let at = (sorted.len() * of_thousand).div_ceil(1_000).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}
