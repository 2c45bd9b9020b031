//! What people upload instead of a policy, and what they ask for that there is not: in words.

use crate::Refusal;

/// Refuses, by their first bytes, the things people upload instead of a component.
pub(super) fn check(bytes: &[u8]) -> Result<(), Refusal> {
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    let text = match bytes {
        [] => "the upload is empty".to_owned(),
        _ if bytes.starts_with(COMPONENT) => return Ok(()),
        _ if bytes.starts_with(b"\0asm\x01\0\0\0") => {
            "this is a core module; a policy is a component: wrap it with `wasm-tools component new`".to_owned()
        }
        _ if bytes.starts_with(b"\0asm") => "this Wasm version is not supported; a policy is a component".to_owned(),
        _ if bytes.starts_with(b"\x7fELF") => {
            "this is machine code (a .cwasm or an ELF file); upload the component it was made from".to_owned()
        }
        _ if bytes.starts_with(b"PK") || bytes.starts_with(b"\x1f\x8b") => {
            "this is a compressed archive; upload the component inside it".to_owned()
        }
        _ if bytes.trim_ascii_start().starts_with(b"(") => {
            "this is the text format; upload the binary: `wasm-tools parse` makes it".to_owned()
        }
        _ => "this is no Wasm component".to_owned(),
    };
    Err(Refusal::new("format", text))
}

/// Says what is asked for, and what there is instead.
pub(super) fn import(name: &str) -> Refusal {
    let shown = crate::log::printable(name, super::NAME_BYTES_MAX);
    let why = match shown.split([':', '/']).next() {
        Some("wasi") if shown.contains("http") || shown.contains("sockets") => "policies get no network",
        Some("wasi") if shown.contains("clocks") => "policies get no clock: the moment of the event is in facts.now",
        Some("wasi") if shown.contains("random") => "policies get no randomness: the host draws",
        Some("wasi") if shown.contains("filesystem") => "policies get no files",
        Some("wasi") => "policies get no operating system: build for wasm32-unknown-unknown",
        _ => "a policy may import punchcard:policy/host@1 and its types, nothing else",
    };
    Refusal::new("import", format!("imports {shown}; {why}"))
}
