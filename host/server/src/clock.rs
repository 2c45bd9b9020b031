//! The host's clock: the operating system's, or one that a test moves by hand.

use ledger::UnixMs;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// Where the present moment comes from. Clones share a moved clock.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The operating system's.
    #[default]
    System,
    /// One that stands still until it is moved; Unix milliseconds.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands still at this moment.
    pub fn manual(at: UnixMs) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(at.get())))
    }

    /// Moves a manual clock; the system's is left alone.
    pub fn set(&self, at: UnixMs) {
        if let Self::Manual(ms) = self {
            ms.store(at.get(), Ordering::SeqCst);
        }
    }

    /// Now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn now(&self) -> UnixMs {
        match self {
            Self::System => {
                let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                UnixMs::new(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Self::Manual(ms) => UnixMs::new(ms.load(Ordering::SeqCst)),
        }
    }
}
