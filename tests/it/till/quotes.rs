//! A quote says what a receipt would give, and holds its vouchers until it is confirmed, cancelled or too old.

use super::{checked, voucher_of};
use serde_json::{Value, json};
use tests::http::{AMY, Host, Till, receipt};

const QUOTES: &str = "/api/v1/pos/quotes";

fn with(number: &str, code: &str) -> Value {
    let mut sale = receipt(number, &[10_000]);
    sale["vouchers"] = json!([code]);
    sale
}

async fn quote(till: &Till, key: &str, sale: &Value) -> String {
    let told = till.post(QUOTES, key, sale).await.ok();
    assert_eq!(told["payable_fen"], 8_500, "{told}");
    told["decision_id"].as_str().expect("an id").to_owned()
}

/// What became of the voucher on a receipt.
async fn change(till: &Till, sale: &Value) -> (String, String) {
    let told = till.sell(sale).await.ok();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (word(&told["vouchers"][0]["change"]), word(&told["vouchers"][0]["refusal"]["reason"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_gives_nothing_and_tells_what_the_receipt_would_give() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    till.join(AMY).await;
    let mut before = till.look_up(AMY).await;
    let mut sale = receipt("R-1", &[12_800]);
    sale["redeem_points"] = json!(20);
    let quoted = till.post(QUOTES, "q-1", &sale).await.ok();
    before["points"]["held"] = json!(20);
    assert_eq!(till.look_up(AMY).await, before);
    let sold = till.sell(&sale).await.ok();
    for field in ["points", "payable_fen", "effects", "reasons", "print_lines"] {
        assert_eq!(quoted[field], sold[field], "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voucher_held_by_a_quote_is_free_again_after_its_cancellation() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    let code = voucher_of(&till.join(AMY).await);
    let held = quote(&till, "q-1", &with("R-1", &code)).await;
    assert_eq!(checked(&till, &code).await, ("reserved".to_owned(), "reserved".to_owned()));
    assert_eq!(change(&till, &with("R-2", &code)).await, ("refused".to_owned(), "reserved".to_owned()));
    let cancel = format!("{QUOTES}/{held}/cancel");
    let told = till.post(&cancel, "c-1", &json!({})).await;
    assert_eq!(told.ok()["vouchers"][0]["change"], "restored");
    assert_eq!(till.post(&cancel, "c-2", &json!({})).await.body, told.body, "a cancellation is answered again");
    assert_eq!(checked(&till, &code).await, ("issued".to_owned(), String::new()));
    assert_eq!(change(&till, &with("R-3", &code)).await, ("used".to_owned(), String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receipt_that_confirms_a_quote_uses_its_voucher() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    let code = voucher_of(&till.join(AMY).await);
    let held = quote(&till, "q-1", &with("R-1", &code)).await;
    let mut sale = with("R-1", &code);
    sale["quote"] = json!(held);
    assert_eq!(change(&till, &sale).await, ("used".to_owned(), String::new()));
    assert_eq!(checked(&till, &code).await.0, "used");
    let told = till.post(&format!("{QUOTES}/{held}/cancel"), "c-1", &json!({})).await;
    assert_eq!(told.ok()["vouchers"], json!([]), "cancelled too late: what was used stays used");
    assert_eq!(checked(&till, &code).await.0, "used");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_ends_by_itself_after_five_minutes() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    let code = voucher_of(&till.join(AMY).await);
    quote(&till, "q-1", &with("R-1", &code)).await;
    host.later(299_000);
    assert_eq!(change(&till, &with("R-2", &code)).await.1, "reserved");
    host.later(2_000);
    assert_eq!(checked(&till, &code).await.0, "issued");
    assert_eq!(change(&till, &with("R-3", &code)).await.0, "used");
}
