//! Every vector of `wechat-vectors.json`, in both directions where the file gives the bytes.
//!
//! The file holds WeChat's own worked examples and values made with two other implementations.
//! None may be skipped: an unknown kind fails, and the number run must be the number in the file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken vector file or a failing vector should stop the test"
)]

use serde_json::Value;
use wechat::callback::{AppId, Config, Format, Keyring, Mode, Query, Token, open, open_component, seal, verify_url};
use wechat::crypto::{EncodingAesKey, is_signed, signature};
use wechat::message::{Authorization, ComponentNoticeKind, Event, Kind, Message};
use wechat::mini_program::SessionKey;
use wechat::page::{CardExt, JsSdk};
use wechat::reply::{Reply, ReplyKind};
use wechat::{Error, Limits, OpenId, Secret, Text, xml};

const VECTORS: &str = include_str!("wechat-vectors.json");

/// What we chose where WeChat defines nothing (`outcome: policy` in the file).
///
/// | vector | choice | why |
/// | --- | --- | --- |
/// | B08 | refuse | a copied verification older than the 10 minute window proves nothing today |
/// | B09 | refuse | WeChat sends lower-case hex; one accepted form is enough |
/// | D17 | refuse | the query's time is fresh on each try, so a day-old one is a replay |
///
/// The window is `Limits::timestamp_skew_s_max`, so an operator can widen it.
const REFUSED_BY_POLICY: [&str; 3] =
    ["B08-verify-expired-timestamp", "B09-verify-uppercase-hex", "D17-expired-timestamp"];

#[test]
fn every_vector_of_the_file_holds() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    let mut executed = 0;
    for vector in vectors {
        run(vector);
        executed += 1;
    }
    assert_eq!(executed, 40);
    assert_eq!(executed, file["meta"]["count"].as_u64().unwrap());
}

#[test]
fn every_policy_vector_has_a_choice_written_down() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let undecided: Vec<&str> = file["vectors"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|vector| vector["expected"]["outcome"] == "policy")
        .map(id)
        .collect();
    assert_eq!(undecided, REFUSED_BY_POLICY);
}

#[test]
fn the_old_vectors_pass_once_the_window_is_widened() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let old = file["vectors"].as_array().unwrap().iter().find(|vector| id(vector) == "D17-expired-timestamp").unwrap();
    let mut config = config(old);
    config.limits.timestamp_skew_s_max = 86_400;

    let message = open(&config, &query(old), body(old), now_s(old)).unwrap();

    assert_eq!(message.dedupe_key(), "25183940572211649");
}

fn run(vector: &Value) {
    println!("{}", id(vector));
    match vector["kind"].as_str().unwrap() {
        "url_verification" => run_verification(vector),
        "callback_push_plain" => run_push(vector),
        "callback_push_secure" => {
            run_push(vector);
            run_push_backwards(vector);
        }
        "encrypt_reply" => run_reply(vector),
        "encrypt_reply_none" => run_bare_reply(vector),
        "mini_program_encrypted_data" => run_mini_program_data(vector),
        "sha1" => run_raw_data(vector),
        "jssdk_signature" => run_js_sdk(vector),
        "card_signature" => run_card_ext(vector),
        unknown => panic!("{}: no runner for kind {unknown}", id(vector)),
    }
}

// Verification.

fn run_verification(vector: &Value) {
    let config = Config::new(Token::new(text(vector, "/config/token")).unwrap(), Mode::Plain);
    let query = query(vector);
    let answer = verify_url(&config, &query, now_s(vector));
    if accepts(vector) {
        assert_eq!(answer.unwrap(), text(vector, "/expected/response_body"));
    } else {
        assert_refused(vector, answer.unwrap_err());
    }
    if let Some(joined) = vector["sorted_concat"].as_str() {
        let made = signature(&[joined]);
        assert_eq!(made, text(vector, "/request/query/signature"));
    }
}

// Pushes.

fn run_push(vector: &Value) {
    let config = config(vector);
    let (query, body, now_s) = (query(vector), body(vector), now_s(vector));
    if text(vector, "/config/endpoint").starts_with("component") {
        let notice = open_component(&config, &query, body, now_s).unwrap();
        return assert_notice(vector, &notice.kind);
    }
    match open(&config, &query, body, now_s) {
        Ok(message) => assert_message(vector, &config, &message),
        Err(error) => assert_refused(vector, error),
    }
}

