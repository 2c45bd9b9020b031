//! The safety net's clock: one thread that counts ticks and never decides anything.

use crate::EngineError;
use std::sync::{
    Arc, Weak,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;
use wasmtime::EngineWeak;

/// Milliseconds between two ticks.
const TICK_MS: u64 = 10;

/// Ticks counted since the engine started.
pub(crate) type Ticks = Arc<AtomicU64>;

/// How many ticks must pass before `ms` surely have.
pub(crate) fn ticks(ms: u64) -> u64 {
    ms.div_ceil(TICK_MS).saturating_add(1)
}

/// Starts the thread. It ends by itself once the engine is gone.
///
/// # Errors
/// [`EngineError::Clock`] if the system gives no thread.
pub(crate) fn start(engine: EngineWeak) -> Result<Ticks, EngineError> {
    let counted = Ticks::default();
    let count = Arc::downgrade(&counted);
    std::thread::Builder::new()
        .name("engine-clock".into())
        .spawn(move || run(&engine, &count))
        .map_err(EngineError::Clock)?;
    Ok(counted)
}

fn run(engine: &EngineWeak, count: &Weak<AtomicU64>) {
    loop {
        std::thread::sleep(Duration::from_millis(TICK_MS));
        let (Some(engine), Some(count)) = (engine.upgrade(), count.upgrade()) else { return };
        engine.increment_epoch();
        count.fetch_add(1, Ordering::Relaxed);
    }
}
