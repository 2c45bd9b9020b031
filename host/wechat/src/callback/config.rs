//! What one callback address knows about its official account.

use std::fmt;

use crate::crypto::{Decrypted, EncodingAesKey, RANDOM_BYTES};
use crate::element::Element;
use crate::error::Error;
use crate::limits::Limits;
use crate::masked::Text;
use crate::{json, xml};

const TOKEN_BYTES_MAX: usize = 64;
const APP_ID_BYTES_MAX: usize = 64;

/// The token shared with WeChat for signing callbacks.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Takes a token.
    ///
    /// WeChat's form asks for 3 to 32 letters and digits, but platforms hand out longer ones and
    /// ones with an underscore, so only what cannot be typed into the form is refused.
    ///
    /// # Errors
    /// [`Error::BadToken`] unless it is 1 to 64 printable ASCII characters.
    pub fn new(token: &str) -> Result<Self, Error> {
        if !is_printable(token, TOKEN_BYTES_MAX) {
            return Err(Error::BadToken { bytes_max: TOKEN_BYTES_MAX });
        }
        Ok(Self(token.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

/// The public id of an official account, a mini program or a third-party platform.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AppId(String);

impl AppId {
    /// Takes an appid.
    ///
    /// # Errors
    /// [`Error::BadAppId`] unless it is 1 to 64 printable ASCII characters.
    pub fn new(app_id: &str) -> Result<Self, Error> {
        if !is_printable(app_id, APP_ID_BYTES_MAX) {
            return Err(Error::BadAppId { bytes_max: APP_ID_BYTES_MAX });
        }
        Ok(Self(app_id.to_owned()))
    }

    /// The appid itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_printable(text: &str, bytes_max: usize) -> bool {
    !text.is_empty() && text.len() <= bytes_max && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Which of the two keys decrypted a message, and so encrypts the answer.
///
/// While a merchant changes the key, WeChat may still send and read with the old one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeySlot {
    /// The key in the settings now.
    #[default]
    Current,
    /// The key before it.
    Previous,
}

/// The keys of an encrypted callback.
#[derive(Clone, Debug)]
pub struct Keyring {
    /// The key in the settings now.
    pub current: EncodingAesKey,
    /// The key before it, kept until WeChat has switched over.
    pub previous: Option<EncodingAesKey>,
    /// The appid that stands behind every text. Behind a third-party platform it is the
    /// platform's own, even for a merchant's message.
    pub app_id: AppId,
}

impl Keyring {
    /// Decrypts with the current key, then with the previous one.
    ///
    /// # Errors
    /// What the current key found wrong, if neither opens the text; [`Error::AppId`] if it opens
    /// but is for another appid.
    pub(crate) fn decrypt(&self, encrypt: &str) -> Result<(Decrypted, KeySlot), Error> {
        let first = match self.decrypt_with(&self.current, encrypt) {
            Ok(decrypted) => return Ok((decrypted, KeySlot::Current)),
            Err(error) => error,
        };
        let Some(previous) = &self.previous else {
            return Err(first);
        };
        match self.decrypt_with(previous, encrypt) {
            Ok(decrypted) => Ok((decrypted, KeySlot::Previous)),
            Err(_) => Err(first),
        }
    }

    fn decrypt_with(&self, key: &EncodingAesKey, encrypt: &str) -> Result<Decrypted, Error> {
        let decrypted = key.decrypt(encrypt)?;
        if decrypted.app_id != self.app_id.as_str() {
            return Err(Error::AppId);
        }
        Ok(decrypted)
    }

    /// Encrypts with the key in `slot`, or the current one if the previous is gone by now.
    pub(crate) fn encrypt(&self, slot: KeySlot, text: &str, random: &[u8; RANDOM_BYTES]) -> Result<String, Error> {
        let key = match slot {
            KeySlot::Current => &self.current,
            KeySlot::Previous => self.previous.as_ref().unwrap_or(&self.current),
        };
        key.encrypt(text, self.app_id.as_str(), random)
    }
}

/// How WeChat was told to send. It is never read from the request, where anyone could ask for
/// less protection.
#[derive(Clone, Debug)]
pub enum Mode {
    /// 明文: readable and, since `signature` does not cover the body, forgeable by whoever has
    /// seen one valid address within the timestamp window.
    Plain,
    /// 兼容: the readable fields and the ciphertext together; only the ciphertext is believed.
    Compatible(Keyring),
    /// 安全: the ciphertext alone.
    Secure(Keyring),
}

/// The notation of bodies, chosen in the same settings as the mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// What official accounts and third-party platforms use.
    #[default]
    Xml,
    /// What mini programs may choose.
    Json,
}

impl Format {
    /// The `Content-Type` of an answer in this notation.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Xml => "text/xml; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }

    pub(crate) fn parse(self, body: &[u8], limits: &Limits) -> Result<Element, Error> {
        match self {
            Self::Xml => xml::parse(body, limits),
            Self::Json => json::parse(body, limits),
        }
    }
}

/// Everything needed to receive and answer the callbacks of one address.
#[derive(Clone, Debug)]
pub struct Config {
    /// The token that signs.
    pub token: Token,
    /// How bodies are protected, with the keys.
    pub mode: Mode,
    /// How bodies are written.
    pub format: Format,
    /// The official account's original id (`gh_…`). If given, messages to any other are refused;
    /// leave it out where one address serves many accounts.
    pub original_id: Option<Text>,
    /// What a request may cost.
    pub limits: Limits,
}

impl Config {
    /// A callback in XML with the usual limits and no original id.
    #[must_use]
    pub fn new(token: Token, mode: Mode) -> Self {
        Self { token, mode, format: Format::default(), original_id: None, limits: Limits::default() }
    }
}
