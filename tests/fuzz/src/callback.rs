//! Encrypted pushes: what is encrypted opens to the same, and nothing that was changed on the way opens at all.

use crate::{edits::Edits, planted};
use aes::cipher::{BlockModeEncrypt as _, KeyIvInit as _, block_padding::NoPadding};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use wechat::{
    Limits, Text,
    callback::{AppId, Config, Format, Keyring, Mode, Query, Token, open, verify_url},
    crypto::{EncodingAesKey, signature},
    message::Message,
    xml,
};

const TOKEN: &str = "sEcretToken7";
const KEY: &str = "Q1w2E3r4T5y6U7i8O9p0A1s2D3f4G5h6J7k8L9z0X1c";
const OLD_KEY: &str = "zYxWvUtSrQpOnMlKjIhGfEdCbA9876543210abcdefg";
const APP_ID: &str = "wx00aa11bb22cc33dd";
const NOW_S: i64 = 1_763_712_003;
/// Random bytes, then the length.
const HEAD_BYTES: usize = 20;
/// WeChat pads to this.
const PAD_BYTES: usize = 32;

/// The first byte chooses what is tried.
pub fn run(input: &[u8]) {
    let Some((kind, rest)) = input.split_first() else { return };
    match kind % 3 {
        0 => round_trip(rest),
        1 => hostile_plaintext(rest),
        _ => changed_on_the_way(rest),
    }
}

/// Any text for anybody survives, under any random bytes.
fn round_trip(input: &[u8]) {
    let Some((random, rest)) = input.split_first_chunk() else { return };
    let text = String::from_utf8_lossy(rest);
    let (text, app_id) = text.split_once('\n').unwrap_or((&text, APP_ID));
    let sealed = key(KEY).encrypt(text, app_id, random).expect("any text");
    let opened = key(KEY).decrypt(&sealed).expect("what we sealed");
    assert_eq!((opened.text.as_str(), opened.app_id.as_str(), &opened.random), (text, app_id, random));
    let other = key(OLD_KEY).decrypt(&sealed).ok().map(|opened| opened.app_id);
    assert_ne!(other.as_deref(), Some(app_id), "another key opens it");
}

/// Whoever holds the key may encrypt anything: padding and length are read exactly, or not at all.
fn hostile_plaintext(input: &[u8]) {
    let mut full = input.to_vec();
    full.resize(full.len().next_multiple_of(16), 0);
    let sealed = raw(&full);
    let opened = key(KEY).decrypt(&sealed).ok().map(|opened| (opened.text, opened.app_id));
    assert_eq!(opened, model(&full), "it opens to something else");
    // As it came: what is no base64 is refused before anything is decrypted.
    if let Ok(opened) = key(KEY).decrypt(&String::from_utf8_lossy(input)) {
        assert!(STANDARD.decode(input).is_ok(), "{opened:?}");
    }
}

/// What stands in the decrypted bytes, said once more.
fn model(full: &[u8]) -> Option<(String, String)> {
    let count = usize::from(*full.last()?);
    let (kept, padding) = full.split_at(full.len().checked_sub(count)?);
    let is_padded = (1..=PAD_BYTES).contains(&count) && padding.iter().all(|byte| usize::from(*byte) == count);
    let body = kept.get(HEAD_BYTES..).filter(|_| is_padded)?;
    let length = u32::from_be_bytes(kept.get(16..HEAD_BYTES)?.try_into().ok()?);
    let (text, app_id) = body.split_at_checked(usize::try_from(length).ok()?)?;
    Some((String::from_utf8(text.to_vec()).ok()?, String::from_utf8(app_id.to_vec()).ok()?))
}

/// A push of the text behind the edits, changed by them. Whatever still opens is what was sent.
fn changed_on_the_way(input: &[u8]) {
    let Some((edits, text)) = Edits::read(input) else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let sealed = key(KEY).encrypt(text, APP_ID, b"0123456789abcdef").expect("any text");
    let timestamp = NOW_S.to_string();
    let signed = signature(&[TOKEN, &timestamp, "42", &sealed]);
    let body = format!("<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>");
    let sent = [timestamp, "42".to_owned(), signed, body].map(String::into_bytes);
    let mut came = sent.clone();
    edits.make(&mut came);
    let [timestamp, nonce, signed, body] = came.each_ref().map(|field| String::from_utf8_lossy(field).into_owned());
    let found = xml::parse(body.as_bytes(), &Limits::default());
    let encrypt = found.as_ref().map(|tree| tree.value("Encrypt")).unwrap_or_default();
    // Planted: whoever changed it could sign it again.
    let signed = if planted() { signature(&[TOKEN, &timestamp, &nonce, encrypt]) } else { signed };
    let query = Query {
        timestamp: Some(Text::new(timestamp)),
        nonce: Some(Text::new(nonce)),
        msg_signature: Some(Text::new(signed)),
        ..Query::default()
    };
    let opened = open(&secure(), &query, body.as_bytes(), NOW_S);
    if came == sent {
        let parsed = Message::parse(&Text::new(text), Format::Xml, &Limits::default());
        assert_eq!(opened.is_ok(), parsed.is_ok(), "an honest push: {:?}", opened.as_ref().err());
    }
    if let Ok(message) = opened {
        assert_eq!(message.plaintext().as_str(), text, "an altered message opens");
        assert!(came[..3] == sent[..3] && encrypt == sealed, "what is signed was altered");
    }
    let address = Query { signature: query.msg_signature.clone(), echostr: query.nonce.clone(), ..query };
    assert!(verify_url(&secure(), &address, NOW_S).is_err(), "a push's signature proves an address");
}

/// Encrypts bytes as they are.
fn raw(bytes: &[u8]) -> String {
    let decoder = base64::engine::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        base64::engine::general_purpose::NO_PAD.with_decode_allow_trailing_bits(true),
    );
    let key: [u8; 32] = decoder.decode(KEY).expect("a key").try_into().expect("32 bytes");
    let iv: [u8; 16] = key[..16].try_into().expect("16 bytes");
    let (mut buffer, length) = (bytes.to_vec(), bytes.len());
    let cipher = cbc::Encryptor::<aes::Aes256>::new(&key.into(), &iv.into());
    STANDARD.encode(cipher.encrypt_padded::<NoPadding>(&mut buffer, length).expect("whole blocks"))
}

fn key(encoded: &str) -> EncodingAesKey {
    EncodingAesKey::new(encoded).expect("a key")
}

fn secure() -> Config {
    let app_id = AppId::new(APP_ID).expect("an appid");
    let keyring = Keyring { current: key(KEY), previous: Some(key(OLD_KEY)), app_id };
    Config::new(Token::new(TOKEN).expect("a token"), Mode::Secure(keyring))
}
