//! Stored value: paid in, given, spent, given back; and the day's end.

use ledger::Settings;
use serde_json::{Value, json};
use tests::{
    http::{AMY, Host, Till, receipt},
    settings,
};

const DAY_END: &str = "/api/v1/pos/day-end";

/// A till where 500 yuan bring a gift of 50.
async fn till(host: &Host) -> Till {
    let gifts = settings(json!({"recharge_fen": [50_000], "recharge_gift_fen": [5_000]}));
    let till = host.tenant("demo", &[("standard", gifts)], &Settings::default()).await.till;
    till.join(AMY).await;
    till
}

async fn recharge(till: &Till, id: &str, fen: i64) -> Value {
    let body = json!({"recharge_id": id, "member": {"phone": AMY}, "amount_fen": fen});
    till.post("/api/v1/pos/recharges", &format!("key-{id}"), &body).await.ok()
}

fn paid_with_stored_value(number: &str, fen: i64) -> Value {
    let mut sale = receipt(number, &[fen]);
    sale["payments"] = json!([{"method": "stored_value", "amount_fen": fen}]);
    sale
}

async fn held(till: &Till) -> (Value, Value) {
    let member = till.look_up(AMY).await;
    (member["principal_fen"].clone(), member["gift_fen"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_yuan_bring_fifty_and_both_pay_and_come_back() {
    let host = Host::open().await;
    let till = till(&host).await;
    let told = recharge(&till, "C-1", 50_000).await;
    assert_eq!(told["effects"][0]["text"], "赠送储值 50.00 元");
    assert_eq!(held(&till).await, (json!(50_000), json!(5_000)));
    let sold = till.sell(&paid_with_stored_value("R-1", 11_000)).await.ok();
    assert_eq!(sold["member"]["principal_fen"], 40_000, "in proportion");
    assert_eq!(sold["member"]["gift_fen"], 4_000);
    assert_eq!(sold["points"]["earned"], 110);
    till.take_back("R-1", &json!({"return_id": "B-1"})).await.ok();
    assert_eq!(held(&till).await, (json!(50_000), json!(5_000)));
    assert_eq!(till.points(AMY).await, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recharge_counts_once_and_below_the_step_brings_no_gift() {
    let host = Host::open().await;
    let till = till(&host).await;
    let body = json!({"recharge_id": "C-1", "member": {"phone": AMY}, "amount_fen": 49_999});
    let first = till.post("/api/v1/pos/recharges", "k-1", &body).await;
    assert_eq!(first.ok()["next"][0]["missing"], 1);
    let again = till.post("/api/v1/pos/recharges", "k-2", &body).await;
    assert_eq!((again.is_replayed(), &again.body), (true, &first.body));
    assert_eq!(held(&till).await, (json!(49_999), json!(0)));
    for (fen, field) in [(0, "amount_fen"), (-1, "amount_fen")] {
        let body = json!({"recharge_id": "C-2", "member": {"phone": AMY}, "amount_fen": fen});
        assert_eq!(till.post("/api/v1/pos/recharges", "k-3", &body).await.json()["field"], field);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_is_held_cannot_be_spent() {
    let host = Host::open().await;
    let till = till(&host).await;
    recharge(&till, "C-1", 50_000).await;
    let told = till.sell(&paid_with_stored_value("R-1", 55_001)).await;
    assert_eq!(told.refusal(), (422, "stored_value_overdrawn".to_owned()));
    assert_eq!(told.json()["detail"], "paying 550.01 yuan from stored value, but only 550.00 are held");
    till.sell(&paid_with_stored_value("R-2", 55_000)).await.ok();
    assert_eq!(held(&till).await, (json!(0), json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_adds_up_is_equal_and_one_that_does_not_says_by_how_much() {
    let host = Host::open().await;
    let till = till(&host).await;
    till.sell(&receipt("R-1", &[6_200])).await.ok();
    till.sell(&receipt("R-2", &[3_000])).await.ok();
    till.take_back("R-2", &json!({"return_id": "B-1"})).await.ok();
    recharge(&till, "C-1", 50_000).await;
    let totals = json!({"receipt": {"count": 2, "amount_fen": 9_200}, "return": {"count": 1, "amount_fen": -3_000},
        "recharge": {"count": 1, "amount_fen": 50_000}});
    let ours = till.get(&format!("{DAY_END}?day=2026-03-02&till=t1")).await.ok();
    assert_eq!(ours, json!({"store": "s1", "till": "t1", "day": "2026-03-02", "totals": totals}));
    let told = till.ask(DAY_END, &json!({"day": "2026-03-02", "till": "t1", "totals": totals})).await.ok();
    assert_eq!((&told["equal"], &told["differences"]), (&json!(true), &json!([])));
    let mut yours = totals.clone();
    yours["receipt"] = json!({"count": 3, "amount_fen": 9_750});
    let told = till.ask(DAY_END, &json!({"day": "2026-03-02", "totals": yours})).await.ok();
    let text = "receipt: the ledger has 2 of 92.00 yuan, you have 3 of 97.50 yuan";
    let difference = json!({"kind": "receipt", "ours": totals["receipt"], "yours": yours["receipt"], "text": text});
    assert_eq!((&told["equal"], &told["differences"]), (&json!(false), &json!([difference])));
    let other_day = till.get(&format!("{DAY_END}?day=2026-03-01")).await.ok();
    assert_eq!(other_day["totals"]["receipt"]["count"], 0);
}
