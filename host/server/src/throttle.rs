//! Slows down guessing: after some free failures each further one doubles the wait.

use ledger::UnixMs;
use moka::sync::Cache;
use std::time::Duration;

/// Names kept in memory; whoever floods it forgets only others' failures, and each flood costs a request.
const NAMES_MAX: u64 = 100_000;
/// Failures are forgotten after so long without another.
const FORGET_AFTER: Duration = Duration::from_secs(900);
/// The first wait, in seconds.
const FIRST_WAIT: u32 = 1;

/// Counts failures by name.
#[derive(Debug, Clone)]
pub struct Throttle {
    failed: Cache<String, Failures>,
    free: u32,
    wait_seconds_max: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Failures {
    count: u32,
    wait_until_ms: i64,
}

impl Throttle {
    /// Lets `free` failures pass, then makes wait up to `wait_seconds_max`.
    pub fn new(free: u32, wait_seconds_max: u32) -> Self {
        let failed = Cache::builder().max_capacity(NAMES_MAX).time_to_idle(FORGET_AFTER).build();
        Self { failed, free, wait_seconds_max }
    }

    /// Seconds this name still has to wait; 0 = go on.
    pub fn wait(&self, name: &str, now: UnixMs) -> u32 {
        let left_ms = self.failed.get(name).map_or(0, |f| f.wait_until_ms.saturating_sub(now.get()));
        u32::try_from(left_ms.max(0).saturating_add(999) / 1_000).unwrap_or(self.wait_seconds_max)
    }

    /// Counts a failure.
    pub fn failed(&self, name: &str, now: UnixMs) {
        let mut failures = self.failed.get(name).unwrap_or_default();
        failures.count = failures.count.saturating_add(1);
        let beyond = failures.count.saturating_sub(self.free);
        if beyond > 0 {
            let wait = FIRST_WAIT.checked_shl(beyond - 1).unwrap_or(u32::MAX).min(self.wait_seconds_max);
            failures.wait_until_ms = now.after_ms(i64::from(wait).saturating_mul(1_000)).get();
        }
        self.failed.insert(name.to_owned(), failures);
    }

    /// Forgets the failures: it was right this time.
    pub fn succeeded(&self, name: &str) {
        self.failed.invalidate(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_its_limit_and_ends_with_success() {
        let throttle = Throttle::new(2, 5);
        let at = UnixMs::new(0);
        let waits: Vec<u32> = (0..7)
            .map(|_| {
                throttle.failed("amy", at);
                throttle.wait("amy", at)
            })
            .collect();
        assert_eq!(waits, [0, 0, 1, 2, 4, 5, 5]);
        assert_eq!(throttle.wait("amy", at.after_ms(4_001)), 1);
        assert_eq!(throttle.wait("amy", at.after_ms(5_000)), 0);
        assert_eq!(throttle.wait("bob", at), 0);
        throttle.succeeded("amy");
        assert_eq!(throttle.wait("amy", at), 0);
    }
}
