//! From what is asked to what will be written: the only place that grants.
//!
//! [`Work::open`] brings a member up to date and readies the act; [`Work::question`] says what the rulebook
//! is to be asked, [`Work::answer`] takes its decision, and [`Work::finish`] gives the [`Planned`] outcome.

mod breaker;
mod budgets;
mod checkout;
mod draw;
mod effects;
mod error;
mod holds;
mod points;
mod reply;
mod returns;
mod settle;
mod stored;
mod vouchers;
mod work;

pub use breaker::BREAKER;
pub use draw::{DrawProof, DrawSecret, draw_of, ticket_seed};
pub use error::PlanError;
pub use reply::{EffectLine, HeldPoints, NextStep, Reply, ReplyMember, ReplyReason, ReplyVoucher};
pub use work::{Case, Planned, Question, SaleScored, Work};

use crate::{Applied, Entry, MemberState, Sale, UnixMs, Voucher};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Counters that members share, as they were read, by name.
pub type Stock = BTreeMap<String, Counter>;

/// A counter that several members share: prize stock, voucher template stock, budgets, draw tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counter {
    /// How much is used.
    pub used: i64,
    /// The most that may be; absent = no limit.
    pub max: Option<i64>,
    /// The first day of the period it counts; 0 for one that never begins anew.
    pub since: i64,
}

impl Counter {
    /// Nothing used of so many.
    pub const fn up_to(max: i64) -> Self {
        Self { used: 0, max: Some(max), since: 0 }
    }

    /// Moves it as the database does.
    pub fn apply(&mut self, moved: &StockUse) {
        let before = if self.since == moved.since { self.used } else { 0 };
        *self = Self { used: before.saturating_add(moved.delta), max: moved.max, since: moved.since };
    }
}

/// What is used of a [`Counter`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockUse {
    /// Names the counter within the tenant.
    pub name: String,
    /// How much more is used; below zero gives back.
    pub delta: i64,
    /// The most that may be used in all; absent = no limit.
    pub max: Option<i64>,
    /// The period it counts in: a later one than the counter's begins from nothing, an earlier one is refused.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub since: i64,
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// Something to tell the outside world once the decision is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Where it goes: `message`, `event`, `webhook`.
    pub topic: String,
    /// What it says, as JSON.
    pub body: serde_json::Value,
    /// Not before this moment; absent = at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<UnixMs>,
}

/// Everything one event changes; nothing is written that is not in here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Lines for the accounts, in order.
    pub entries: Vec<Entry>,
    /// The member afterwards; absent if the event has no member.
    pub member: Option<MemberState>,
    /// Vouchers that are new or changed, as they are afterwards.
    pub vouchers: Vec<Voucher>,
    /// Shared counters to move.
    pub stock: Vec<StockUse>,
    /// Notices for the outbox.
    pub notices: Vec<Notice>,
    /// What the decision changed, so that a return can undo it.
    pub applied: Applied,
    /// The natural key of the sale this return names, and what is left of the sale afterwards.
    pub sale: Option<(String, Sale)>,
}
