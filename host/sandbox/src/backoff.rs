//! How a till asks a busy host again.

use std::time::Duration;

/// How long to wait before asking a busy host again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Before the second try; it doubles with every further one.
    pub first: Duration,
    /// The longest wait.
    pub most: Duration,
    /// How often a request is tried in all.
    pub tries_max: u32,
}

impl Default for Backoff {
    /// Twelve tries over ten seconds: longer than a restart of the host takes.
    fn default() -> Self {
        Self { first: Duration::from_millis(20), most: Duration::from_secs(2), tries_max: 12 }
    }
}

impl Backoff {
    /// The wait after so many tries.
    pub fn wait(&self, tries: u32) -> Duration {
        let doubled = 1_u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let backoff = Backoff::default();
        let waits = [1, 2, 3, 7, 8, 60].map(|tries| backoff.wait(tries).as_millis());
        assert_eq!(waits, [20, 40, 80, 1_280, 2_000, 2_000]);
    }
}
