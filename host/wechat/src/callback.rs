//! The server callback: proving the address, opening pushes, sealing answers.
//!
//! The order in [`open`] is the defence: size, shape of the envelope, signature, time, and only
//! then decryption and the message itself. Whatever fails, the sender gets the same refusal.

mod config;

use serde::Deserialize;

pub use config::{AppId, Config, Format, KeySlot, Keyring, Mode, Token};

use crate::crypto::{self, RANDOM_BYTES};
use crate::error::Error;
use crate::masked::Text;
use crate::message::{ComponentNotice, Message};
use crate::reply::Reply;
use crate::xml;

/// The parameters of a callback's address, as far as they are believed.
///
/// `openid` and `encrypt_type` also come along, but no signature covers them, so they are not
/// read: the sender and the mode are known from elsewhere.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Signature over token, timestamp and nonce; decisive in plain mode and verification only.
    pub signature: Option<Text>,
    /// Unix seconds at which WeChat sent the request.
    pub timestamp: Option<Text>,
    /// WeChat's random text; repeat it in the answer.
    pub nonce: Option<Text>,
    /// What a verification wants to see again.
    pub echostr: Option<Text>,
    /// Signature over token, timestamp, nonce and ciphertext.
    pub msg_signature: Option<Text>,
}

/// Answers WeChat's question whether this address is ours.
///
/// Send the returned text with status 200 as `text/plain`, to the byte: it is foreign text, and
/// as HTML it would run. `now_s` is the time in Unix seconds.
///
/// # Errors
/// [`Error::MissingParameter`] or [`Error::BadTimestamp`] (400), [`Error::Signature`] or
/// [`Error::Stale`] (403). Never echo anything then.
pub fn verify_url<'q>(config: &Config, query: &'q Query, now_s: i64) -> Result<&'q str, Error> {
    let stamp = Stamp::read(query)?;
    let signature = required(&query.signature, "signature")?;
    let echostr = required(&query.echostr, "echostr")?;
    stamp.check(config, &[], signature)?;
    stamp.check_age(config, now_s)?;
    Ok(echostr)
}

/// Opens a push: signature, time, decryption, appid, addressee, and the message in its type.
///
/// `now_s` is the time in Unix seconds. A push may come up to three times (card events more
/// often, over a day): compare [`Message::dedupe_key`].
///
/// # Errors
/// Any [`Error`] about requests; answer all of them with [`Error::http_status`] and no body.
pub fn open(config: &Config, query: &Query, body: &[u8], now_s: i64) -> Result<Message, Error> {
    let opened = open_text(config, query, body, now_s)?;
    let message = opened.place(Message::parse(&opened.text, config.format, &config.limits))?;
    if let Some(ours) = &config.original_id
        && *ours != message.to
    {
        return Err(Error::Addressee);
    }
    Ok(message.opened_with(opened.slot))
}

/// Opens a notice to a third-party platform's authorization-event address.
///
/// Those notices have `InfoType` instead of a sender and a message type; they come to an address
/// of their own, so no message is ever mistaken for one.
///
/// # Errors
/// As for [`open`].
pub fn open_component(config: &Config, query: &Query, body: &[u8], now_s: i64) -> Result<ComponentNotice, Error> {
    let opened = open_text(config, query, body, now_s)?;
    opened.place(ComponentNotice::parse(&opened.text, config.format, &config.limits))
}

/// Writes the body that answers a push.
///
/// `success` and the empty answer stay bare in every mode, as WeChat demands; everything else is
/// encrypted with the key that opened the message, unless the mode is plain. `timestamp_s` is our
/// time in Unix seconds, `nonce` repeats the query's, `random` is fresh for every answer.
///
/// # Errors
/// [`Error::ReplyLength`], [`Error::ReplyArticles`] or [`Error::ReplyFormat`]; answer `success`
/// then and send the content as a message later.
pub fn seal(
    config: &Config,
    reply: &Reply,
    timestamp_s: i64,
    nonce: &str,
    random: &[u8; RANDOM_BYTES],
) -> Result<String, Error> {
    if let Some(bare) = reply.bare() {
        return Ok(bare.to_owned());
    }
    let text = reply.render(config.format, timestamp_s, &config.limits)?;
    let keyring = match &config.mode {
        Mode::Plain => return Ok(text),
        Mode::Compatible(keyring) | Mode::Secure(keyring) => keyring,
    };
    let encrypt = keyring.encrypt(reply.slot(), &text, random)?;
    let timestamp = timestamp_s.to_string();
    let signature = crypto::signature(&[config.token.as_str(), &timestamp, nonce, &encrypt]);
    Ok(match config.format {
        Format::Xml => xml_envelope(&encrypt, &signature, timestamp_s, nonce),
        Format::Json => json_envelope(&encrypt, &signature, timestamp_s, nonce),
    })
}

