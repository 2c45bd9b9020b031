//! Budgets and holds, as a till and the console see them.

use ledger::{Budget, OverCap, Period, Scope, Settings, Unit};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use tests::http::{AMY, Host, Tenant, Till, receipt};
use tokio::task::JoinSet;

const QUOTES: &str = "/api/v1/pos/quotes";
const BOB: &str = "13912340002";

/// So many points, every day.
fn daily(limit: i64) -> Budget {
    let (scope, period, over) = (Scope::Global, Period::Day, OverCap::Reduce);
    Budget { name: "spring".into(), unit: Unit::Points, limit, scope, period, policies: Vec::new(), over }
}

/// A tenant with a point for a yuan, 30 for joining, and this budget.
async fn tenant(host: &Host, budget: Budget) -> Tenant {
    let settings = Settings { budgets: vec![budget], ..Settings::default() };
    host.tenant("demo", &[("standard", BTreeMap::new())], &settings).await
}

fn sale(number: &str, phone: &str, fen: i64) -> Value {
    let mut sale = receipt(number, &[fen]);
    sale["member"] = json!({"phone": phone});
    sale
}

async fn used(host: &Host) -> i64 {
    let tenant = ledger::TenantId::new("demo").expect("an id");
    let want = db::snapshot::Want {
        tenant: tenant.clone(),
        principal: String::new(),
        idempotency_key: None,
        natural_key: None,
        member: None,
        vouchers: Vec::new(),
        sale: None,
    };
    let found = db::snapshot::read(&host.app.db, "a", &[want]).await.expect("readable");
    found.tenants[&tenant].stock.get("budget/spring/points/day").map_or(0, |counter| counter.used)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_budget_does_not_have_is_not_given_and_the_till_is_told_why() {
    let host = Host::open().await;
    let till = tenant(&host, daily(130)).await.till;
    till.join(AMY).await;
    let told = till.sell(&receipt("R-1", &[12_800])).await.ok();
    assert_eq!((&told["points"]["earned"], &told["effects"][0]["wanted"]), (&json!(100), &json!(128)));
    let said = told["reasons"].to_string();
    assert!(said.contains("预算「spring」余额不足：应发 128 积分，实发 100 积分"), "{said}");
    till.take_back("R-1", &json!({"return_id": "B-1"})).await.ok();
    assert_eq!((till.points(AMY).await, used(&host).await), (30, 30));
    till.sell(&receipt("R-2", &[20_000])).await.ok();
    host.later(ledger::DAY_MS);
    let told = till.sell(&sale("R-3", AMY, 5_000)).await.ok();
    assert_eq!((&told["points"]["earned"], used(&host).await), (&json!(50), 50));
    till.take_back("R-2", &json!({"return_id": "B-2"})).await.ok();
    assert_eq!(used(&host).await, 50, "yesterday's budget is over");
    assert_eq!(db::audit::oracle(&host.app.db).await.expect("readable"), vec![]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_tills_at_once_give_exactly_the_budget() {
    let host = Host::open().await;
    let tenant = tenant(&host, daily(955)).await;
    let mut running = JoinSet::new();
    for n in 0..64 {
        let till = if n == 0 { tenant.till.clone() } else { tenant.add_till(&format!("t-{n}")).await };
        running.spawn(async move {
            let phone = format!("139{n:08}");
            let joined = till.join(&phone).await["points"]["earned"].as_i64().expect("points");
            joined + till.sell(&sale("R-1", &phone, 3_000)).await.ok()["points"]["earned"].as_i64().expect("points")
        });
    }
    let given: i64 = running.join_all().await.into_iter().sum();
    assert_eq!((given, used(&host).await), (955, 955));
    assert_eq!(db::audit::oracle(&host.app.db).await.expect("readable"), vec![]);
}

async fn quote(till: &Till, key: &str, sale: &Value) -> Value {
    till.post(QUOTES, key, sale).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tills_cannot_promise_the_same_points() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    let (till, other) = (tenant.till.clone(), tenant.add_till("t2").await);
    till.join(AMY).await;
    let mut first = receipt("R-1", &[10_000]);
    first["redeem_points"] = json!(20);
    let quoted = quote(&till, "q-1", &first).await;
    let held = till.look_up(AMY).await["points"].clone();
    assert_eq!(held, json!({"balance": 30, "pending": 0, "held": 20}));
    let mut second = first.clone();
    second["receipt"] = json!("R-2");
    assert_eq!(other.post(QUOTES, "q-2", &second).await.refusal(), (422, "overdrawn".to_owned()));
    assert_eq!(other.sell(&second).await.refusal(), (422, "overdrawn".to_owned()));
    // The bill changes: the same receipt is quoted again, and then confirmed.
    first["redeem_points"] = json!(25);
    let again = quote(&till, "q-3", &first).await;
    first["quote"] = again["decision_id"].clone();
    assert_eq!(till.sell(&first).await.ok()["points"]["redeemed"], 25);
    assert_eq!(other.sell(&second).await.status, 200, "what the receipt earned is there for the other");
    let cancel = format!("{QUOTES}/{}/cancel", quoted["decision_id"].as_str().expect("an id"));
    till.post(&cancel, "c-1", &json!({})).await.ok();
    assert_eq!(db::audit::oracle(&host.app.db).await.expect("readable"), vec![]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_that_nobody_confirms_gives_its_budget_back_by_itself() {
    let host = Host::open().await;
    let till = tenant(&host, daily(100)).await.till;
    till.join(AMY).await;
    till.join(BOB).await;
    assert_eq!(quote(&till, "q-1", &sale("R-1", AMY, 10_000)).await["points"]["earned"], 40);
    assert_eq!((used(&host).await, till.points(AMY).await), (100, 30));
    assert_eq!(till.sell(&sale("R-2", BOB, 10_000)).await.ok()["points"]["earned"], 0);
    host.later(300_000);
    let jobs = punchcard::jobs::start(host.app.clone());
    for _ in 0..100 {
        if used(&host).await == 60 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    jobs.stop().await;
    assert_eq!(used(&host).await, 60, "Amy did nothing, and her hold is gone");
    assert_eq!(till.sell(&sale("R-3", BOB, 10_000)).await.ok()["points"]["earned"], 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn budgets_are_set_over_the_api_and_nonsense_is_refused_in_words() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    let admin = tenant.admin().await;
    tenant.till.join(AMY).await;
    let mut body = admin.get("settings").await.ok();
    body["settings"]["budgets"] = json!([{"name": "spring", "unit": "points", "limit": -5}]);
    let refused = admin.send(reqwest::Method::PUT, "settings", Some(&body)).await;
    assert_eq!((refused.status, &refused.json()["field"]), (422, &json!("settings.budgets[0].limit")));
    body["settings"]["budgets"] = json!([{"name": "spring", "unit": "points", "limit": 7}]);
    admin.send(reqwest::Method::PUT, "settings", Some(&body)).await.ok();
    assert_eq!(tenant.till.sell(&receipt("R-1", &[12_800])).await.ok()["points"]["earned"], 7);
}
