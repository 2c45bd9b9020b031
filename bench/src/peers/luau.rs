//! The policy in Luau, tables in and out, one state for all calls.

use super::{Peer, Verdict};
use crate::cases::Case;
use anyhow::{Result, anyhow};
use mlua::{Function, Lua, Table};

const POLICY: &str = r#"
function score(asked)
    local out = { points = 0, voucher = 0, tier = "" }
    if not asked.member then return out end
    local weighted = 0
    for _, line in asked.lines do
        weighted += line.amount * (if line.category == "fresh" then 15000 else 10000)
    end
    local rate = if asked.tier == "gold" then 15000 elseif asked.tier == "silver" then 12000 else 10000
    out.points = math.min(weighted * rate // 10000000000, 300)
    if asked.payable >= 20000 then out.voucher = 1000 end
    local spent = asked.spent + asked.payable
    if spent >= 200000 then
        if asked.tier ~= "gold" then out.tier = "gold" end
    elseif spent >= 50000 and asked.tier == "" then
        out.tier = "silver"
    end
    return out
end
"#;

/// One state, in Luau's sandbox mode.
pub fn peer() -> Result<Peer> {
    let lua = Lua::new();
    let loud = |why: mlua::Error| anyhow!("{why}");
    lua.load(POLICY).exec().map_err(loud)?;
    let score: Function = lua.globals().get("score").map_err(loud)?;
    lua.sandbox(true).map_err(loud)?;
    Ok(Box::new(move |case| run(&lua, &score, case).expect("scores")))
}

fn run(lua: &Lua, score: &Function, case: &Case) -> mlua::Result<Verdict> {
    let receipt = case.receipt();
    let lines = lua.create_table_with_capacity(receipt.lines.len(), 0)?;
    for line in &receipt.lines {
        let table = lua.create_table_with_capacity(0, 2)?;
        table.raw_set("category", line.category.as_str())?;
        table.raw_set("amount", line.amount.get())?;
        lines.raw_push(table)?;
    }
    let asked = lua.create_table_with_capacity(0, 5)?;
    asked.raw_set("member", case.tier().is_some())?;
    asked.raw_set("tier", case.tier().unwrap_or_default())?;
    asked.raw_set("spent", case.spent_fen())?;
    asked.raw_set("payable", receipt.payable.get())?;
    asked.raw_set("lines", lines)?;
    let found: Table = score.call(asked)?;
    Ok(Verdict { points: found.get("points")?, voucher_fen: found.get("voucher")?, tier: found.get("tier")? })
}
