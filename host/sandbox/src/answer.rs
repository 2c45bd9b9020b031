//! What the host answers. Fields we do not know are passed over: a till must outlive the next version.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a receipt, a return or a registration brought.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// Names the decision for ever.
    pub decision_id: String,
    /// The till's own number, as it was sent.
    pub receipt: Option<String>,
    /// Who earned; absent for a receipt without a member.
    pub member: Option<Value>,
    /// How points moved; absent for a receipt without a member.
    pub points: Option<PointsMoved>,
    /// What was given or taken: `{"policy": …, "rule": …, "kind": "voucher", "amount": …}`, in order.
    pub effects: Vec<Value>,
    /// Why, and why not.
    pub reasons: Vec<Value>,
    /// What became of vouchers, presented or issued.
    pub vouchers: Vec<Value>,
    /// What would have brought more.
    pub next: Value,
    /// What the till prints.
    pub print_lines: Vec<String>,
}

/// How one member's points moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PointsMoved {
    /// Given; below zero where a return takes back.
    pub earned: i64,
    /// Spent.
    pub redeemed: i64,
    /// Held afterwards.
    pub balance: i64,
}

impl Answer {
    /// Points given; none without a member.
    pub fn points_earned(&self) -> i64 {
        self.points.map_or(0, |points| points.earned)
    }

    /// How many effects of one kind there are, such as `voucher` or `tier`.
    pub fn effects_of(&self, kind: &str) -> u64 {
        let is_kind = |effect: &&Value| effect.get("kind").and_then(Value::as_str) == Some(kind);
        self.effects.iter().filter(is_kind).count() as u64
    }
}

/// Why the host refused (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// Stable and made for programs.
    pub code: String,
    /// One sentence for people.
    pub title: String,
    /// What it was this time.
    pub detail: String,
}

/// What became of one receipt of a batch.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BatchItem {
    /// As if it had been sent alone.
    pub status: u16,
    /// The answer, if it was taken.
    pub body: Option<Answer>,
    /// The refusal, if it was not.
    pub problem: Option<Problem>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn effects_are_counted_by_kind() -> anyhow::Result<()> {
        let answer: Answer = serde_json::from_value(json!({
            "decision_id": "d-1", "receipt": "R", "member": {"id": "m"}, "unheard_of": true,
            "points": {"earned": 12, "redeemed": 0, "balance": 42},
            "effects": [
                {"policy": "p", "rule": "earn", "kind": "points", "amount": 12, "text": ""},
                {"policy": "p", "rule": "gift", "kind": "voucher", "amount": 1500, "text": ""},
                {"policy": "p", "rule": "gift", "kind": "voucher", "amount": 500, "text": ""},
            ],
        }))?;
        assert_eq!(answer.points_earned(), 12);
        let counts = ["voucher", "tier", "points"].map(|kind| answer.effects_of(kind));
        assert_eq!(counts, [2, 0, 1]);
        Ok(())
    }

    #[test]
    fn a_receipt_without_a_member_earns_nothing() -> anyhow::Result<()> {
        let answer: Answer = serde_json::from_value(json!({"decision_id": "d", "member": null, "points": null}))?;
        assert_eq!(answer.points_earned(), 0);
        Ok(())
    }
}