fn assert_message(vector: &Value, config: &Config, message: &Message) {
    assert!(accepts(vector), "{} was accepted", id(vector));
    let verified = match vector["plaintext"].as_str() {
        Some(plaintext) => plaintext,
        None => text(vector, "/request/body"),
    };
    assert_eq!(message.plaintext().as_str(), verified);
    let answer = message.reply(ReplyKind::Success);
    let sealed = seal(config, &answer, 0, "", &[0; 16]).unwrap();
    assert_eq!(sealed, text(vector, "/expected/response_body"));
    if let Some(key) = vector["expected"]["dedupe_key"].as_str() {
        assert_dedupe_key(message.dedupe_key(), key);
    }
    assert_event(vector, message);
}

/// The file names sender, second and event; ours goes on where two events could share those.
fn assert_dedupe_key(ours: &str, short: &str) {
    assert!(ours == short || ours.starts_with(&format!("{short}|")));
}

fn assert_event(vector: &Value, message: &Message) {
    let expected = &vector["expected"];
    if let Some(event) = expected["event"].as_str() {
        assert_eq!(message.field("Event"), event);
        assert!(!matches!(message.kind, Kind::Event(Event::Other { .. })));
    }
    if let Some(wanted) = expected["scene"].as_str() {
        let Kind::Event(Event::Subscribe { scene, .. }) = &message.kind else {
            panic!("{} is no subscribe event", id(vector));
        };
        assert_eq!(scene.as_ref().unwrap().as_str(), wanted);
    }
    if let Some(wanted) = expected["msgid"].as_str() {
        let Kind::Event(Event::TemplateSent { msg_id, status }) = &message.kind else {
            panic!("{} is no receipt", id(vector));
        };
        assert_eq!(msg_id.as_str(), wanted);
        assert_eq!(status.as_str(), text(vector, "/expected/status"));
    }
}

fn assert_notice(vector: &Value, kind: &ComponentNoticeKind) {
    assert!(accepts(vector), "{} was accepted", id(vector));
    let plaintext = xml::parse(text(vector, "/plaintext").as_bytes(), &Limits::default()).unwrap();
    let (info_type, value) = match kind {
        ComponentNoticeKind::VerifyTicket { ticket } => {
            assert_eq!(ticket.as_str(), plaintext.value("ComponentVerifyTicket"));
            ("component_verify_ticket", "")
        }
        ComponentNoticeKind::Unauthorized { authorizer_app_id } => ("unauthorized", authorizer_app_id.as_str()),
        ComponentNoticeKind::Authorized(Authorization { .. })
        | ComponentNoticeKind::AuthorizationUpdated(_)
        | ComponentNoticeKind::Other { .. } => panic!("{} is misread", id(vector)),
    };
    assert_eq!(info_type, text(vector, "/expected/info_type"));
    assert_eq!(value, plaintext.value("AuthorizerAppid"));
}

/// From the plaintext and the random bytes back to exactly the ciphertext that was sent.
fn run_push_backwards(vector: &Value) {
    let encrypt = sent_ciphertext(vector);
    let parts = [
        text(vector, "/config/token"),
        text(vector, "/request/query/timestamp"),
        text(vector, "/request/query/nonce"),
        &encrypt,
    ];
    let given = text(vector, "/request/query/msg_signature");
    assert_eq!(is_signed(&parts, given), !id(vector).starts_with("D01") && !id(vector).starts_with("D02"));
    let Some(random) = vector["random16"].as_str() else {
        return;
    };
    let key = EncodingAesKey::new(text(vector, "/config/encoding_aes_key")).unwrap();
    let decrypted = key.decrypt(&encrypt).unwrap();
    assert_eq!(decrypted.text, text(vector, "/plaintext"));
    assert_eq!(decrypted.random, random.as_bytes());
    // The appid is the one found inside, so that the vector for a foreign appid closes as well.
    let again = key.encrypt(&decrypted.text, &decrypted.app_id, &random16(random)).unwrap();
    assert_eq!(again, encrypt);
    assert_sizes(&vector["sizes"], &decrypted.text, &decrypted.app_id, &again);
}

fn sent_ciphertext(vector: &Value) -> String {
    if format(vector) == Format::Json {
        let envelope: Value = serde_json::from_str(text(vector, "/request/body")).unwrap();
        return envelope["Encrypt"].as_str().unwrap().to_owned();
    }
    let envelope = xml::parse(body(vector), &Limits::default()).unwrap();
    envelope.value("Encrypt").to_owned()
}

