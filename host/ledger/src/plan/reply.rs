//! What the caller is told: numbers for programs, sentences for people.

use super::DrawProof;
use super::budgets::Wish;
use super::effects::Due;
use super::work::Work;
use crate::{
    Act, Comparison, DecisionId, Effect, Event, Fen, MemberId, Outcome, Points, Reason, Unit, Voucher, VoucherCode,
    VoucherRefusal,
};
use serde::{Deserialize, Serialize};

/// The answer to an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Names the decision for support and replay.
    pub decision_id: DecisionId,
    /// The receipt's number, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// The member, as they stand afterwards.
    pub member: Option<ReplyMember>,
    /// Points moved and held.
    pub points: HeldPoints,
    /// What is left to pay, after vouchers, points and discounts; receipts only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payable_fen: Option<Fen>,
    /// What to pay back, charges for used vouchers and spent gifts already taken off; returns only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund_fen: Option<Fen>,
    /// What was given or taken, and by which rule.
    pub effects: Vec<EffectLine>,
    /// Why, and why not.
    pub reasons: Vec<ReplyReason>,
    /// Vouchers used, refused, issued or restored.
    pub vouchers: Vec<ReplyVoucher>,
    /// What would have earned more.
    pub next: Vec<NextStep>,
    /// Lines for the foot of the receipt.
    pub print_lines: Vec<String>,
    /// The draw and what it takes to verify it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draw: Option<DrawProof>,
}

/// A member as they stand after the act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyMember {
    /// Who.
    pub id: MemberId,
    /// Tier; empty for none.
    pub tier: String,
    /// Stored value paid in.
    pub principal_fen: Fen,
    /// Stored value given.
    pub gift_fen: Fen,
    /// Of both together, promised to open quotes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub held_fen: Fen,
}

/// Points moved by the act and held after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HeldPoints {
    /// Granted, pending ones included; below zero when taken back.
    pub earned: Points,
    /// Used to pay; below zero when given back.
    pub redeemed: Points,
    /// Can be spent now.
    pub balance: Points,
    /// Granted and not yet spendable.
    pub pending: Points,
    /// Of the balance, promised to open quotes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub held: Points,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// One thing given or taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectLine {
    /// The policy that asked; empty for the host itself.
    pub policy: String,
    /// Its rule.
    pub rule: String,
    /// `points`, `voucher`, `tier`, `discount`, `stored_value`, `tag`.
    pub kind: String,
    /// Points or fen, signed; absent where there is no amount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    /// What was asked for, where a cap or a balance gave less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<i64>,
    /// The same as a sentence.
    pub text: String,
}

/// Why a rule gave something, or did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyReason {
    /// The policy.
    pub policy: String,
    /// What it said.
    #[serde(flatten)]
    pub reason: Reason,
}

/// What became of a voucher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyVoucher {
    /// Which.
    pub code: VoucherCode,
    /// `used`, `refused`, `issued`, `restored`, `voided` or `charged`.
    pub change: String,
    /// What it paid, is worth or is charged with, in fen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount_fen: Option<Fen>,
    /// Stable code of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<VoucherRefusal>,
    /// The same as a sentence.
    pub text: String,
}

/// Something that was nearly earned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextStep {
    /// The policy.
    pub policy: String,
    /// Its rule.
    pub rule: String,
    /// What is missing, of `what`.
    pub missing: i64,
    /// What was counted; `spend_fen` means the receipt's total.
    pub what: String,
    /// A sentence for the member.
    pub text: String,
}

/// What is noted while planning.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    pub effects: Vec<EffectLine>,
    pub reasons: Vec<ReplyReason>,
    pub vouchers: Vec<ReplyVoucher>,
    pub draw: Option<DrawProof>,
    pub due: Due,
    pub refund_fen: Fen,
    pub earned: i64,
    pub redeemed: i64,
}

impl Said {
    fn effect(&mut self, policy: &str, rule: &str, kind: &str, amount: Option<i64>, text: String) {
        let (policy, rule, kind) = (policy.to_owned(), rule.to_owned(), kind.to_owned());
        self.effects.push(EffectLine { policy, rule, kind, amount, wanted: None, text });
    }

    fn voucher(&mut self, code: &VoucherCode, change: &str, amount: Option<Fen>, text: String) {
        self.vouchers.push(ReplyVoucher {
            code: code.clone(),
            change: change.to_owned(),
            amount_fen: amount,
            refusal: None,
            text,
        });
    }

    pub fn granted(&mut self, policy: &str, rule: &str, granted: Points, wanted: Points) {
        self.earned = self.earned.saturating_add(granted.get());
        self.effect(policy, rule, "points", Some(granted.get()), format!("积分 +{granted}"));
        if granted != wanted
            && let Some(last) = self.effects.last_mut()
        {
            last.wanted = Some(wanted.get());
            last.text = format!("积分 +{granted}（本应 +{wanted}，已达上限）");
        }
    }

