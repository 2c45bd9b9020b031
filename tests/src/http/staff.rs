//! Staff over HTTP.

use super::{PASSWORD, Sent, Told, Web};
use reqwest::Method;
use serde_json::{Value, json};

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Staff {
    /// Speaks with the host.
    pub web: Web,
    /// Their session.
    pub token: String,
}

impl Staff {
    /// Signs in with [`PASSWORD`].
    pub async fn sign_in(web: &Web, tenant: Option<&str>, user: &str) -> Self {
        let mut body = json!({"user": user, "password": PASSWORD});
        if let Some(tenant) = tenant {
            body["tenant"] = json!(tenant);
        }
        let told = web.send(&Sent::new(Method::POST, "/api/v1/admin/session", Some(&body))).await.ok();
        Self { web: web.clone(), token: told["token"].as_str().expect("a token").to_owned() }
    }

    /// Sends anything under `/api/v1/admin/`.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Told {
        let sent = Sent::new(method, &format!("/api/v1/admin/{path}"), body);
        self.web.send(&sent.with("Authorization", format!("Bearer {}", self.token))).await
    }

    /// Asks.
    pub async fn get(&self, path: &str) -> Told {
        self.send(Method::GET, path, None).await
    }

    /// Does.
    pub async fn post(&self, path: &str, body: &Value) -> Told {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Writes under a key.
    pub async fn keyed(&self, path: &str, key: &str, body: &Value) -> Told {
        let sent = Sent::new(Method::POST, &format!("/api/v1/admin/{path}"), Some(body));
        let sent = sent.with("Authorization", format!("Bearer {}", self.token)).with("Idempotency-Key", key);
        self.web.send(&sent).await
    }
}
