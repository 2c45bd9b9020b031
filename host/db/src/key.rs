//! How a caller's idempotency key is stored and looked up.

use sha2::{Digest as _, Sha256};

/// Bytes kept of the hash. Half of SHA-256: nobody meets another key of their own tenant by chance.
const KEY_HASH_BYTES: usize = 16;

/// The hash of a caller and its idempotency key. Short and of one length, so that the index stays small.
pub(crate) fn key_hash(principal: &str, idempotency_key: &str) -> [u8; KEY_HASH_BYTES] {
    let mut hash = Sha256::new();
    // The length keeps ("a", "bc") and ("ab", "c") apart.
    hash.update(u64::try_from(principal.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(principal.as_bytes());
    hash.update(idempotency_key.as_bytes());
    let mut kept = [0; KEY_HASH_BYTES];
    kept.iter_mut().zip(hash.finalize()).for_each(|(kept, byte)| *kept = byte);
    kept
}
