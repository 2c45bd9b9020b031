//! The sealed form of compiled policies: machine code is only ever loaded if this engine made it.

use crate::LoadError;
use hmac::{Hmac, KeyInit, Mac};
use ledger::{Description, Digest};
use sha2::{Digest as _, Sha256};

/// First bytes of every artifact; the digit counts changes of this layout.
const MAGIC: &[u8; 8] = b"PUNCHC\x001";
/// Bytes of the seal.
const SEAL_BYTES: usize = 32;
/// Bytes of the length before the description.
const LENGTH_BYTES: usize = 4;

/// The secret that seals artifacts; the same on every host that shares a store.
#[derive(Clone)]
pub struct ArtifactKey([u8; 32]);

impl ArtifactKey {
    /// A key from 32 secret bytes.
    pub const fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }
}

impl std::fmt::Debug for ArtifactKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ArtifactKey(***)")
    }
}

/// The digest that names a policy's source.
pub(crate) fn digest(source: &[u8]) -> Digest {
    // INVARIANT: 64 hex digits are a valid id.
    Digest::new(hex::encode(Sha256::digest(source))).unwrap_or_else(|_| unreachable!("64 hex digits"))
}

/// Seals machine code and its description to one engine build, one key and one source.
pub(crate) fn seal(key: &ArtifactKey, build: &str, digest: &Digest, description: &Description, code: &[u8]) -> Vec<u8> {
    let words = serde_json::to_vec(description).unwrap_or_default();
    let length = u32::try_from(words.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut body = Vec::with_capacity(words.len() + code.len() + LENGTH_BYTES);
    body.extend_from_slice(&length);
    body.extend_from_slice(&words);
    body.extend_from_slice(code);
    let mut artifact = MAGIC.to_vec();
    artifact.extend_from_slice(&mac(key, build, digest, &body).finalize().into_bytes());
    artifact.append(&mut body);
    artifact
}

/// Whether the bytes claim to be sealed machine code; a script never begins like one.
pub(crate) fn is_sealed(artifact: &[u8]) -> bool {
    artifact.starts_with(MAGIC)
}

/// Opens a sealed artifact: the description and the machine code that were sealed.
///
/// # Errors
/// [`LoadError::NotOurs`] for anything this build, key and digest did not seal.
pub(crate) fn open<'a>(
    key: &ArtifactKey,
    build: &str,
    digest: &Digest,
    artifact: &'a [u8],
) -> Result<(Description, &'a [u8]), LoadError> {
    parse(key, build, digest, artifact).ok_or_else(|| LoadError::NotOurs { digest: digest.to_string() })
}

fn parse<'a>(key: &ArtifactKey, build: &str, digest: &Digest, artifact: &'a [u8]) -> Option<(Description, &'a [u8])> {
    let (seal, body) = artifact.strip_prefix(MAGIC)?.split_at_checked(SEAL_BYTES)?;
    // Compared in constant time, and before a byte of the body is read.
    mac(key, build, digest, body).verify_slice(seal).ok()?;
    let (length, rest) = body.split_first_chunk::<LENGTH_BYTES>()?;
    let (words, code) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    let mut description: Description = serde_json::from_slice(words).ok()?;
    for param in &mut description.params {
        // JSON does not tell an empty list of texts from one of numbers; the parameter's kind does.
        param.default = param.accept(param.default.clone()).ok()?;
    }
    Some((description, code))
}

/// Each part goes in with its length, so that no two sets of parts give the same bytes.
fn mac(key: &ArtifactKey, build: &str, digest: &Digest, body: &[u8]) -> Hmac<Sha256> {
    // INVARIANT: HMAC takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).unwrap_or_else(|_| unreachable!("any key length"));
    for part in [build.as_bytes(), digest.as_str().as_bytes(), body] {
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::EventKind;

    fn sealed() -> (ArtifactKey, Digest, Vec<u8>) {
        let key = ArtifactKey::new([7; 32]);
        let digest = digest(b"source");
        let description = Description {
            name: "p".into(),
            summary: String::new(),
            events: vec![EventKind::SignIn],
            params: vec![],
            stats: vec![],
        };
        let artifact = seal(&key, "build", &digest, &description, b"machine code");
        (key, digest, artifact)
    }

    #[test]
    fn what_was_sealed_opens() {
        let (key, digest, artifact) = sealed();
        let (description, code) = open(&key, "build", &digest, &artifact).unwrap();
        assert_eq!((description.name.as_str(), code), ("p", &b"machine code"[..]));
    }

    #[test]
    fn every_single_flipped_bit_is_refused() {
        let (key, digest, artifact) = sealed();
        for at in 0..artifact.len() * 8 {
            let mut altered = artifact.clone();
            altered[at / 8] ^= 1 << (at % 8);
            assert!(open(&key, "build", &digest, &altered).is_err(), "bit {at}");
        }
    }

    #[test]
    fn a_cut_artifact_is_refused_at_every_length() {
        let (key, digest, artifact) = sealed();
        for length in 0..artifact.len() {
            assert!(open(&key, "build", &digest, &artifact[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn another_build_key_or_policy_is_refused() {
        let (key, digest, artifact) = sealed();
        assert!(open(&key, "other build", &digest, &artifact).is_err());
        assert!(open(&ArtifactKey::new([8; 32]), "build", &digest, &artifact).is_err());
        assert!(open(&key, "build", &super::digest(b"other source"), &artifact).is_err());
    }
}
