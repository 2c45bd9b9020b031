//! The policy in Luau, tables in and out, one state for all calls.

use super::{
    Peer, Verdict,
    given::{Given, Maker, make},
};
use anyhow::{Result, anyhow};
use mlua::{Function, Lua, Table, Value};

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

/// Luau's tables.
struct Values<'a>(&'a Lua);

impl Maker for Values<'_> {
    type Value = Value;

    fn flag(&self, on: bool) -> Value {
        Value::Boolean(on)
    }

    fn number(&self, number: i64) -> Value {
        Value::Integer(number)
    }

    fn text(&self, text: &str) -> Value {
        Value::String(self.0.create_string(text).expect("a text"))
    }

    fn list(&self, items: impl ExactSizeIterator<Item = Value>) -> Value {
        let list = self.0.create_table_with_capacity(items.len(), 0).expect("a table");
        items.for_each(|item| list.raw_push(item).expect("room"));
        Value::Table(list)
    }

    fn map<const N: usize>(&self, fields: [(&'static str, Value); N]) -> Value {
        let map = self.0.create_table_with_capacity(0, N).expect("a table");
        fields.into_iter().for_each(|(name, value)| map.raw_set(name, value).expect("room"));
        Value::Table(map)
    }
}

/// One state, in Luau's sandbox mode.
pub fn peer(given: Given) -> Result<Peer> {
    let lua = Lua::new();
    let loud = |why: mlua::Error| anyhow!("{why}");
    lua.load(POLICY).exec().map_err(loud)?;
    let score: Function = lua.globals().get("score").map_err(loud)?;
    lua.sandbox(true).map_err(loud)?;
    Ok(Box::new(move |case| run(&score, make(&Values(&lua), case, given)).expect("scores")))
}

fn run(score: &Function, asked: Value) -> mlua::Result<Verdict> {
    let found: Table = score.call(asked)?;
    Ok(Verdict { points: found.get("points")?, voucher_fen: found.get("voucher")?, tier: found.get("tier")? })
}
