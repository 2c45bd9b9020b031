//! Runs a property from a printed seed.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use std::cell::Cell;
use std::fmt::Debug;

/// The seed of a run: `PUNCHCARD_SEED`, or a fixed one so that a run can be repeated.
fn seed() -> u64 {
    std::env::var("PUNCHCARD_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_260_302)
}

/// How many times more cases than usual: `PUNCHCARD_DEPTH`.
fn depth() -> u32 {
    std::env::var("PUNCHCARD_DEPTH").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

fn runner(seed: u64, cases: u32) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let (max_shrink_iters, max_shrink_time) = (50_000, 15_000);
    let config = Config { cases, failure_persistence: None, max_shrink_iters, max_shrink_time, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// Whether a case put the property to the test.
pub trait Tried {
    fn tried(self) -> bool;
}

impl Tried for () {
    fn tried(self) -> bool {
        true
    }
}

impl Tried for bool {
    fn tried(self) -> bool {
        self
    }
}

/// Tries the property on many cases and shrinks the first that fails. At least half of the cases must put it to the
/// test.
pub fn holds<S, T: Tried>(cases: u32, strategy: S, property: impl Fn(S::Value) -> T)
where
    S: Strategy,
    S::Value: Debug,
{
    let (seed, tried, cases) = (seed(), Cell::new(0), cases * depth());
    let mut runner = runner(seed, cases);
    let outcome = runner.run(&strategy, |value| {
        tried.set(tried.get() + u32::from(property(value).tried()));
        Ok(())
    });
    match outcome {
        Ok(()) => assert!(tried.get() * 2 >= cases, "only {} of {cases} cases tried anything", tried.get()),
        Err(TestError::Fail(why, smallest)) => panic!("PUNCHCARD_SEED={seed}: {why}\nsmallest case: {smallest:#?}"),
        Err(TestError::Abort(why)) => panic!("PUNCHCARD_SEED={seed}: {why}"),
    }
}
