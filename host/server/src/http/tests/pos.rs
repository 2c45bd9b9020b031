use super::{Host, NOW_S, receipt, set_up};
use crate::{config::Config, entropy::Entropy, setup::Desk};
use axum::{body::Body, http::StatusCode};
use ledger::UnixMs;
use serde_json::{Value, json};

const RECEIPTS: &str = "/api/v1/pos/receipts";

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_sent_again_is_answered_with_the_same_bytes() {
    let host = Host::start().await;
    let amy = host.member("13812341234").await;
    let first = host.post(RECEIPTS, "k-1", &receipt("R-1", json!({"id": amy}))).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.json());
    assert_eq!(first.json()["points"]["earned"], 128);
    let again = host.post(RECEIPTS, "k-1", &receipt("R-1", json!({"id": amy}))).await;
    assert_eq!((again.body == first.body, again.is_replayed(), first.is_replayed()), (true, true, false));
    let other_key = host.post(RECEIPTS, "k-2", &receipt("R-1", json!({"id": amy}))).await;
    assert_eq!((other_key.body == first.body, other_key.is_replayed()), (true, true));
    let mut changed = receipt("R-1", json!({"id": amy}));
    changed["lines"][0]["quantity"] = json!("1.501");
    let refused = host.post(RECEIPTS, "k-1", &changed).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (422, "idempotency_mismatch"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_signature_shows_what_we_signed_in_test_mode_only() {
    for test_mode in [true, false] {
        let host = Host::with(Config { test_mode, ..Config::default() }).await;
        let mut request = host.signed("POST", RECEIPTS, Some("k"), "{}");
        request.headers_mut().insert("punchcard-signature", "0".repeat(64).parse().expect("a value"));
        let answer = host.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "bad_signature"));
        let signed = answer.json()["signed"].as_str().map(str::to_owned);
        assert_eq!(signed.is_some(), test_mode);
        assert!(signed.is_none_or(|text| text.starts_with(&format!("POST\n{RECEIPTS}\n{NOW_S}\nnonce-"))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captured_request_works_once() {
    let host = Host::start().await;
    let request = host.signed("GET", "/api/v1/pos/receipts/R-1", None, "");
    let (parts, _) = request.into_parts();
    let captured = || axum::http::Request::from_parts(parts.clone(), Body::empty());
    assert_eq!(host.send(captured()).await.status, StatusCode::NOT_FOUND);
    assert_eq!(host.send(captured()).await.code(), "nonce_used");
    host.app.clock.set(UnixMs::new((NOW_S + 301) * 1_000));
    assert_eq!(host.send(captured()).await.code(), "timestamp_outside_window");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_its_own_tenant_only() {
    let mut host = Host::start().await;
    let amy = host.member("13812341234").await;
    host.post(RECEIPTS, "k-1", &receipt("R-1", json!({"id": amy}))).await;
    host.key = set_up(&host.app, "rival").await;
    assert_eq!(host.get("/api/v1/pos/receipts/R-1").await.status, StatusCode::NOT_FOUND);
    let by_phone = host.post("/api/v1/pos/members/lookup", "", &json!({"phone": "13812341234"})).await;
    let by_id = host.post("/api/v1/pos/members/lookup", "", &json!({"id": amy})).await;
    assert_eq!((by_phone.code(), by_id.code()), ("unknown_member".to_owned(), "unknown_member".to_owned()));
    let sale = host.post(RECEIPTS, "k-1", &receipt("R-1", json!({"id": amy}))).await;
    assert_eq!(sale.code(), "unknown_member");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_shown_masked_however_they_are_named() {
    let host = Host::start().await;
    let body = json!({"phone": "+86 138-1234-1234", "name": "王小明", "card": "880012345678", "birthday": "05-31"});
    let joined = host.post("/api/v1/pos/members", "j", &body).await;
    assert_eq!(joined.status, StatusCode::OK, "{}", joined.json());
    for who in [json!({"phone": "13812341234"}), json!({"card": "880012345678"})] {
        let seen = host.post("/api/v1/pos/members/lookup", "", &who).await.json();
        let shown =
            ["phone", "name", "card"].map(|field| seen["member"][field].as_str().unwrap_or_default().to_owned());
        assert_eq!(shown, ["138****1234", "王**", "****5678"], "{seen}");
    }
    let taken = host.post("/api/v1/pos/members", "j2", &json!({"phone": "13900000000", "card": "880012345678"})).await;
    assert_eq!((taken.status.as_u16(), taken.code().as_str()), (409, "exists"));
    let twice = host.post("/api/v1/pos/members", "j3", &json!({"phone": "13812341234"})).await;
    assert_eq!(twice.code(), "already_member");
    let again = host.post("/api/v1/pos/members", "j", &body).await;
    assert_eq!((again.body == joined.body, again.is_replayed()), (true, true));
    let two = host.post("/api/v1/pos/members/lookup", "", &json!({"phone": "13812341234", "card": "1"})).await;
    assert_eq!(two.code(), "invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_gives_back_what_the_goods_earned() {
    let host = Host::start().await;
    let amy = host.member("13812341234").await;
    host.post(RECEIPTS, "k-1", &receipt("R/1 a", json!({"id": amy}))).await;
    let returns = "/api/v1/pos/receipts/R%2F1%20a/returns";
    let part = host.post(returns, "k-2", &json!({"return_id": "B-1", "lines": [{"line": 1, "quantity": 1}]})).await;
    assert_eq!(
        (part.json()["refund_fen"].as_i64(), part.json()["points"]["earned"].as_i64()),
        (Some(1_400), Some(-14))
    );
    let state = host.get("/api/v1/pos/receipts/R%2F1%20a").await.json();
    assert_eq!((state["state"].as_str(), state["left_fen"].as_i64()), (Some("partly_returned"), Some(11_400)));
    assert_eq!(state["answer"]["points"]["earned"], 128);
    let rest = host.post(returns, "k-3", &json!({"return_id": "B-2"})).await;
    assert_eq!(rest.json()["points"]["balance"], 0, "{}", rest.json());
    assert_eq!(host.get("/api/v1/pos/receipts/R%2F1%20a").await.json()["state"], "returned");
    assert_eq!(host.post(returns, "k-4", &json!({"return_id": "B-3"})).await.code(), "nothing_left");
    let nothing = host.post("/api/v1/pos/receipts/R-9/returns", "k-5", &json!({"return_id": "B-1"})).await;
    assert_eq!(nothing.code(), "unknown_sale");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_receipt_does_not_block_a_batch() {
    let host = Host::start().await;
    let amy = host.member("13812341234").await;
    let item = |key: &str, number: &str| {
        let mut body = receipt(number, json!({"id": amy}));
        body["idempotency_key"] = json!(key);
        body
    };
    let mut wrong = item("b-2", "R-2");
    wrong["total_fen"] = json!(1);
    let mut keyless = item("", "R-4");
    keyless["idempotency_key"] = Value::Null;
    let items = json!({"items": [item("b-1", "R-1"), wrong, {"no": 1}, keyless, item("b-3", "R-3")]});
    let answer = host.post("/api/v1/pos/receipts/batch", "", &items).await.json();
    let statuses: Vec<_> = answer["items"].as_array().expect("a list").iter().map(|i| i["status"].as_u64()).collect();
    assert_eq!(statuses, [200, 422, 422, 422, 200].map(Some), "{answer}");
    assert_eq!((answer["accepted"].as_u64(), answer["refused"].as_u64()), (Some(2), Some(3)));
    assert_eq!(answer["items"][4]["body"]["points"]["balance"], 256);
    assert_eq!(answer["items"][1]["problem"]["field"], "total_fen");
    // The same receipt alone, under the same key, is the same thing.
    let alone = host.post(RECEIPTS, "b-1", &receipt("R-1", json!({"id": amy}))).await;
    assert!(alone.is_replayed(), "{}", alone.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_promises_what_the_receipt_gives() {
    let host = Host::start().await;
    let amy = host.member("13812341234").await;
    let quote = host.post("/api/v1/pos/quotes", "q-1", &receipt("R-1", json!({"id": amy}))).await;
    assert_eq!((quote.status, quote.json()["points"]["earned"].as_i64()), (StatusCode::OK, Some(128)));
    let id = quote.json()["decision_id"].as_str().expect("an id").to_owned();
    let seen = host.post("/api/v1/pos/members/lookup", "", &json!({"id": amy})).await;
    assert_eq!(seen.json()["points"]["balance"], 0);
    let mut body = receipt("R-1", json!({"id": amy}));
    body["quote"] = json!(id);
    let confirmed = host.post(RECEIPTS, "k-1", &body).await;
    assert_eq!(confirmed.json()["points"]["balance"], 128, "{}", confirmed.json());
    let other = host.post("/api/v1/pos/quotes", "q-2", &receipt("R-2", json!({"id": amy}))).await.json();
    let cancel = format!("/api/v1/pos/quotes/{}/cancel", other["decision_id"].as_str().expect("an id"));
    assert_eq!(host.post(&cancel, "c-1", &json!({})).await.status, StatusCode::OK);
    assert!(host.post(&cancel, "c-2", &json!({})).await.is_replayed());
    assert_eq!(host.post("/api/v1/pos/quotes/a-999/cancel", "c-3", &json!({})).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn day_end_lists_what_differs() {
    let host = Host::start().await;
    let amy = host.member("13812341234").await;
    host.post(RECEIPTS, "k-1", &receipt("R-1", json!({"id": amy}))).await;
    host.post(RECEIPTS, "k-2", &receipt("R-2", Value::Null)).await;
    let recharge = json!({"recharge_id": "C-1", "member": {"id": amy}, "amount_fen": 5000});
    assert_eq!(host.post("/api/v1/pos/recharges", "k-3", &recharge).await.status, StatusCode::OK);
    let counted = |receipts: i64| {
        json!({"day": "2026-11-21", "totals": {
            "receipt": {"count": receipts, "amount_fen": receipts * 12_800},
            "recharge": {"count": 1, "amount_fen": 5_000},
        }})
    };
    let equal = host.post("/api/v1/pos/day-end", "", &counted(2)).await.json();
    assert_eq!(equal["equal"], true, "{equal}");
    let other = host.post("/api/v1/pos/day-end", "", &counted(3)).await.json();
    assert_eq!((other["equal"].as_bool(), other["differences"][0]["kind"].as_str()), (Some(false), Some("receipt")));
    let ours = host.get("/api/v1/pos/day-end?day=2026-11-21&till=t2").await.json();
    assert_eq!(ours["totals"]["receipt"]["count"], 0);
    assert_eq!(host.get("/api/v1/pos/day-end?day=2026-11-21&store=s2").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_counts_once_a_day_and_unknown_members_are_not_found() {
    let host = Host::start().await;
    let amy = host.member("13812341234").await;
    let sign_in = format!("/api/v1/pos/members/{amy}/sign-in");
    assert_eq!(host.post(&sign_in, "s-1", &json!({})).await.status, StatusCode::OK);
    assert_eq!(host.post(&sign_in, "s-2", &json!({})).await.code(), "signed_in_today");
    let missing = host.post("/api/v1/pos/members/nobody/sign-in", "s-3", &json!({})).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let events = format!("/api/v1/pos/members/{amy}/events");
    let custom = json!({"custom": "review", "data": {"stars": 5}});
    assert_eq!(host.post(&events, "e-1", &custom).await.status, StatusCode::OK);
    assert_eq!(host.post(&events, "e-2", &json!({})).await.code(), "invalid");
    assert_eq!(host.post(&events, "e-3", &json!({"draw": "wheel"})).await.status.as_u16(), 422);
    let keyless = host.send(host.signed("POST", &events, None, "{}")).await;
    assert_eq!(keyless.code(), "idempotency_key_missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_names_its_place_and_keeps_its_day() {
    let mut host = Host::start().await;
    let amy = host.member("13812341234").await;
    let (now, tenant) = (host.app.clock.now(), ledger::TenantId::new("acme").expect("an id"));
    let desk = Desk { db: &host.app.db, sealer: &host.app.sealer, entropy: Entropy, now, by: "test" };
    host.key = desk.import_key(&tenant, "history").await.expect("a key");
    let mut old = receipt("R-1", json!({"id": amy}));
    old["business_at"] = json!("2016-01-02T10:00:00+08:00");
    let placed = format!("{RECEIPTS}?store=s7&till=9");
    let settled = host.post(&placed, "i-1", &old).await;
    assert_eq!(settled.json()["points"]["earned"], 128, "a Saturday long ago: {}", settled.json());
    let day = host.get("/api/v1/pos/day-end?store=s7&till=9&day=2016-01-02").await.json();
    assert_eq!(day["totals"]["receipt"]["count"], 1, "{day}");
    assert_eq!(host.post(RECEIPTS, "i-2", &old).await.code(), "malformed", "without its place");
}
