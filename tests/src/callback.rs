//! WeChat as it calls an official account's server: pushes signed, and encrypted unless the account is plain;
//! answers checked and opened.

use crate::http::{Sent, Staff, Told, Web};
use punchcard::{clock::Clock, entropy::Entropy};
use reqwest::{Method, Url};
use serde_json::{Value, json};
use wechat::crypto::{EncodingAesKey, signature};

/// The follower.
pub const FOLLOWER: &str = "oFollower0000000000000000001";
/// The account's original id.
pub const ACCOUNT: &str = "gh_0123456789ab";
const TOKEN: &str = "sEcretToken7";
const AES_KEY: &str = "Q1w2E3r4T5y6U7i8O9p0A1s2D3f4G5h6J7k8L9z0X1c";
const APP_ID: &str = "wx00aa11bb22cc33dd";

/// WeChat, calling one account. Its fields can be spoiled.
#[derive(Debug, Clone)]
pub struct WeChat {
    /// Speaks with the host.
    pub web: Web,
    /// The account's address at the host.
    pub path: String,
    /// `plain`, `compatible` or `secure`.
    pub mode: &'static str,
    /// What signs.
    pub token: String,
    /// Whom texts are encrypted for.
    pub app_id: String,
    /// What encrypts.
    pub aes_key: String,
    /// Its clock.
    pub clock: Clock,
}

impl WeChat {
    /// Types the account in at the console, and calls it from then on.
    pub async fn connect(admin: &Staff, web: &Web, clock: &Clock, mode: &'static str, settings: Value) -> Self {
        let account = json!({"original_id": ACCOUNT, "appid": APP_ID, "mode": mode, "token": TOKEN,
            "aes_key": AES_KEY, "settings": settings});
        let told = admin.send(Method::PUT, "wechat", Some(&account)).await.ok();
        let path = told.get("callback_path").and_then(Value::as_str).expect("a path").to_owned();
        let (token, app_id, aes_key) = (TOKEN.to_owned(), APP_ID.to_owned(), AES_KEY.to_owned());
        Self { web: web.clone(), path, mode, token, app_id, aes_key, clock: clock.clone() }
    }

    /// A message of the follower's.
    pub fn message(&self, kind: &str, fields: &str) -> String {
        let created_s = self.clock.now().get().div_euclid(1_000);
        format!(
            "<ToUserName><![CDATA[{ACCOUNT}]]></ToUserName><FromUserName><![CDATA[{FOLLOWER}]]></FromUserName>\
             <CreateTime>{created_s}</CreateTime><MsgType><![CDATA[{kind}]]></MsgType>{fields}"
        )
    }

    /// A text of the follower's, by its number.
    pub fn text(&self, number: u64, said: &str) -> String {
        self.message("text", &format!("<Content><![CDATA[{said}]]></Content><MsgId>{number}</MsgId>"))
    }

    /// An event of the follower's.
    pub fn event(&self, name: &str, key: &str) -> String {
        self.message("event", &format!("<Event><![CDATA[{name}]]></Event><EventKey><![CDATA[{key}]]></EventKey>"))
    }

    /// The push as it goes over the line.
    pub fn written(&self, fields: &str) -> Sent {
        let (timestamp, nonce) = (self.clock.now().get().div_euclid(1_000).to_string(), "1320562132");
        let key = EncodingAesKey::new(&self.aes_key).expect("a key");
        let random = Entropy.bytes().expect("random bytes");
        let encrypt = key.encrypt(&format!("<xml>{fields}</xml>"), &self.app_id, &random).expect("a ciphertext");
        let sealed = format!("<Encrypt><![CDATA[{encrypt}]]></Encrypt>");
        let body = match self.mode {
            "plain" => format!("<xml>{fields}</xml>"),
            "compatible" => format!("<xml>{fields}{sealed}</xml>"),
            _ => format!("<xml><ToUserName><![CDATA[{ACCOUNT}]]></ToUserName>{sealed}</xml>"),
        };
        let mut query = vec![("signature", signature(&[&self.token, &timestamp, nonce]))];
        if self.mode != "plain" {
            query.push(("msg_signature", signature(&[&self.token, &timestamp, nonce, &encrypt])));
        }
        query.extend([("timestamp", timestamp), ("nonce", nonce.to_owned())]);
        let mut sent = Sent::new(Method::POST, &self.target(&query), None).with("Content-Type", "text/xml");
        sent.body = body.into_bytes();
        sent
    }

    /// Pushes.
    pub async fn push(&self, fields: &str) -> Told {
        self.web.send(&self.written(fields)).await
    }

    /// Asks whether the address is the account's.
    pub async fn verify(&self, echo: &str) -> Told {
        let (timestamp, nonce) = (self.clock.now().get().div_euclid(1_000).to_string(), "1320562132".to_owned());
        let signed = signature(&[&self.token, &timestamp, &nonce]);
        let query = [("signature", signed), ("timestamp", timestamp), ("nonce", nonce), ("echostr", echo.to_owned())];
        self.web.send(&Sent::new(Method::GET, &self.target(&query), None)).await
    }

    fn target(&self, query: &[(&str, String)]) -> String {
        let mut url = Url::parse("http://host").expect("an address");
        url.query_pairs_mut().extend_pairs(query);
        format!("{}?{}", self.path, url.query().unwrap_or_default())
    }

    /// What the follower reads: the passive reply, its signature checked and opened; absent for `success`.
    pub fn read(&self, told: &Told) -> Option<String> {
        let text = told.text();
        if text == "success" {
            return None;
        }
        let xml = if self.mode == "plain" { text } else { self.opened(&text) };
        assert_eq!(field(&xml, "ToUserName"), FOLLOWER, "{xml}");
        assert_eq!(field(&xml, "FromUserName"), ACCOUNT, "{xml}");
        Some(field(&xml, "Content").to_owned())
    }

    fn opened(&self, envelope: &str) -> String {
        let encrypt = field(envelope, "Encrypt");
        let (timestamp, nonce) = (field(envelope, "TimeStamp"), field(envelope, "Nonce"));
        let signed = signature(&[&self.token, timestamp, nonce, encrypt]);
        assert_eq!(field(envelope, "MsgSignature"), signed, "{envelope}");
        let opened = EncodingAesKey::new(&self.aes_key).expect("a key").decrypt(encrypt).expect("a text");
        assert_eq!(opened.app_id, self.app_id);
        opened.text
    }
}

/// What stands in a field, with or without CDATA; empty if there is none.
fn field<'x>(xml: &'x str, name: &str) -> &'x str {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let inner = xml.split_once(&open).and_then(|(_, rest)| rest.split_once(&close)).map_or("", |(inner, _)| inner);
    inner.strip_prefix("<![CDATA[").and_then(|inner| inner.strip_suffix("]]>")).unwrap_or(inner)
}
