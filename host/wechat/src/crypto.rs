//! The ciphers and signatures of the callback.
//!
//! SHA-1 and AES-CBC without a MAC are WeChat's choice, not ours; `msg_signature` over the
//! ciphertext is what makes the pair acceptable, so it is always checked before decrypting.

use std::fmt;

use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

use crate::error::Error;

/// Characters of an `EncodingAESKey` as the merchant copies it.
pub const AES_KEY_CHARACTERS: usize = 43;
/// Random bytes in front of every encrypted text.
pub const RANDOM_BYTES: usize = 16;

/// WeChat pads to 32 bytes although an AES block has 16, so library helpers refuse its texts.
const PAD_BLOCK_BYTES: usize = 32;
const AES_BLOCK_BYTES: usize = 16;
const LENGTH_BYTES: usize = 4;

/// 43 characters carry 258 bits for a 256-bit key: the last two are noise, usually not zero,
/// and the standard engine refuses such a key.
const KEY_ENGINE: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::STANDARD, NO_PAD.with_decode_allow_trailing_bits(true));

/// The key that encrypts callbacks, from the 43-character `EncodingAESKey`.
#[derive(Clone)]
pub struct EncodingAesKey {
    key: [u8; 32],
    iv: [u8; AES_BLOCK_BYTES],
}

impl EncodingAesKey {
    /// Reads the key in the form the official account's settings show it.
    ///
    /// # Errors
    /// [`Error::BadAesKey`] unless it is 43 letters and digits.
    pub fn new(encoded: &str) -> Result<Self, Error> {
        let bad = Error::BadAesKey { characters: AES_KEY_CHARACTERS };
        let official = encoded.len() == AES_KEY_CHARACTERS && encoded.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !official {
            return Err(bad);
        }
        let bytes = KEY_ENGINE.decode(encoded).map_err(|_| bad.clone())?;
        let key: [u8; 32] = bytes.try_into().map_err(|_| bad.clone())?;
        // The vector is the key's first half: WeChat's scheme, fixed for the key's whole life.
        let iv = *key.first_chunk().ok_or(bad)?;
        Ok(Self { key, iv })
    }

    /// Encrypts a text for the holder of `app_id`; the answer is the base64 `Encrypt` field.
    ///
    /// # Errors
    /// [`Error::MessageLength`] if the text does not fit the four-byte length field.
    pub fn encrypt(&self, text: &str, app_id: &str, random: &[u8; RANDOM_BYTES]) -> Result<String, Error> {
        let length =
            u32::try_from(text.len()).map_err(|_| Error::MessageLength { claimed: text.len(), held: text.len() })?;
        let mut buffer = Vec::new();
        buffer.extend_from_slice(random);
        buffer.extend_from_slice(&length.to_be_bytes());
        buffer.extend_from_slice(text.as_bytes());
        buffer.extend_from_slice(app_id.as_bytes());
        pad(&mut buffer)?;
        let bytes = buffer.len();
        let sealed = cbc::Encryptor::<aes::Aes256>::new(&self.key.into(), &self.iv.into())
            .encrypt_padded::<NoPadding>(&mut buffer, bytes)
            .map_err(|_| Error::BlockLength { bytes })?;
        Ok(STANDARD.encode(sealed))
    }

    /// Decrypts an `Encrypt` field. The caller still has to compare the appid.
    ///
    /// # Errors
    /// [`Error::EmptyCiphertext`], [`Error::Base64`], [`Error::BlockLength`],
    /// [`Error::Padding`], [`Error::TooShort`], [`Error::MessageLength`] or, inside,
    /// [`Error::NotUtf8`].
    pub fn decrypt(&self, encrypt: &str) -> Result<Decrypted, Error> {
        let mut buffer = decode(encrypt)?;
        let bytes = buffer.len();
        let padded = cbc::Decryptor::<aes::Aes256>::new(&self.key.into(), &self.iv.into())
            .decrypt_padded::<NoPadding>(&mut buffer)
            .map_err(|_| Error::BlockLength { bytes })?;
        Decrypted::read(unpad(padded, PAD_BLOCK_BYTES)?)
    }
}

impl fmt::Debug for EncodingAesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncodingAesKey(***)")
    }
}

/// What was inside of one ciphertext.
#[derive(Clone, PartialEq, Eq)]
pub struct Decrypted {
    /// The message, XML or JSON.
    pub text: String,
    /// Whom it was encrypted for: an official account's appid, or the platform's own when an
    /// authorized merchant's message goes through a third-party platform.
    pub app_id: String,
    /// The sender's random prefix.
    pub random: [u8; RANDOM_BYTES],
}

