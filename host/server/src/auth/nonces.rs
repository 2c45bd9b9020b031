//! Nonces seen within the window, so that a request sent again by somebody else is refused.

use crate::config::SigningLimits;
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

/// Seconds whose nonces are forgotten together.
const SLOT_SECONDS: i64 = 60;

/// Why a nonce is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NonceError {
    /// It was used before.
    Used,
    /// No more can be remembered for this key, or for all; to go on would mean to forget.
    Full,
}

/// All nonces that could still be repeated, in memory.
#[derive(Debug)]
pub struct Nonces {
    seen: Mutex<Seen>,
    window_seconds: i64,
    all_max: usize,
    per_key_max: usize,
}

#[derive(Debug, Default)]
struct Seen {
    /// By the slot in which a signature of that time leaves the window.
    slots: BTreeMap<i64, Slot>,
    all: usize,
    per_key: HashMap<u64, usize>,
}

#[derive(Debug, Default)]
struct Slot {
    nonces: HashSet<u128>,
    per_key: HashMap<u64, usize>,
}

impl Nonces {
    /// Remembers nonces under these limits.
    pub fn new(limits: &SigningLimits) -> Self {
        Self {
            seen: Mutex::default(),
            window_seconds: limits.window_seconds,
            all_max: limits.nonces_max,
            per_key_max: limits.nonces_per_key_max,
        }
    }

    /// Uses up a nonce of a key, signed at `timestamp`; both in Unix seconds. Call it only for requests whose
    /// signature fits and whose time lies in the window.
    ///
    /// # Errors
    /// [`NonceError`] if it was used before or cannot be remembered.
    pub fn use_up(&self, key_id: &str, nonce: &str, timestamp: i64, now: i64) -> Result<(), NonceError> {
        let (key, name) = names(key_id, nonce);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.forget_before(slot_of(now));
        // The same nonce with another timestamp is another signature of the same key: used as well.
        if seen.slots.values().any(|slot| slot.nonces.contains(&name)) {
            return Err(NonceError::Used);
        }
        let of_key = seen.per_key.get(&key).copied().unwrap_or(0);
        if seen.all >= self.all_max || of_key >= self.per_key_max {
            return Err(NonceError::Full);
        }
        seen.remember(slot_of(timestamp.saturating_add(self.window_seconds)), key, name);
        Ok(())
    }
}

impl Seen {
    fn remember(&mut self, slot: i64, key: u64, name: u128) {
        let slot = self.slots.entry(slot).or_default();
        slot.nonces.insert(name);
        *slot.per_key.entry(key).or_default() += 1;
        *self.per_key.entry(key).or_default() += 1;
        self.all += 1;
    }

    fn forget_before(&mut self, slot: i64) {
        while let Some(oldest) = self.slots.first_entry().filter(|oldest| *oldest.key() < slot) {
            let forgotten = oldest.remove();
            self.all = self.all.saturating_sub(forgotten.nonces.len());
            for (key, count) in forgotten.per_key {
                let left = self.per_key.get(&key).map_or(0, |held| held.saturating_sub(count));
                match left {
                    0 => self.per_key.remove(&key),
                    _ => self.per_key.insert(key, left),
                };
            }
        }
    }
}

fn slot_of(second: i64) -> i64 {
    second.div_euclid(SLOT_SECONDS)
}

/// Short names of the key, and of the nonce under that key. SHA-256, so that nobody can make two collide.
fn names(key_id: &str, nonce: &str) -> (u64, u128) {
    let key: [u8; 32] = Sha256::digest(key_id.as_bytes()).into();
    let mut hash = Sha256::new();
    hash.update(key);
    hash.update(nonce.as_bytes());
    let nonce: [u8; 32] = hash.finalize().into();
    let key = key.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    (key, nonce.first_chunk().map_or(0, |bytes| u128::from_le_bytes(*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonces(all: usize, per_key: usize) -> Nonces {
        Nonces::new(&SigningLimits { nonces_max: all, nonces_per_key_max: per_key, ..SigningLimits::default() })
    }

    #[test]
    fn a_nonce_works_once_per_key_while_it_could_be_repeated() {
        let nonces = nonces(100, 100);
        assert_eq!(nonces.use_up("a", "n", 1_000, 1_000), Ok(()));
        assert_eq!(nonces.use_up("b", "n", 1_000, 1_000), Ok(()));
        assert_eq!(nonces.use_up("a", "n", 1_000, 1_300), Err(NonceError::Used));
        assert_eq!(nonces.use_up("a", "n", 1_250, 1_300), Err(NonceError::Used));
        // The last moment at which that signature is accepted.
        assert_eq!(nonces.use_up("a", "n", 1_000, 1_300), Err(NonceError::Used));
        assert_eq!(nonces.use_up("a", "n", 1_400, 1_400), Ok(()));
    }

    #[test]
    fn one_key_cannot_take_the_memory_of_all() {
        let nonces = nonces(3, 2);
        for n in ["1", "2"] {
            assert_eq!(nonces.use_up("a", n, 0, 0), Ok(()));
        }
        assert_eq!(nonces.use_up("a", "3", 0, 0), Err(NonceError::Full));
        assert_eq!(nonces.use_up("b", "1", 0, 0), Ok(()));
        assert_eq!(nonces.use_up("c", "1", 0, 0), Err(NonceError::Full));
        assert_eq!(nonces.use_up("c", "1", 1_000, 1_000), Ok(()), "old ones are forgotten");
        assert_eq!(nonces.use_up("a", "3", 1_000, 1_000), Ok(()));
    }
}
