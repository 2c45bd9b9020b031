//! A till's signature: it fits the request that was signed and no other, and that request once.

use crate::{edits::Edits, planted};
use axum::http::{HeaderValue, Method, Uri};
use ledger::{UnixMs, sha256_hex};
use punchcard::{
    auth::{Claim, KEY_HEADER, NONCE_HEADER, NonceError, Nonces, SIGNATURE_HEADER, Secret, TIMESTAMP_HEADER},
    config::SigningLimits,
};
use sandbox::{Signed, sign};

const SECRET: &str = "3f6b1f0d8a5e4c2b9d7081726354afbecd0918273645f0e1d2c3b4a596877869";
const KEY: &str = "tk_example";
const NOW_S: u64 = 1_795_257_000;
const NONCE_CHARACTERS: std::ops::RangeInclusive<usize> = 16..=64;

/// What came over the line, byte for byte.
#[derive(Clone, PartialEq, Eq)]
struct Came {
    method: Vec<u8>,
    target: Vec<u8>,
    timestamp: Vec<u8>,
    nonce: Vec<u8>,
    key: Vec<u8>,
    signature: Vec<u8>,
    body: Vec<u8>,
}

/// Behind the edits: method, target, seconds from now, nonce and body, a line each.
pub fn run(input: &[u8]) {
    let Some((edits, rest)) = Edits::read(input) else { return };
    let mut lines = rest.splitn(5, |byte| *byte == b'\n').map(<[u8]>::to_vec);
    let mut line = || lines.next().unwrap_or_default();
    let (method, target, off, nonce, body) = (line(), line(), line(), line(), line());
    let off: i64 = std::str::from_utf8(&off).ok().and_then(|off| off.parse().ok()).unwrap_or(0);
    let Some(timestamp_s) = NOW_S.checked_add_signed(off) else { return };
    let signature = {
        let (Ok(method), Ok(path)) = (std::str::from_utf8(&method), std::str::from_utf8(&target)) else { return };
        let nonce = String::from_utf8_lossy(&nonce);
        sign(SECRET, &Signed { method, path, timestamp_s, nonce: &nonce, body: &body })
    };
    let (key, timestamp) = (KEY.into(), timestamp_s.to_string().into_bytes());
    let sent = Came { method, target, timestamp, nonce, key, signature: signature.into_bytes(), body };
    let came = sent.changed(&edits);
    judge(&sent, &came, off);
}

fn judge(sent: &Came, came: &Came, off: i64) {
    let (limits, now) = (SigningLimits::default(), UnixMs::new(NOW_S.cast_signed() * 1_000));
    let nonces = Nonces::new(&limits);
    let taken = || came.taken(sent, &limits, now, &nonces);
    let is_fine = sent.is_well_formed() && off.saturating_abs() <= limits.window_seconds;
    match (taken(), came == sent) {
        (Ok(()), true) => assert!(is_fine, "a request that should not be"),
        (Err(_), true) => assert!(!is_fine, "an honest request is refused"),
        (Ok(()), false) => panic!("a signature fits another request: {came:?} instead of {sent:?}"),
        (Err(_), false) => return,
    }
    if is_fine {
        assert_eq!(taken(), Err("nonce"), "the same request once more");
    }
}

impl Came {
    fn changed(&self, edits: &Edits) -> Self {
        let Self { method, target, timestamp, nonce, key, signature, body } = self.clone();
        let mut fields = [method, target, timestamp, nonce, key, signature, body];
        edits.make(&mut fields);
        let [method, target, timestamp, nonce, key, signature, body] = fields;
        Self { method, target, timestamp, nonce, key, signature, body }
    }

    /// As HTTP and the documentation have it.
    fn is_well_formed(&self) -> bool {
        let is_nonce = NONCE_CHARACTERS.contains(&self.nonce.len()) && self.nonce.iter().all(u8::is_ascii_graphic);
        is_nonce && Method::from_bytes(&self.method).is_ok() && self.routed().is_some()
    }

    /// The target, if it is one that reaches a route as it stands; its fragment would be dropped on the way.
    fn routed(&self) -> Option<String> {
        let uri = Uri::try_from(self.target.as_slice()).ok()?;
        Some(uri.path_and_query()?.as_str().to_owned()).filter(|routed| routed.as_bytes() == self.target)
    }

    /// What the host does with it; or the step at which it stops.
    fn taken(&self, sent: &Self, limits: &SigningLimits, now: UnixMs, nonces: &Nonces) -> Result<(), &'static str> {
        let method = Method::from_bytes(&self.method).map_err(|_| "method")?;
        let target = self.routed().ok_or("target")?;
        let header = |name: &'static str| {
            let value = match name {
                KEY_HEADER => &self.key,
                TIMESTAMP_HEADER => &self.timestamp,
                NONCE_HEADER => &self.nonce,
                SIGNATURE_HEADER => &self.signature,
                _ => return None,
            };
            HeaderValue::from_bytes(value).ok()?.to_str().ok().and(std::str::from_utf8(value).ok())
        };
        let claim = Claim::read(header).map_err(|refused| {
            assert_eq!((refused.status().as_u16(), refused.code()), (401, "bad_signature_header"));
            "header"
        })?;
        if claim.key_id != KEY {
            return Err("key");
        }
        // Planted: the body that was signed instead of the one that came.
        let body = if planted() { &sent.body } else { &self.body };
        let text = claim.text(method.as_str(), &target, &sha256_hex(body));
        let secret = Secret::new(SECRET.as_bytes()).expect("any length");
        if !claim.is_signed_by(&secret, &text) {
            return Err("signature");
        }
        claim.check_time(limits, now, UnixMs::new(0)).map_err(|_| "time")?;
        match nonces.use_up(&claim.key_id, &claim.nonce, claim.timestamp, now.get().div_euclid(1_000)) {
            Ok(()) => Ok(()),
            Err(NonceError::Used | NonceError::Full) => Err("nonce"),
        }
    }
}

impl std::fmt::Debug for Came {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines = [&self.method, &self.target, &self.timestamp, &self.nonce, &self.key, &self.signature, &self.body];
        f.debug_list().entries(lines.map(|line| String::from_utf8_lossy(line).into_owned())).finish()
    }
}