impl Decrypted {
    /// Takes `random ‖ length ‖ text ‖ appid` apart.
    fn read(full: &[u8]) -> Result<Self, Error> {
        let short = || Error::TooShort { bytes: full.len() };
        let (random, rest) = full.split_first_chunk::<RANDOM_BYTES>().ok_or_else(short)?;
        let (length, rest) = rest.split_first_chunk::<LENGTH_BYTES>().ok_or_else(short)?;
        // The field is hostile until checked: nothing is allocated or added from it.
        let claimed = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| short())?;
        let (text, app_id) =
            rest.split_at_checked(claimed).ok_or(Error::MessageLength { claimed, held: rest.len() })?;
        let owned = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| Error::NotUtf8.inside());
        Ok(Self { text: owned(text)?, app_id: owned(app_id)?, random: *random })
    }
}

impl fmt::Debug for Decrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decrypted")
            .field("text_bytes", &self.text.len())
            .field("app_id", &self.app_id)
            .finish_non_exhaustive()
    }
}

/// WeChat's signature: the parts sorted by their bytes, joined without a separator, SHA-1, in
/// lower-case hex.
#[must_use]
pub fn signature(parts: &[&str]) -> String {
    let mut sorted = parts.to_vec();
    sorted.sort_unstable();
    sha1_hex(&sorted)
}

/// Whether `given` is the signature of `parts`, compared in constant time.
///
/// Upper-case hex is refused: WeChat sends lower case, and one accepted form is enough.
#[must_use]
pub fn is_signed(parts: &[&str], given: &str) -> bool {
    same(&signature(parts), given)
}

/// Compares a computed signature with a received one in constant time.
pub(crate) fn same(computed: &str, given: &str) -> bool {
    computed.as_bytes().ct_eq(given.as_bytes()).into()
}

/// SHA-1 of the pieces one after the other, in lower-case hex.
pub(crate) fn sha1_hex(pieces: &[&str]) -> String {
    let mut hasher = Sha1::new();
    for piece in pieces {
        hasher.update(piece.as_bytes());
    }
    hex::encode(hasher.finalize())
}

/// Decrypts a mini program's data: AES-128, a vector of its own, ordinary 16-byte padding.
pub(crate) fn decrypt_128(
    key: &[u8; AES_BLOCK_BYTES],
    iv: &[u8; AES_BLOCK_BYTES],
    encrypted: &str,
) -> Result<String, Error> {
    let mut buffer = decode(encrypted)?;
    let bytes = buffer.len();
    let padded = cbc::Decryptor::<aes::Aes128>::new(&(*key).into(), &(*iv).into())
        .decrypt_padded::<NoPadding>(&mut buffer)
        .map_err(|_| Error::BlockLength { bytes })?;
    let text = unpad(padded, AES_BLOCK_BYTES)?;
    String::from_utf8(text.to_vec()).map_err(|_| Error::NotUtf8.inside())
}

/// Sixteen bytes in base64, as session keys and their vectors are written.
pub(crate) fn decode_16(encoded: &str) -> Result<[u8; AES_BLOCK_BYTES], Error> {
    let bad = Error::BadSessionKey { bytes: AES_BLOCK_BYTES };
    let bytes = STANDARD.decode(encoded).map_err(|_| bad.clone())?;
    bytes.try_into().map_err(|_| bad)
}

fn decode(encrypt: &str) -> Result<Vec<u8>, Error> {
    if encrypt.is_empty() {
        return Err(Error::EmptyCiphertext);
    }
    STANDARD.decode(encrypt).map_err(|_| Error::Base64)
}

/// Adds 1 to 32 bytes, each naming how many were added.
fn pad(buffer: &mut Vec<u8>) -> Result<(), Error> {
    let count = PAD_BLOCK_BYTES.saturating_sub(buffer.len() % PAD_BLOCK_BYTES);
    let value = u8::try_from(count).map_err(|_| Error::Padding)?;
    buffer.resize(buffer.len().saturating_add(count), value);
    Ok(())
}

/// Takes the padding off, after checking every byte of it.
fn unpad(padded: &[u8], block: usize) -> Result<&[u8], Error> {
    let value = *padded.last().ok_or(Error::Padding)?;
    let count = usize::from(value);
    if count == 0 || count > block {
        return Err(Error::Padding);
    }
    let kept = padded.len().checked_sub(count).ok_or(Error::Padding)?;
    let (text, padding) = padded.split_at_checked(kept).ok_or(Error::Padding)?;
    // All bytes are looked at, so that the time does not tell which one is wrong.
    let differing = padding.iter().fold(0, |seen, byte| seen | (byte ^ value));
    if differing != 0 {
        return Err(Error::Padding);
    }
    Ok(text)
}
