//! Receipts that waited, and receipts that cannot wait.

use serde_json::{Value, json};
use std::time::Duration;
use tests::http::{AMY, Host, RECEIPTS, Till, receipt};

const BATCH: &str = "/api/v1/pos/receipts/batch";
/// Takes a few thousand operations and gives nothing.
const SLOW: &str = r#"
fn describe() { #{ name: "slow", summary: "" } }
fn on_receipt(ctx, receipt) { let sum = 0; for n in 0..3000 { sum += n; } }
"#;

fn items(count: usize) -> Vec<Value> {
    let item = |n| {
        let mut item = receipt(&format!("R-{n}"), &[1_000]);
        item["idempotency_key"] = json!(format!("k-{n}"));
        item
    };
    (0..count).map(item).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_receipt_of_fifty_does_not_block_the_others() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    till.join(AMY).await;
    let mut items = items(50);
    items[17]["total_fen"] = json!(999);
    let told = till.ask(BATCH, &json!({"items": items})).await.ok();
    assert_eq!((&told["accepted"], &told["refused"]), (&json!(49), &json!(1)));
    for (at, item) in told["items"].as_array().expect("items").iter().enumerate() {
        let status = if at == 17 { 422 } else { 200 };
        assert_eq!((&item["index"], &item["status"], &item["replayed"]), (&json!(at), &json!(status), &json!(false)));
        assert_eq!(item["idempotency_key"], json!(format!("k-{at}")));
        assert_eq!((item["body"].is_null(), item["problem"].is_null()), (at == 17, at != 17), "{item}");
    }
    assert_eq!(told["items"][17]["problem"]["field"], "total_fen");
    assert_eq!(told["items"][49]["body"]["points"]["balance"], 30 + 49 * 10, "in their order");
    let again = till.ask(BATCH, &json!({"items": items})).await.ok();
    let replayed = |item: &&Value| item["replayed"] == true;
    assert_eq!(again["items"].as_array().expect("items").iter().filter(replayed).count(), 49);
    assert_eq!(till.points(AMY).await, 30 + 49 * 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_one_to_fifty_receipts_each_with_its_own_key() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    till.join(AMY).await;
    for items in [items(0), items(51)] {
        assert_eq!(till.ask(BATCH, &json!({"items": items})).await.json()["field"], "items");
    }
    let told = till.ask(BATCH, &json!({"items": [receipt("R-1", &[1_000]), {"receipt": 1}]})).await.ok();
    assert_eq!(told["items"][0]["problem"]["field"], "idempotency_key");
    assert_eq!(told["items"][1]["problem"]["field"], "receipt");
    assert_eq!(till.points(AMY).await, 30);
}

/// Asks until the receipt is settled.
async fn settled(till: &Till, number: &str) -> Value {
    for _ in 0..200 {
        let told = till.get(&format!("{RECEIPTS}/{number}")).await;
        if told.status == 200 {
            return told.json();
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{number} was never settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn past_its_deadline_the_sale_goes_on_and_is_settled_afterwards() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    tenant.add_script(SLOW, 16).await;
    let till = tenant.till;
    till.join(AMY).await;
    let mut sale = receipt("R-1", &[12_800]);
    sale["deadline_ms"] = json!(1);
    let told = till.sell(&sale).await.ok();
    assert_eq!((&told["settled"], &told["receipt"]), (&json!(false), &json!("R-1")), "{told}");
    assert_eq!((&told["effects"], &told["print_lines"]), (&json!([]), &json!(["积分稍后到账"])));
    let answer = settled(&till, "R-1").await["answer"].clone();
    assert_eq!(answer["points"]["earned"], 128);
    assert_eq!(till.points(AMY).await, 30 + 128);
    sale["deadline_ms"] = json!(10_000);
    let again = till.sell(&sale).await;
    assert_eq!((again.is_replayed(), again.ok()), (true, answer), "sent again, it gets its answer");
}
