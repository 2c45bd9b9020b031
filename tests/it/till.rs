//! What a till is promised in docs/API.md, asked over HTTP.

mod batches;
mod budgets;
mod crowd;
mod dates;
mod pay_codes;
mod quotes;
mod receipts;
mod redeeming;
mod repeating;
mod returns;
mod signing;
mod stored_value;
mod vouchers;

use serde_json::Value;
use tests::http::Till;

/// The code of the voucher a registration gave.
fn voucher_of(joined: &Value) -> String {
    joined["vouchers"][0]["code"].as_str().expect("a voucher").to_owned()
}

/// A voucher's state, and the stable reason why it cannot be used; empty if it can.
async fn checked(till: &Till, code: &str) -> (String, String) {
    let told = till.ask("/api/v1/pos/vouchers/check", &serde_json::json!({"code": code})).await.ok();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (word(&told["voucher"]["state"]), word(&told["refusal"]["reason"]))
}
