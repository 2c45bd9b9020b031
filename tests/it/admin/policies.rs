//! Policies: refused in words, tried on their cases, in force for the next receipt, and taken back.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tests::http::{AMY, Host, Staff, receipt};

/// Gives 7 points a receipt.
const BONUS: &str = r#"fn describe() { #{ name: "bonus", summary: "每单送 7 积分。" } }
fn on_receipt(ctx, receipt) { if ctx.member != () { grant("bonus", 7); } }
"#;

fn bonus(source: &str, expected: i64) -> Value {
    let effects = json!([{"rule": "bonus", "effect": {"grant_points": {"amount": expected}}}]);
    let event = json!({"receipt": {"total": 100, "payable": 100}});
    let case = json!({"name": "seven points", "facts": {"member": {}}, "event": event, "expect": {"effects": effects}});
    json!({"language": "rhai", "source": source, "cases": {"cases": [case]}})
}

/// Uploads, and gives the code and all findings.
async fn refused(admin: &Staff, body: &Value) -> (String, String) {
    let told = admin.post("policies", body).await;
    assert_eq!(told.status, 422, "{}", told.text());
    let problem = told.json();
    (problem["code"].as_str().expect("a code").to_owned(), problem["findings"].to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_with_an_error_is_refused_with_its_line_and_column() {
    let host = Host::open().await;
    let admin = host.demo().await.admin().await;
    let broken = BONUS.replace("grant(\"bonus\", 7);", "\n    let x = ;\n");
    let (code, findings) = refused(&admin, &bonus(&broken, 7)).await;
    assert_eq!(code, "policy_refused");
    assert!(findings.contains("line 3, column 13: "), "{findings}");
    let (code, findings) = refused(&admin, &bonus(BONUS, 8)).await;
    assert_eq!(code, "cases_failed");
    assert!(findings.contains("seven points") && findings.contains('8') && findings.contains('7'), "{findings}");
    let without_cases = json!({"language": "rhai", "source": BONUS, "cases": {"cases": []}});
    let told = admin.post("policies", &without_cases).await;
    assert_eq!((told.status, &told.json()["field"]), (422, &json!("cases")), "{}", told.text());
    let listed = admin.get("policies").await.ok();
    assert_eq!(listed.as_array().expect("policies").len(), 1, "nothing refused is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_wants_an_operating_system_is_refused_in_words() {
    let host = Host::open().await;
    let admin = host.demo().await.admin().await;
    for (import, words) in [
        ("wasi:filesystem/types@0.2.0", "policies get no files"),
        ("wasi:clocks/wall-clock@0.2.0", "policies get no clock: the moment of the event is in facts.now"),
        ("wasi:sockets/tcp@0.2.0", "policies get no network"),
        ("wasi:random/random@0.2.0", "policies get no randomness: the host draws"),
        ("wasi:cli/environment@0.2.0", "policies get no operating system: build for wasm32-unknown-unknown"),
    ] {
        let component = wat::parse_str(format!("(component (import \"{import}\" (instance (export \"f\" (func)))))"));
        let source = STANDARD.encode(component.expect("a component"));
        let body = json!({"language": "wasm", "source": source, "cases": {"cases": []}});
        let (code, findings) = refused(&admin, &body).await;
        assert_eq!(code, "policy_refused");
        assert!(findings.contains(import) && findings.contains(words), "{findings}");
    }
    let garbage = json!({"language": "wasm", "source": STANDARD.encode("no component"), "cases": {"cases": []}});
    assert_eq!(refused(&admin, &garbage).await.0, "policy_refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_rulebook_scores_the_next_receipt_and_can_be_taken_back() {
    let host = Host::open().await;
    let tenant = host.demo().await;
    let (till, admin) = (tenant.till.clone(), tenant.admin().await);
    till.join(AMY).await;
    let uploaded = admin.post("policies", &bonus(BONUS, 7)).await.ok();
    assert_eq!((&uploaded["name"], &uploaded["cases"]), (&json!("bonus"), &json!(1)));
    assert_eq!(till.sell(&receipt("R-1", &[1_000])).await.ok()["points"]["earned"], 10, "not in force yet");
    let mut policies = admin.get("rulebook").await.ok()["policies"].clone();
    policies.as_array_mut().expect("policies").push(json!({"name": "bonus", "digest": uploaded["digest"]}));
    let publish = json!({"replaces": 1, "policies": policies, "note": "七分"});
    assert_eq!(admin.post("rulebook", &publish).await.ok()["version"], 2);
    assert_eq!(till.sell(&receipt("R-2", &[1_000])).await.ok()["points"]["earned"], 17);
    assert_eq!(admin.post("rulebook", &publish).await.refusal(), (409, "changed".to_owned()));
    let back = json!({"replaces": 2, "version": 1});
    assert_eq!(admin.post("rulebook/rollback", &back).await.ok()["version"], 3);
    assert_eq!(till.sell(&receipt("R-3", &[1_000])).await.ok()["points"]["earned"], 10);
    let returned = till.take_back("R-2", &json!({"return_id": "B-1"})).await.ok();
    assert_eq!(returned["points"]["earned"], -17, "a return goes by the rules of its sale");
    let versions = admin.get("rulebooks").await.ok();
    assert_eq!(versions.as_array().expect("versions").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rulebook_names_uploaded_policies_with_settings_they_take() {
    let host = Host::open().await;
    let admin = host.demo().await.admin().await;
    let standard = admin.get("rulebook").await.ok()["policies"][0].clone();
    let with = |field: &str, value: Value| {
        let mut entry = standard.clone();
        entry[field] = value;
        json!([entry])
    };
    for (policies, field) in [
        (with("digest", json!("0".repeat(64))), "policies[0].digest"),
        (with("name", json!("other")), "policies[0].digest"),
        (with("params", json!({"fen_per_point": "a"})), "policies[0].params"),
        (with("params", json!({"fen_per_pint": 1})), "policies[0].params"),
        (json!([standard, standard]), "policies[1].name"),
    ] {
        let told = admin.post("rulebook", &json!({"replaces": 1, "policies": policies})).await;
        assert_eq!((told.status, &told.json()["field"]), (422, &json!(field)), "{}", told.text());
    }
    assert_eq!(admin.get("rulebook").await.ok()["version"], 1);
}
