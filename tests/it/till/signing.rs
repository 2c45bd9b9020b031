//! Who a till is.

use punchcard::config::Config;
use reqwest::Method;
use sandbox::{Signed, sign};
use serde_json::json;
use tests::{
    NOON,
    http::{AMY, Host, Sent, receipt},
};

const LOOKUP: &str = "/api/v1/pos/members/lookup";

fn lookup() -> Sent {
    Sent::new(Method::POST, LOOKUP, Some(&json!({"phone": AMY})))
}

fn without(mut sent: Sent, header: &str) -> Sent {
    sent.headers.remove(header);
    sent
}

type Spoil = fn(Sent) -> Sent;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_changed_or_signed_by_nobody_is_refused() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    till.join(AMY).await;
    let table: [(&str, Spoil); 8] = [
        ("bad_signature", |sent| Sent { body: br#"{"phone":"13912341234"}"#.to_vec(), ..sent }),
        ("bad_signature", |sent| Sent { path: format!("{LOOKUP}?a=1"), ..sent }),
        ("bad_signature", |sent| sent.with("Punchcard-Signature", "0".repeat(64))),
        ("bad_signature", |sent| sent.with("Punchcard-Key", "tk_unknown")),
        ("bad_signature", |sent| sent.with("Punchcard-Nonce", "another-nonce-of-28-letters")),
        ("bad_signature_header", |sent| sent.with("Punchcard-Signature", "no hex")),
        ("bad_signature_header", |sent| sent.with("Punchcard-Nonce", "short")),
        ("bad_signature_header", |sent| without(sent, "Punchcard-Timestamp")),
    ];
    for (at, (code, spoil)) in table.into_iter().enumerate() {
        let told = till.web.send(&spoil(till.sign(lookup()))).await;
        assert_eq!(told.refusal(), (401, code.to_owned()), "row {at}: {}", told.text());
        assert_eq!(told.json().get("signed"), None, "outside test mode nothing is shown");
    }
    assert_eq!(till.web.send(&till.sign(lookup())).await.status, 200, "unspoiled, it is taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_till_whose_clock_is_wrong_learns_ours() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    till.join(AMY).await;
    host.later(400_000);
    for (off_s, code) in [
        (0, None),
        (300, None),
        (-300, None),
        (301, Some("timestamp_outside_window")),
        (-301, Some("timestamp_outside_window")),
        (-86_400, Some("timestamp_outside_window")),
    ] {
        let at = host.clock.now().after_ms(off_s * 1_000);
        let told = till.web.send(&till.sign_at(lookup(), at, &format!("nonce-of-{off_s:012}"))).await;
        let Some(code) = code else {
            assert_eq!(told.status, 200, "{off_s} s off: {}", told.text());
            continue;
        };
        assert_eq!(told.refusal(), (401, code.to_owned()), "{off_s} s off");
        assert_eq!(told.json()["server_time"], json!(host.clock.now().get() / 1_000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_signed_before_the_server_started_must_be_signed_again() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    till.join(AMY).await;
    for (off_s, status) in [(-5, 200), (-6, 401)] {
        let told =
            till.web.send(&till.sign_at(lookup(), NOON.after_ms(off_s * 1_000), &format!("nonce{off_s:015}"))).await;
        assert_eq!(told.status, status, "{off_s} s: {}", told.text());
        if status == 401 {
            assert_eq!(told.json()["code"], "signed_before_start");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_is_good_for_one_request() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    let (till, other) = (tenant.till.clone(), tenant.add_till("t2").await);
    till.join(AMY).await;
    let nonce = "used-once-and-never-again";
    let first = till.sign_at(lookup(), host.clock.now(), nonce);
    assert_eq!(till.web.send(&first).await.status, 200);
    assert_eq!(till.web.send(&first).await.refusal(), (401, "nonce_used".to_owned()));
    let sale =
        Sent::new(Method::POST, tests::http::RECEIPTS, Some(&receipt("R-1", &[100]))).with("Idempotency-Key", "k");
    let sale = till.sign_at(sale, host.clock.now(), nonce);
    assert_eq!(till.web.send(&sale).await.refusal(), (401, "nonce_used".to_owned()));
    assert_eq!(till.points(AMY).await, 30, "nothing was sold");
    let elsewhere = other.web.send(&other.sign_at(lookup(), host.clock.now(), nonce)).await;
    assert_eq!(elsewhere.status, 200, "each key has its own nonces");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_test_mode_a_refusal_shows_the_text_we_signed() {
    let host = Host::with(Config { test_mode: true, ..Config::default() }).await;
    let till = host.demo().await.till;
    let sent = till.sign(lookup()).with("Punchcard-Signature", "0".repeat(64));
    let told = till.web.send(&sent).await;
    let nonce = sent.headers["Punchcard-Nonce"].clone();
    let timestamp_s = u64::try_from(NOON.get() / 1_000).expect("a time");
    let signed = Signed { method: "POST", path: LOOKUP, timestamp_s, nonce: &nonce, body: &sent.body };
    assert_eq!(told.refusal(), (401, "bad_signature".to_owned()));
    assert_eq!(told.json()["signed"], json!(signed.canonical()));
}

#[test]
fn the_worked_example_of_the_manual_is_right() {
    let manual = include_str!("../../../docs/API.md");
    let secret = "3f6b1f0d8a5e4c2b9d7081726354afbecd0918273645f0e1d2c3b4a596877869";
    let body = br#"{"phone":"13812341234"}"#;
    let request = Signed { method: "POST", path: LOOKUP, timestamp_s: 1_767_225_600, nonce: "b3a1c5d7e9f20416", body };
    assert!(manual.contains(&format!("```\n{}\n```", request.canonical())), "{}", request.canonical());
    assert!(manual.contains(&format!("Punchcard-Signature: {}\n", sign(secret, &request))));
    assert!(manual.contains(secret));
}
