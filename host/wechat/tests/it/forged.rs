//! Pushes that WeChat did not send.

use wechat::callback::{AppId, Config, Mode, Query, open, open_component, verify_url};
use wechat::{Error, Text};

use crate::support::{
    APP_ID, KEY, NOW_S, Push, full_text, key, keyring, padded, plain, plain_push, push, raw_ciphertext, secure, signed,
    signed_at, text_message,
};

fn refusal(config: &Config, sent: &Push) -> Error {
    open(config, &sent.query, &sent.body, NOW_S).unwrap_err()
}

/// What happens to decrypted bytes of the attacker's choice.
fn refusal_of_bytes(bytes: &[u8]) -> Error {
    refusal(&secure(), &signed(&raw_ciphertext(bytes)))
}

#[test]
fn padding_other_than_1_to_32_equal_bytes_is_refused() {
    let text = text_message("x");
    let length = u32::try_from(text.len()).unwrap();
    let honest = padded(full_text(length, &text, APP_ID));
    for (at_end, value) in [(1, 0), (1, 33), (1, 255), (2, 99)] {
        let mut bytes = honest.clone();
        let place = bytes.len() - at_end;
        bytes[place] = value;
        assert_eq!(refusal_of_bytes(&bytes), Error::Padding);
    }
}

#[test]
fn every_padding_from_1_to_32_is_accepted() {
    for extra in 0..32 {
        let sent = push(&text_message(&"x".repeat(extra)), KEY);
        assert!(open(&secure(), &sent.query, &sent.body, NOW_S).is_ok());
    }
}

#[test]
fn a_length_field_that_lies_is_refused() {
    for claimed in [u32::MAX, 0x7fff_ffff, 1_000] {
        let refused = refusal_of_bytes(&padded(full_text(claimed, "<xml/>", APP_ID)));
        assert!(matches!(refused, Error::MessageLength { .. }), "{refused}");
    }
    // Too short a length moves the end of the text into the appid.
    let refused = refusal_of_bytes(&padded(full_text(3, "<xml/>", APP_ID)));
    assert_eq!(refused, Error::AppId);
}

#[test]
fn a_changed_ciphertext_fails_its_signature() {
    let mut sent = push(&text_message("x"), KEY);
    let place = sent.body.len() / 2;
    sent.body[place] = if sent.body[place] == b'A' { b'B' } else { b'A' };
    assert_eq!(refusal(&secure(), &sent), Error::Signature);
}

#[test]
fn a_changed_ciphertext_signed_again_still_opens_nothing() {
    let honest = key(KEY).encrypt(&text_message("x"), APP_ID, &[7; 16]).unwrap();
    for place in [0, honest.len() / 3, honest.len() - 20] {
        let mut bytes = honest.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let refused = refusal(&secure(), &signed(&String::from_utf8(bytes).unwrap()));
        // One changed block garbles itself and flips a byte of the next: here the length field,
        // the text or the tail.
        assert_eq!(refused.http_status(), 403, "{refused}");
    }
}

#[test]
fn a_plain_push_does_not_pass_where_encryption_is_set() {
    let sent = plain_push(&text_message("x"));
    assert_eq!(refusal(&secure(), &sent), Error::NotEncrypted);
}

#[test]
fn an_encrypted_push_is_not_decrypted_where_plain_mode_is_set() {
    let mut sent = push(&text_message("x"), KEY);
    sent.query.signature = plain_push("").query.signature;
    let refused = refusal(&plain(), &sent);
    assert_eq!(refused, Error::MissingField { name: "FromUserName" });
}

#[test]
fn compatible_mode_believes_the_ciphertext_alone() {
    let config = Config { mode: Mode::Compatible(keyring()), ..secure() };
    let mut sent = push(&text_message("真"), KEY);
    let inner = String::from_utf8(sent.body).unwrap();
    let readable = text_message("假").replace("</xml>", &inner.replace("<xml>", ""));
    sent.body = readable.into_bytes();

    let message = open(&config, &sent.query, &sent.body, NOW_S).unwrap();

    assert_eq!(message.field("Content"), "真");
}

#[test]
fn a_timestamp_is_accepted_up_to_the_window_on_both_sides() {
    let encrypt = key(KEY).encrypt(&text_message("x"), APP_ID, &[7; 16]).unwrap();
    for (skew_s, passes) in [(-600, true), (600, true), (-601, false), (601, false)] {
        let sent = signed_at(&encrypt, NOW_S + skew_s);
        let opened = open(&secure(), &sent.query, &sent.body, NOW_S);
        assert_eq!(opened.is_ok(), passes, "{skew_s} s");
    }
}

#[test]
fn extreme_timestamps_are_refused_without_overflow() {
    for timestamp in [i64::MIN.to_string(), i64::MAX.to_string(), "9".repeat(40)] {
        let mut sent = push(&text_message("x"), KEY);
        sent.query.timestamp = Some(Text::new(timestamp));
        assert!(open(&secure(), &sent.query, &sent.body, NOW_S).is_err());
    }
}

#[test]
fn a_parameter_that_is_missing_or_empty_is_malformed() {
    let complete = push(&text_message("x"), KEY);
    let without: [fn(&mut Query); 3] =
        [|query| query.timestamp = None, |query| query.nonce = Some(Text::new("")), |query| query.msg_signature = None];
    for remove in without {
        let mut query = complete.query.clone();
        remove(&mut query);
        let refused = open(&secure(), &query, &complete.body, NOW_S).unwrap_err();
        assert_eq!(refused.http_status(), 400);
    }
}

#[test]
fn a_message_for_another_official_account_is_refused_where_one_is_named() {
    let config = Config { original_id: Some(Text::new("gh_other")), ..secure() };
    let sent = push(&text_message("x"), KEY);
    assert_eq!(refusal(&config, &sent), Error::Addressee);
}

#[test]
fn a_push_for_another_appid_is_refused() {
    let mut ring = keyring();
    ring.app_id = AppId::new("wxother").unwrap();
    let config = Config { mode: Mode::Secure(ring), ..secure() };
    let sent = push(&text_message("x"), KEY);
    assert_eq!(refusal(&config, &sent), Error::AppId);
}

#[test]
fn what_is_wrong_inside_a_ciphertext_looks_like_a_wrong_key() {
    for text in ["", "no xml", "<!DOCTYPE x><xml/>", "<xml></xml>"] {
        let sent = push(text, KEY);
        let refused = refusal(&secure(), &sent);
        assert!(matches!(refused, Error::Inside(_)), "{refused}");
        assert_eq!(refused.http_status(), 403);
    }
}

#[test]
fn a_message_is_no_component_notice() {
    let sent = push(&text_message("x"), KEY);
    let refused = open_component(&secure(), &sent.query, &sent.body, NOW_S).unwrap_err();
    let missing = Error::MissingField { name: "InfoType" };
    assert_eq!(refused, Error::Inside(Box::new(missing)));
}

#[test]
fn a_signature_of_a_message_does_not_verify_an_address() {
    let sent = push(&text_message("x"), KEY);
    let query = Query { signature: sent.query.msg_signature.clone(), echostr: Some(Text::new("1")), ..sent.query };
    assert_eq!(verify_url(&secure(), &query, NOW_S), Err(Error::Signature));
}
