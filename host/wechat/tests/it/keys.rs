//! Keys: their form, their change, and which one answers.

use wechat::callback::{KeySlot, Mode, open, seal};
use wechat::crypto::EncodingAesKey;
use wechat::reply::ReplyKind;
use wechat::{Error, Text, xml};

use crate::support::{APP_ID, KEY, NOW_S, OLD_KEY, RANDOM, key, keyring, push, secure, text_message};

#[test]
fn a_key_whose_last_character_has_spare_bits_is_read() {
    // 'G' is 000110: its last two bits belong to no byte of the key.
    assert!(EncodingAesKey::new("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG").is_ok());
}

#[test]
fn a_key_of_another_form_is_refused() {
    for wrong in ["", "short", &"A".repeat(42), &"A".repeat(44), &"+".repeat(43)] {
        let refused = EncodingAesKey::new(wrong).unwrap_err();
        assert_eq!(refused, Error::BadAesKey { characters: 43 });
    }
}

#[test]
fn a_message_under_the_previous_key_is_answered_with_that_key() {
    let mut ring = keyring();
    ring.previous = Some(key(OLD_KEY));
    let config = wechat::callback::Config { mode: Mode::Secure(ring), ..secure() };
    let sent = push(&text_message("你好"), OLD_KEY);

    let message = open(&config, &sent.query, &sent.body, NOW_S).unwrap();
    let reply = message.reply(ReplyKind::Text(Text::new("收到")));
    let body = seal(&config, &reply, NOW_S, "42", &RANDOM).unwrap();

    assert_eq!(message.key_slot(), KeySlot::Previous);
    let envelope = xml::parse(body.as_bytes(), &config.limits).unwrap();
    let answer = key(OLD_KEY).decrypt(envelope.value("Encrypt")).unwrap();
    assert_eq!(answer.app_id, APP_ID);
    assert!(key(KEY).decrypt(envelope.value("Encrypt")).is_err());
}

#[test]
fn a_message_under_the_current_key_is_answered_with_the_current_key() {
    let mut ring = keyring();
    ring.previous = Some(key(OLD_KEY));
    let config = wechat::callback::Config { mode: Mode::Secure(ring), ..secure() };
    let sent = push(&text_message("你好"), KEY);

    let message = open(&config, &sent.query, &sent.body, NOW_S).unwrap();

    assert_eq!(message.key_slot(), KeySlot::Current);
}

#[test]
fn a_key_retired_for_good_opens_nothing() {
    let sent = push(&text_message("你好"), OLD_KEY);
    let refused = open(&secure(), &sent.query, &sent.body, NOW_S).unwrap_err();
    assert_eq!(refused.http_status(), 403);
}
