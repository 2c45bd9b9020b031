//! One budget, several hosts.

use ledger::{Budget, Fen, Line, OverCap, Period, Receipt, Scope, Settings, Unit};
use punchcard::{
    app::App,
    apply::apply_event,
    verify::{Verdict, verify},
};
use std::sync::Arc;
use tests::{TestApp, host};
use tokio::task::JoinSet;

/// Members, each at tills of both hosts.
const MEMBERS: usize = 64;
const LIMIT: i64 = 5_550;

fn receipt(number: &str) -> Receipt {
    let line = Line { sku: "1".into(), quantity_milli: 1_000, amount: Fen::new(10_000), ..Line::default() };
    Receipt { receipt: number.into(), lines: vec![line], total: Fen::new(10_000), ..Receipt::default() }
}

/// What a receipt of a hundred yuan earned at this host.
async fn earned(at: App, asked: punchcard::apply::Asked) -> i64 {
    let replied = apply_event(&at, asked).await.expect("accepted");
    let reply: ledger::Reply = serde_json::from_slice(&replied.body).expect("a reply");
    reply.points.earned.get()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_and_many_tills_at_once_give_exactly_the_budget() {
    let app = Arc::new(TestApp::start().await);
    let mut members = Vec::new();
    for n in 0..MEMBERS {
        members.push(app.member(&format!("m{n}")).await);
    }
    let (scope, period, over) = (Scope::Global, Period::Month, OverCap::Reduce);
    let spring =
        Budget { name: "spring".into(), unit: Unit::Points, limit: LIMIT, scope, period, policies: Vec::new(), over };
    let settings = Settings { budgets: vec![spring], ..Settings::default() };
    let seen = db::tenant::get(&app.scratch.db, &app.tenant).await.expect("readable").expect("a tenant").config_version;
    db::tenant::set_settings(&app.scratch.db, &app.tenant, &settings, seen).await.expect("set");

    let hosts = [app.app.clone(), host(&app.scratch.db, &app.app.clock, "b")];
    let mut running = JoinSet::new();
    for (nth, member) in members.iter().enumerate() {
        for (at, host) in hosts.iter().enumerate() {
            running.spawn(earned(host.clone(), app.receipt(&receipt(&format!("R-{nth}-{at}")), member)));
        }
    }
    let given: i64 = running.join_all().await.into_iter().sum();
    assert_eq!(given, LIMIT);
    let verdict = verify(&app.scratch.db, &app.tenant).await.expect("readable");
    assert!(matches!(&verdict, Verdict::Whole(whole) if whole.decisions == 3 * MEMBERS as u64), "{verdict:?}");
    assert_eq!(db::audit::oracle(&app.scratch.db).await.expect("readable"), vec![]);
}
