//! Vouchers: what they are worth, where they may be used, and the states they move through.

use crate::{Day, DecisionId, Fen, MemberId, VoucherCode};
use serde::{Deserialize, Serialize};

/// A voucher (券) of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voucher {
    /// What the member shows.
    pub code: VoucherCode,
    /// Whose it is.
    pub member: MemberId,
    /// The template it counts for.
    pub template: String,
    /// What the member reads.
    pub title: String,
    /// What it is worth.
    pub face: Fen,
    /// The receipt's total it needs.
    pub min_spend: Fen,
    /// The first day it can be used.
    pub valid_from: Day,
    /// The last day it can be used; absent = open.
    pub valid_until: Option<Day>,
    /// Goods it is for; empty = any.
    #[serde(default)]
    pub categories: Vec<String>,
    /// The decision that issued it.
    pub issued_by: DecisionId,
    /// Where it stands.
    pub state: VoucherState,
}

/// Where a voucher stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoucherState {
    /// Ready to be used.
    Issued,
    /// Held for a quote until this moment (Unix ms).
    Reserved {
        /// The quote that holds it.
        quote: DecisionId,
        /// When the hold ends by itself.
        until_ms: i64,
    },
    /// It paid for part of a receipt.
    Used {
        /// The receipt's decision.
        by: DecisionId,
    },
    /// Its time ran out.
    Expired,
    /// Taken away.
    Voided,
}

impl VoucherState {
    /// The name it has in the database and in answers.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Reserved { .. } => "reserved",
            Self::Used { .. } => "used",
            Self::Expired => "expired",
            Self::Voided => "voided",
        }
    }

    /// It can still be used some day.
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Issued | Self::Reserved { .. })
    }
}

/// Why a presented voucher was not used; the code is stable, the text is for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum VoucherRefusal {
    /// No such voucher of this member.
    #[error("没有这张券，或它不属于该会员")]
    Unknown,
    /// Already used.
    #[error("这张券已经用过")]
    Used,
    /// Its time ran out.
    #[error("这张券已过期")]
    Expired,
    /// Taken away.
    #[error("这张券已作废")]
    Voided,
    /// Held by another receipt.
    #[error("这张券正被另一笔交易占用")]
    Reserved,
    /// It cannot be used yet.
    #[error("这张券从 {from} 起才能使用")]
    NotYet {
        /// The first day.
        from: String,
    },
    /// The receipt is too small.
    #[error("消费满 {need} 元可用，还差 {missing} 元")]
    MinSpend {
        /// What it takes, in yuan.
        need: String,
        /// What is missing, in yuan.
        missing: String,
    },
    /// Nothing on the receipt is covered by it.
    #[error("小票上没有这张券适用的商品")]
    Scope,
    /// The receipt already uses as many vouchers as it may.
    #[error("每笔最多使用 {max} 张券")]
    TooMany {
        /// How many a receipt may use.
        max: u32,
    },
}
