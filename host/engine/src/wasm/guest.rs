//! What the host keeps beside a running component: its limits and its log.

use super::contract::punchcard::policy::{host, types};
use crate::{Limits, error::Failure, log::Log};
use wasmtime::{ResourceLimiter, component::HasData};

/// The data of one store.
pub(super) struct Guest {
    pub(super) log: Log,
    /// Growth was refused, so a trap that follows is about memory.
    pub(super) denied: bool,
    memory_bytes_max: usize,
    table_entries_max: usize,
}

impl Guest {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            log: Log::new(limits),
            denied: false,
            memory_bytes_max: limits.memory_bytes_max,
            table_entries_max: limits.table_entries_max,
        }
    }

    fn within(&mut self, desired: usize, limit: usize) -> bool {
        self.denied |= desired > limit;
        desired <= limit
    }
}

/// Tells the linker that the store's data is the guest.
pub(super) struct HasGuest;

impl HasData for HasGuest {
    type Data<'a> = &'a mut Guest;
}

impl types::Host for Guest {}

impl host::Host for Guest {
    fn log(&mut self, text: String) -> wasmtime::Result<()> {
        self.log.note(&text).map_err(|failure: Failure| wasmtime::Error::new(failure))
    }
}

impl ResourceLimiter for Guest {
    fn memory_growing(&mut self, _now: usize, desired: usize, _max: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.within(desired, self.memory_bytes_max))
    }

    fn table_growing(&mut self, _now: usize, desired: usize, _max: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.within(desired, self.table_entries_max))
    }
}
