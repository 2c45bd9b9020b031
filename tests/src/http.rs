//! A host behind its real door, with tenants, tills and staff of its own, who tell everything they were told.

mod host;
mod staff;
mod till;

pub use host::{Host, Tenant};
pub use staff::Staff;
pub use till::Till;

use reqwest::{Client, Method, header::HeaderMap};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// [`crate::NOON`] as a till writes it.
pub const AT: &str = "2026-03-02T10:00:00+08:00";
/// The phone of the member most tests are about.
pub const AMY: &str = "13812341234";
/// Where receipts go.
pub const RECEIPTS: &str = "/api/v1/pos/receipts";
/// The password of everybody who signs in.
pub const PASSWORD: &str = "correct horse battery";
/// An answer that takes longer is none.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// A request as it is sent: everything in it can be spoiled.
#[derive(Debug, Clone)]
pub struct Sent {
    /// How.
    pub method: Method,
    /// Path with query.
    pub path: String,
    /// Headers by their names.
    pub headers: BTreeMap<&'static str, String>,
    /// The bytes.
    pub body: Vec<u8>,
}

impl Sent {
    /// A request with a JSON body, or without one.
    pub fn new(method: Method, path: &str, body: Option<&Value>) -> Self {
        let headers = BTreeMap::from([("Content-Type", "application/json".to_owned())]);
        let body = body.map(|body| serde_json::to_vec(body).expect("JSON")).unwrap_or_default();
        Self { method, path: path.to_owned(), headers, body }
    }

    /// The same with another header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.insert(name, value.into());
        self
    }
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Told {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The bytes.
    pub body: Vec<u8>,
}

impl Told {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.text()))
    }

    /// The body of something that was done.
    pub fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.text());
        self.json()
    }

    /// Status and stable code of a refusal.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.json()["code"].as_str().unwrap_or_default().to_owned())
    }

    /// A header's value; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// It was answered before.
    pub fn is_replayed(&self) -> bool {
        self.header("Idempotency-Replayed") == "true"
    }
}

/// Speaks HTTP with a host. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Web {
    client: Client,
    url: String,
}

impl Web {
    /// Speaks with the host at this address.
    pub fn new(url: &str) -> Self {
        let client = Client::builder().no_proxy().timeout(ANSWER_WITHIN).build().expect("a client");
        Self { client, url: url.to_owned() }
    }

    /// Sends a request as it is.
    pub async fn send(&self, sent: &Sent) -> Told {
        let request = self.client.request(sent.method.clone(), format!("{}{}", self.url, sent.path));
        let request = sent.headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let response = request.body(sent.body.clone()).send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Told { status, headers, body: response.bytes().await.expect("a body").to_vec() }
    }
}

/// A receipt of [`AMY`]'s at [`AT`], one line for each amount.
pub fn receipt(number: &str, amounts: &[i64]) -> Value {
    let line = |(at, fen): (usize, &i64)| json!({"sku": format!("sku-{at}"), "quantity": 1, "amount_fen": fen});
    let lines: Vec<Value> = amounts.iter().enumerate().map(line).collect();
    let total: i64 = amounts.iter().sum();
    json!({"receipt": number, "business_at": AT, "member": {"phone": AMY}, "lines": lines, "total_fen": total})
}
