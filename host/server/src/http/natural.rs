//! The names things have for ever, whatever key a request about them carries.

use ledger::{DecisionId, StoreId, TillId};

/// `kind/part/part/…`; `/` and `%` inside a part are written as `%2F` and `%25`.
pub fn name(kind: &str, parts: &[&str]) -> String {
    parts.iter().fold(kind.to_owned(), |mut name, part| {
        name.push('/');
        name.push_str(&part.replace('%', "%25").replace('/', "%2F"));
        name
    })
}

/// A receipt: unique per till for ever.
pub fn receipt(store: &StoreId, till: &TillId, receipt: &str) -> String {
    name("receipt", &[store.as_str(), till.as_str(), receipt])
}

/// A return at a till of a receipt, which may come from another till.
pub fn back(sale: &str, store: &StoreId, till: &TillId, return_id: &str) -> String {
    name("return", &[sale, store.as_str(), till.as_str(), return_id])
}

/// A recharge: unique per till for ever.
pub fn recharge(store: &StoreId, till: &TillId, recharge_id: &str) -> String {
    name("recharge", &[store.as_str(), till.as_str(), recharge_id])
}

/// The cancellation of a quote.
pub fn cancel(quote: &DecisionId) -> String {
    name("cancel", &[quote.as_str()])
}

/// A correction that somebody asked for and somebody else approved.
pub fn adjustment(id: &str) -> String {
    name("adjustment", &[id])
}

/// A push of WeChat, by a fingerprint of WeChat's own name for it, which holds the follower's openid.
pub fn wechat(app_id: &str, fingerprint: &str) -> String {
    name("wx", &[app_id, fingerprint])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_separator_in_a_part_does_not_make_two_things_one() {
        let store = |id| StoreId::new(id).expect("an id");
        let till = |id| TillId::new(id).expect("an id");
        assert_eq!(receipt(&store("s1"), &till("t1"), "R-1"), "receipt/s1/t1/R-1");
        assert_ne!(receipt(&store("a/b"), &till("c"), "d"), receipt(&store("a"), &till("b/c"), "d"));
        assert_ne!(receipt(&store("a%2Fb"), &till("c"), "d"), receipt(&store("a/b"), &till("c"), "d"));
    }
}