    pub fn deducted(&mut self, policy: &str, rule: &str, amount: Points) {
        self.redeemed = self.redeemed.saturating_add(amount.get());
        self.effect(policy, rule, "points", Some(-amount.get()), format!("积分 -{amount}"));
    }

    pub fn taken_back(&mut self, policy: &str, rule: &str, taken: Points, wanted: Points) {
        self.earned = self.earned.saturating_sub(taken.get());
        self.effect(policy, rule, "points", Some(-taken.get()), format!("退货扣回积分 {taken}"));
        if taken != wanted
            && let Some(last) = self.effects.last_mut()
        {
            last.wanted = Some(-wanted.get());
        }
    }

    pub fn points_back(&mut self, amount: Points) {
        if amount != Points::ZERO {
            self.redeemed = self.redeemed.saturating_sub(amount.get());
            self.effect("", "return", "points", Some(amount.get()), format!("退还积分 {amount}"));
        }
    }

    pub fn tier(&mut self, policy: &str, rule: &str, before: &str, after: &str) {
        let text =
            if before.is_empty() { format!("等级：{after}") } else { format!("等级：{before} → {after}") };
        self.effect(policy, rule, "tier", None, text);
    }

    pub fn tag(&mut self, policy: &str, rule: &str, tag: &str, on: bool) {
        let text = if on { format!("标签：{tag}") } else { format!("去除标签：{tag}") };
        self.effect(policy, rule, "tag", None, text);
    }

    pub fn discount(&mut self, policy: &str, rule: &str, amount: Fen, wanted: Fen) {
        self.effect(policy, rule, "discount", Some(amount.get()), format!("优惠 {} 元", amount.in_yuan()));
        self.wanted(amount.get(), wanted.get());
    }

    pub fn gift(&mut self, policy: &str, rule: &str, amount: Fen, wanted: Fen) {
        self.effect(policy, rule, "stored_value", Some(amount.get()), format!("赠送储值 {} 元", amount.in_yuan()));
        self.wanted(amount.get(), wanted.get());
    }

    /// The last effect is less than was asked for.
    fn wanted(&mut self, amount: i64, wanted: i64) {
        if let Some(last) = self.effects.last_mut().filter(|_| amount != wanted) {
            last.wanted = Some(wanted);
        }
    }

    /// A budget does not have what a policy would give.
    pub fn over_budget(&mut self, wish: &Wish<'_>, budget: &str, room: i64, granted: i64) {
        let amount = |n: i64| match wish.unit {
            Unit::Money => format!("{} 元", Fen::new(n).in_yuan()),
            _ => format!("{n} 积分"),
        };
        let (wanted, granted) = (amount(wish.amount), amount(granted));
        let left = if room > 0 { "余额不足" } else { "已用完" };
        self.missed(wish.policy, wish.rule, &format!("预算「{budget}」{left}：应发 {wanted}，实发 {granted}"));
    }

    pub fn gift_back(&mut self, amount: Fen) {
        let text = format!("退货收回赠送储值 {} 元", amount.in_yuan());
        self.effect("", "return", "stored_value", Some(-amount.get()), text);
    }

    pub fn gift_charged(&mut self, amount: Fen) {
        let text = format!("所赠储值已使用，从退款中扣除 {} 元", amount.in_yuan());
        self.effect("", "return", "stored_value", Some(0), text);
        if let Some(last) = self.effects.last_mut() {
            last.wanted = Some(-amount.get());
        }
    }

    pub fn voucher_issued(&mut self, policy: &str, rule: &str, voucher: &Voucher) {
        let until = voucher.valid_until.map(|day| format!("，有效期至 {day}")).unwrap_or_default();
        let text = format!("获得{} {} 元{until}", voucher.title, voucher.face.in_yuan());
        self.effect(policy, rule, "voucher", Some(voucher.face.get()), text.clone());
        self.voucher(&voucher.code, "issued", Some(voucher.face), text);
    }

    pub fn voucher_used(&mut self, code: &VoucherCode, amount: Fen) {
        self.voucher(code, "used", Some(amount), format!("用券抵扣 {} 元", amount.in_yuan()));
    }

    pub fn voucher_refused(&mut self, code: &VoucherCode, refusal: &VoucherRefusal) {
        self.voucher(code, "refused", None, refusal.to_string());
        if let Some(last) = self.vouchers.last_mut() {
            last.refusal = Some(refusal.clone());
        }
    }

    pub fn voucher_restored(&mut self, code: &VoucherCode) {
        self.voucher(code, "restored", None, "券已退还".into());
    }

