//! A fake sender: it signs and encrypts pushes the way WeChat does.

use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use wechat::callback::{AppId, Config, Keyring, Mode, Query, Token};
use wechat::crypto::{EncodingAesKey, signature};
use wechat::message::{Event, Kind, Message};
use wechat::{Limits, Text};

pub const TOKEN: &str = "sEcretToken7";
pub const KEY: &str = "Q1w2E3r4T5y6U7i8O9p0A1s2D3f4G5h6J7k8L9z0X1c";
pub const OLD_KEY: &str = "zYxWvUtSrQpOnMlKjIhGfEdCbA9876543210abcdefg";
pub const APP_ID: &str = "wx00aa11bb22cc33dd";
pub const NOW_S: i64 = 1_763_712_003;
pub const RANDOM: [u8; 16] = *b"0123456789abcdef";
pub const FOLLOWER: &str = "oFollower0000000000000000001";
pub const ACCOUNT: &str = "gh_0123456789ab";
pub const CARD: &str = "<CardId><![CDATA[pCard]]></CardId><UserCardCode><![CDATA[918273]]></UserCardCode>";

/// One push on its way to us.
pub struct Push {
    pub query: Query,
    pub body: Vec<u8>,
}

pub fn key(encoded: &str) -> EncodingAesKey {
    EncodingAesKey::new(encoded).unwrap()
}

pub fn keyring() -> Keyring {
    Keyring { current: key(KEY), previous: None, app_id: AppId::new(APP_ID).unwrap() }
}

pub fn secure() -> Config {
    Config::new(Token::new(TOKEN).unwrap(), Mode::Secure(keyring()))
}

pub fn plain() -> Config {
    Config::new(Token::new(TOKEN).unwrap(), Mode::Plain)
}

/// A push of `text`, encrypted with `encoded_key` and signed.
pub fn push(text: &str, encoded_key: &str) -> Push {
    signed(&key(encoded_key).encrypt(text, APP_ID, &RANDOM).unwrap())
}

/// A push of any ciphertext, correctly signed.
pub fn signed(encrypt: &str) -> Push {
    signed_at(encrypt, NOW_S)
}

pub fn signed_at(encrypt: &str, timestamp_s: i64) -> Push {
    let timestamp = timestamp_s.to_string();
    let msg_signature = signature(&[TOKEN, &timestamp, "42", encrypt]);
    Push {
        query: Query {
            timestamp: Some(Text::new(timestamp)),
            nonce: Some(Text::new("42")),
            msg_signature: Some(Text::new(msg_signature)),
            ..Query::default()
        },
        body: format!("<xml><Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>").into_bytes(),
    }
}

/// A push of `text` in plain mode.
pub fn plain_push(text: &str) -> Push {
    let timestamp = NOW_S.to_string();
    let plain_signature = signature(&[TOKEN, &timestamp, "42"]);
    Push {
        query: Query {
            timestamp: Some(Text::new(timestamp)),
            nonce: Some(Text::new("42")),
            signature: Some(Text::new(plain_signature)),
            ..Query::default()
        },
        body: text.as_bytes().to_vec(),
    }
}

/// The ciphertext of bytes that no honest sender would encrypt: padding and all are the caller's.
pub fn raw_ciphertext(bytes: &[u8]) -> String {
    // The fake sender knows the key only as text, so it repeats the decoding.
    let engine = base64::engine::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        base64::engine::general_purpose::NO_PAD.with_decode_allow_trailing_bits(true),
    );
    let key: [u8; 32] = engine.decode(KEY).unwrap().try_into().unwrap();
    let iv: [u8; 16] = key[..16].try_into().unwrap();
    let mut buffer = bytes.to_vec();
    let length = buffer.len();
    let sealed = cbc::Encryptor::<aes::Aes256>::new(&key.into(), &iv.into())
        .encrypt_padded::<NoPadding>(&mut buffer, length)
        .unwrap();
    STANDARD.encode(sealed)
}

/// `random ‖ claimed length ‖ text ‖ appid`, without padding.
pub fn full_text(claimed: u32, text: &str, app_id: &str) -> Vec<u8> {
    let mut bytes = RANDOM.to_vec();
    bytes.extend_from_slice(&claimed.to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes.extend_from_slice(app_id.as_bytes());
    bytes
}

pub fn padded(mut bytes: Vec<u8>) -> Vec<u8> {
    let count = 32 - bytes.len() % 32;
    bytes.resize(bytes.len() + count, u8::try_from(count).unwrap());
    bytes
}

/// A text message saying `content`.
pub fn text_message(content: &str) -> String {
    format!(
        "<xml><ToUserName>{ACCOUNT}</ToUserName><FromUserName>{FOLLOWER}</FromUserName><CreateTime>1763712000</CreateTime><MsgType>text</MsgType><Content><![CDATA[{content}]]></Content><MsgId>25183940572211649</MsgId></xml>"
    )
}

/// An event with the common head and `rest`.
pub fn event(name: &str, rest: &str) -> Message {
    let text = format!(
        "<xml><ToUserName><![CDATA[{ACCOUNT}]]></ToUserName><FromUserName><![CDATA[{FOLLOWER}]]></FromUserName><CreateTime>1763712000</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{name}]]></Event>{rest}</xml>"
    );
    Message::parse(&Text::new(text), wechat::callback::Format::Xml, &Limits::default()).unwrap()
}

/// A text as the crate holds it.
pub fn t(text: &str) -> Text {
    Text::new(text)
}

/// The same where it may be missing.
pub fn some(text: &str) -> Option<Text> {
    Some(t(text))
}

/// The event called `name`, read.
pub fn read(name: &str, rest: &str) -> Event {
    match event(name, rest).kind {
        Kind::Event(event) => event,
        other => panic!("{name} is read as {other:?}"),
    }
}
