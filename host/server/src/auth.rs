//! Signatures of tills: what is signed, and how we tell that a till signed it.

mod nonces;

pub use nonces::{NonceError, Nonces};

use crate::{config::SigningLimits, error::ApiError, error::Unauthorized};
use hmac::{Hmac, KeyInit as _, Mac as _};
use ledger::UnixMs;
use sha2::Sha256;
use std::fmt::Write as _;

/// Names the key: public.
pub const KEY_HEADER: &str = "punchcard-key";
/// Unix seconds at which the request was signed.
pub const TIMESTAMP_HEADER: &str = "punchcard-timestamp";
/// 16 to 64 characters, used once.
pub const NONCE_HEADER: &str = "punchcard-nonce";
/// Lower-case hex HMAC-SHA256.
pub const SIGNATURE_HEADER: &str = "punchcard-signature";

/// The shortest nonce, in characters.
const NONCE_MIN: usize = 16;
/// The longest nonce, in characters.
const NONCE_MAX: usize = 64;
/// The longest key id, in characters.
const KEY_ID_MAX: usize = 64;
/// Bytes of a signature.
const SIGNATURE_BYTES: usize = 32;

/// What a till says about who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Names the key.
    pub key_id: String,
    /// Unix seconds.
    pub timestamp: i64,
    /// Used once.
    pub nonce: String,
    signature: [u8; SIGNATURE_BYTES],
}

impl Claim {
    /// Reads the four headers; `header` gives one by its lower-case name.
    ///
    /// # Errors
    /// [`ApiError::Unauthorized`] naming the header that is missing or malformed.
    pub fn read<'h>(header: impl Fn(&'static str) -> Option<&'h str>) -> Result<Self, ApiError> {
        let needed = |name: &'static str| {
            header(name).ok_or_else(|| bad_header(name, "is missing; docs/API.md shows how to sign a request"))
        };
        let key_id = needed(KEY_HEADER)?;
        if key_id.is_empty() || key_id.len() > KEY_ID_MAX {
            return Err(bad_header(KEY_HEADER, "must be the key id shown when the till's key was made"));
        }
        let timestamp = read_seconds(needed(TIMESTAMP_HEADER)?)
            .ok_or_else(|| bad_header(TIMESTAMP_HEADER, "must be the time in Unix seconds"))?;
        let nonce = needed(NONCE_HEADER)?;
        if !(NONCE_MIN..=NONCE_MAX).contains(&nonce.len()) || !nonce.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(bad_header(NONCE_HEADER, "must have 16 to 64 printable characters without spaces"));
        }
        let signature = decode(needed(SIGNATURE_HEADER)?)
            .ok_or_else(|| bad_header(SIGNATURE_HEADER, "must have 64 lower-case hex digits"))?;
        Ok(Self { key_id: key_id.to_owned(), timestamp, nonce: nonce.to_owned(), signature })
    }

    /// The text that is signed: method, address with query, timestamp, nonce and the body's hash, a line each.
    pub fn text(&self, method: &str, target: &str, body_sha256: &str) -> String {
        signed_text(method, target, self.timestamp, &self.nonce, body_sha256)
    }

    /// Whether this secret signed this text. Takes the same time whatever is wrong.
    pub fn is_signed_by(&self, secret: &Secret, text: &str) -> bool {
        let mut mac = secret.0.clone();
        mac.update(text.as_bytes());
        mac.verify_slice(&self.signature).is_ok()
    }

    /// Refuses a time too far from ours, or from before we began to remember nonces.
    ///
    /// # Errors
    /// [`ApiError::Unauthorized`] with our time, so that the till can correct its clock.
    pub fn check_time(&self, limits: &SigningLimits, now: UnixMs, started: UnixMs) -> Result<(), ApiError> {
        let now_s = now.get().div_euclid(1_000);
        let off = self.timestamp.saturating_sub(now_s);
        if off.saturating_abs() > limits.window_seconds {
            let text = format!(
                "{TIMESTAMP_HEADER} is {off} seconds from our clock, at most {} are allowed; set the till's clock",
                limits.window_seconds
            );
            return Err(untimely("timestamp_outside_window", text, now_s));
        }
        let oldest = started.get().div_euclid(1_000).saturating_sub(limits.before_start_seconds);
        if self.timestamp < oldest {
            let text = "the request was signed before this server started; sign it again now, with the same \
                        Idempotency-Key (and set the till's clock, if it is slow)";
            return Err(untimely("signed_before_start", text.to_owned(), now_s));
        }
        Ok(())
    }
}

/// The text a till signs, without a line feed at its end.
pub fn signed_text(method: &str, target: &str, timestamp: i64, nonce: &str, body_sha256: &str) -> String {
    let mut text = String::with_capacity(method.len() + target.len() + nonce.len() + body_sha256.len() + 24);
    // Writing to a String cannot fail.
    let _ = write!(text, "{method}\n{target}\n{timestamp}\n{nonce}\n{body_sha256}");
    text
}

