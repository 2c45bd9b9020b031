//! Secrets and personal data at rest: sealed per field, found again by blind indexes.
//!
//! One 32-byte key in a file makes every other key. A sealed field opens only in the table, column, tenant and
//! row it was sealed for; a stolen database without the key file shows neither secrets nor phone numbers.

mod key;
mod person;
mod text;

pub use key::{KEY_FILE, MasterKey};
pub use person::{BadPhone, IdentityKind, Phone, mask_card, mask_phone};
pub use text::SecretText;

use crate::entropy::{Entropy, NoEntropy};
use aes_gcm_siv::{
    Aes256GcmSiv, KeyInit as _, Nonce,
    aead::{Aead as _, Payload},
};
use hmac::{Hmac, Mac as _};
use ledger::TenantId;
use sha2::Sha256;
use std::{fmt, path::PathBuf};
use zeroize::Zeroizing;

/// First byte of every sealed field: how it was sealed.
const VERSION: u8 = 1;
/// Bytes of the random nonce behind the version.
const NONCE_BYTES: usize = 12;
/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// Bytes of a blind index: half a SHA-256 keeps 2^64 values apart.
const INDEX_BYTES: usize = 16;

/// Why something cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key file cannot be read or made.
    #[error("key file {path}: {cause}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The key file does not hold 32 bytes.
    #[error("key file {path} must hold exactly 32 bytes; restore it from its backup")]
    Length {
        /// Which file.
        path: PathBuf,
    },
    /// Others can read the key file.
    #[error("key file {path} can be read by others; run chmod 0400 on it")]
    Open {
        /// Which file.
        path: PathBuf,
    },
    /// The database was sealed with another key.
    #[error("the key file does not belong to this database; put back the one it was made with")]
    OtherKey,
    /// The field was altered, moved, or sealed with another key.
    #[error("field {table}.{column} does not open: it was altered, moved, or sealed with another key")]
    Broken {
        /// Its table.
        table: &'static str,
        /// Its column.
        column: &'static str,
    },
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

/// Where a sealed field stands; it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    /// Its table.
    pub table: &'static str,
    /// Its column.
    pub column: &'static str,
    /// Whose it is; empty for the platform's own.
    pub tenant: &'a str,
    /// Its row's key.
    pub row: &'a str,
}

impl Field<'_> {
    /// `table|column|tenant|row`, with `|` and `%` in the parts written as `%7C` and `%25`.
    fn bound_to(&self) -> String {
        let plain = |part: &str| part.replace('%', "%25").replace('|', "%7C");
        format!("{}|{}|{}|{}", self.table, self.column, plain(self.tenant), plain(self.row))
    }
}

/// Seals and opens fields, and makes blind indexes.
pub struct Sealer {
    seal_root: Zeroizing<[u8; KEY_BYTES]>,
    index_root: Zeroizing<[u8; KEY_BYTES]>,
    check_value: String,
    entropy: Entropy,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(***)")
    }
}

impl Sealer {
    /// Makes the keys for sealing and for indexes from the one key.
    pub fn new(master: &MasterKey, entropy: Entropy) -> Self {
        let check = derive(master.bytes(), "punchcard key check value 1");
        Self {
            seal_root: derive(master.bytes(), "punchcard seal 1"),
            index_root: derive(master.bytes(), "punchcard index 1"),
            check_value: check.first_chunk::<8>().map(hex::encode).unwrap_or_default(),
            entropy,
        }
    }

    /// Names the key without telling it: stored beside the data and compared at every start.
    pub fn check_value(&self) -> &str {
        &self.check_value
    }

    /// The key that seals the machine code of policies.
    pub fn artifact_key(&self) -> engine::ArtifactKey {
        engine::ArtifactKey::new(*derive(&self.seal_root, "punchcard artifacts 1"))
    }

    /// Refuses to go on with another key than the one the database was sealed with.
    ///
    /// # Errors
    /// [`SealError::OtherKey`] if the stored check value is another.
    pub fn expect_check_value(&self, stored: &str) -> Result<(), SealError> {
        if stored == self.check_value { Ok(()) } else { Err(SealError::OtherKey) }
    }

