//! What happens in a trial shop: operations that stay meaningful when others are removed, so that shrinking works.

use crate::say::{part_line, tick, voucher, whole_line};
use crate::shop;
use crate::world::{World, member, world};
use ledger::{
    Account, Act, Adjust, Cap, Checkout, DecisionId, DrawSecret, Effect, Event, Expiry, ExpiryRule, Fen, Grant, Join,
    Line, LineDiscount, Message, Negative, OverCap, Payment, Period, PlanError, Points, Receipt, Reply, Return,
    ReturnLine, RoundTo, RuledEffect, StoredSpend, Tag, TierChange, VoucherCode,
};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;

/// One thing that happens. Numbers that pick something count from anywhere: they are taken modulo what there is.
#[derive(Debug, Clone)]
pub enum Op {
    Join(usize, bool),
    SignIn(usize),
    Sell(usize, Basket),
    Quote(usize, Basket),
    Cancel(usize),
    Recharge(usize, i64),
    Draw(usize),
    Return(usize, Option<Vec<(u32, Option<i64>)>>),
    Adjust(usize, u8, i64),
    Wild(usize, Vec<RuledEffect>),
    Settle(usize),
    Hours(i64),
    Days(i64),
    LateDays(i64),
}

/// A receipt before it is known what the member holds.
#[derive(Debug, Clone)]
pub struct Basket {
    pub lines: Vec<(i64, i64)>,
    pub vouchers: Vec<usize>,
    /// Of what can be redeemed, in per cent.
    pub redeem: i64,
    /// Of what is left to pay and held, in per cent.
    pub stored: i64,
    /// Confirms the last quote.
    pub confirm: bool,
    pub wild: Vec<RuledEffect>,
}

pub const NAMES: [&str; 3] = ["amy", "bob", "cho"];

pub fn basket() -> impl Strategy<Value = Basket> {
    let price = prop_oneof![6 => 1..30_000_i64, 2 => 1..300_i64, 1 => Just(0_i64), 1 => -3_000..0_i64];
    let quantity = prop_oneof![4 => Just(1_000_i64), 2 => 1..5_000_i64];
    let percent = || prop_oneof![3 => Just(0_i64), 1 => 1..=100_i64, 1 => Just(100_i64)];
    (
        vec((price, quantity), 1..6),
        vec(0..8_usize, 0..3),
        percent(),
        percent(),
        any::<bool>(),
        prop_oneof![4 => Just(Vec::new()), 1 => vec(effect(), 1..5)],
    )
        .prop_map(|(lines, vouchers, redeem, stored, confirm, wild)| Basket {
            lines,
            vouchers,
            redeem,
            stored,
            confirm,
            wild,
        })
}

fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 0..400_i64, 1 => Just(-1_i64), 1 => Just(20_000_000_i64), 1 => Just(i64::MAX)]
}

fn granted() -> impl Strategy<Value = Grant> {
    let expiry = prop_oneof![Just(Expiry::Standard), Just(Expiry::Never), (0..40_u32).prop_map(Expiry::Days)];
    let period = prop_oneof![Just(Period::Event), Just(Period::Day), Just(Period::Week), Just(Period::Month)];
    let cap = (0..300_i64, period).prop_map(|(limit, period)| Cap { limit: Points::new(limit), period });
    (amount(), prop_oneof![3 => Just(0_u32), 1 => 1..20_u32], expiry, weighted(0.4, cap)).prop_map(
        |(amount, pending_days, expiry, cap)| Grant { amount: Points::new(amount), pending_days, expiry, cap },
    )
}

/// Anything a policy may ask for, within the limits and beyond them.
pub fn effect() -> impl Strategy<Value = RuledEffect> {
    let tiers = prop_oneof![Just("silver"), Just("gold"), Just("black")];
    let tags = (prop_oneof![Just("big"), Just("new")], any::<bool>());
    let what = prop_oneof![
        6 => granted().prop_map(Effect::GrantPoints),
        2 => amount().prop_map(|n| Effect::DeductPoints(Points::new(n))),
        2 => (0..3_i64).prop_map(|n| Effect::IssueVoucher(ledger::VoucherIssue { face: Fen::new(n * 900), ..voucher("wild") })),
        1 => Just(Effect::VoidVoucher(VoucherCode::new("FIRST").unwrap())),
        2 => tiers.prop_map(|tier| Effect::SetTier(TierChange { tier: tier.into(), until: None })),
        2 => (0..4_u32, amount()).prop_map(|(line, n)| Effect::DiscountLine(LineDiscount { line, amount: Fen::new(n) })),
        2 => amount().prop_map(|n| Effect::DiscountOrder(Fen::new(n))),
        1 => Just(Effect::SetOdds(shop::odds())),
        2 => amount().prop_map(|n| Effect::GiftStoredValue(Fen::new(n))),
        1 => Just(Effect::SendMessage(Message { template: "t".into(), text: "hello".into() })),
        2 => tags.prop_map(|(name, on)| Effect::SetTag(Tag { name: name.into(), on })),
        1 => Just(Effect::Reject("no".into())),
    ];
    (prop_oneof![Just("a"), Just("b"), Just("c")], what)
        .prop_map(|(rule, effect)| RuledEffect { rule: rule.into(), effect })
}

