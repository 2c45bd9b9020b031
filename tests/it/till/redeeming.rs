//! Points that pay.

use ledger::Settings;
use serde_json::json;
use std::collections::BTreeMap;
use tests::http::{AMY, Host, receipt};

#[tokio::test(flavor = "multi_thread")]
async fn points_pay_as_far_as_they_are_held_and_owed() {
    let host = Host::open().await;
    let till = host.demo().await.till;
    till.join(AMY).await;
    till.sell(&receipt("R-0", &[97_000])).await.ok();
    // 1,000 points are held; 100 of them pay one yuan.
    for (number, fen, asked, refusal) in [
        ("R-1", 10_000, 1_001, Some(("overdrawn", "redeeming 1001 points, but only 1000 are held"))),
        (
            "R-2",
            400,
            500,
            Some(("redeem_too_much", "500 points are worth more than the 4.00 yuan to pay; redeem at most 400")),
        ),
        ("R-3", 10_000, 600, None),
        ("R-4", 10_000, 495, Some(("overdrawn", "redeeming 495 points, but only 494 are held"))),
    ] {
        let mut sale = receipt(number, &[fen]);
        sale["redeem_points"] = json!(asked);
        let told = till.sell(&sale).await;
        let Some((code, detail)) = refusal else {
            let told = told.ok();
            assert_eq!(told["points"], json!({"earned": 94, "redeemed": 600, "balance": 494, "pending": 0}));
            assert_eq!(told["payable_fen"], 9_400, "600 points paid 6 yuan, and only the rest earns");
            continue;
        };
        assert_eq!(told.refusal(), (422, code.to_owned()), "{number}");
        assert_eq!(told.json()["detail"], detail);
    }
    assert_eq!(till.points(AMY).await, 494);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_points_cannot_pay_they_are_refused() {
    let host = Host::open().await;
    let settings = Settings { points_per_yuan: 0, ..Settings::default() };
    let till = host.tenant("demo", &[("standard", BTreeMap::new())], &settings).await.till;
    till.join(AMY).await;
    let mut sale = receipt("R-1", &[10_000]);
    sale["redeem_points"] = json!(1);
    assert_eq!(till.sell(&sale).await.refusal(), (422, "points_cannot_pay".to_owned()));
}
