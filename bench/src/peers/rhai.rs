//! The policy in Rhai: on our path, and on the plain interpreter with maps in and a map out.

use super::{
    Peer, Verdict,
    given::{Given, Maker, make},
};
use anyhow::{Context as _, Result};
use rhai::{Dynamic, Engine, Map, Scope};

/// As a merchant would upload it.
pub const OURS: &str = r#"
fn describe() {
    #{ name: "earn", summary: "", stats: [#{ name: "spend_365", metric: "spend_fen", days: 365 }] }
}

fn on_receipt(ctx, receipt) {
    if ctx.member == () { return; }
    let weighted = 0;
    for line in receipt.lines {
        weighted += line.amount * if line.category == "fresh" { 15000 } else { 10000 };
    }
    let tier = ctx.member.tier;
    let rate = if tier == "gold" { 15000 } else if tier == "silver" { 12000 } else { 10000 };
    let points = weighted * rate / 10000000000;
    if points > 300 { points = 300; }
    if points > 0 { grant("earn", points); }
    if receipt.payable >= 20000 {
        issue_voucher("voucher", #{ template: "thanks", title: "Thank you", face: 1000, valid_days: 30 });
    }
    let spent = ctx.stats.spend_365 + receipt.payable;
    if spent >= 200000 {
        if tier != "gold" { set_tier("tier", "gold"); }
    } else if spent >= 50000 && tier == "" {
        set_tier("tier", "silver");
    }
}
"#;

const PLAIN: &str = r#"
fn score(asked) {
    let out = #{ points: 0, voucher: 0, tier: "" };
    if !asked.member { return out; }
    let weighted = 0;
    for line in asked.lines {
        weighted += line.amount * if line.category == "fresh" { 15000 } else { 10000 };
    }
    let tier = asked.tier;
    let rate = if tier == "gold" { 15000 } else if tier == "silver" { 12000 } else { 10000 };
    let points = weighted * rate / 10000000000;
    if points > 300 { points = 300; }
    out.points = points;
    if asked.payable >= 20000 { out.voucher = 1000; }
    let spent = asked.spent + asked.payable;
    if spent >= 200000 {
        if tier != "gold" { out.tier = "gold"; }
    } else if spent >= 50000 && tier == "" {
        out.tier = "silver";
    }
    out
}
"#;

/// Rhai's maps, arrays and texts.
struct Values;

impl Maker for Values {
    type Value = Dynamic;

    fn flag(&self, on: bool) -> Dynamic {
        on.into()
    }

    fn number(&self, number: i64) -> Dynamic {
        number.into()
    }

    fn text(&self, text: &str) -> Dynamic {
        text.into()
    }

    fn list(&self, items: impl ExactSizeIterator<Item = Dynamic>) -> Dynamic {
        items.collect::<Vec<Dynamic>>().into()
    }

    fn map<const N: usize>(&self, fields: [(&'static str, Dynamic); N]) -> Dynamic {
        fields.into_iter().map(|(name, value)| (name.into(), value)).collect::<Map>().into()
    }
}

/// The interpreter with its defaults and no limits.
pub fn peer(given: Given) -> Result<Peer> {
    let engine = Engine::new();
    let script = engine.compile(PLAIN).context("the script")?;
    Ok(Box::new(move |case| {
        let asked = make(&Values, case, given);
        let found = engine.call_fn::<Map>(&mut Scope::new(), &script, "score", (asked,)).expect("scores");
        let number = |key: &str| found[key].as_int().expect("a number");
        let tier = found["tier"].clone().into_string().expect("a text");
        Verdict { points: number("points"), voucher_fen: number("voucher"), tier }
    }))
}
