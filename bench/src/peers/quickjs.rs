//! The policy in JavaScript on QuickJS, JSON in: with one context for all calls, and with a fresh one for each, which
//! is what our own path gives.

use super::{
    Peer, Verdict,
    given::{Asked, Given},
};
use crate::cases::Case;
use anyhow::Result;
use rquickjs::{Context, Ctx, Function, Object, Runtime};

const POLICY: &str = r#"
function score(asked) {
    const out = { points: 0, voucher: 0, tier: "" };
    if (!asked.member) return out;
    let weighted = 0;
    for (const line of asked.lines) weighted += line.amount * (line.category === "fresh" ? 15000 : 10000);
    const rate = asked.tier === "gold" ? 15000 : asked.tier === "silver" ? 12000 : 10000;
    out.points = Math.min(Math.floor(weighted * rate / 10000000000), 300);
    if (asked.payable >= 20000) out.voucher = 1000;
    const spent = asked.spent + asked.payable;
    if (spent >= 200000) { if (asked.tier !== "gold") out.tier = "gold"; }
    else if (spent >= 50000 && asked.tier === "") out.tier = "silver";
    return out;
}
"#;

fn score(ctx: &Ctx<'_>, case: &Case, given: Given) -> rquickjs::Result<Verdict> {
    let asked = ctx.json_parse(serde_json::to_string(&Asked::of(case, given)).expect("JSON"))?;
    let score: Function<'_> = ctx.globals().get("score")?;
    let found: Object<'_> = score.call((asked,))?;
    Ok(Verdict { points: found.get("points")?, voucher_fen: found.get("voucher")?, tier: found.get("tier")? })
}

/// One context for all calls: what one call leaves behind, the next one sees.
pub fn warm(given: Given) -> Result<Peer> {
    let context = Context::full(&Runtime::new()?)?;
    context.with(|ctx| ctx.eval::<(), _>(POLICY))?;
    Ok(Box::new(move |case| context.with(|ctx| score(&ctx, case, given)).expect("scores")))
}

/// A context for each call, as no call may see another.
pub fn fresh(given: Given) -> Result<Peer> {
    let runtime = Runtime::new()?;
    Ok(Box::new(move |case| {
        let context = Context::full(&runtime).expect("a context");
        let scored = context.with(|ctx| {
            ctx.eval::<(), _>(POLICY)?;
            score(&ctx, case, given)
        });
        scored.expect("scores")
    }))
}
