//! The tiers in order of what they need. Level 0 is no tier.

use crate::tiers::{Params, Stats};
use punchcard_rules::prelude::*;

pub(crate) struct Ladder<'a> {
    /// What each level from 1 on needs, and its name.
    steps: Vec<(i64, &'a str)>,
    by_points: bool,
}

impl<'a> Ladder<'a> {
    pub(crate) fn new(p: &'a Params) -> Self {
        let mut steps: Vec<_> = p.thresholds.iter().copied().zip(p.names.iter().map(String::as_str)).collect();
        steps.sort_by_key(|(need, _)| *need);
        Self { steps, by_points: p.basis == "points" }
    }

    /// The level of a tier; `None` for a tier the merchant's list does not have.
    pub(crate) fn level(&self, tier: &str) -> Option<usize> {
        if tier.is_empty() {
            return Some(0);
        }
        self.steps.iter().position(|(_, name)| *name == tier).map(|index| index + 1)
    }

    /// The level that so much reaches.
    pub(crate) fn earned(&self, counted: i64) -> usize {
        self.steps.partition_point(|(need, _)| *need <= counted)
    }

    /// The tier's name; empty for level 0.
    pub(crate) fn name(&self, level: usize) -> &'a str {
        self.step(level).map_or("", |(_, name)| name)
    }

    /// What the level needs; nothing for level 0.
    pub(crate) fn need(&self, level: usize) -> i64 {
        self.step(level).map_or(i64::MIN, |(need, _)| need)
    }

    /// Whether there is such a level.
    pub(crate) fn has(&self, level: usize) -> bool {
        self.step(level).is_some()
    }

    fn step(&self, level: usize) -> Option<(i64, &'a str)> {
        self.steps.get(level.checked_sub(1)?).copied()
    }

    /// What the member has in the merchant's window, the event itself not included.
    pub(crate) fn counted(&self, p: &Params, s: &Stats) -> i64 {
        match (self.by_points, p.window_days.as_str()) {
            (false, "90") => s.spend_90,
            (false, "365") => s.spend_365,
            (false, _) => s.spend_all,
            (true, "90") => s.points_90,
            (true, "365") => s.points_365,
            (true, _) => s.points_all,
        }
    }

    /// The name tills and phones read beside the numbers.
    pub(crate) fn what(&self) -> &'static str {
        if self.by_points { "window_points" } else { "window_spend_fen" }
    }

    /// An amount in words: `消费 15 元` or `获得 15 积分`.
    pub(crate) fn amount(&self, amount: i64) -> String {
        if self.by_points { format!("获得 {amount} 积分") } else { format!("消费 {} 元", yuan(amount)) }
    }
}
