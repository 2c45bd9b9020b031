//! Runs a property from a printed seed.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use std::fmt::Debug;

/// The seed of a run: `PUNCHCARD_SEED`, or a fixed one so that a run can be repeated.
fn seed() -> u64 {
    std::env::var("PUNCHCARD_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_260_302)
}

/// How many times more cases than usual: `PUNCHCARD_DEPTH`.
fn depth() -> u32 {
    std::env::var("PUNCHCARD_DEPTH").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// Tries the property on many cases and shrinks the first that fails.
pub fn holds<S>(cases: u32, strategy: S, property: impl Fn(S::Value))
where
    S: Strategy,
    S::Value: Debug,
{
    let seed = seed();
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let cases = cases * depth();
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 50_000, max_shrink_time: 15_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let outcome = runner.run(&strategy, |value| {
        property(value);
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, smallest)) => panic!("PUNCHCARD_SEED={seed}: {why}\nsmallest case: {smallest:#?}"),
        Err(TestError::Abort(why)) => panic!("PUNCHCARD_SEED={seed}: {why}"),
    }
}
