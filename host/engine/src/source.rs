//! What merchants upload, and what becomes of it.

use ledger::{Description, Digest};

/// A policy as its author wrote or built it.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// A Wasm component that implements the world `punchcard:policy/policy`.
    Wasm(Vec<u8>),
    /// A Rhai script.
    Rhai(String),
}

impl Source {
    /// The bytes its digest is taken of.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Wasm(bytes) => bytes,
            Self::Rhai(text) => text.as_bytes(),
        }
    }

    /// The digest that names it for ever.
    pub fn digest(&self) -> Digest {
        crate::artifact::digest(self.bytes())
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (language, bytes) = match self {
            Self::Wasm(bytes) => ("Wasm", bytes.len()),
            Self::Rhai(text) => ("Rhai", text.len()),
        };
        write!(f, "Source::{language}({bytes} bytes)")
    }
}

/// An upload that may be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Names the source.
    pub digest: Digest,
    /// What the policy says about itself.
    pub description: Description,
    /// What to store beside the source and pass to [`crate::Engine::load`]: sealed machine code, or the
    /// script.
    pub artifact: Vec<u8>,
}
