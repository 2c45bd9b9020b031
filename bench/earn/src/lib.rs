//! The one policy every engine is asked: points with a tier's multiplier and a category's bonus up to a cap, a
//! voucher for a big receipt, and a tier for a year's spending. `policy.wasm` is this file, built by `./build`;
//! called natively it is the control.

use punchcard_rules::prelude::*;

const WHOLE_BP: i64 = 10_000;

/// Points, a voucher and a tier for a receipt.
#[policy(name = "earn")]
pub mod earn {
    use super::*;

    /// What the merchant sets. The scripts of the other engines have the defaults written into them.
    #[derive(Debug, Clone)]
    pub struct Params {
        /// Fen for a point
        #[param(default = 100, min = 1)]
        pub fen_per_point: i64,
        /// Category with a bonus
        #[param(default = "fresh")]
        pub bonus_category: String,
        /// Its bonus
        #[param(rate, default = 5_000)]
        pub bonus_bp: i64,
        /// Tiers, the lowest first
        #[param(default = ["silver", "gold"])]
        pub tiers: Vec<String>,
        /// Their multipliers
        #[param(default = [12_000, 15_000])]
        pub tier_rates_bp: Vec<i64>,
        /// What a member must have spent in a year
        #[param(default = [50_000, 200_000])]
        pub tier_from_fen: Vec<i64>,
        /// The most points of one receipt
        #[param(default = 300)]
        pub points_max: i64,
        /// A receipt from which there is a voucher
        #[param(money, default = 20_000)]
        pub voucher_from: i64,
        /// What it is worth
        #[param(money, default = 1_000)]
        pub voucher_face: i64,
    }

    /// What the member has spent.
    #[derive(Debug, Clone, Default)]
    pub struct Stats {
        /// Fen in 365 days.
        #[stat(spend_fen, days = 365)]
        pub spend_365: i64,
    }

    /// Scores a receipt of a member.
    pub fn on_receipt(ctx: &Context<Params, Stats>, receipt: &Receipt, out: &mut Decision) {
        let p = &ctx.params;
        if ctx.member().is_none() {
            return;
        }
        let held = p.tiers.iter().position(|tier| tier == ctx.tier());
        let points = points(p, held, receipt);
        if points > 0 {
            out.grant("earn", points);
        }
        if receipt.payable >= p.voucher_from {
            out.issue_voucher("voucher", VoucherIssue::new("thanks", "Thank you", p.voucher_face, 30));
        }
        let spent = ctx.stats.spend_365 + receipt.payable;
        let reached = p.tier_from_fen.iter().rposition(|from| spent >= *from);
        if reached > held
            && let Some(tier) = reached.and_then(|at| p.tiers.get(at))
        {
            out.set_tier("tier", tier);
        }
    }
}

/// Rounded down once, so that no engine can differ by a rounding in between.
fn points(p: &earn::Params, held: Option<usize>, receipt: &Receipt) -> Points {
    let bonus = |line: &Line| if line.category == p.bonus_category { p.bonus_bp } else { 0 };
    let weighted: i64 = receipt.lines.iter().map(|line| line.amount * (WHOLE_BP + bonus(line))).sum();
    let rate = held.and_then(|at| p.tier_rates_bp.get(at)).copied().unwrap_or(WHOLE_BP);
    (weighted * rate).div_euclid(WHOLE_BP * WHOLE_BP * p.fen_per_point).min(p.points_max)
}