/// Checks the sizes the file tells, in bytes.
fn assert_sizes(sizes: &Value, plaintext: &str, app_id: &str, encrypt: &str) {
    let message = plaintext.len();
    let full = 16 + 4 + message + app_id.len();
    let cipher = encrypt.len() / 4 * 3 - encrypt.bytes().filter(|byte| *byte == b'=').count();
    for (name, bytes) in [("msg_len", message), ("fullstr", full), ("ciphertext", cipher), ("padding", cipher - full)] {
        if let Some(wanted) = sizes[name].as_u64() {
            assert_eq!(u64::try_from(bytes).unwrap(), wanted, "{name}");
        }
    }
}

// Answers.

fn run_reply(vector: &Value) {
    let key = EncodingAesKey::new(text(vector, "/config/encoding_aes_key")).unwrap();
    let app_id = text(vector, "/config/app_id");
    let plaintext = text(vector, "/input/plaintext");
    let random = random16(text(vector, "/input/random16"));

    let encrypt = key.encrypt(plaintext, app_id, &random).unwrap();

    assert_eq!(encrypt, text(vector, "/expected/Encrypt"));
    let signed = signature(&[
        text(vector, "/config/token"),
        text(vector, "/input/timestamp"),
        text(vector, "/input/nonce"),
        &encrypt,
    ]);
    assert_eq!(signed, text(vector, "/expected/MsgSignature"));
    assert_sizes(&vector["expected"]["sizes"], plaintext, app_id, &encrypt);
    let opened = key.decrypt(&encrypt).unwrap();
    assert_eq!((opened.text.as_str(), opened.app_id.as_str()), (plaintext, app_id));
    if vector["config"]["mode"] == "secure" {
        assert_sealed(vector, &encrypt, &signed);
    }
}

/// The vector that is a whole text answer, through the same door the server uses.
fn assert_sealed(vector: &Value, encrypt: &str, signed: &str) {
    let input = xml::parse(text(vector, "/input/plaintext").as_bytes(), &Limits::default()).unwrap();
    let reply = Reply::new(
        OpenId::new(input.value("ToUserName")),
        Text::new(input.value("FromUserName")),
        ReplyKind::Text(Text::new(input.value("Content"))),
    );
    let timestamp = text(vector, "/input/timestamp");
    let nonce = text(vector, "/input/nonce");

    let body =
        seal(&config(vector), &reply, timestamp.parse().unwrap(), nonce, &random16(text(vector, "/input/random16")));

    let envelope = format!(
        "<xml><Encrypt><![CDATA[{encrypt}]]></Encrypt><MsgSignature><![CDATA[{signed}]]></MsgSignature><TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
    );
    assert_eq!(body.unwrap(), envelope);
}

fn run_bare_reply(vector: &Value) {
    let keyring = Keyring {
        current: EncodingAesKey::new("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG").unwrap(),
        previous: None,
        app_id: AppId::new("wx6f1c0b7e9a3d2458").unwrap(),
    };
    let token = Token::new("pamtest").unwrap();
    let config = Config::new(token, Mode::Secure(keyring));
    let bodies: Vec<String> = [ReplyKind::Success, ReplyKind::Empty]
        .into_iter()
        .map(|kind| Reply::new(OpenId::new("o1"), Text::new("gh_1"), kind))
        .map(|reply| seal(&config, &reply, 0, "n", &[0; 16]).unwrap())
        .collect();
    let allowed = vector["expected"]["allowed_bodies"].as_array().unwrap();
    assert_eq!(allowed.iter().map(|body| body.as_str().unwrap()).collect::<Vec<_>>(), bodies);
}

// Mini programs and pages.

fn run_mini_program_data(vector: &Value) {
    let key = SessionKey::new(text(vector, "/config/session_key")).unwrap();
    let (data, iv) = (text(vector, "/input/encryptedData"), text(vector, "/input/iv"));
    let app_id = AppId::new(text(vector, "/config/app_id")).unwrap();
    let limits = Limits::default();

    let json = key.open_data(data, iv, &app_id, &limits).unwrap();

    let opened: Value = serde_json::from_str(json.as_str()).unwrap();
    assert_eq!(opened, vector["expected"]["json"]);
    let other = AppId::new("wx0000000000000000").unwrap();
    let refused = key.open_data(data, iv, &other, &limits).unwrap_err();
    assert_eq!(refused, Error::AppId);
}