    /// Seals a field: version, nonce, ciphertext with its tag.
    ///
    /// # Errors
    /// [`SealError::Entropy`] without random bytes.
    pub fn seal(&self, field: Field<'_>, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_BYTES] = self.entropy.bytes()?;
        let aad = field.bound_to();
        let payload = Payload { msg: plain, aad: aad.as_bytes() };
        let sealed = self.cipher(field.tenant).encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| broken(field))?;
        let mut bytes = Vec::with_capacity(1 + NONCE_BYTES + sealed.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    /// Opens a sealed field. What comes out is wiped from memory when it is dropped.
    ///
    /// # Errors
    /// [`SealError::Broken`] if it was altered, moved to another place, or sealed with another key.
    pub fn open(&self, field: Field<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (version, rest) = sealed.split_first().ok_or_else(|| broken(field))?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(|| broken(field))?;
        if *version != VERSION {
            return Err(broken(field));
        }
        let aad = field.bound_to();
        let payload = Payload { msg: sealed, aad: aad.as_bytes() };
        let plain = self.cipher(field.tenant).decrypt(&Nonce::from(*nonce), payload);
        plain.map(Zeroizing::new).map_err(|_| broken(field))
    }

    /// Opens a sealed text.
    ///
    /// # Errors
    /// As [`Sealer::open`].
    pub fn open_text(&self, field: Field<'_>, sealed: &[u8]) -> Result<Zeroizing<String>, SealError> {
        let plain = self.open(field, sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| broken(field))?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    /// The blind index of a value: equal values of one tenant have equal indexes, and nothing else shows.
    pub fn index(&self, tenant: &TenantId, kind: IdentityKind, value: &str) -> String {
        let key = derive(&self.index_root, tenant.as_str());
        let mut mac = keyed(&key);
        mac.update(kind.as_str().as_bytes());
        mac.update(b"|");
        mac.update(value.as_bytes());
        let full: [u8; KEY_BYTES] = mac.finalize().into_bytes().into();
        full.first_chunk::<INDEX_BYTES>().map(hex::encode).unwrap_or_default()
    }

    /// Names what was asked without telling it: equal requests of one tenant have equal fingerprints. Keyed,
    /// so that a phone number in a request cannot be guessed from a stolen database.
    pub fn fingerprint(&self, tenant: &TenantId, asked: &[u8]) -> String {
        let mut mac = keyed(&derive(&self.index_root, tenant.as_str()));
        mac.update(b"asked|");
        mac.update(asked);
        hex::encode(mac.finalize().into_bytes())
    }

    fn cipher(&self, tenant: &str) -> Aes256GcmSiv {
        Aes256GcmSiv::new(&(*derive(&self.seal_root, tenant)).into())
    }
}

fn broken(field: Field<'_>) -> SealError {
    SealError::Broken { table: field.table, column: field.column }
}

/// HMAC-SHA256 under a key of fixed length.
fn keyed(key: &[u8; KEY_BYTES]) -> Hmac<Sha256> {
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    // INVARIANT: a block of SHA-256 has 64 bytes, a key 32; zeros behind a short key are HMAC's own padding.
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    hmac::KeyInit::new(&block)
}

/// A key of its own for one purpose.
fn derive(key: &[u8; KEY_BYTES], purpose: &str) -> Zeroizing<[u8; KEY_BYTES]> {
    let mut mac = keyed(key);
    mac.update(purpose.as_bytes());
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: Field<'_> = Field { table: "member", column: "profile", tenant: "t1", row: "m1" };

    fn sealer() -> Sealer {
        Sealer::new(&MasterKey::from_bytes([7; 32]), Entropy)
    }

    #[test]
    fn a_field_opens_where_it_was_sealed() {
        let sealed = sealer().seal(PHONE, b"13812341234").expect("sealed");
        assert_eq!(sealer().open(PHONE, &sealed).expect("opened").as_slice(), b"13812341234");
        assert!(!sealed.windows(4).any(|w| w == b"1381"), "the phone shows");
    }

    #[test]
    fn a_field_opens_nowhere_else() {
        let sealed = sealer().seal(PHONE, b"secret").expect("sealed");
        for elsewhere in [
            Field { table: "till", ..PHONE },
            Field { column: "secret", ..PHONE },
            Field { tenant: "t2", ..PHONE },
            Field { row: "m2", ..PHONE },
        ] {
            assert!(sealer().open(elsewhere, &sealed).is_err(), "{elsewhere:?}");
        }
    }

    #[test]
    fn a_separator_in_an_id_does_not_move_the_border() {
        let one = Field { tenant: "t", row: "a|b", ..PHONE };
        let two = Field { tenant: "t|a", row: "b", ..PHONE };
        assert_ne!(one.bound_to(), two.bound_to());
    }

    #[test]
    fn every_altered_byte_shows() {
        let sealed = sealer().seal(PHONE, b"secret").expect("sealed");
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(sealer().open(PHONE, &altered).is_err(), "byte {at}");
            assert!(sealer().open(PHONE, &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn another_key_opens_nothing_and_has_another_check_value() {
        let other = Sealer::new(&MasterKey::from_bytes([8; 32]), Entropy);
        let sealed = sealer().seal(PHONE, b"secret").expect("sealed");
        assert!(other.open(PHONE, &sealed).is_err());
        assert!(other.expect_check_value(sealer().check_value()).is_err());
        assert!(sealer().expect_check_value(sealer().check_value()).is_ok());
    }

    #[test]
    fn an_index_depends_on_tenant_kind_and_value() {
        let tenant = |id: &str| TenantId::new(id).expect("an id");
        let index = |t: &str, kind, value| sealer().index(&tenant(t), kind, value);
        let phone = index("t1", IdentityKind::Phone, "13812341234");
        assert_eq!(phone.len(), 32);
        assert_eq!(phone, index("t1", IdentityKind::Phone, "13812341234"));
        assert_ne!(phone, index("t2", IdentityKind::Phone, "13812341234"));
        assert_ne!(phone, index("t1", IdentityKind::Card, "13812341234"));
        assert_ne!(phone, index("t1", IdentityKind::Phone, "13812341235"));
    }
}
