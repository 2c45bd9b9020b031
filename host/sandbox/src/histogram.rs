//! Counts durations in buckets, so that a long run needs no more memory than a short one.

use std::time::Duration;

/// Buckets to each doubling: a reading is at most 1/32 too high.
const STEPS: u64 = 32;
const STEP_BITS: u32 = STEPS.trailing_zeros();

/// Durations below this many microseconds are counted exactly.
const EXACT_US: u64 = 2 * STEPS;

/// Every `u64` of microseconds has a bucket.
const BUCKETS: usize = (EXACT_US + (u64::BITS - STEP_BITS - 1) as u64 * STEPS) as usize;

/// How often which duration was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    longest_us: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0, longest_us: 0 }
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn add(&mut self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get_mut(bucket_of(us)) {
            *bucket += 1;
        }
        self.count += 1;
        self.longest_us = self.longest_us.max(us);
    }

    /// Counts all that another has counted.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *bucket += more;
        }
        self.count += other.count;
        self.longest_us = self.longest_us.max(other.longest_us);
    }

    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest duration.
    pub fn longest(&self) -> Duration {
        Duration::from_micros(self.longest_us)
    }

    /// The duration that so many of a thousand do not exceed: 500 for the median, 990 for p99. Exact below
    /// 64 µs and at most 1/32 too high above; zero if nothing was counted.
    pub fn permille(&self, share: u64) -> Duration {
        // Up, so that p99 of ten durations is the longest.
        let wanted = (u128::from(self.count) * u128::from(share.min(1000))).div_ceil(1000).max(1);
        let mut seen = 0_u128;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += u128::from(*count);
            if seen >= wanted {
                return Duration::from_micros(last_of(bucket).min(self.longest_us));
            }
        }
        Duration::ZERO
    }
}

fn bucket_of(us: u64) -> usize {
    if us < EXACT_US {
        return us as usize;
    }
    // INVARIANT: us has more than STEP_BITS bits here, so `shift` is at least 1.
    let shift = us.ilog2() - STEP_BITS;
    (u64::from(shift) * STEPS + (us >> shift)) as usize
}

/// The longest duration, in microseconds, that falls into a bucket.
fn last_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < EXACT_US {
        return bucket;
    }
    let shift = bucket / STEPS - 1;
    let step = bucket - shift * STEPS;
    (step << shift) + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_lies_in_its_bucket_and_close_to_its_end() {
        let edges = (0..64).flat_map(|bit| [-1_i128, 0, 1].map(|by| (1_i128 << bit) + by));
        for us in edges.filter_map(|us| u64::try_from(us).ok()).chain([u64::MAX, 12_345, 999_999]) {
            let last = last_of(bucket_of(us));
            assert!(last >= us && last - us <= us / 32, "{us} is read as {last}");
            assert!(bucket_of(us) < BUCKETS, "{us} has no bucket");
        }
    }

    #[test]
    fn shares_are_read_from_the_sorted_durations() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.permille(500), Duration::ZERO);
        let mut other = Histogram::default();
        for us in 1..=50 {
            histogram.add(Duration::from_micros(us));
            other.add(Duration::from_micros(1_000 * us));
        }
        histogram.merge(&other);
        assert_eq!(histogram.permille(500), Duration::from_micros(50));
        assert_eq!(histogram.permille(1000), Duration::from_millis(50));
        let p99 = histogram.permille(990).as_micros();
        assert!((49_000..=49_000 + 49_000 / 32).contains(&p99), "p99 is {p99} µs");
        assert_eq!(histogram.count(), 100);
    }
}
