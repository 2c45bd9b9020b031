//! Goods that come back: never more is taken than was given, and all of it with the last of them.

use super::voucher_of;
use ledger::Settings;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::{
    http::{AMY, Host, RECEIPTS, Till, receipt},
    settings,
};

const ORDERS: [[u32; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

fn number(value: &Value) -> i64 {
    value.as_i64().expect("a number")
}

/// Returns a line; gives the points taken and the fen paid back.
async fn back(till: &Till, receipt: &str, line: u32) -> (i64, i64) {
    let told =
        till.take_back(receipt, &json!({"return_id": format!("B-{line}"), "lines": [{"line": line}]})).await.ok();
    (-number(&told["points"]["earned"]), number(&told["refund_fen"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_come_back_in_any_order_take_what_was_given_and_no_more() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    till.join(AMY).await;
    for order in ORDERS {
        let name = format!("R-{}{}{}", order[0], order[1], order[2]);
        let sold = till.sell(&receipt(&name, &[5_050, 3_333, 1_999])).await.ok();
        let (given, paid) = (number(&sold["points"]["earned"]), number(&sold["payable_fen"]));
        let (mut taken, mut refunded) = (0, 0);
        for line in order {
            let (points, fen) = back(&till, &name, line).await;
            assert!(points >= 0 && fen >= 0, "{order:?}: {points} points, {fen} fen");
            (taken, refunded) = (taken + points, refunded + fen);
            assert!(taken <= given && refunded <= paid, "{order:?}: {taken} of {given}, {refunded} of {paid}");
        }
        assert_eq!((taken, refunded), (given, paid), "{order:?}");
        assert_eq!(till.points(AMY).await, 30, "{order:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_of_a_line_come_back_until_nothing_is_left() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    till.join(AMY).await;
    let mut sale = receipt("R-1", &[1_000, 500]);
    sale["lines"][0]["quantity"] = json!("3");
    till.sell(&sale).await.ok();
    let piece = |id: &str, quantity: &str| json!({"return_id": id, "lines": [{"line": 0, "quantity": quantity}]});
    let mut left = Vec::new();
    for (id, quantity) in [("B-1", "1"), ("B-2", "0.5"), ("B-3", "1.5")] {
        till.take_back("R-1", &piece(id, quantity)).await.ok();
        let state = till.get(&format!("{RECEIPTS}/R-1")).await.ok();
        left.push((state["state"].clone(), number(&state["left_fen"]), till.points(AMY).await));
    }
    let partly = json!("partly_returned");
    assert_eq!(left, [(partly.clone(), 1_167, 41), (partly.clone(), 1_001, 40), (partly, 500, 35)]);
    let more = till.take_back("R-1", &piece("B-4", "0.001")).await;
    assert_eq!(more.refusal(), (422, "bad_return_line".to_owned()));
    till.take_back("R-1", &json!({"return_id": "B-5"})).await.ok();
    assert_eq!(till.get(&format!("{RECEIPTS}/R-1")).await.ok()["state"], "returned");
    let again = till.take_back("R-1", &json!({"return_id": "B-6"})).await;
    assert_eq!(again.refusal(), (422, "nothing_left".to_owned()));
    assert_eq!(till.points(AMY).await, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_return_leaves_the_member_as_if_nothing_had_been_sold() {
    let host = Host::open().await;
    let tiers =
        json!({"names": ["silver", "gold"], "thresholds": [50_000, 200_000], "downgrade": "never", "valid_days": 0});
    let policies = [("standard", BTreeMap::new()), ("tiers", settings(tiers))];
    let till = host.tenant("demo", &policies, &Settings::default()).await.till;
    let code = voucher_of(&till.join(AMY).await);
    let before = till.look_up(AMY).await;
    let mut sale = receipt("R-1", &[40_000, 20_000]);
    (sale["vouchers"], sale["redeem_points"]) = (json!([code]), json!(25));
    let sold = till.sell(&sale).await.ok();
    assert_eq!((&sold["member"]["tier"], &sold["payable_fen"]), (&json!("silver"), &json!(58_475)));
    assert_ne!(till.look_up(AMY).await, before);
    let told = till.take_back("R-1", &json!({"return_id": "B-1"})).await.ok();
    assert_eq!((&told["refund_fen"], &told["member"]["tier"]), (&json!(58_475), &json!("")));
    assert_eq!(told["points"], json!({"earned": -584, "redeemed": -25, "balance": 30, "pending": 0}));
    assert_eq!(till.look_up(AMY).await, before, "voucher, points and tier are restored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_sent_again_is_answered_again_and_acts_once() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    let (till, other) = (tenant.till.clone(), tenant.add_till("t2").await);
    till.join(AMY).await;
    till.sell(&receipt("R-1", &[6_000, 4_000])).await.ok();
    let back = json!({"return_id": "B-1", "lines": [{"line": 1}], "sold_at": {"till": "t1"}});
    let path = format!("{RECEIPTS}/R-1/returns");
    let first = other.post(&path, "k-1", &back).await;
    assert_eq!(first.ok()["refund_fen"], 4_000, "goods may come back at another till");
    for key in ["k-1", "k-2"] {
        let again = other.post(&path, key, &back).await;
        assert_eq!((again.is_replayed(), &again.body), (true, &first.body), "{key}");
    }
    assert_eq!(till.points(AMY).await, 30 + 60);
    assert_eq!(other.take_back("R-1", &json!({"return_id": "B-2"})).await.refusal(), (422, "unknown_sale".to_owned()));
    let bad = json!({"return_id": "B-3", "lines": [{"line": 2}]});
    assert_eq!(till.take_back("R-1", &bad).await.refusal(), (422, "bad_return_line".to_owned()));
}
