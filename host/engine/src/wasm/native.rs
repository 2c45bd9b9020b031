//! Where bytes become machine code of this process: the only place, and only for sealed bytes.

use wasmtime::{Engine, component::Component};

/// Loads machine code that `artifact::open` returned, or that our own compiler just made.
///
/// # Errors
/// Code of another Wasmtime build or configuration.
#[expect(unsafe_code, reason = "machine code is loaded as it is; the seal is what makes it ours")]
pub(super) fn load(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `deserialize` needs bytes that `Engine::precompile_component` of this version made and nobody
    // altered. Every caller passes bytes covered by an HMAC-SHA256 under the host's artifact key, verified
    // in full before this call, or bytes read from our own compiler process over a private pipe.
    unsafe { Component::deserialize(engine, code) }
}
