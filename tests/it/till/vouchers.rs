//! The voucher of a new member: 15 yuan, from 100 yuan, for 30 days.

use super::{checked, voucher_of};
use ledger::DAY_MS;
use serde_json::json;
use tests::http::{AMY, Host, receipt};

fn with(number: &str, fen: i64, code: &str) -> serde_json::Value {
    let mut sale = receipt(number, &[fen]);
    sale["vouchers"] = json!([code]);
    sale
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_member_gets_the_voucher_of_the_manual() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    let joined = till.join(AMY).await;
    let code = voucher_of(&joined);
    assert_eq!(joined["points"]["balance"], 30);
    assert_eq!(joined["vouchers"][0]["text"], "获得15 元代金券 15.00 元，有效期至 2026-04-01");
    let shown = json!([{"code": code, "title": "15 元代金券", "face_fen": 1500, "min_spend_fen": 10_000,
        "valid_from": "2026-03-02", "valid_until": "2026-04-01", "categories": [], "state": "issued"}]);
    assert_eq!(till.look_up(AMY).await["vouchers"], shown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voucher_waits_for_its_minimum_and_pays_once() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    let code = voucher_of(&till.join(AMY).await);
    for (number, fen, change, reason, payable) in [
        ("R-1", 9_999, "refused", json!({"reason": "min_spend", "need": "100.00", "missing": "0.01"}), 9_999),
        ("R-2", 10_000, "used", json!(null), 8_500),
        ("R-3", 10_000, "refused", json!({"reason": "used"}), 10_000),
    ] {
        let told = till.sell(&with(number, fen, &code)).await.ok();
        let voucher = &told["vouchers"][0];
        assert_eq!((&voucher["change"], &voucher["refusal"]), (&json!(change), &reason), "{number}");
        assert_eq!(
            (&told["payable_fen"], &told["points"]["earned"]),
            (&json!(payable), &json!(payable / 100)),
            "{number}"
        );
    }
    assert_eq!(checked(&till, &code).await, ("used".to_owned(), "used".to_owned()));
    assert_eq!(till.look_up(AMY).await["vouchers"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voucher_is_good_to_the_end_of_its_thirtieth_day() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    let code = voucher_of(&till.join(AMY).await);
    host.later(30 * DAY_MS);
    assert_eq!(checked(&till, &code).await, ("issued".to_owned(), String::new()));
    host.later(DAY_MS);
    assert_eq!(checked(&till, &code).await.1, "expired");
    let mut late = with("R-1", 10_000, &code);
    late["business_at"] = json!("2026-04-02T10:00:00+08:00");
    let told = till.sell(&late).await.ok();
    assert_eq!(told["vouchers"][0]["refusal"], json!({"reason": "expired"}));
    assert_eq!(told["payable_fen"], 10_000, "the sale goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voucher_of_somebody_else_or_of_nobody_is_unknown() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    till.join(AMY).await;
    let theirs = voucher_of(&till.join("13912341234").await);
    for code in [theirs.as_str(), "NO-SUCH-CODE"] {
        let told = till.sell(&with(&format!("R-{code}"), 20_000, code)).await.ok();
        assert_eq!(told["vouchers"][0]["refusal"], json!({"reason": "unknown"}));
    }
    assert_eq!(checked(&till, &theirs).await, ("issued".to_owned(), String::new()), "it was not touched");
    let told = till.ask("/api/v1/pos/vouchers/check", &json!({"code": theirs, "member": {"phone": AMY}})).await.ok();
    assert_eq!((&told["usable"], &told["refusal"]), (&json!(false), &json!({"reason": "unknown"})));
    let told = till.ask("/api/v1/pos/vouchers/check", &json!({"code": "NO-SUCH-CODE"})).await;
    assert_eq!(told.refusal(), (422, "unknown_voucher".to_owned()));
    let twice = json!([theirs, theirs]);
    let mut sale = receipt("R-9", &[20_000]);
    sale["vouchers"] = twice;
    assert_eq!(till.sell(&sale).await.json()["field"], "vouchers[1]");
}
