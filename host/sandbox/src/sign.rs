//! How a till proves that it sent a request, and sent it just now.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// What of a request is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed<'a> {
    /// Upper-case method.
    pub method: &'a str,
    /// Path, and query if there is one, as they stand in the request.
    pub path: &'a str,
    /// Unix seconds.
    pub timestamp_s: u64,
    /// 16 to 64 characters, used once.
    pub nonce: &'a str,
    /// The bytes sent; empty for none.
    pub body: &'a [u8],
}

impl Signed<'_> {
    /// The text under the signature: method, path, timestamp, nonce and the body's SHA-256 in lower-case
    /// hex, with a line feed between them and none at the end.
    pub fn canonical(&self) -> String {
        let body = hex::encode(Sha256::digest(self.body));
        format!("{}\n{}\n{}\n{}\n{body}", self.method, self.path, self.timestamp_s, self.nonce)
    }
}

/// The signature: lower-case hex HMAC-SHA256 over [`Signed::canonical`], keyed with the secret's bytes as
/// the till was given them.
pub fn sign(secret: &str, request: &Signed<'_>) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        // INVARIANT: HMAC takes a key of any length.
        unreachable!("a key of any length")
    };
    mac.update(request.canonical().as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's `hmac` and `hashlib`.
    #[test]
    fn signatures_are_those_of_another_implementation() {
        let receipt = Signed {
            method: "POST",
            path: "/api/v1/pos/receipts?dry=1",
            timestamp_s: 1_483_315_200,
            nonce: "0123456789abcdef",
            body: br#"{"receipt":"R-1"}"#,
        };
        let nonce = "n".repeat(64);
        let empty = Signed { method: "GET", path: "/api/v1/pos/ping", timestamp_s: 0, nonce: &nonce, body: b"" };
        let table = [
            ("till-secret-0001", receipt, "c5ae46d31589085cee30f87a77ce054b5b67ca3bcc9ae62cbe035aa96d177352"),
            ("密钥", empty, "5663e35d9eff5cf405c7e30d3d18a6ab5b6733b8909a5f326e0e8a68ba75d458"),
        ];
        for (secret, request, signature) in table {
            assert_eq!(sign(secret, &request), signature);
        }
    }

    #[test]
    fn the_text_under_a_signature_has_five_lines() {
        let request = Signed {
            method: "POST",
            path: "/p",
            timestamp_s: 7,
            nonce: "0123456789abcdef",
            body: br#"{"receipt":"R-1"}"#,
        };
        let body = "e856ccc6ce98c21fd2f208dd39bbb3cb4166e8fc4f5ad8bab71103b2f27f362b";
        assert_eq!(request.canonical(), format!("POST\n/p\n7\n0123456789abcdef\n{body}"));
    }
}
