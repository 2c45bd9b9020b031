//! What a script asks for: one function for each effect and each outcome.

use super::{
    collector::{add, ask},
    keys::{COUNT, DAY, FLAG, Keys, LIST, MAP, NUMBER, Read, TEXT, TEXTS},
    values::wrong,
};
use ledger::{
    Award, Cap, Comparison, Day, Effect, Expiry, Fen, Grant, LineDiscount, Message, Odds, Outcome, Period, Points,
    Prize, Reason, Tag, TierChange, VoucherCode, VoucherIssue,
};
use rhai::{Dynamic, Engine, Map, NativeCallContext as Call};

/// Teaches the interpreter every effect, every outcome and `log`.
pub(super) fn register(engine: &mut Engine) {
    points(engine);
    vouchers_and_tiers(engine);
    discounts(engine);
    notices(engine);
    outcomes(engine);
}

fn points(engine: &mut Engine) {
    engine
        .register_fn("grant", |call: Call, rule: &str, amount: i64| {
            let grant = Grant { amount: Points::new(amount), pending_days: 0, expiry: Expiry::Standard, cap: None };
            ask(&call, rule, Effect::GrantPoints(grant))
        })
        .register_fn("grant", |call: Call, rule: &str, amount: i64, options: Map| {
            ask(&call, rule, Effect::GrantPoints(grant(amount, options)?))
        })
        .register_fn("deduct", |call: Call, rule: &str, amount: i64| {
            ask(&call, rule, Effect::DeductPoints(Points::new(amount)))
        });
}

fn vouchers_and_tiers(engine: &mut Engine) {
    engine
        .register_fn("issue_voucher", |call: Call, rule: &str, voucher: Map| {
            ask(&call, rule, Effect::IssueVoucher(issue("issue_voucher", voucher)?))
        })
        .register_fn("void_voucher", |call: Call, rule: &str, code: &str| {
            let code = VoucherCode::new(code).map_err(|bad| wrong(bad.to_string()))?;
            ask(&call, rule, Effect::VoidVoucher(code))
        })
        .register_fn("set_tier", |call: Call, rule: &str, tier: &str| {
            ask(&call, rule, Effect::SetTier(TierChange { tier: tier.to_owned(), until: None }))
        })
        .register_fn("set_tier", |call: Call, rule: &str, tier: &str, until: i64| {
            let until = i32::try_from(until).map_err(|_| wrong("until_day must be a day, as ctx.now.day counts"))?;
            ask(&call, rule, Effect::SetTier(TierChange { tier: tier.to_owned(), until: Some(Day::new(until)) }))
        });
}

fn discounts(engine: &mut Engine) {
    engine
        .register_fn("discount_line", |call: Call, rule: &str, line: i64, fen: i64| {
            let line = u32::try_from(line).map_err(|_| wrong("lines are counted from 0"))?;
            ask(&call, rule, Effect::DiscountLine(LineDiscount { line, amount: Fen::new(fen) }))
        })
        .register_fn("discount_order", |call: Call, rule: &str, fen: i64| {
            ask(&call, rule, Effect::DiscountOrder(Fen::new(fen)))
        })
        .register_fn("gift", |call: Call, rule: &str, fen: i64| {
            ask(&call, rule, Effect::GiftStoredValue(Fen::new(fen)))
        });
}

fn notices(engine: &mut Engine) {
    engine
        .register_fn("message", |call: Call, rule: &str, template: &str, text: &str| {
            ask(&call, rule, Effect::SendMessage(Message { template: template.to_owned(), text: text.to_owned() }))
        })
        .register_fn("tag", |call: Call, rule: &str, name: &str, on: bool| {
            ask(&call, rule, Effect::SetTag(Tag { name: name.to_owned(), on }))
        })
        .register_fn("set_odds", |call: Call, rule: &str, given: Map| ask(&call, rule, Effect::SetOdds(odds(given)?)))
        .register_fn("reject", |call: Call, rule: &str, text: &str| ask(&call, rule, Effect::Reject(text.to_owned())));
}

fn outcomes(engine: &mut Engine) {
    for (name, outcome) in [("applied", Outcome::Applied), ("missed", Outcome::Missed), ("skipped", Outcome::Skipped)] {
        engine
            .register_fn(name, move |call: Call, rule: &str, text: &str| {
                add(&call, |collected| collected.reason(reason(rule, outcome, text, None)))
            })
            .register_fn(name, move |call: Call, rule: &str, text: &str, what: &str, have: i64, need: i64| {
                let compared = Comparison { what: what.to_owned(), have, need };
                add(&call, |collected| collected.reason(reason(rule, outcome, text, Some(compared))))
            });
    }
    engine.register_fn("log", |call: Call, text: &str| add(&call, |collected| collected.log.note(text)));
}

fn reason(rule: &str, outcome: Outcome, text: &str, compared: Option<Comparison>) -> Reason {
    Reason { rule: rule.to_owned(), outcome, text: text.to_owned(), compared }
}