fn xml_envelope(encrypt: &str, signature: &str, timestamp_s: i64, nonce: &str) -> String {
    let mut out = String::new();
    xml::open_tag(&mut out, "xml");
    xml::push_cdata(&mut out, "Encrypt", encrypt);
    xml::push_cdata(&mut out, "MsgSignature", signature);
    xml::push_number(&mut out, "TimeStamp", timestamp_s);
    xml::push_cdata(&mut out, "Nonce", nonce);
    xml::close_tag(&mut out, "xml");
    out
}

fn json_envelope(encrypt: &str, signature: &str, timestamp_s: i64, nonce: &str) -> String {
    serde_json::json!({
        "Encrypt": encrypt,
        "MsgSignature": signature,
        "TimeStamp": timestamp_s,
        "Nonce": nonce,
    })
    .to_string()
}

/// A verified text and how it was protected.
struct Opened {
    text: Text,
    slot: KeySlot,
    was_encrypted: bool,
}

impl Opened {
    /// Lets an error found inside of a ciphertext look like any other refusal.
    fn place<T>(&self, parsed: Result<T, Error>) -> Result<T, Error> {
        parsed.map_err(|error| if self.was_encrypted { error.inside() } else { error })
    }
}

fn open_text(config: &Config, query: &Query, body: &[u8], now_s: i64) -> Result<Opened, Error> {
    match &config.mode {
        Mode::Plain => open_plain(config, query, body, now_s),
        Mode::Compatible(keyring) | Mode::Secure(keyring) => open_encrypted(config, keyring, query, body, now_s),
    }
}

fn open_plain(config: &Config, query: &Query, body: &[u8], now_s: i64) -> Result<Opened, Error> {
    let stamp = Stamp::read(query)?;
    let signature = required(&query.signature, "signature")?;
    let text = xml::utf8(body, &config.limits)?;
    stamp.check(config, &[], signature)?;
    stamp.check_age(config, now_s)?;
    Ok(Opened { text: Text::new(text), slot: KeySlot::Current, was_encrypted: false })
}

fn open_encrypted(config: &Config, keyring: &Keyring, query: &Query, body: &[u8], now_s: i64) -> Result<Opened, Error> {
    let stamp = Stamp::read(query)?;
    let envelope = config.format.parse(body, &config.limits)?;
    // A plain push with a valid three-part signature must not pass as an encrypted one.
    let encrypt = envelope.child("Encrypt").ok_or(Error::NotEncrypted)?.text();
    let signature = required(&query.msg_signature, "msg_signature")?;
    stamp.check(config, &[encrypt], signature)?;
    stamp.check_age(config, now_s)?;
    let (decrypted, slot) = keyring.decrypt(encrypt)?;
    Ok(Opened { text: Text::new(decrypted.text), slot, was_encrypted: true })
}

/// The signed time and nonce of one request.
struct Stamp<'q> {
    timestamp: &'q str,
    timestamp_s: i64,
    nonce: &'q str,
}

impl<'q> Stamp<'q> {
    fn read(query: &'q Query) -> Result<Self, Error> {
        let timestamp = required(&query.timestamp, "timestamp")?;
        Ok(Self {
            timestamp,
            timestamp_s: timestamp.parse().map_err(|_| Error::BadTimestamp)?,
            nonce: required(&query.nonce, "nonce")?,
        })
    }

    /// Compares the signature of token, time, nonce and `more` with the one given.
    fn check(&self, config: &Config, more: &[&str], given: &str) -> Result<(), Error> {
        let mut parts = vec![config.token.as_str(), self.timestamp, self.nonce];
        parts.extend_from_slice(more);
        if crypto::is_signed(&parts, given) { Ok(()) } else { Err(Error::Signature) }
    }

    /// Only after the signature: an unsigned time says nothing.
    fn check_age(&self, config: &Config, now_s: i64) -> Result<(), Error> {
        let skew_s = now_s.abs_diff(self.timestamp_s);
        let skew_s_max = config.limits.timestamp_skew_s_max;
        if skew_s > skew_s_max {
            return Err(Error::Stale { skew_s, skew_s_max });
        }
        Ok(())
    }
}

/// A parameter that must be there; an empty one is as good as none.
fn required<'q>(parameter: &'q Option<Text>, name: &'static str) -> Result<&'q str, Error> {
    match parameter {
        Some(text) if !text.is_empty() => Ok(text.as_str()),
        _ => Err(Error::MissingParameter { name }),
    }
}