    pub fn voucher_voided(&mut self, policy: &str, rule: &str, code: &VoucherCode) {
        self.effect(policy, rule, "voucher", None, format!("券 {code} 已作废"));
        self.voucher(code, "voided", None, "券已作废".into());
    }

    pub fn voucher_charged(&mut self, code: &VoucherCode, face: Fen) {
        self.voucher(code, "charged", Some(face), format!("所赠券已使用，从退款中扣除 {} 元", face.in_yuan()));
    }

    pub fn reasons(&mut self, policy: &str, reasons: &[Reason]) {
        let with = |reason: &Reason| ReplyReason { policy: policy.to_owned(), reason: reason.clone() };
        self.reasons.extend(reasons.iter().map(with));
    }

    pub fn missed(&mut self, policy: &str, rule: &str, text: &str) {
        let reason = Reason { rule: rule.to_owned(), outcome: Outcome::Missed, text: text.to_owned(), compared: None };
        self.reasons(policy, &[reason]);
    }

    pub fn failed(&mut self, policy: &str, code: &str, text: &str) {
        self.missed(policy, code, &format!("规则未执行：{text}"));
    }

    pub fn would_have(&mut self, policy: &str, rule: &str, effect: &Effect) {
        if let Effect::GrantPoints(grant) = effect {
            self.missed(policy, rule, &format!("会员可获得积分 {}", grant.amount));
        }
    }
}

impl Work<'_> {
    /// What the caller is told.
    pub(super) fn reply(&self) -> Reply {
        let said = &self.said;
        let today = self.case.today;
        let held = self.member.as_ref();
        let mut reply = Reply {
            decision_id: self.case.decision.clone(),
            receipt: self.receipt_number(),
            member: held.map(|m| ReplyMember {
                id: m.id.clone(),
                tier: m.tier.name.clone(),
                principal_fen: Fen::new(m.accounts.principal.balance),
                gift_fen: Fen::new(m.accounts.gift.balance),
                held_fen: self.held().1,
            }),
            points: HeldPoints {
                earned: Points::new(said.earned),
                redeemed: Points::new(said.redeemed.saturating_add(said.due.redeemed.get())),
                balance: held.map(|m| m.spendable(today)).unwrap_or_default(),
                pending: held.map(|m| m.pending(today)).unwrap_or_default(),
                held: self.held().0,
            },
            payable_fen: matches!(self.case.act, Act::Receipt(_) | Act::Quote(_)).then_some(said.due.payable),
            refund_fen: matches!(self.case.act, Act::Return(_)).then_some(said.refund_fen),
            effects: said.effects.clone(),
            reasons: said.reasons.clone(),
            vouchers: said.vouchers.clone(),
            next: next_steps(&said.reasons),
            print_lines: Vec::new(),
            draw: said.draw.clone(),
        };
        reply.print_lines = print_lines(&reply);
        reply
    }

    fn receipt_number(&self) -> Option<String> {
        match &self.event {
            Some(Event::Receipt(receipt)) => Some(receipt.receipt.clone()),
            Some(Event::Return(returned)) => Some(returned.receipt.clone()),
            _ => None,
        }
    }
}

/// Rules that were missed by a number: what is missing, nearest first.
fn next_steps(reasons: &[ReplyReason]) -> Vec<NextStep> {
    let missed = reasons.iter().filter(|r| r.reason.outcome == Outcome::Missed);
    let step = |r: &ReplyReason| match &r.reason.compared {
        Some(Comparison { what, have, need }) if have < need => Some(NextStep {
            policy: r.policy.clone(),
            rule: r.reason.rule.clone(),
            missing: need.saturating_sub(*have),
            what: what.clone(),
            text: r.reason.text.clone(),
        }),
        _ => None,
    };
    let mut steps: Vec<NextStep> = missed.filter_map(step).collect();
    steps.sort_by(|a, b| (&a.what, a.missing).cmp(&(&b.what, b.missing)));
    steps
}

fn print_lines(reply: &Reply) -> Vec<String> {
    let mut lines = Vec::new();
    if reply.member.is_some() {
        let p = &reply.points;
        lines.push(format!("本次积分 {:+}  可用积分 {}", p.earned.get(), p.balance));
        if p.redeemed > Points::ZERO {
            lines.push(format!("使用积分 {}", p.redeemed));
        }
        if p.pending > Points::ZERO {
            lines.push(format!("待生效积分 {}", p.pending));
        }
    }
    let shown = reply.effects.iter().filter(|e| e.kind != "points" && e.kind != "tag");
    lines.extend(shown.map(|e| e.text.clone()));
    lines
        .extend(reply.vouchers.iter().filter(|v| v.change != "issued" && v.change != "voided").map(|v| v.text.clone()));
    lines.extend(reply.next.iter().filter(|n| n.what == "spend_fen").map(|n| n.text.clone()).take(1));
    lines
}
