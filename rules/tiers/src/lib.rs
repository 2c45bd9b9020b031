//! Tiers by what a member spends or earns within a window. Rules and their ids: `tier-up`, `next-tier`,
//! `tier-kept`, `tier-down`.
//!
//! A tier that is set begins its period of validity that day (`tier_since`). The nightly review lowers a tier
//! when that period and the grace after it are over and the window no longer supports it. The host itself takes
//! back a tier together with the one sale that gave it; beyond that a return lowers a tier at once if it takes
//! away what carried it. A tier that only its period of validity still carries is left to the review, so a
//! return never cuts the grace short. A pinned tier rises and never falls.

mod ladder;
mod moves;

use punchcard_rules::prelude::*;

/// 会员等级规则：按周期内累计消费或积分升级，到期复核，退货重算。
#[policy(name = "tiers")]
pub mod tiers {
    use super::*;

    /// What the merchant sets.
    #[derive(Debug, Clone)]
    pub struct Params {
        /// 等级名称
        /// 与下一项一一对应
        #[param(default = ["普通会员", "银卡", "金卡"])]
        pub names: Vec<String>,
        /// 等级门槛
        /// 按消费时单位为分，按积分时单位为积分；0 表示入会即得
        #[param(default = [0, 100_000, 500_000])]
        pub thresholds: Vec<i64>,
        /// 升级依据
        /// spend 按消费金额，points 按获得积分
        #[param(choice("spend", "points"), default = "spend")]
        pub basis: String,
        /// 累计周期（天）
        /// 只计最近这些天；all 表示全部
        #[param(choice("90", "365", "all"), default = "365")]
        pub window_days: String,
        /// 等级有效期（天）
        /// 获得等级后至少保留的天数；0 表示永久有效
        #[param(default = 365, max = 36_500)]
        pub valid_days: i64,
        /// 到期未达标时
        /// never 不降级，step 降一级，earned 降到实际达到的等级
        #[param(choice("never", "step", "earned"), default = "step")]
        pub downgrade: String,
        /// 宽限期（天）
        /// 有效期过后再等多少天才降级
        #[param(default = 30, max = 3_650)]
        pub grace_days: i64,
    }

    /// What the member has spent and earned in each window.
    #[derive(Debug, Clone, Default)]
    pub struct Stats {
        /// Fen in 90 days.
        #[stat(spend_fen, days = 90)]
        pub spend_90: i64,
        /// Fen in 365 days.
        #[stat(spend_fen, days = 365)]
        pub spend_365: i64,
        /// Fen in all.
        #[stat(spend_fen, days = 0)]
        pub spend_all: i64,
        /// Points in 90 days.
        #[stat(points_earned, days = 90)]
        pub points_90: i64,
        /// Points in 365 days.
        #[stat(points_earned, days = 365)]
        pub points_365: i64,
        /// Points in all.
        #[stat(points_earned, days = 0)]
        pub points_all: i64,
    }

    /// A new member gets the tier that needs nothing, if there is one.
    pub fn on_register(ctx: &Context<Params, Stats>, out: &mut Decision) {
        moves::rise(ctx, out);
    }

    /// Spending may raise the tier; if not, the member reads how much more it takes.
    pub fn on_receipt(ctx: &Context<Params, Stats>, receipt: &Receipt, out: &mut Decision) {
        moves::rise_with(ctx, receipt, out);
    }

    /// A return may take away what carried the tier.
    pub fn on_return(ctx: &Context<Params, Stats>, returned: &Returned, out: &mut Decision) {
        moves::returned(ctx, returned, out);
    }

    /// Every night: up, renewed, kept or down.
    pub fn on_tier_review(ctx: &Context<Params, Stats>, out: &mut Decision) {
        moves::review(ctx, out);
    }
}

punchcard_rules::cases!(tiers::Policy, "cases.json");
