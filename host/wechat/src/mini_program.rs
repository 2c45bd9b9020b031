//! Data that a mini program's page hands over, protected with the login's session key.

use std::fmt;

use serde::Deserialize;

use crate::callback::AppId;
use crate::crypto::{decode_16, decrypt_128, same, sha1_hex};
use crate::error::Error;
use crate::limits::Limits;
use crate::masked::Text;

/// The key of one login, from the code exchange. It never leaves the server.
#[derive(Clone)]
pub struct SessionKey {
    encoded: String,
    key: [u8; 16],
}

impl SessionKey {
    /// Takes the key as WeChat sends it.
    ///
    /// # Errors
    /// [`Error::BadSessionKey`] unless it is 16 bytes in base64.
    pub fn new(encoded: &str) -> Result<Self, Error> {
        Ok(Self { encoded: encoded.to_owned(), key: decode_16(encoded)? })
    }

    /// Opens `encryptedData` with the `iv` beside it; the answer is its JSON.
    ///
    /// # Errors
    /// [`Error::BodyTooLarge`], [`Error::BadSessionKey`] for the vector, the errors of decryption,
    /// or [`Error::AppId`] if the watermark names another mini program than `app_id`.
    pub fn open_data(&self, encrypted_data: &str, iv: &str, app_id: &AppId, limits: &Limits) -> Result<Text, Error> {
        if encrypted_data.len() > limits.body_bytes_max {
            return Err(Error::BodyTooLarge { bytes: encrypted_data.len(), bytes_max: limits.body_bytes_max });
        }
        let json = decrypt_128(&self.key, &decode_16(iv)?, encrypted_data)?;
        let marked: Marked = serde_json::from_str(&json).map_err(|_| Error::Malformed.inside())?;
        if marked.watermark.appid != app_id.as_str() {
            return Err(Error::AppId);
        }
        Ok(Text::new(json))
    }

    /// The signature of `rawData`: SHA-1 of it and the key, to the byte as the page sent it.
    #[must_use]
    pub fn raw_data_signature(&self, raw_data: &str) -> String {
        sha1_hex(&[raw_data, &self.encoded])
    }

    /// Whether the page's `signature` fits its `rawData`, compared in constant time.
    #[must_use]
    pub fn is_raw_data_signed(&self, raw_data: &str, signature: &str) -> bool {
        same(&self.raw_data_signature(raw_data), signature)
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(***)")
    }
}

#[derive(Deserialize)]
struct Marked {
    watermark: Watermark,
}

#[derive(Deserialize)]
struct Watermark {
    appid: String,
}