fn run_raw_data(vector: &Value) {
    let key = SessionKey::new(text(vector, "/input/session_key")).unwrap();
    let raw_data = text(vector, "/input/rawData");
    let wanted = text(vector, "/expected/signature");
    assert_eq!(key.raw_data_signature(raw_data), wanted);
    assert!(key.is_raw_data_signed(raw_data, wanted));
    assert!(!key.is_raw_data_signed(&format!("{raw_data} "), wanted));
}

fn run_js_sdk(vector: &Value) {
    let ticket = Secret::new(text(vector, "/input/jsapi_ticket"));
    let wanted = text(vector, "/expected/signature");
    for address in ["/input/url", "/input/page_url"] {
        let page_url = text(vector, address);
        if page_url.is_empty() {
            continue;
        }
        let page = JsSdk {
            ticket: &ticket,
            nonce: text(vector, "/input/noncestr"),
            timestamp_s: vector["input"]["timestamp"].as_i64().unwrap(),
            page_url,
        };
        assert_eq!(page.signature(), wanted);
    }
}

fn run_card_ext(vector: &Value) {
    let api_ticket = Secret::new(text(vector, "/input/api_ticket"));
    let card = CardExt {
        api_ticket: &api_ticket,
        timestamp_s: text(vector, "/input/timestamp").parse().unwrap(),
        card_id: text(vector, "/input/card_id"),
        code: text(vector, "/input/code"),
        open_id: text(vector, "/input/openid"),
        nonce: text(vector, "/input/nonce_str"),
    };
    assert_eq!(card.signature(), text(vector, "/expected/signature"));
    assert_eq!(signature(&[text(vector, "/expected/concat")]), card.signature());
}

// Reading the file.

fn id(vector: &Value) -> &str {
    vector["id"].as_str().unwrap()
}

/// The text at a JSON pointer, empty if there is none.
fn text<'v>(vector: &'v Value, pointer: &str) -> &'v str {
    vector.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

fn body(vector: &Value) -> &[u8] {
    text(vector, "/request/body").as_bytes()
}

fn random16(random: &str) -> [u8; 16] {
    random.as_bytes().try_into().unwrap()
}

fn query(vector: &Value) -> Query {
    serde_json::from_value(vector["request"]["query"].clone()).unwrap()
}

fn format(vector: &Value) -> Format {
    match text(vector, "/config/format") {
        "json" => Format::Json,
        _ => Format::Xml,
    }
}

/// The official examples name no clock; a push takes a moment to arrive.
fn now_s(vector: &Value) -> i64 {
    vector["server_clock"].as_i64().unwrap_or_else(|| {
        let sent: i64 = text(vector, "/request/query/timestamp").parse().unwrap();
        sent + 3
    })
}

fn config(vector: &Value) -> Config {
    let keyring = || Keyring {
        current: EncodingAesKey::new(text(vector, "/config/encoding_aes_key")).unwrap(),
        previous: None,
        app_id: AppId::new(text(vector, "/config/app_id")).unwrap(),
    };
    let mode = match text(vector, "/config/mode") {
        "plain" => Mode::Plain,
        "compatible" => Mode::Compatible(keyring()),
        "secure" => Mode::Secure(keyring()),
        unknown => panic!("{}: no mode {unknown}", id(vector)),
    };
    let mut config = Config::new(Token::new(text(vector, "/config/token")).unwrap(), mode);
    config.format = format(vector);
    config.original_id = vector["config"]["original_id"].as_str().map(Text::new);
    config
}

fn accepts(vector: &Value) -> bool {
    match text(vector, "/expected/outcome") {
        "accept" => true,
        "reject" => false,
        "policy" => !REFUSED_BY_POLICY.contains(&id(vector)),
        unknown => panic!("{}: no outcome {unknown}", id(vector)),
    }
}

fn assert_refused(vector: &Value, error: Error) {
    assert!(!accepts(vector), "{} was refused: {error}", id(vector));
    let status = vector["expected"]["http_status"].as_u64().unwrap();
    assert_eq!(u64::from(error.http_status()), status, "{}: {error}", id(vector));
    assert_eq!(text(vector, "/expected/response_body"), "");
}
