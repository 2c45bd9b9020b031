//! Receipts as tills send them, and their answers.

use super::voucher_of;
use serde_json::{Value, json};
use tests::http::{AMY, AT, Host, RECEIPTS, receipt};

/// The receipt of docs/API.md.
fn documented(voucher: &str) -> Value {
    json!({
        "receipt": "20260302-000017", "business_at": AT, "member": {"phone": AMY},
        "lines": [
            {"sku": "6901234567892", "name": "东北大米 5kg", "category": "粮油", "quantity": 1, "amount_fen": 4990, "discount_fen": 500},
            {"sku": "2200012", "category": "水果", "quantity": "0.455", "amount_fen": 1210}
        ],
        "total_fen": 6200, "payments": [{"method": "cash", "amount_fen": 6200}],
        "vouchers": [voucher], "redeem_points": 20, "deadline_ms": 10_000
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_answers_exactly_what_is_documented() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    let joined = till.join(AMY).await;
    let (id, code) = (joined["member"]["id"].clone(), voucher_of(&joined));
    let told = till.sell(&documented(&code)).await;
    let decision = told.ok()["decision_id"].clone();
    assert!(decision.as_str().is_some_and(|id| id.starts_with('a')), "named after the host's stream: {decision}");
    let text = "消费满 100.00 元可用，还差 38.00 元";
    let refusal = json!({"reason": "min_spend", "need": "100.00", "missing": "38.00"});
    let answer = json!({
        "decision_id": decision,
        "receipt": "20260302-000017",
        "member": {"id": id, "tier": "", "principal_fen": 0, "gift_fen": 0},
        "points": {"earned": 61, "redeemed": 20, "balance": 71, "pending": 0},
        "payable_fen": 6180,
        "effects": [{"policy": "standard", "rule": "spend", "kind": "points", "amount": 61, "text": "积分 +61"}],
        "reasons": [{"policy": "standard", "rule": "spend", "outcome": "applied", "text": "消费 61.80 元，得 61 积分", "compared": null}],
        "vouchers": [{"code": code, "change": "refused", "refusal": refusal, "text": text}],
        "next": [],
        "print_lines": ["本次积分 +61  可用积分 71", "使用积分 20", text],
    });
    assert_eq!(told.ok(), answer);
    assert_eq!(told.header("Content-Type"), "application/json");
    assert!(!told.header("Punchcard-Request").is_empty(), "every answer names itself");
    let asked = till.get(&format!("{RECEIPTS}/20260302-000017")).await.ok();
    assert_eq!(asked, json!({"receipt": "20260302-000017", "state": "settled", "returns": 0, "answer": answer}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_meant_is_refused_by_name() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    till.join(AMY).await;
    let changed = |field: &str, value: Value| {
        let mut sale = receipt("R-1", &[4_000, 2_000]);
        sale[field] = value;
        sale
    };
    let line = |quantity: Value| changed("lines", json!([{"sku": "1", "quantity": quantity, "amount_fen": 6000}]));
    for (sale, code, field) in [
        (changed("total_fen", json!(6_001)), "invalid", "total_fen"),
        (changed("total_fen", json!(60.0)), "invalid", "total_fen"),
        (changed("member", json!({"phone": "13912341234"})), "unknown_member", ""),
        (changed("member", json!({"phone": AMY, "card": "1"})), "invalid", "member"),
        (changed("member", json!({"phone": "12"})), "invalid", "member.phone"),
        (changed("business_at", json!("2026-03-02T10:00:00")), "invalid", "business_at"),
        (changed("receipt", json!("")), "invalid", "receipt"),
        (changed("memeber", json!(null)), "invalid", "memeber"),
        (changed("redeem_points", json!(-1)), "invalid", "redeem_points"),
        (changed("deadline_ms", json!(0)), "invalid", "deadline_ms"),
        (changed("deadline_ms", json!(10_001)), "invalid", "deadline_ms"),
        (line(json!(1.0005)), "invalid", "lines[0].quantity"),
        (line(json!("1e3")), "invalid", "lines[0].quantity"),
        (line(json!(1_000_001)), "invalid", "lines[0].quantity"),
    ] {
        let told = till.sell(&sale).await;
        assert_eq!(told.refusal(), (422, code.to_owned()), "{sale}: {}", told.text());
        assert_eq!(told.json()["field"].as_str().unwrap_or_default(), field, "{}", told.text());
    }
    assert_eq!(till.points(AMY).await, 30, "nothing was sold");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_total_that_differs_is_told_both_sums() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    let mut sale = receipt("R-1", &[12_900]);
    sale["total_fen"] = json!(12_800);
    let detail = till.sell(&sale).await.json()["detail"].clone();
    assert_eq!(detail, "total_fen: is 12800, but amount_fen of the lines adds up to 12900; they must be equal");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_lines_and_ten_thousand_pieces_are_accepted() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    till.join(AMY).await;
    let mut long = receipt("R-1", &[100; 1_000]);
    for line in long["lines"].as_array_mut().expect("lines") {
        line["name"] = json!("一种名字相当长的商品，包装规格五百克");
        line["category"] = json!("粮油副食");
    }
    assert_eq!(till.sell(&long).await.ok()["points"]["earned"], 1_000);
    let mut many = receipt("R-2", &[1_000_000]);
    many["lines"][0]["quantity"] = json!(10_000);
    assert_eq!(till.sell(&many).await.ok()["points"]["earned"], 10_000);
    assert_eq!(till.sell(&receipt("R-3", &[1; 2_000])).await.ok()["points"]["earned"], 20);
    assert_eq!(till.sell(&receipt("R-4", &[1; 2_001])).await.json()["field"], "lines");
}

#[tokio::test(flavor = "multi_thread")]
async fn zero_negative_and_weighed_lines_count_as_they_are() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    till.join(AMY).await;
    for (number, amounts, earned) in [
        ("R-1", vec![10_000, 0, -2_500], 75),
        ("R-2", vec![0], 0),
        ("R-3", vec![], 0),
        ("R-4", vec![-500], 0),
        ("R-5", vec![199], 1),
    ] {
        let told = till.sell(&receipt(number, &amounts)).await;
        assert_eq!(told.ok()["points"]["earned"], earned, "{number} {}", told.text());
    }
    for (at, quantity) in
        [json!("0.455"), json!(0.455), json!("-2"), json!("1.000"), json!("0")].into_iter().enumerate()
    {
        let mut sale = receipt(&format!("W-{at}"), &[1_210]);
        sale["lines"][0]["quantity"] = quantity.clone();
        assert_eq!(till.sell(&sale).await.ok()["points"]["earned"], 12, "{quantity}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_without_a_member_is_settled_and_gives_nothing() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    let mut sale = receipt("R-1", &[12_800]);
    sale["member"] = json!(null);
    let told = till.sell(&sale).await.ok();
    assert_eq!((&told["member"], &told["effects"]), (&json!(null), &json!([])));
    assert_eq!(told["reasons"][0]["text"], "未出示会员码；会员此单可得 128 积分");
    assert_eq!(till.get(&format!("{RECEIPTS}/R-1")).await.ok()["state"], "settled");
    assert_eq!(till.get(&format!("{RECEIPTS}/R-2")).await.refusal(), (404, "not_found".to_owned()));
}
