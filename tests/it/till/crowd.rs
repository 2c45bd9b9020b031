//! Many tills, one member.

use punchcard::verify::{Verdict, verify};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::http::{AMY, Host, Till, receipt};
use tokio::task::JoinSet;

const TILLS: i64 = 64;
/// Gives 10 points a receipt, at most 95 a day.
const CAPPED: &str = r#"
fn describe() { #{ name: "capped", summary: "" } }
fn on_receipt(ctx, receipt) { if ctx.member != () { grant("capped", 10, #{ cap: 95, period: "day" }); } }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_tills_at_once_on_one_member_are_all_accepted_and_the_cap_is_exact() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    tenant.add_script(CAPPED, 1).await;
    let id = tenant.till.join(AMY).await["member"]["id"].clone();
    assert!(id.is_string(), "a member has an id: {id}");
    let mut running = JoinSet::new();
    for n in 0..TILLS {
        let till = if n == 0 { tenant.till.clone() } else { tenant.add_till(&format!("t-{n}")).await };
        let mut sale = receipt("R-1", &[1_000]);
        // Named in two ways, the member may travel in two lanes at once.
        if n % 2 == 1 {
            sale["member"] = json!({ "id": id });
        }
        running.spawn(async move { till.sell(&sale).await });
    }
    let answers: Vec<_> = running.join_all().await.iter().map(tests::http::Told::ok).collect();
    let ids: BTreeSet<String> = answers.iter().map(|told| told["decision_id"].to_string()).collect();
    let given = |rule: &str| {
        let effects = answers.iter().flat_map(|told| told["effects"].as_array().expect("effects"));
        effects.filter(|effect| effect["rule"] == rule).filter_map(|effect| effect["amount"].as_i64()).sum::<i64>()
    };
    assert_eq!((ids.len(), given("spend"), given("capped")), (64, TILLS * 10, 95));
    let balances: BTreeSet<i64> = answers.iter().filter_map(|told| told["points"]["balance"].as_i64()).collect();
    assert_eq!(
        (balances.len(), balances.last()),
        (64, Some(&(30 + TILLS * 10 + 95))),
        "each saw what the one before left"
    );
    assert_eq!(tenant.till.points(AMY).await, 30 + TILLS * 10 + 95);
    let verdict = verify(&host.app.db, &tenant.id).await.expect("readable");
    assert!(matches!(verdict, Verdict::Whole(whole) if whole.decisions == 65), "{verdict:?}");
    assert_eq!(db::audit::oracle(&host.app.db).await.expect("readable"), vec![]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_voucher_presented_at_many_tills_at_once_pays_once() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    let code = super::voucher_of(&tenant.till.join(AMY).await);
    let mut running = JoinSet::new();
    for n in 0..16 {
        let till = tenant.till.clone();
        let mut sale = receipt(&format!("R-{n}"), &[10_000]);
        sale["vouchers"] = json!([code]);
        running.spawn(async move { till.sell(&sale).await });
    }
    let answers: Vec<_> = running.join_all().await.iter().map(tests::http::Told::ok).collect();
    let used = answers.iter().filter(|told| told["vouchers"][0]["change"] == "used").count();
    let refused = answers.iter().filter(|told| told["vouchers"][0]["refusal"] == json!({"reason": "used"})).count();
    assert_eq!((used, refused), (1, 15));
}

/// Whoever is told to come back does so, a few times.
async fn register(till: Till, key: String, body: Value) -> u16 {
    for _ in 0..10 {
        let told = till.post("/api/v1/pos/members", &key, &body).await;
        if told.status != 503 {
            return told.status;
        }
    }
    503
}

#[tokio::test(flavor = "multi_thread")]
async fn one_card_given_to_many_at_once_goes_to_one_and_holds_up_nobody_else() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    tenant.till.join(AMY).await;
    let (mut joining, mut selling) = (JoinSet::new(), JoinSet::new());
    for n in 0..16 {
        let body = json!({"phone": format!("1390000{n:04}"), "card": "C-1"});
        joining.spawn(register(tenant.till.clone(), format!("join-{n}"), body));
        let till = tenant.till.clone();
        selling.spawn(async move { till.sell(&receipt(&format!("R-{n}"), &[1_000])).await.status });
    }
    let mut joined = joining.join_all().await;
    joined.sort_unstable();
    assert_eq!((joined.first(), &joined[1..]), (Some(&200), &[409; 15][..]));
    assert_eq!(selling.join_all().await, [200; 16]);
}
