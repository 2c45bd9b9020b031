//! Decisions and descriptions from the contract's types into the ledger's. Texts move, none is copied.

use super::contract::punchcard::policy::types::{self as wit, ParamValueResult};
use crate::{FailCode, error::Failure};
use ledger::{
    Award, Cap, Comparison, Day, Description, Effect, EventKind, Expiry, Fen, Grant, LineDiscount, Message, Metric,
    Odds, Outcome, Param, ParamKind, ParamValue, Period, Points, Prize, Reason, RuledEffect, StatNeed, Tag, TierChange,
    VoucherCode, VoucherIssue,
};

/// A decision as the ledger knows it.
///
/// # Errors
/// [`FailCode::BadOutput`] for a voucher code that can be none.
pub(super) fn decision(decision: wit::Decision) -> Result<(Vec<RuledEffect>, Vec<Reason>), Failure> {
    let effects = decision
        .effects
        .into_iter()
        .map(|ruled| Ok(RuledEffect { rule: ruled.rule, effect: effect(ruled.effect)? }))
        .collect::<Result<_, Failure>>()?;
    Ok((effects, decision.reasons.into_iter().map(reason).collect()))
}

fn effect(effect: wit::Effect) -> Result<Effect, Failure> {
    Ok(match effect {
        wit::Effect::GrantPoints(grant) => Effect::GrantPoints(granted(&grant)),
        wit::Effect::DeductPoints(points) => Effect::DeductPoints(Points::new(points)),
        wit::Effect::IssueVoucher(issue) => Effect::IssueVoucher(voucher(issue)),
        wit::Effect::VoidVoucher(code) => Effect::VoidVoucher(
            VoucherCode::new(code).map_err(|bad| Failure::new(FailCode::BadOutput, bad.to_string()))?,
        ),
        wit::Effect::SetTier(change) => {
            Effect::SetTier(TierChange { tier: change.tier, until: change.until.map(Day::new) })
        }
        wit::Effect::DiscountLine(off) => {
            Effect::DiscountLine(LineDiscount { line: off.line, amount: Fen::new(off.amount) })
        }
        wit::Effect::DiscountOrder(fen) => Effect::DiscountOrder(Fen::new(fen)),
        wit::Effect::SetOdds(odds) => Effect::SetOdds(set_odds(odds)),
        wit::Effect::GiftStoredValue(fen) => Effect::GiftStoredValue(Fen::new(fen)),
        wit::Effect::SendMessage(message) => {
            Effect::SendMessage(Message { template: message.template, text: message.text })
        }
        wit::Effect::SetTag(tag) => Effect::SetTag(Tag { name: tag.name, on: tag.on }),
        wit::Effect::Reject(text) => Effect::Reject(text),
    })
}

fn granted(grant: &wit::Grant) -> Grant {
    Grant {
        amount: Points::new(grant.amount),
        pending_days: grant.pending_days,
        expiry: match grant.expiry {
            wit::Expiry::Standard => Expiry::Standard,
            wit::Expiry::Never => Expiry::Never,
            wit::Expiry::Days(days) => Expiry::Days(days),
            wit::Expiry::On(day) => Expiry::On(Day::new(day)),
        },
        cap: grant.cap.map(|cap| Cap { limit: Points::new(cap.limit), period: period(cap.period) }),
    }
}

fn period(period: wit::Period) -> Period {
    match period {
        wit::Period::Event => Period::Event,
        wit::Period::Day => Period::Day,
        wit::Period::Week => Period::Week,
        wit::Period::Month => Period::Month,
        wit::Period::Year => Period::Year,
        wit::Period::Life => Period::Life,
    }
}

fn voucher(issue: wit::VoucherIssue) -> VoucherIssue {
    VoucherIssue {
        template: issue.template,
        title: issue.title,
        face: Fen::new(issue.face),
        min_spend: Fen::new(issue.min_spend),
        valid_days: issue.valid_days,
        categories: issue.categories,
    }
}