pub fn op() -> impl Strategy<Value = Op> {
    let who = || 0..NAMES.len();
    let lines = vec((0..6_u32, weighted(0.5, 1..2_000_i64)), 1..4);
    prop_oneof![
        2 => (who(), any::<bool>()).prop_map(|(who, bind)| Op::Join(who, bind)),
        2 => who().prop_map(Op::SignIn),
        8 => (who(), basket()).prop_map(|(who, basket)| Op::Sell(who, basket)),
        3 => (who(), basket()).prop_map(|(who, basket)| Op::Quote(who, basket)),
        1 => (0..9_usize).prop_map(Op::Cancel),
        2 => (who(), 1..50_000_i64).prop_map(|(who, fen)| Op::Recharge(who, fen)),
        3 => who().prop_map(Op::Draw),
        6 => (0..99_usize, weighted(0.6, lines)).prop_map(|(sale, lines)| Op::Return(sale, lines)),
        1 => (who(), 0..3_u8, -400..400_i64).prop_map(|(who, account, delta)| Op::Adjust(who, account, delta)),
        3 => (who(), vec(effect(), 1..5)).prop_map(|(who, effects)| Op::Wild(who, effects)),
        1 => who().prop_map(Op::Settle),
        2 => (1..30_i64).prop_map(Op::Hours),
        2 => prop_oneof![3 => 1..5_i64, 2 => 5..40_i64, 1 => 100..500_i64].prop_map(Op::Days),
        1 => prop_oneof![Just(0_i64), 1..25_i64].prop_map(Op::LateDays),
    ]
}

/// A shop with settings of every kind.
pub fn shops() -> impl Strategy<Value = World> {
    let expiry = prop_oneof![
        Just(ExpiryRule::Never),
        (5..60_u32, prop_oneof![Just(RoundTo::Day), Just(RoundTo::Month), Just(RoundTo::Year)])
            .prop_map(|(days, round)| ExpiryRule::Rolling(days, round)),
        (1..=12_u8, 1..=31_u8, 0..60_u32).prop_map(|(month, day, least)| ExpiryRule::Calendar(month, day, least)),
        (3..60_u32).prop_map(ExpiryRule::Inactivity),
    ];
    let negative =
        prop_oneof![3 => Just(Negative::Allow), 1 => Just(Negative::WithinBalance), 1 => Just(Negative::PendingOnly)];
    let over = prop_oneof![2 => Just(OverCap::Reduce), 1 => Just(OverCap::Refuse)];
    let spend =
        prop_oneof![Just(StoredSpend::ProRata), Just(StoredSpend::PrincipalFirst), Just(StoredSpend::GiftFirst)];
    (expiry, negative, over, spend, prop_oneof![Just("Asia/Shanghai"), Just("America/New_York")]).prop_map(
        |(expiry, negative, over_cap, stored_spend, zone)| {
            trial_shop().set(|s| {
                (s.expiry, s.negative, s.over_cap, s.stored_spend) = (expiry, negative, over_cap, stored_spend);
                (s.vouchers_per_receipt, s.zone) = (2, zone.to_owned().try_into().unwrap());
            })
        },
    )
}

/// The trial shop: three members, a few vouchers in stock, a draw that is open.
pub fn trial_shop() -> World {
    let mut shop = world().under(shop::rulebook);
    shop.needs = shop::NEEDS.to_vec();
    shop.open = Some(DrawSecret { campaign: "spring".into(), secret: [9; 32], published: shop::odds() });
    shop.stock.insert("voucher/thanks".into(), ledger::Counter::up_to(4));
    shop.stock.insert("voucher/prize".into(), ledger::Counter::up_to(2));
    NAMES.iter().fold(shop, |shop, who| shop.with(who))
}

impl World {
    /// Lets something happen; a refusal is part of the story.
    pub fn run(&mut self, op: &Op) -> Option<Result<Reply, PlanError>> {
        let name = |who: &usize| NAMES[who % NAMES.len()];
        let event = |event: Event| Act::Event(event);
        match op {
            Op::Join(who, bind) => Some(self.join(name(who), if *bind { Event::Bind } else { Event::Register })),
            Op::SignIn(who) => Some(self.act(name(who), event(Event::SignIn))),
            Op::Sell(who, basket) => Some(self.sell_basket(name(who), basket)),
            Op::Quote(who, basket) => Some(self.act(name(who), Act::Quote(self.checkout(name(who), basket)))),
            Op::Cancel(nth) => self.cancel(*nth),
            Op::Recharge(who, fen) => Some(self.act(name(who), Act::Recharge(Fen::new(*fen)))),
            Op::Draw(who) => Some(self.act(name(who), event(Event::Draw("spring".into())))),
            Op::Return(nth, lines) => self.take_some(*nth, lines.as_deref()),
            Op::Adjust(who, account, delta) => Some(self.correct(name(who), *account, *delta)),
            Op::Wild(who, effects) => Some(self.act(name(who), custom(effects))),
            Op::Settle(who) => Some(self.act(name(who), tick())),
            Op::Hours(_) | Op::Days(_) | Op::LateDays(_) => {
                self.move_clock(op);
                None
            }
        }
    }

