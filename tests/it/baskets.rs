//! Real receipts through the real door, held against an independent computation in another language.
//!
//! `PUNCHCARD_BASKETS` names another file than the shipped two weeks.

use ledger::{Settings, sha256_hex};
use punchcard::{
    replay, telemetry,
    tenants::Tenants,
    verify::{Verdict, verify},
};
use sandbox::{Baskets, Import, Summary, card_of, import};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs::File, num::NonZeroU64, path::PathBuf, process::Command, sync::Arc};
use tests::{Served, faults::figure, settings};

/// Where the baskets are.
fn file() -> PathBuf {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../host/sandbox/data/baskets-2017-2w.jsonl.gz");
    std::env::var_os("PUNCHCARD_BASKETS").map_or_else(|| PathBuf::from(shipped), PathBuf::from)
}

fn baskets() -> Baskets {
    Baskets::new(File::open(file()).expect("a file of baskets")).expect("baskets")
}

/// What the Python script makes of the same file.
fn recomputed(options: &[&str]) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/recompute.py");
    let output = Command::new("python3").arg(script).arg(file()).args(options).output().expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a line of JSON")
}

async fn served() -> Served {
    let tiers = json!({
        "names": ["silver", "gold"], "thresholds": [50_000, 200_000], "downgrade": "never", "valid_days": 0,
    });
    let policies =
        [("standard", settings(json!({}))), ("weekend-double", settings(json!({}))), ("tiers", settings(tiers))];
    Served::start(&policies, &Settings::default()).await
}

async fn run(served: &Served, options: &Import) -> Summary {
    let till = served.signing(&served.import);
    let summary = import(baskets(), &till, options, |_| {}).await.expect("imported");
    assert_eq!(summary.refusals, vec![], "nothing is refused");
    summary
}

/// The members as the script lists them, hashed.
async fn members_sha256(served: &Served) -> String {
    let cards: BTreeSet<String> = baskets().map(|basket| card_of(&basket.expect("a basket").household)).collect();
    let mut lines = Vec::new();
    for card in cards {
        let state = served.by_card(&card).await.expect("a member");
        lines.push(format!("{card},{},{},{}\n", state.accounts.points.balance, state.life.spend, state.tier.name));
    }
    lines.sort_unstable();
    sha256_hex(lines.concat().as_bytes())
}

async fn whole(served: &Served) -> u64 {
    match verify(&served.app.db, &served.tenant).await.expect("readable") {
        Verdict::Whole(whole) => whole.decisions,
        Verdict::Differs(what) => panic!("{what}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_receipts_come_to_what_another_language_computes_and_importing_twice_changes_nothing() {
    telemetry::start_metrics();
    let served = served().await;
    let first = run(&served, &Import::default()).await;
    let expected = recomputed(&["--weekend-double", "--tiers", "silver:50000:365,gold:200000:365"]);
    assert_eq!(json!(first.receipts), expected["receipts"]);
    assert_eq!(json!(first.members), expected["members"]);
    assert_eq!(json!(first.points), expected["points_earned"]);
    assert_eq!(json!(first.vouchers), expected["vouchers"]);
    assert_eq!(json!(first.tier_ups), expected["tier_ups"]);
    assert_eq!(json!(members_sha256(&served).await), expected["members_sha256"]);

    let decisions = whole(&served).await;
    let second = run(&served, &Import::default()).await;
    assert_eq!((first.answers, first.receipts, decisions), (second.answers, second.receipts, whole(&served).await));
    assert_ne!(first.answers, Summary::default().answers, "there are answers to compare");

    let mut known = Tenants::new(Arc::clone(&served.app.sealer));
    let (db, engine) = (&served.app.db, &served.app.engine);
    let replayed = replay::all(db, engine, &mut known, &served.tenant, |_| {}).await.expect("replayed");
    assert_eq!((replayed.differs, replayed.decisions), (None, decisions));
    let metrics = telemetry::render();
    assert!(
        metrics.contains(r#"punchcard_rechecked_total{outcome="same"}"#),
        "one decision in a hundred was made again"
    );
    assert!(!metrics.contains(r#"outcome="differs""#) && !metrics.contains(r#"outcome="unreadable""#), "{metrics}");
    figure(&format!(
        "baskets: {} receipts of {} members gave {} points, {} vouchers and {} tiers, as recompute.py says; {} a second; \
         imported again: the same bytes; {decisions} decisions replayed byte for byte; audit clean",
        first.receipts,
        first.members,
        first.points,
        first.vouchers,
        first.tier_ups,
        (first.receipts + first.members) / first.took.as_secs().max(1),
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn returning_every_tenth_receipt_leaves_the_ledger_as_if_it_had_never_been_sold() {
    let served = served().await;
    let options = Import { return_every: NonZeroU64::new(10), ..Import::default() };
    let summary = run(&served, &options).await;
    let expected = recomputed(&[
        "--weekend-double",
        "--tiers",
        "silver:50000:365,gold:200000:365",
        "--returns",
        "10",
        "--tier-on-return",
        "undo",
    ]);
    assert_eq!(json!(summary.returns), expected["returns"]);
    assert_eq!(json!(-summary.points_returned), expected["points_returned"]);
    assert_eq!(json!(members_sha256(&served).await), expected["members_sha256"]);
    let decisions = whole(&served).await;
    figure(&format!(
        "baskets: {} of {} receipts returned took {} points back, and members, tiers and spend are as if never sold; \
         {decisions} decisions, audit clean",
        summary.returns, summary.receipts, -summary.points_returned,
    ));
}
