//! Up, kept, down.

use crate::ladder::Ladder;
use crate::tiers::{Params, Stats};
use punchcard_rules::prelude::*;

type Ctx = Context<Params, Stats>;

/// A member whose tier the ladder knows.
struct Place<'a> {
    ladder: Ladder<'a>,
    member: &'a Member,
    level: usize,
}

/// Finds the member's place, or says why there is none.
fn place<'a>(ctx: &'a Ctx, out: &mut Decision) -> Option<Place<'a>> {
    let Some(member) = ctx.member() else {
        out.skipped("tier-up", "没有会员，不计等级");
        return None;
    };
    let ladder = Ladder::new(&ctx.params);
    let Some(level) = ladder.level(&member.tier) else {
        out.skipped("tier-up", format!("等级「{}」不在等级表中，不作调整", member.tier));
        return None;
    };
    Some(Place { ladder, member, level })
}

/// Raises the tier if what the member has reaches the next one.
pub(crate) fn rise(ctx: &Ctx, out: &mut Decision) {
    let Some(place) = place(ctx, out) else { return };
    let counted = place.ladder.counted(&ctx.params, &ctx.stats);
    up(ctx, &place, counted, out);
    let what = place.ladder.what();
    next(&place, counted, out, |need| (what, counted, need));
}

/// The same with a receipt, which counts if tiers go by spending.
pub(crate) fn rise_with(ctx: &Ctx, receipt: &Receipt, out: &mut Decision) {
    if ctx.params.basis != "spend" {
        return rise(ctx, out);
    }
    let Some(place) = place(ctx, out) else { return };
    let counted = place.ladder.counted(&ctx.params, &ctx.stats).saturating_add(receipt.payable);
    up(ctx, &place, counted, out);
    // In terms of this receipt, so that a till can say how much more in the basket gives the tier.
    let total = receipt.total;
    next(&place, counted, out, |need| ("spend_fen", total, total.saturating_add(need.saturating_sub(counted))));
}

/// Raises the tier to what `counted` reaches.
fn up(ctx: &Ctx, place: &Place<'_>, counted: i64, out: &mut Decision) {
    let earned = place.ladder.earned(counted);
    if earned > place.level {
        let name = place.ladder.name(earned);
        set(ctx, "tier-up", name, out);
        out.applied("tier-up", format!("累计{}，升级为{name}{}", place.ladder.amount(counted), until(ctx)));
    }
}

/// Says what the next tier takes, with the numbers that `compared` makes of its threshold.
fn next(place: &Place<'_>, counted: i64, out: &mut Decision, compared: impl FnOnce(i64) -> (&'static str, i64, i64)) {
    let ladder = &place.ladder;
    let level = ladder.earned(counted).max(place.level) + 1;
    if ladder.has(level) {
        let need = ladder.need(level);
        let missing = ladder.amount(need.saturating_sub(counted));
        let (what, have, need) = compared(need);
        out.missed("next-tier", format!("再{missing}可升级为{}", ladder.name(level)), what, have, need);
    }
}

/// The nightly review.
pub(crate) fn review(ctx: &Ctx, out: &mut Decision) {
    let Some(place) = place(ctx, out) else { return };
    let counted = place.ladder.counted(&ctx.params, &ctx.stats);
    let earned = place.ladder.earned(counted);
    if earned > place.level || place.level == 0 {
        return rise(ctx, out);
    }
    let name = place.ladder.name(place.level);
    if place.member.tier_pinned {
        return out.skipped("tier-kept", format!("{name}由商家指定，不降级"));
    }
    let p = &ctx.params;
    if p.valid_days == 0 {
        return out.skipped("tier-kept", format!("{name}永久有效"));
    }
    let last = place.member.tier_since.saturating_add(days(p.valid_days));
    if earned == place.level {
        return renew(ctx, name, last, out);
    }
    if p.downgrade == "never" {
        return out.skipped("tier-kept", format!("{name}不降级"));
    }
    if ctx.today() <= last.saturating_add(days(p.grace_days)) {
        return short(&place, counted, out);
    }
    fall(ctx, &place, counted, out);
}

/// Begins a new period once the old one is over.
fn renew(ctx: &Ctx, name: &str, last: Day, out: &mut Decision) {
    if ctx.today() <= last {
        return out.skipped("tier-kept", format!("{name}在有效期内"));
    }
    set(ctx, "tier-kept", name, out);
    out.applied("tier-kept", format!("保级成功，继续为{name}{}", until(ctx)));
}

/// Not enough for the tier, which still holds: says how much it takes to keep it.
fn short(place: &Place<'_>, counted: i64, out: &mut Decision) {
    let (ladder, need) = (&place.ladder, place.ladder.need(place.level));
    let missing = ladder.amount(need.saturating_sub(counted));
    let text = format!("再{missing}可保留{}", ladder.name(place.level));
    out.missed("tier-kept", text, ladder.what(), counted, need);
}

/// A return: the tier falls if the returned amount is what carried it. The host has taken it off already.
pub(crate) fn returned(ctx: &Ctx, returned: &Returned, out: &mut Decision) {
    let Some(place) = place(ctx, out) else { return };
    if ctx.params.basis != "spend" {
        return out.skipped("tier-down", "按积分计算的等级由每日复核调整");
    }
    let after = place.ladder.counted(&ctx.params, &ctx.stats);
    let before = after.saturating_add(returned.amount);
    let need = place.ladder.need(place.level);
    let name = place.ladder.name(place.level);
    if after >= need || before < need {
        return out.skipped("tier-down", "退货不影响等级");
    }
    if place.member.tier_pinned || ctx.params.downgrade == "never" {
        return out.skipped("tier-down", format!("{name}不降级"));
    }
    fall(ctx, &place, after, out);
}

/// Lowers the tier as far as the merchant's setting says.
fn fall(ctx: &Ctx, place: &Place<'_>, counted: i64, out: &mut Decision) {
    let ladder = &place.ladder;
    let earned = ladder.earned(counted);
    let level = if ctx.params.downgrade == "step" { earned.max(place.level.saturating_sub(1)) } else { earned };
    let (from, to) = (ladder.name(place.level), ladder.name(level));
    set(ctx, "tier-down", to, out);
    let to = if to.is_empty() { "无等级" } else { to };
    out.applied("tier-down", format!("累计{}，由{from}调整为{to}", ladder.amount(counted)));
    short(place, counted, out);
}

/// Sets the tier, with its last day unless tiers hold for ever.
fn set(ctx: &Ctx, rule: &str, name: &str, out: &mut Decision) {
    match last_day(ctx) {
        Some(last) if !name.is_empty() => out.set_tier_until(rule, name, last),
        _ => out.set_tier(rule, name),
    }
}

fn until(ctx: &Ctx) -> String {
    last_day(ctx).map_or_else(String::new, |last| {
        let (year, month, day) = date(last);
        format!("，有效至 {year}-{month:02}-{day:02}")
    })
}

fn last_day(ctx: &Ctx) -> Option<Day> {
    let valid = ctx.params.valid_days;
    (valid > 0).then(|| ctx.today().saturating_add(days(valid)))
}

/// A parameter's days; its bounds keep it far inside the range.
fn days(number: i64) -> Day {
    Day::try_from(number).unwrap_or(Day::MAX)
}
