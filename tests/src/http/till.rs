//! A till over HTTP whose every request can be spoiled.

use super::{RECEIPTS, Sent, Told, Web};
use ledger::UnixMs;
use punchcard::{clock::Clock, setup::NewKey};
use reqwest::Method;
use sandbox::{Signed, sign};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// A till that signs what it sends. Clones share their nonces.
#[derive(Clone)]
pub struct Till {
    /// Speaks with the host.
    pub web: Web,
    /// Names its key.
    pub key_id: String,
    secret: String,
    clock: Clock,
    nonces: Arc<AtomicU64>,
}

impl Till {
    /// A till that signs with this key.
    pub fn signing(web: &Web, clock: &Clock, key: &NewKey) -> Self {
        let (key_id, secret) = (key.key_id.clone(), key.secret.as_str().to_owned());
        Self { web: web.clone(), key_id, secret, clock: clock.clone(), nonces: Arc::default() }
    }

    /// Signs a request at a moment, with a nonce.
    pub fn sign_at(&self, sent: Sent, at: UnixMs, nonce: &str) -> Sent {
        let timestamp_s = at.get().unsigned_abs() / 1_000;
        let signed = Signed { method: sent.method.as_str(), path: &sent.path, timestamp_s, nonce, body: &sent.body };
        let signature = sign(&self.secret, &signed);
        sent.with("Punchcard-Key", &self.key_id)
            .with("Punchcard-Timestamp", timestamp_s.to_string())
            .with("Punchcard-Nonce", nonce)
            .with("Punchcard-Signature", signature)
    }

    /// Signs a request now, with a new nonce.
    pub fn sign(&self, sent: Sent) -> Sent {
        let nonce = format!("{:020}", self.nonces.fetch_add(1, Ordering::Relaxed));
        self.sign_at(sent, self.clock.now(), &nonce)
    }

    /// Asks.
    pub async fn get(&self, path: &str) -> Told {
        self.web.send(&self.sign(Sent::new(Method::GET, path, None))).await
    }

    /// Asks with a body, which changes nothing.
    pub async fn ask(&self, path: &str, body: &Value) -> Told {
        self.web.send(&self.sign(Sent::new(Method::POST, path, Some(body)))).await
    }

    /// Writes under a key.
    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Told {
        let sent = self.sign(Sent::new(Method::POST, path, Some(body))).with("Idempotency-Key", key);
        self.web.send(&sent).await
    }

    /// Posts a final receipt under a key made of its number.
    pub async fn sell(&self, receipt: &Value) -> Told {
        self.post(RECEIPTS, &format!("key-{}", receipt["receipt"].as_str().unwrap_or_default()), receipt).await
    }

    /// Posts a return under a key made of its number.
    pub async fn take_back(&self, receipt: &str, back: &Value) -> Told {
        let key = format!("back-{receipt}-{}", back["return_id"].as_str().unwrap_or_default());
        self.post(&format!("{RECEIPTS}/{receipt}/returns"), &key, back).await
    }

    /// Registers a phone, and gives the answer.
    pub async fn join(&self, phone: &str) -> Value {
        self.post("/api/v1/pos/members", &format!("join-{phone}"), &json!({"phone": phone})).await.ok()
    }

    /// What a member holds.
    pub async fn look_up(&self, phone: &str) -> Value {
        self.ask("/api/v1/pos/members/lookup", &json!({"phone": phone})).await.ok()
    }

    /// A member's spendable points.
    pub async fn points(&self, phone: &str) -> i64 {
        self.look_up(phone).await["points"]["balance"].as_i64().expect("a balance")
    }
}
