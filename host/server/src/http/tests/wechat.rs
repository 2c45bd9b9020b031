use super::{Answer, Host, NOW_S};
use crate::{
    entropy::Entropy,
    seal::SecretText,
    setup::{AccountDetail, Desk, NewAccount},
};
use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use ledger::TenantId;
use wechat::crypto::{EncodingAesKey, signature};

const TOKEN: &str = "testtoken";
const AES_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const APPID: &str = "wx1234567890abcdef";

async fn host(mode: &str) -> Host {
    let host = Host::start().await;
    let now = host.app.clock.now();
    let desk = Desk { db: &host.app.db, sealer: &host.app.sealer, entropy: Entropy, now, by: "test" };
    let account = NewAccount {
        original_id: "gh_1".to_owned(),
        appid: APPID.to_owned(),
        mode: mode.to_owned(),
        token: Some(SecretText::new(TOKEN.to_owned())),
        aes_key: Some(SecretText::new(AES_KEY.to_owned())),
        app_secret: None,
        settings: AccountDetail::default(),
    };
    desk.account(&TenantId::new("acme").expect("an id"), account).await.expect("an account");
    host
}

fn xml(fields: &str) -> String {
    format!(
        "<xml><ToUserName>gh_1</ToUserName><FromUserName>oAmy</FromUserName><CreateTime>{NOW_S}</CreateTime>{fields}</xml>"
    )
}

fn text(said: &str, id: u32) -> String {
    xml(&format!("<MsgType>text</MsgType><Content>{said}</Content><MsgId>{id}</MsgId>"))
}

impl Host {
    async fn push(&self, body: &str) -> Answer {
        let stamp = NOW_S.to_string();
        let signed = signature(&[TOKEN, &stamp, "n0nce"]);
        let target = format!("/wx/acme/callback?signature={signed}&timestamp={stamp}&nonce=n0nce");
        self.send(Request::post(target).body(Body::from(body.to_owned())).expect("a request")).await
    }

    async fn push_secure(&self, body: &str) -> Answer {
        let key = EncodingAesKey::new(AES_KEY).expect("a key");
        let encrypt = key.encrypt(body, APPID, &[9; 16]).expect("encrypted");
        let stamp = NOW_S.to_string();
        let signed = signature(&[TOKEN, &stamp, "n0nce", &encrypt]);
        let target = format!("/wx/acme/callback?msg_signature={signed}&timestamp={stamp}&nonce=n0nce");
        let body = format!("<xml><ToUserName>gh_1</ToUserName><Encrypt>{encrypt}</Encrypt></xml>");
        self.send(Request::post(target).body(Body::from(body)).expect("a request")).await
    }
}

fn said(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_is_proven_to_wechat_and_to_nobody_else() {
    let host = host("plain").await;
    let stamp = NOW_S.to_string();
    let ask = |tenant: &str, signed: &str| {
        let target = format!("/wx/{tenant}/callback?signature={signed}&timestamp={stamp}&nonce=n&echostr=hello");
        Request::get(target).body(Body::empty()).expect("a request")
    };
    let right = signature(&[TOKEN, &stamp, "n"]);
    let proven = host.send(ask("acme", &right)).await;
    assert_eq!((proven.status, said(&proven).as_str()), (StatusCode::OK, "hello"));
    assert_eq!(proven.headers.get("content-type").expect("a type"), "text/plain; charset=utf-8");
    for (tenant, signed, status) in [("acme", "00", 403), ("rival", right.as_str(), 404)] {
        let refused = host.send(ask(tenant, signed)).await;
        assert_eq!((refused.status.as_u16(), refused.body.len()), (status, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_is_a_member_and_signs_in_with_a_word() {
    let host = host("plain").await;
    let follow = xml("<MsgType>event</MsgType><Event>subscribe</Event><EventKey></EventKey>");
    let welcome = host.push(&follow).await;
    assert!(said(&welcome).contains("欢迎关注"), "{}", said(&welcome));
    let first = host.push(&text("签到", 1)).await;
    assert!(said(&first).contains("签到成功"), "{}", said(&first));
    assert_eq!(said(&host.push(&text("签到", 1)).await), said(&first), "the same push again");
    assert!(said(&host.push(&text("签到", 2)).await).contains("今天已经签到过了"));
    assert_eq!(said(&host.push(&text("你好", 3)).await), "success");
    let unfollow = xml("<MsgType>event</MsgType><Event>unsubscribe</Event><EventKey></EventKey>");
    assert_eq!(said(&host.push(&unfollow).await), "success");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_followed_before_we_were_there_signs_in_as_well() {
    let host = host("plain").await;
    assert!(said(&host.push(&text("签到", 1)).await).contains("签到成功"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secure_push_is_answered_sealed_and_a_plain_one_refused() {
    let host = host("secure").await;
    let answer = host.push_secure(&text("签到", 1)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(said(&answer).contains("<Encrypt>") && !said(&answer).contains("签到"), "{}", said(&answer));
    let refused = host.push(&text("签到", 2)).await;
    assert_eq!((refused.status.is_client_error(), refused.body.len()), (true, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_openid_and_no_phone_is_stored_in_the_clear() {
    let host = host("plain").await;
    host.push(&text("签到", 1)).await;
    host.member("13812341234").await;
    let file = host.file();
    let stored: Vec<u8> = std::fs::read_dir(file)
        .expect("a directory")
        .flat_map(|f| std::fs::read(f.expect("a file").path()).expect("read"))
        .collect();
    for secret in ["oAmy", "13812341234", TOKEN, AES_KEY] {
        assert!(!stored.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret} shows");
    }
}