    fn move_clock(&mut self, op: &Op) {
        match op {
            Op::Hours(hours) => self.at = self.at.after_ms(hours * 3_600_000),
            Op::Days(days) => self.pass_days(*days),
            Op::LateDays(days) => self.late_ms = days * ledger::DAY_MS,
            _ => {}
        }
    }

    pub fn sell_basket(&mut self, who: &str, basket: &Basket) -> Result<Reply, PlanError> {
        let checkout = self.checkout(who, basket);
        self.sell(who, checkout)
    }

    /// The receipt of a basket, paid with what the member holds.
    pub fn checkout(&self, who: &str, basket: &Basket) -> Checkout {
        let state = self.of(who);
        let line = |(amount, quantity_milli): &(i64, i64)| Line {
            quantity_milli: if *amount < 0 { -quantity_milli } else { *quantity_milli },
            amount: Fen::new(*amount),
            ..Line::default()
        };
        let mut lines: Vec<Line> = basket.lines.iter().map(line).collect();
        lines[0].brand = serde_json::to_string(&basket.wild).unwrap();
        let total: i64 = lines.iter().map(|line| line.amount.get()).sum();
        let held = state.held(self.at);
        let redeem = (state.spendable(self.today()).get() - held.0.get()).min(total).max(0) * basket.redeem / 100;
        let stored = (state.stored().get() - held.1.get()).min(total - redeem).max(0) * basket.stored / 100;
        let payments = vec![Payment { method: "stored_value".into(), amount: Fen::new(stored) }];
        let number = format!("R{}", self.next);
        let (total, redeem_points) = (Fen::new(total), Points::new(redeem));
        let receipt = Receipt { receipt: number, lines, total, payments, redeem_points, ..Receipt::default() };
        Checkout { receipt, vouchers: self.picked(&basket.vouchers), quote: self.quotes(basket.confirm) }
    }

    fn picked(&self, numbers: &[usize]) -> Vec<VoucherCode> {
        let codes: Vec<&VoucherCode> = self.vouchers.keys().collect();
        numbers.iter().filter_map(|n| codes.get(n % codes.len().max(1)).map(|code| (*code).clone())).collect()
    }

    fn quotes(&self, wanted: bool) -> Option<DecisionId> {
        let quotes = self.done.iter().rev().find(|done| matches!(done.act, Act::Quote(_)));
        quotes.filter(|_| wanted).map(|done| done.id.clone())
    }

    fn cancel(&mut self, nth: usize) -> Option<Result<Reply, PlanError>> {
        let quotes: Vec<_> = self.done.iter().filter(|done| matches!(done.act, Act::Quote(_))).collect();
        let quote = quotes.get(nth % quotes.len().max(1))?;
        let (who, act) = (quote.who.clone()?, Act::Cancel(quote.id.clone()));
        Some(self.act(who.as_str(), act))
    }

    fn take_some(&mut self, nth: usize, lines: Option<&[(u32, Option<i64>)]>) -> Option<Result<Reply, PlanError>> {
        let keys: Vec<&String> = self.sales.keys().collect();
        let key = (*keys.get(nth % keys.len().max(1))?).clone();
        let sale = &self.sales[&key].sale;
        let who = sale.member.clone()?;
        let count = u32::try_from(sale.left.lines.len()).unwrap();
        let pick = |(line, part): &(u32, Option<i64>)| match part {
            Some(part) => part_line(line % count, *part),
            None => whole_line(line % count),
        };
        let lines: Option<Vec<ReturnLine>> = lines.map(|lines| lines.iter().map(pick).collect());
        let back = Return { return_id: format!("T{}", self.next), lines };
        Some(self.act_on(Some(who.as_str()), Act::Return(back), Some(&key)))
    }

    fn correct(&mut self, who: &str, account: u8, delta: i64) -> Result<Reply, PlanError> {
        let account = [Account::Points, Account::Principal, Account::Gift][usize::from(account % 3)];
        self.act(who, Act::Adjust(Adjust { account, delta, note: "staff".into() }))
    }
}

fn custom(effects: &[RuledEffect]) -> Act {
    Act::Event(Event::Custom("wild".into(), serde_json::to_string(effects).unwrap()))
}

/// Somebody new.
pub fn newcomer(who: &str) -> Act {
    Act::Join(Join { member: member(who), event: Event::Register, birthday: None, referrer: None })
}
