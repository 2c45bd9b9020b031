//! What must hold for every input.

use proptest::collection::vec;
use proptest::prelude::*;
use wechat::callback::{Query, open, open_component, seal, verify_url};
use wechat::message::{ComponentNotice, Kind, Message};
use wechat::mini_program::SessionKey;
use wechat::reply::{Reply, ReplyKind};
use wechat::{Limits, OpenId, Text, callback, xml};

use crate::support::{APP_ID, KEY, NOW_S, key, padded, plain, plain_push, raw_ciphertext, secure, signed};

/// Text that XML can carry, at least one character that survives trimming.
fn sayable() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9\u{4e00}-\u{4eff}\u{1f600}-\u{1f64f} \\]\\[<>&\"'\n\t]{1,200}"
}

/// Pieces that make strings look like a body.
fn bodyish() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<xml>".to_owned()),
        Just("</xml>".to_owned()),
        Just("<![CDATA[".to_owned()),
        Just("]]>".to_owned()),
        Just("<a/>".to_owned()),
        Just("<Encrypt>".to_owned()),
        Just("</Encrypt>".to_owned()),
        Just("<!DOCTYPE x [".to_owned()),
        Just("<!ENTITY".to_owned()),
        Just("<?xml".to_owned()),
        Just("&#x".to_owned()),
        Just("&amp;".to_owned()),
        Just("<MsgType>event</MsgType>".to_owned()),
        Just("{\"a\":[".to_owned()),
        any::<String>(),
    ];
    vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

/// The body of an answer, sent back to us as if it were a push.
fn open_answer(body: &str) -> Message {
    let envelope = xml::parse(body.as_bytes(), &Limits::default()).unwrap();
    let query = Query {
        timestamp: Some(Text::new(envelope.value("TimeStamp"))),
        nonce: Some(Text::new(envelope.value("Nonce"))),
        msg_signature: Some(Text::new(envelope.value("MsgSignature"))),
        ..Query::default()
    };
    open(&secure(), &query, body.as_bytes(), NOW_S).unwrap()
}

proptest! {
    #[test]
    fn what_is_sealed_opens_to_the_same_text(
        content in sayable(),
        nonce in "[0-9a-zA-Z]{1,32}",
        random in any::<[u8; 16]>(),
    ) {
        let said = ReplyKind::Text(Text::new(content.clone()));
        let reply = Reply::new(OpenId::new("o1"), Text::new("gh_1"), said);

        let body = seal(&secure(), &reply, NOW_S, &nonce, &random).unwrap();

        let message = open_answer(&body);
        let content = Text::new(content);
        prop_assert_eq!(message.kind, Kind::Text { content, menu_id: None });
    }

    #[test]
    fn any_text_for_any_appid_survives_encryption(
        text in any::<String>(),
        app_id in any::<String>(),
        random in any::<[u8; 16]>(),
    ) {
        let encrypt = key(KEY).encrypt(&text, &app_id, &random).unwrap();
        let decrypted = key(KEY).decrypt(&encrypt).unwrap();
        prop_assert_eq!(decrypted.text, text);
        prop_assert_eq!(decrypted.app_id, app_id);
        prop_assert_eq!(decrypted.random, random);
    }

    #[test]
    fn no_bytes_make_a_parser_panic(body in vec(any::<u8>(), 0..2_000)) {
        let _ = xml::parse(&body, &Limits::default());
        let sent = plain_push("");
        let _ = open(&plain(), &sent.query, &body, NOW_S);
        let _ = open(&secure(), &sent.query, &body, NOW_S);
        let _ = open_component(&plain(), &sent.query, &body, NOW_S);
    }

    #[test]
    fn nothing_that_looks_like_a_body_makes_a_parser_panic(body in bodyish()) {
        let text = Text::new(body.clone());
        let _ = xml::parse(body.as_bytes(), &Limits::default());
        for format in [callback::Format::Xml, callback::Format::Json] {
            let _ = Message::parse(&text, format, &Limits::default());
            let _ = ComponentNotice::parse(&text, format, &Limits::default());
        }
    }

    #[test]
    fn a_parsed_tree_keeps_the_limits(body in bodyish()) {
        let limits = Limits::default();
        if let Ok(tree) = xml::parse(body.as_bytes(), &limits) {
            prop_assert!(count(&tree) <= limits.elements_max);
            prop_assert!(depth(&tree) <= limits.depth_max);
        }
    }

    #[test]
    fn no_ciphertext_makes_decryption_panic(encrypt in any::<String>(), bytes in vec(any::<u8>(), 0..200)) {
        let _ = key(KEY).decrypt(&encrypt);
        let sent = signed(&raw_ciphertext(&padded(bytes)));
        prop_assert!(open(&secure(), &sent.query, &sent.body, NOW_S).is_err());
    }

    #[test]
    fn no_address_passes_without_the_token(
        signature in "[0-9a-f]{40}",
        nonce in any::<String>(),
        echostr in any::<String>(),
    ) {
        let query = Query {
            signature: Some(Text::new(signature)),
            timestamp: Some(Text::new(NOW_S.to_string())),
            nonce: Some(Text::new(nonce)),
            echostr: Some(Text::new(echostr)),
            ..Query::default()
        };
        prop_assert!(verify_url(&secure(), &query, NOW_S).is_err());
    }

    #[test]
    fn no_mini_program_data_makes_decryption_panic(data in any::<String>(), iv in any::<String>()) {
        let key = SessionKey::new("tiihtNczf5v6AKRyjwEUhQ==").unwrap();
        let app_id = callback::AppId::new(APP_ID).unwrap();
        prop_assert!(key.open_data(&data, &iv, &app_id, &Limits::default()).is_err());
        let iv = "r7BXXKkLb8qrSNn05n0qiA==";
        prop_assert!(key.open_data(&data, iv, &app_id, &Limits::default()).is_err());
    }
}

fn count(tree: &wechat::Element) -> usize {
    1 + tree.children().iter().map(count).sum::<usize>()
}

fn depth(tree: &wechat::Element) -> usize {
    let below = tree.children().iter().map(depth).max();
    below.map_or(0, |depth| depth + 1)
}
