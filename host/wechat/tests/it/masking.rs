//! Nothing secret and nothing personal is printed.

use wechat::callback::{Keyring, Mode, open, open_component};
use wechat::mini_program::SessionKey;
use wechat::{OpenId, Secret, UnionId};

use crate::support::{FOLLOWER, KEY, NOW_S, OLD_KEY, TOKEN, key, keyring, push, secure, text_message};

#[test]
fn a_printed_configuration_holds_no_key_and_no_token() {
    let ring = Keyring { previous: Some(key(OLD_KEY)), ..keyring() };
    let config = wechat::callback::Config { mode: Mode::Compatible(ring), ..secure() };
    let printed = format!("{config:?}");
    for secret in [TOKEN, KEY, OLD_KEY] {
        assert!(!printed.contains(secret));
    }
    // The raw key bytes would show as a list of numbers.
    assert_eq!(printed.matches("EncodingAesKey(***)").count(), 2);
}

#[test]
fn a_printed_message_holds_neither_the_follower_nor_the_text() {
    let sent = push(&text_message("13800138000"), KEY);
    let message = open(&secure(), &sent.query, &sent.body, NOW_S).unwrap();
    let printed = format!("{message:?} {:?}", sent.query);
    let signature = sent.query.msg_signature.unwrap();
    for private in [FOLLOWER, "13800138000", "25183940572211649", signature.as_str()] {
        assert!(!printed.contains(private), "{private}");
    }
}

#[test]
fn a_printed_component_notice_holds_no_ticket_and_no_code() {
    for field in ["ComponentVerifyTicket", "AuthorizationCode", "PreAuthCode"] {
        for info_type in ["component_verify_ticket", "authorized", "updateauthorized"] {
            let text = format!(
                "<xml><AppId>wx1</AppId><CreateTime>1</CreateTime><InfoType>{info_type}</InfoType><{field}>hush-hush</{field}></xml>"
            );
            let sent = push(&text, KEY);
            let notice = open_component(&secure(), &sent.query, &sent.body, NOW_S).unwrap();
            assert!(!format!("{notice:?}").contains("hush"));
        }
    }
}

#[test]
fn printed_credentials_and_ids_are_stars() {
    let session = SessionKey::new("tiihtNczf5v6AKRyjwEUhQ==").unwrap();
    let printed = format!("{session:?} {:?} {:?} {:?}", Secret::new("a"), OpenId::new("b"), UnionId::new("c"),);
    assert_eq!(printed, "SessionKey(***) Secret(***) OpenId(***) UnionId(***)");
}

#[test]
fn what_was_decrypted_is_printed_as_sizes() {
    let encrypt = key(KEY).encrypt("very private", "wx1", &[0; 16]).unwrap();
    let decrypted = key(KEY).decrypt(&encrypt).unwrap();
    assert!(!format!("{decrypted:?}").contains("very private"));
}
