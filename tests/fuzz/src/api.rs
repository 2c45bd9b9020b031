//! Requests of a till, several in a row: each is answered with what was done or with a problem document, the same
//! again when it is sent again, and the books are whole afterwards.

mod host;

use crate::planted;
use axum::http::Method;
use host::{Answered, Host};
use serde_json::Value;
use std::cell::RefCell;

/// Requests of one input.
const REQUESTS_MAX: usize = 6;
/// Tenants of one host: then a new one begins with an empty database.
const TENANTS_MAX: u32 = 2_000;
/// A phone everybody may name: whoever has it is registered before the first request.
const PHONE: &str = "13812341234";

/// One kind of request: its letter, its method, its path. `{m}` is the member, `{q}` the latest decision, `{?}` the
/// line up to its first blank.
type Route = (u8, Method, &'static str);

const ROUTES: [Route; 16] = [
    (b'r', Method::POST, "/api/v1/pos/receipts"),
    (b'b', Method::POST, "/api/v1/pos/receipts/batch"),
    (b'q', Method::POST, "/api/v1/pos/quotes"),
    (b'x', Method::POST, "/api/v1/pos/quotes/{q}/cancel"),
    (b't', Method::POST, "/api/v1/pos/receipts/{?}/returns"),
    (b'c', Method::POST, "/api/v1/pos/recharges"),
    (b'm', Method::POST, "/api/v1/pos/members"),
    (b'l', Method::POST, "/api/v1/pos/members/lookup"),
    (b's', Method::POST, "/api/v1/pos/members/{m}/sign-in"),
    (b'e', Method::POST, "/api/v1/pos/members/{m}/events"),
    (b'v', Method::POST, "/api/v1/pos/vouchers/check"),
    (b'd', Method::POST, "/api/v1/pos/day-end"),
    (b'R', Method::GET, "/api/v1/pos/receipts/{?}"),
    (b'L', Method::GET, "/api/v1/pos/members/lookup?{?}"),
    (b'D', Method::GET, "/api/v1/pos/day-end?{?}"),
    (b'E', Method::POST, "/api/v1/pos/members/{?}/events"),
];

thread_local! {
    static HOST: RefCell<Option<Host>> = const { RefCell::new(None) };
}

/// A request on each line: the letter of its route, then its body.
pub fn run(input: &[u8]) {
    HOST.with_borrow_mut(|held| {
        let host = held.take().filter(|host| host.tenants() < TENANTS_MAX).unwrap_or_else(Host::open);
        converse(held.insert(host), input);
    });
}

fn converse(host: &mut Host, input: &[u8]) {
    host.next_tenant(PHONE);
    let mut wrote = false;
    for (at, line) in input.split(|byte| *byte == b'\n').take(REQUESTS_MAX).enumerate() {
        let Some((letter, rest)) = line.split_first() else { continue };
        let Some((_, method, path)) = ROUTES.iter().find(|(known, ..)| known == letter) else { continue };
        let (place, body) = split(path, rest);
        let path = path.replace("{m}", host.member()).replace("{q}", host.decision()).replace("{?}", &place);
        let key = format!("key-{at}");
        let Some(first) = host.ask(method, &path, &key, body) else { continue };
        judge(&first);
        wrote |= *method == Method::POST && first.is_done();
        let again = host.ask(method, &path, &key, body).expect("the same request");
        judge(&again);
        repeated(&first, &again);
    }
    if wrote {
        // Planted: somebody's stored value moves without a decision.
        if planted() {
            host.plant_a_gift();
        }
        assert_eq!(host.audit(), None, "the books differ");
    }
}

/// What stands in the path, and the body.
fn split<'a>(path: &str, rest: &'a [u8]) -> (String, &'a [u8]) {
    if !path.contains("{?}") {
        return (String::new(), rest);
    }
    let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
    (String::from_utf8_lossy(&rest[..end]).into_owned(), rest.get(end + 1..).unwrap_or_default())
}

/// An answer is what was done, or a refusal that says why.
fn judge(answer: &Answered) {
    let text = String::from_utf8_lossy(&answer.body);
    assert!(answer.status < 500, "{} {text}", answer.status);
    let json: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{} {text}", answer.status));
    if answer.is_done() {
        assert_eq!(answer.kind, "application/json", "{text}");
        return;
    }
    assert!((400..500).contains(&answer.status), "{} {text}", answer.status);
    assert_eq!(answer.kind, "application/problem+json", "{text}");
    assert_eq!(json["status"], answer.status, "{text}");
    for field in ["type", "title", "code", "detail"] {
        assert!(json[field].as_str().is_some_and(|said| !said.is_empty()), "no {field}: {text}");
    }
}

/// What was done is not done again, and told in the same bytes; what was refused is not done later.
fn repeated(first: &Answered, again: &Answered) {
    if first.is_late() || again.is_late() {
        return;
    }
    if first.is_replayable() {
        let told = |answer: &Answered| (answer.status, String::from_utf8_lossy(&answer.body).into_owned());
        assert_eq!(told(again), told(first), "told otherwise");
    }
    assert_eq!(first.is_done(), again.is_done(), "{} then {}", first.status, again.status);
}