/// A till's secret, ready to check signatures with. The HMAC key is the secret's text, byte for byte.
#[derive(Clone)]
pub struct Secret(Hmac<Sha256>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl Secret {
    /// Takes the secret as it was shown.
    ///
    /// # Errors
    /// [`hmac::digest::InvalidLength`], which HMAC never reports: it takes keys of any length.
    pub fn new(text: &[u8]) -> Result<Self, hmac::digest::InvalidLength> {
        Hmac::new_from_slice(text).map(Self)
    }

    /// The signature of a text, as it stands in the header.
    pub fn sign(&self, text: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(text.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }
}

/// The one answer to an unknown key and to a wrong signature.
pub fn bad_signature(signed: Option<String>) -> ApiError {
    let text = "the signature does not fit this request and key; sign method, address with query, timestamp, nonce \
                and the body's SHA-256, each on its own line, with the key's secret";
    ApiError::Unauthorized(Box::new(Unauthorized {
        code: "bad_signature",
        text: text.to_owned(),
        signed,
        server_time: None,
    }))
}

fn bad_header(name: &'static str, what: &str) -> ApiError {
    ApiError::unauthorized("bad_signature_header", format!("{name} {what}"))
}

fn untimely(code: &'static str, text: String, now_s: i64) -> ApiError {
    ApiError::Unauthorized(Box::new(Unauthorized { code, text, server_time: Some(now_s), signed: None }))
}

/// Without a sign that says nothing and leading zeros: what is signed is the number, so it has one spelling.
fn read_seconds(text: &str) -> Option<i64> {
    text.parse().ok().filter(|seconds: &i64| seconds.to_string() == text)
}

/// Lower-case hex only: one signature, one spelling.
fn decode(hex_text: &str) -> Option<[u8; SIGNATURE_BYTES]> {
    if hex_text.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0; SIGNATURE_BYTES];
    hex::decode_to_slice(hex_text, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::sha256_hex;

    // The worked example of docs/API.md: change both or neither.
    const SECRET: &str = "3f6b1f0d8a5e4c2b9d7081726354afbecd0918273645f0e1d2c3b4a596877869";
    const TARGET: &str = "/api/v1/pos/members/lookup";
    const TIMESTAMP: i64 = 1_767_225_600;
    const NONCE: &str = "b3a1c5d7e9f20416";
    const BODY: &str = r#"{"phone":"13812341234"}"#;

    fn signature() -> String {
        let text = signed_text("POST", TARGET, TIMESTAMP, NONCE, &sha256_hex(BODY.as_bytes()));
        Secret::new(SECRET.as_bytes()).expect("any length").sign(&text)
    }

    fn claim(change: &[(&'static str, &str)]) -> Result<Claim, ApiError> {
        let (signature, timestamp) = (signature(), TIMESTAMP.to_string());
        Claim::read(|name| match change.iter().find(|(changed, _)| *changed == name) {
            Some((_, value)) => Some(*value).filter(|value| !value.is_empty()),
            None => match name {
                KEY_HEADER => Some("tk_example"),
                TIMESTAMP_HEADER => Some(timestamp.as_str()),
                NONCE_HEADER => Some(NONCE),
                _ => Some(signature.as_str()),
            },
        })
    }

    fn code(result: Result<impl std::fmt::Debug, ApiError>) -> &'static str {
        result.expect_err("refused").code()
    }

    #[test]
    fn the_worked_example_of_the_documentation_holds() {
        let hash = sha256_hex(BODY.as_bytes());
        let text = claim(&[]).expect("well formed").text("POST", TARGET, &hash);
        let doc = include_str!("../../../docs/API.md");
        for shown in [hash.as_str(), text.as_str(), signature().as_str(), SECRET, BODY] {
            assert!(doc.contains(shown), "docs/API.md does not show {shown:?}");
        }
    }

    #[test]
    fn a_signature_fits_one_request_only() {
        let secret = Secret::new(SECRET.as_bytes()).expect("any length");
        let claim = claim(&[]).expect("well formed");
        let hash = sha256_hex(BODY.as_bytes());
        assert!(claim.is_signed_by(&secret, &claim.text("POST", TARGET, &hash)));
        for (method, target, hash) in [
            ("PUT", TARGET, hash.clone()),
            ("POST", "/api/v1/pos/members/lookup?a=1", hash.clone()),
            ("POST", TARGET, sha256_hex(b"{}")),
        ] {
            assert!(!claim.is_signed_by(&secret, &claim.text(method, target, &hash)));
        }
        let other = Secret::new(b"another").expect("any length");
        assert!(!claim.is_signed_by(&other, &claim.text("POST", TARGET, &hash)));
    }

    #[test]
    fn a_missing_or_malformed_header_is_named() {
        let upper = signature().to_uppercase();
        for (name, value) in [
            (KEY_HEADER, ""),
            (TIMESTAMP_HEADER, "1.5"),
            (TIMESTAMP_HEADER, "+1767225600"),
            (TIMESTAMP_HEADER, "01767225600"),
            (NONCE_HEADER, "too-short"),
            (NONCE_HEADER, "with a space in it"),
            (SIGNATURE_HEADER, "00"),
            (SIGNATURE_HEADER, upper.as_str()),
        ] {
            let refused = claim(&[(name, value)]).expect_err(name);
            assert_eq!(refused.code(), "bad_signature_header");
            assert!(refused.to_string().starts_with(name), "{refused}");
        }
    }

    #[test]
    fn a_time_outside_the_window_or_before_our_start_is_refused() {
        let limits = SigningLimits::default();
        let at = |off: i64| UnixMs::new((TIMESTAMP + off) * 1_000);
        let check = |now, started| claim(&[]).expect("well formed").check_time(&limits, at(now), at(started));
        assert!(check(300, 0).is_ok());
        assert!(check(-300, -1_000).is_ok());
        assert!(check(0, 5).is_ok());
        assert_eq!(code(check(301, 0)), "timestamp_outside_window");
        assert_eq!(code(check(-301, -1_000)), "timestamp_outside_window");
        assert_eq!(code(check(10, 6)), "signed_before_start");
    }
}
