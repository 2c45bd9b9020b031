//! Gifts that do not depend on a receipt.

use crate::standard::Params;
use punchcard_rules::prelude::*;

/// Fixed points for something the member did.
pub(crate) fn points(rule: &str, what: &str, on: bool, points: Points, out: &mut Decision) {
    if !on || points == 0 {
        out.skipped(rule, format!("{what}不送积分"));
        return;
    }
    out.grant(rule, points);
    out.applied(rule, format!("{what}送 {points} 积分"));
}

/// The voucher of a new member, until its issuing ends.
pub(crate) fn registration_voucher(ctx: &Context<Params>, out: &mut Decision) {
    const RULE: &str = "registration-voucher";
    let p = &ctx.params;
    if !p.registration_voucher || p.voucher_face == 0 {
        out.skipped(RULE, "注册不送代金券");
        return;
    }
    if let Some(last) = p.voucher_issue_until
        && ctx.today() > last
    {
        let (year, month, day) = date(last);
        out.skipped(RULE, format!("注册送代金券已于 {year}-{month:02}-{day:02} 结束"));
        return;
    }
    let face = yuan(p.voucher_face);
    // The parameter's bounds keep it far inside the range.
    let days = u32::try_from(p.voucher_valid_days).unwrap_or_default();
    let voucher = VoucherIssue::new("registration", format!("{face} 元代金券"), p.voucher_face, days);
    out.issue_voucher(RULE, voucher.min_spend(p.voucher_min_spend));
    let condition = match p.voucher_min_spend {
        0 => String::new(),
        least => format!("，消费满 {} 元可用", yuan(least)),
    };
    out.applied(RULE, format!("注册送 {face} 元代金券，{days} 天内有效{condition}"));
}

/// The gift of the highest step the recharge reaches.
pub(crate) fn recharge(p: &Params, amount: Fen, out: &mut Decision) {
    const RULE: &str = "recharge-gift";
    let steps = || p.recharge_fen.iter().zip(&p.recharge_gift_fen).filter(|(_, gift)| **gift > 0);
    let reached = steps().filter(|(from, _)| **from <= amount).max_by_key(|(from, _)| **from);
    let next = steps().map(|(from, gift)| (*from, *gift)).filter(|(from, _)| *from > amount).min();
    if amount > 0
        && let Some((_, gift)) = reached
    {
        out.gift(RULE, *gift);
        out.applied(RULE, format!("充值 {} 元，赠送 {} 元", yuan(amount), yuan(*gift)));
    }
    match next {
        Some((from, gift)) => {
            let text = format!("充值满 {} 元可获赠 {} 元", yuan(from), yuan(gift));
            out.missed(RULE, text, "recharge_fen", amount, from);
        }
        None if reached.is_none() => out.skipped(RULE, "充值不赠送"),
        None => {}
    }
}