fn set_odds(odds: wit::Odds) -> Odds {
    Odds {
        campaign: odds.campaign,
        cost: Points::new(odds.cost),
        per_day: odds.per_day,
        prizes: odds.prizes.into_iter().map(prize).collect(),
        none_weight: odds.none_weight,
    }
}

fn prize(prize: wit::Prize) -> Prize {
    let award = match prize.award {
        wit::Award::Nothing => Award::Nothing,
        wit::Award::Points(points) => Award::Points(Points::new(points)),
        wit::Award::Voucher(issue) => Award::Voucher(voucher(issue)),
        wit::Award::Gift(fen) => Award::Gift(Fen::new(fen)),
        wit::Award::Goods(goods) => Award::Goods(goods),
    };
    Prize { id: prize.id, name: prize.name, weight: prize.weight, stock: prize.stock, award }
}

fn reason(reason: wit::Reason) -> Reason {
    Reason {
        rule: reason.rule,
        outcome: match reason.outcome {
            wit::Outcome::Applied => Outcome::Applied,
            wit::Outcome::Missed => Outcome::Missed,
            wit::Outcome::Skipped => Outcome::Skipped,
        },
        text: reason.text,
        compared: reason.compared.map(|c| Comparison { what: c.what, have: c.have, need: c.need }),
    }
}

/// A description as the ledger knows it; not yet checked.
pub(super) fn description(description: wit::Description) -> Description {
    Description {
        name: description.name,
        summary: description.summary,
        events: description.events.into_iter().map(event_kind).collect(),
        params: description.params.into_iter().map(param).collect(),
        stats: description
            .stats
            .into_iter()
            .map(|stat| StatNeed { metric: metric(stat.metric), days: stat.days })
            .collect(),
    }
}

fn param(param: wit::Param) -> Param {
    Param {
        name: param.name,
        label: param.label,
        help: param.help,
        kind: match param.kind {
            wit::ParamKind::Number((low, high)) => ParamKind::Number(low, high),
            wit::ParamKind::Money => ParamKind::Money,
            wit::ParamKind::Rate => ParamKind::Rate,
            wit::ParamKind::Flag => ParamKind::Flag,
            wit::ParamKind::Text => ParamKind::Text,
            wit::ParamKind::Date => ParamKind::Date,
            wit::ParamKind::Choice(words) => ParamKind::Choice(words),
            wit::ParamKind::Numbers => ParamKind::Numbers,
            wit::ParamKind::Texts => ParamKind::Texts,
        },
        default: match param.default {
            ParamValueResult::Number(number) => ParamValue::Number(number),
            ParamValueResult::Flag(flag) => ParamValue::Flag(flag),
            ParamValueResult::Text(text) => ParamValue::Text(text),
            ParamValueResult::Numbers(list) => ParamValue::Numbers(list),
            ParamValueResult::Texts(list) => ParamValue::Texts(list),
        },
    }
}

fn metric(metric: wit::Metric) -> Metric {
    match metric {
        wit::Metric::SpendFen => Metric::SpendFen,
        wit::Metric::Visits => Metric::Visits,
        wit::Metric::PointsEarned => Metric::PointsEarned,
        wit::Metric::SignIns => Metric::SignIns,
        wit::Metric::RechargedFen => Metric::RechargedFen,
        wit::Metric::Draws => Metric::Draws,
    }
}

fn event_kind(kind: wit::EventKind) -> EventKind {
    match kind {
        wit::EventKind::Follow => EventKind::Follow,
        wit::EventKind::Register => EventKind::Register,
        wit::EventKind::Bind => EventKind::Bind,
        wit::EventKind::Referral => EventKind::Referral,
        wit::EventKind::SignIn => EventKind::SignIn,
        wit::EventKind::Receipt => EventKind::Receipt,
        wit::EventKind::Return => EventKind::Return,
        wit::EventKind::Recharge => EventKind::Recharge,
        wit::EventKind::Draw => EventKind::Draw,
        wit::EventKind::Birthday => EventKind::Birthday,
        wit::EventKind::TierReview => EventKind::TierReview,
        wit::EventKind::Voucher => EventKind::Voucher,
        wit::EventKind::Custom => EventKind::Custom,
    }
}
