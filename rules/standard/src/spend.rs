//! Points for spending.

use crate::standard::Params;
use punchcard_rules::prelude::*;

const RULE: &str = "spend";
const WHOLE_BP: i64 = 10_000;

/// One point for every `fen_per_point` of what earns, times the tier's rate, rounded down once.
pub(crate) fn points(ctx: &Context<Params>, receipt: &Receipt, out: &mut Decision) {
    let p = &ctx.params;
    if p.fen_per_point == 0 {
        return out.skipped(RULE, "消费不送积分");
    }
    if receipt.total <= 0 {
        return out.skipped(RULE, "退货或零元单不积分");
    }
    let rate = rate_bp(p, ctx.tier());
    let amount = earning(p, receipt);
    let points = at_rate(amount, rate).div_euclid(p.fen_per_point);
    if ctx.member().is_none() {
        return out.skipped(RULE, format!("未出示会员码；会员此单可得 {} 积分", points.max(0)));
    }
    if points > 0 {
        out.grant(RULE, points);
        return out.applied(RULE, granted(ctx.tier(), amount, rate, points));
    }
    missed(p, receipt, amount, rate, out);
}

/// What of the receipt earns points: what is left to pay, without excluded goods.
fn earning(p: &Params, receipt: &Receipt) -> Fen {
    let excluded = receipt.lines.iter().filter(|line| p.excluded_categories.contains(&line.category));
    let all = if p.earn_on_total { receipt.total } else { receipt.payable };
    excluded.fold(all, |left, line| left.saturating_sub(line.amount))
}

/// The tier's multiplier; 1 for tiers that have none.
fn rate_bp(p: &Params, tier: &str) -> i64 {
    let named = p.tier_names.iter().zip(&p.tier_rates_bp).find(|(name, _)| *name == tier);
    named.map_or(WHOLE_BP, |(_, rate)| (*rate).max(0))
}

fn granted(tier: &str, amount: Fen, rate: i64, points: Points) -> String {
    let spent = yuan(amount);
    if rate == WHOLE_BP {
        return format!("消费 {spent} 元，得 {points} 积分");
    }
    // A rate in basis points reads like fen: 15,000 is 150.00 %.
    format!("消费 {spent} 元，{tier}按 {}% 积分，得 {points} 积分", yuan(rate))
}

/// Too little for one point: how much it takes.
fn missed(p: &Params, receipt: &Receipt, amount: Fen, rate: i64, out: &mut Decision) {
    if rate == 0 {
        return out.skipped(RULE, "此等级消费不积分");
    }
    // Up, because a fen less would give nothing.
    let need = p.fen_per_point.saturating_mul(WHOLE_BP).saturating_add(rate - 1).div_euclid(rate);
    let what = if amount == receipt.total { "spend_fen" } else { "earning_fen" };
    let text = format!("可积分金额 {} 元，满 {} 元才有积分", yuan(amount), yuan(need));
    out.missed(RULE, text, what, amount, need);
}
