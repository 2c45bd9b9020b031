//! The hash chain over decisions: any edit, insertion, removal or reordering shows.

use sha2::{Digest as _, Sha256};

/// The hash before a stream's first decision.
pub const CHAIN_START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// SHA-256 of bytes, lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The hash of a decision: SHA-256 over the hash before it, a line feed, and its record as stored.
pub fn chained(previous: &str, record: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(previous.as_bytes());
    hash.update(b"\n");
    hash.update(record.as_bytes());
    hex::encode(hash.finalize())
}
