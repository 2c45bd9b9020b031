//! What a trial adds up.

use ledger::{Outcome, PlanError, Reply};
use sandbox::Basket;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// Everything counted over the receipts of a trial; amounts in fen and whole points.
#[derive(Debug, Clone, Default)]
pub(in crate::cli::policy) struct Sums {
    pub receipts: usize,
    pub lines: usize,
    pub members: usize,
    pub total_fen: i64,
    /// Receipts on which something was given or taken.
    pub touched: usize,
    pub points_given: i64,
    pub points_taken: i64,
    pub vouchers: usize,
    pub voucher_fen: i64,
    pub discount_fen: i64,
    pub gift_fen: i64,
    /// By the policy's own rule ids.
    pub rules: BTreeMap<String, RuleSum>,
    /// Failures and refusals by their code.
    pub troubles: BTreeMap<String, Trouble>,
    /// Lines by department, where the data knows it.
    pub departments: BTreeMap<String, usize>,
    /// What each evaluation used.
    pub fuel: Vec<u64>,
    /// All evaluations together.
    pub evaluating: Duration,
    /// The slowest evaluation and its basket.
    pub slowest: (Duration, String),
    /// The whole trial.
    pub took: Duration,
}

/// One rule of the policy.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::cli::policy) struct RuleSum {
    pub applied: u64,
    pub missed: u64,
    pub skipped: u64,
    /// Things given or taken.
    pub gives: u64,
    pub points: i64,
    pub fen: i64,
}

/// Something that went wrong, and where first.
#[derive(Debug, Clone)]
pub(in crate::cli::policy) struct Trouble {
    pub times: u64,
    pub first: String,
    pub text: String,
}

impl Sums {
    /// Counts a basket before it is scored.
    pub fn basket(&mut self, basket: &Basket) {
        self.receipts += 1;
        self.lines += basket.lines.len();
        self.total_fen = self.total_fen.saturating_add(basket.total_fen());
        for department in basket.lines.iter().filter_map(|line| line.department.as_ref()) {
            match self.departments.get_mut(department) {
                Some(lines) => *lines += 1,
                None => drop(self.departments.insert(department.clone(), 1)),
            }
        }
    }

    /// Counts an evaluation.
    pub fn asked(&mut self, took: Duration, fuel: u64, basket: &str) {
        self.fuel.push(fuel);
        self.evaluating += took;
        if took > self.slowest.0 {
            self.slowest = (took, basket.to_owned());
        }
    }

    /// Counts a failed answer.
    pub fn failed(&mut self, code: &str, text: &str, basket: &str) {
        let first = || Trouble { times: 0, first: basket.to_owned(), text: text.to_owned() };
        self.troubles.entry(code.to_owned()).or_insert_with(first).times += 1;
    }

    /// Counts a receipt the ledger refused.
    pub fn refused(&mut self, refusal: &PlanError, basket: &str) {
        self.failed(refusal.code(), &refusal.to_string(), basket);
    }

    /// Counts what a receipt was given, and why.
    pub fn reply(&mut self, reply: &Reply) {
        self.touched += usize::from(!reply.effects.is_empty());
        for reason in &reply.reasons {
            let rule = self.rules.entry(reason.reason.rule.clone()).or_default();
            match reason.reason.outcome {
                Outcome::Applied => rule.applied += 1,
                Outcome::Missed => rule.missed += 1,
                Outcome::Skipped => rule.skipped += 1,
            }
        }
        for effect in &reply.effects {
            let amount = effect.amount.unwrap_or(0);
            let rule = self.rules.entry(effect.rule.clone()).or_default();
            rule.gives += 1;
            match effect.kind.as_str() {
                "points" => {
                    rule.points = rule.points.saturating_add(amount);
                    self.points_given = self.points_given.saturating_add(amount.max(0));
                    self.points_taken = self.points_taken.saturating_sub(amount.min(0));
                    continue;
                }
                "voucher" => {
                    self.vouchers += usize::from(amount > 0);
                    self.voucher_fen = self.voucher_fen.saturating_add(amount);
                }
                "discount" => self.discount_fen = self.discount_fen.saturating_add(amount),
                "stored_value" => self.gift_fen = self.gift_fen.saturating_add(amount),
                _ => continue,
            }
            rule.fen = rule.fen.saturating_add(amount);
        }
    }

    /// What it costs the merchant at most, in fen: a point is worth a fen, and every voucher is used.
    pub fn cost_fen(&self) -> i64 {
        let net = self.points_given.saturating_sub(self.points_taken);
        [self.voucher_fen, self.discount_fen, self.gift_fen].into_iter().fold(net, i64::saturating_add)
    }

    /// Evaluations a second, the ledger's planning not counted.
    pub fn per_second(&self) -> u64 {
        let micros = self.evaluating.as_micros().max(1);
        let evaluations = self.fuel.len() as u128;
        u64::try_from(evaluations.saturating_mul(1_000_000) / micros).unwrap_or(u64::MAX)
    }

    /// The sums as JSON.
    pub fn json(&self) -> Value {
        let rules: serde_json::Map<String, Value> = self
            .rules
            .iter()
            .map(|(name, r)| {
                let told = json!({"applied": r.applied, "missed": r.missed, "skipped": r.skipped, "gives": r.gives,
                "points": r.points, "fen": r.fen});
                (name.clone(), told)
            })
            .collect();
        let troubles: serde_json::Map<String, Value> = self
            .troubles
            .iter()
            .map(|(code, t)| (code.clone(), json!({"times": t.times, "first_basket": t.first, "text": t.text})))
            .collect();
        json!({
            "receipts": self.receipts, "lines": self.lines, "members": self.members, "total_fen": self.total_fen,
            "touched": self.touched, "points_given": self.points_given, "points_taken": self.points_taken,
            "vouchers": self.vouchers, "voucher_fen": self.voucher_fen, "discount_fen": self.discount_fen,
            "gift_fen": self.gift_fen, "cost_fen": self.cost_fen(), "rules": rules, "failures": troubles,
            "departments": self.departments, "evaluations_per_second": self.per_second(),
            "slowest_us": u64::try_from(self.slowest.0.as_micros()).unwrap_or(u64::MAX), "slowest_basket": self.slowest.1,
            "took_ms": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
        })
    }
}
