//! The same thing asked again (I1 to I5).

use reqwest::Method;
use serde_json::json;
use tests::http::{AMY, Host, RECEIPTS, Sent, receipt};

#[tokio::test(flavor = "multi_thread")]
async fn a_write_without_a_name_for_the_attempt_is_refused() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    till.join(AMY).await;
    for path in [RECEIPTS, "/api/v1/pos/quotes", "/api/v1/pos/recharges", "/api/v1/pos/members"] {
        let told = till.ask(path, &receipt("R-1", &[100])).await;
        assert_eq!(told.refusal(), (400, "idempotency_key_missing".to_owned()), "{path}");
    }
    for key in ["with space", &"k".repeat(256)] {
        let told = till.post(RECEIPTS, key, &receipt("R-1", &[100])).await;
        assert_eq!(told.refusal(), (400, "idempotency_key_missing".to_owned()), "{key}");
    }
    assert_eq!(till.points(AMY).await, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_and_content_get_the_same_bytes_and_act_once() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    till.join(AMY).await;
    let sale = receipt("R-1", &[12_800]);
    let first = till.post(RECEIPTS, "k-1", &sale).await;
    assert_eq!((first.status, first.is_replayed()), (200, false));
    let mut waiting = sale.clone();
    waiting["deadline_ms"] = json!(9_000);
    let mut spaced = Sent::new(Method::POST, RECEIPTS, Some(&waiting));
    spaced.body = serde_json::to_vec_pretty(&waiting).expect("JSON");
    let written_otherwise = till.sign(spaced).with("Idempotency-Key", "k-1");
    for again in [till.post(RECEIPTS, "k-1", &sale).await, till.web.send(&written_otherwise).await] {
        assert_eq!((again.status, again.is_replayed()), (200, true));
        assert_eq!(again.body, first.body);
        assert_eq!(again.header("Content-Type"), first.header("Content-Type"));
    }
    assert_eq!(till.points(AMY).await, 30 + 128);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_with_other_content_is_refused_and_changes_nothing() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    till.join(AMY).await;
    let sale = receipt("R-1", &[12_800]);
    let first = till.post(RECEIPTS, "k-1", &sale).await;
    for other in [receipt("R-1", &[12_900]), receipt("R-2", &[12_800]), json!({"phone": "13912341234"})] {
        let path = if other.get("phone").is_some() { "/api/v1/pos/members" } else { RECEIPTS };
        let told = till.post(path, "k-1", &other).await;
        assert_eq!(told.refusal(), (422, "idempotency_mismatch".to_owned()), "{other}");
    }
    assert_eq!(till.points(AMY).await, 30 + 128);
    assert_eq!(till.post(RECEIPTS, "k-1", &sale).await.body, first.body, "the first answer stands");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_we_have_is_answered_again_whatever_its_key() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    let (till, other) = (tenant.till.clone(), tenant.add_till("t2").await);
    till.join(AMY).await;
    let first = till.post(RECEIPTS, "k-1", &receipt("R-1", &[12_800])).await;
    host.later(10 * ledger::DAY_MS);
    let again = till.post(RECEIPTS, "k-2", &receipt("R-1", &[12_800])).await;
    assert_eq!((again.status, again.is_replayed()), (200, true));
    assert_eq!(again.body, first.body);
    assert_eq!(till.points(AMY).await, 30 + 128);
    let elsewhere = other.post(RECEIPTS, "k-1", &receipt("R-1", &[12_800])).await;
    assert!(!elsewhere.is_replayed(), "keys and numbers belong to their till");
    assert_eq!(till.points(AMY).await, 30 + 2 * 128);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_stores_nothing_so_the_key_is_still_free() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    let refused = till.post(RECEIPTS, "k-1", &receipt("R-1", &[12_800])).await;
    assert_eq!(refused.refusal(), (422, "unknown_member".to_owned()));
    till.join(AMY).await;
    let corrected = till.post(RECEIPTS, "k-1", &receipt("R-1", &[12_900])).await;
    assert_eq!(corrected.ok()["points"]["earned"], 129);
    assert!(!corrected.is_replayed());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_sent_many_times_at_once_acts_once() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    till.join(AMY).await;
    let mut running = tokio::task::JoinSet::new();
    for n in 0..16 {
        let (till, sale) = (till.clone(), receipt("R-1", &[12_800]));
        running.spawn(async move { till.post(RECEIPTS, if n % 2 == 0 { "k-1" } else { "k-2" }, &sale).await });
    }
    let told = running.join_all().await;
    assert!(told.iter().all(|told| told.status == 200));
    assert!(told.windows(2).all(|two| two[0].body == two[1].body));
    assert_eq!(told.iter().filter(|told| !told.is_replayed()).count(), 1);
    assert_eq!(till.points(AMY).await, 30 + 128);
}
