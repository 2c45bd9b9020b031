//! The policy in CEL. The language cannot add up a list or take the smaller of two, so the host lends it both.

use super::{
    Peer, Verdict,
    given::{Asked, Given},
};
use anyhow::{Result, anyhow};
use cel::{Context, Env, Value, objects::Key};
use std::sync::Arc;

const POLICY: &str = "{
    'points': asked.member ? least(
        total(asked.lines.map(line, line.amount * (line.category == 'fresh' ? 15000 : 10000)))
            * (asked.tier == 'gold' ? 15000 : asked.tier == 'silver' ? 12000 : 10000) / 10000000000, 300) : 0,
    'voucher': asked.member && asked.payable >= 20000 ? 1000 : 0,
    'tier': asked.member && asked.spent + asked.payable >= 200000 && asked.tier != 'gold' ? 'gold'
        : asked.member && asked.spent + asked.payable >= 50000 && asked.tier == '' ? 'silver' : ''
}";

fn total(list: Arc<Vec<Value>>) -> i64 {
    list.iter().map(|item| if let Value::Int(number) = item { *number } else { 0 }).sum()
}

/// Compiled once; the functions stay, the variable is new each time.
pub fn peer(given: Given) -> Result<Peer> {
    let env = Arc::new(Env::stdlib());
    let program = env.compile(POLICY).map_err(|why| anyhow!("{why:?}"))?;
    let mut host = Context::with_env(env);
    host.add_function("total", total).map_err(|why| anyhow!("{why:?}"))?;
    host.add_function("least", |a: i64, b: i64| a.min(b)).map_err(|why| anyhow!("{why:?}"))?;
    Ok(Box::new(move |case| {
        let mut scope = host.new_inner_scope();
        scope.add_variable("asked", Asked::of(case, given)).expect("CEL values");
        let Value::Map(found) = program.execute(&scope).expect("evaluates") else { unreachable!("a map") };
        let number = |key: &str| match found.map.get(&Key::from(key)) {
            Some(Value::Int(number)) => *number,
            other => unreachable!("{key} is {other:?}"),
        };
        let Some(Value::String(tier)) = found.map.get(&Key::from("tier")) else { unreachable!("a text") };
        Verdict { points: number("points"), voucher_fen: number("voucher"), tier: tier.to_string() }
    }))
}