fn grant(amount: i64, options: Map) -> Read<Grant> {
    const KNOWN: [&str; 6] = ["pending_days", "expiry_days", "expiry_on", "expiry_never", "cap", "period"];
    let mut keys = Keys::new("grant", options, &KNOWN)?;
    let pending_days = keys.maybe("pending_days", COUNT)?.unwrap_or(0);
    let expiry = expiry(&mut keys)?;
    let cap = match (keys.maybe("cap", NUMBER)?, keys.maybe("period", TEXT)?) {
        (None, None) => None,
        (Some(limit), Some(name)) => Some(Cap { limit: Points::new(limit), period: period(&name)? }),
        _ => return Err(wrong("grant: `cap` and `period` belong together")),
    };
    Ok(Grant { amount: Points::new(amount), pending_days, expiry, cap })
}

fn expiry(keys: &mut Keys<'_>) -> Read<Expiry> {
    let days = keys.maybe("expiry_days", COUNT)?.map(Expiry::Days);
    let on = keys.maybe("expiry_on", DAY)?.map(|day| Expiry::On(Day::new(day)));
    let never = keys.maybe("expiry_never", FLAG)?.filter(|never| *never).map(|_| Expiry::Never);
    let mut given = [days, on, never].into_iter().flatten();
    match (given.next(), given.next()) {
        (_, Some(_)) => Err(wrong("grant: give only one of expiry_days, expiry_on, expiry_never")),
        (expiry, None) => Ok(expiry.unwrap_or_default()),
    }
}

fn period(name: &str) -> Read<Period> {
    Ok(match name {
        "event" => Period::Event,
        "day" => Period::Day,
        "week" => Period::Week,
        "month" => Period::Month,
        "year" => Period::Year,
        "life" => Period::Life,
        _ => return Err(wrong(format!("`period` must be event, day, week, month, year or life, not {name:?}"))),
    })
}

fn issue(what: &str, voucher: Map) -> Read<VoucherIssue> {
    const KNOWN: [&str; 6] = ["template", "title", "face", "min_spend", "valid_days", "categories"];
    let mut keys = Keys::new(what, voucher, &KNOWN)?;
    Ok(VoucherIssue {
        template: keys.need("template", TEXT)?,
        title: keys.need("title", TEXT)?,
        face: Fen::new(keys.need("face", NUMBER)?),
        min_spend: Fen::new(keys.maybe("min_spend", NUMBER)?.unwrap_or(0)),
        valid_days: keys.need("valid_days", COUNT)?,
        categories: keys.maybe("categories", TEXTS)?.unwrap_or_default(),
    })
}

fn odds(given: Map) -> Read<Odds> {
    const KNOWN: [&str; 5] = ["campaign", "cost", "per_day", "prizes", "none_weight"];
    let mut keys = Keys::new("set_odds", given, &KNOWN)?;
    let prizes = keys.need("prizes", LIST)?;
    Ok(Odds {
        campaign: keys.need("campaign", TEXT)?,
        cost: Points::new(keys.maybe("cost", NUMBER)?.unwrap_or(0)),
        per_day: keys.maybe("per_day", COUNT)?.unwrap_or(0),
        prizes: prizes.into_iter().enumerate().map(|(at, given)| prize(at, given)).collect::<Read<_>>()?,
        none_weight: keys.need("none_weight", COUNT)?,
    })
}

fn prize(at: usize, given: Dynamic) -> Read<Prize> {
    const KNOWN: [&str; 5] = ["id", "name", "weight", "stock", "award"];
    let what = format!("prizes[{at}]");
    let given = given.try_cast::<Map>().ok_or_else(|| wrong(format!("{what} must be a map #{{...}}")))?;
    let mut keys = Keys::new(&what, given, &KNOWN)?;
    Ok(Prize {
        id: keys.need("id", TEXT)?,
        name: keys.need("name", TEXT)?,
        weight: keys.need("weight", COUNT)?,
        stock: keys.maybe("stock", COUNT)?,
        award: keys.maybe("award", MAP)?.map_or(Ok(Award::Nothing), |given| award(&what, given))?,
    })
}

fn award(prize: &str, given: Map) -> Read<Award> {
    let what = format!("award of {prize}");
    let mut keys = Keys::new(&what, given, &["points", "voucher", "gift", "goods"])?;
    let points = keys.maybe("points", NUMBER)?.map(|points| Award::Points(Points::new(points)));
    let voucher = keys.maybe("voucher", MAP)?.map(|given| issue("voucher", given)).transpose()?.map(Award::Voucher);
    let gift = keys.maybe("gift", NUMBER)?.map(|fen| Award::Gift(Fen::new(fen)));
    let goods = keys.maybe("goods", TEXT)?.map(Award::Goods);
    let mut awards = [points, voucher, gift, goods].into_iter().flatten();
    match (awards.next(), awards.next()) {
        (_, Some(_)) => Err(wrong(format!("{what}: give only one of points, voucher, gift, goods"))),
        (award, None) => Ok(award.unwrap_or(Award::Nothing)),
    }
}
