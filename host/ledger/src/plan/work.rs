//! The working copy an act is planned on.

use super::{Counter, DrawSecret, Plan, PlanError, Reply, Stock, StockUse, reply::Said};
use crate::{
    Account, Act, Applied, Day, Decision, DecisionId, Entry, EntryKind, Envelope, Event, Facts, Fen, LocalTime, LotId,
    MemberState, Points, Sale, Settings, StatNeed, StoreId, Totals, UnixMs, Voucher, VoucherCode,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Everything an act is planned from. Equal cases and decisions give equal plans.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// The tenant's choices.
    pub settings: &'a Settings,
    /// The platform's limits.
    pub envelope: &'a Envelope,
    /// The name the decision will have.
    pub decision: DecisionId,
    /// The moment on the server's clock; reservations end by it.
    pub at: UnixMs,
    /// The local day lots start and expire by.
    pub today: Day,
    /// The event's own local time: what policies see and statistics count on.
    pub now: LocalTime,
    /// Where.
    pub store: Option<StoreId>,
    /// The member as last written.
    pub member: Option<MemberState>,
    /// The member's open vouchers and those presented; for a return also those the sale used, issued and voided.
    pub vouchers: Vec<Voucher>,
    /// Shared counters.
    pub stock: &'a Stock,
    /// Statistics the current rulebook needs.
    pub needs: &'a [StatNeed],
    /// The sale a return names, and its natural key.
    pub sale: Option<(String, SaleScored)>,
    /// The open draw of the campaign asked for.
    pub draw: Option<DrawSecret>,
    /// 32 random bytes voucher codes are made from.
    pub code_seed: [u8; 32],
    /// What is asked.
    pub act: &'a Act,
}

/// A sale, with what its policies were asked when it was scored.
#[derive(Debug, Clone)]
pub struct SaleScored {
    /// What is left of it.
    pub sale: Sale,
    /// The facts of the sale.
    pub facts: Facts,
    /// The rulebook version it was scored under.
    pub rulebook: i64,
}

/// What a rulebook is to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Under which version; absent = the current one.
    pub rulebook: Option<i64>,
    /// What the policies may know.
    pub facts: Facts,
    /// What happened.
    pub event: Event,
}

/// What comes of an act.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What will be written.
    pub plan: Plan,
    /// What the caller is told.
    pub reply: Reply,
}

/// What is still to be asked.
#[derive(Debug, Clone)]
pub(super) enum Ask {
    /// The event itself.
    Event,
    /// What is left of a returned sale, under the sale's own rulebook.
    Rescore,
    /// The return, as an event of its own.
    Returned,
}

/// An act being planned.
#[derive(Debug, Clone)]
pub struct Work<'a> {
    pub(super) case: Case<'a>,
    pub(super) member: Option<MemberState>,
    /// For a quote: what stood before the act, and stands after it.
    pub(super) before: Option<Before>,
    pub(super) vouchers: BTreeMap<VoucherCode, Voucher>,
    pub(super) touched: BTreeSet<VoucherCode>,
    pub(super) plan: Plan,
    /// Entries the calendar made before the act.
    pub(super) settled: usize,
    pub(super) lots_made: u32,
    pub(super) codes_made: u32,
    pub(super) asks: VecDeque<Ask>,
    /// The event as policies see it.
    pub(super) event: Option<Event>,
    /// What policies have taken off each line.
    pub(super) off_lines: BTreeMap<u32, Fen>,
    /// What a return has taken off the counts of the sale's day.
    pub(super) uncounted: Totals,
    pub(super) said: Said,
}

/// A member and their vouchers, brought up to date.
#[derive(Debug, Clone)]
pub(super) struct Before {
    pub member: Option<MemberState>,
    pub vouchers: BTreeMap<VoucherCode, Voucher>,
    pub touched: BTreeSet<VoucherCode>,
}

impl<'a> Work<'a> {
    /// Brings the member up to date and readies the act.
    ///
    /// # Errors
    /// [`PlanError`] when the act itself breaks a rule.
    pub fn open(mut case: Case<'a>) -> Result<Self, PlanError> {
        let vouchers = std::mem::take(&mut case.vouchers).into_iter().map(|v| (v.code.clone(), v)).collect();
        let member = case.member.take();
        let applied = Applied { day: case.now.day, ..Applied::default() };
        let mut work = Self {
            member,
            before: None,
            vouchers,
            touched: BTreeSet::new(),
            plan: Plan { applied, ..Plan::default() },
            settled: 0,
            lots_made: 0,
            codes_made: 0,
            asks: VecDeque::new(),
            event: None,
            off_lines: BTreeMap::new(),
            uncounted: Totals::default(),
            said: Said::default(),
            case,
        };
        work.settle()?;
        work.settled = work.plan.entries.len();
        work.let_go_of_confirmed();
        if matches!(work.case.act, Act::Quote(_)) {
            let (member, vouchers, touched) = (work.member.clone(), work.vouchers.clone(), work.touched.clone());
            work.before = Some(Before { member, vouchers, touched });
        }
        work.ready()?;
        Ok(work)
    }

    /// Does what the act does by itself, and says what is to be asked.
    fn ready(&mut self) -> Result<(), PlanError> {
        match self.case.act {
            Act::Event(event) => self.ready_event(event),
            Act::Join(join) => self.ready_join(join),
            Act::Receipt(checkout) | Act::Quote(checkout) => self.ready_checkout(checkout),
            Act::Cancel(quote) => {
                self.release(quote);
                Ok(())
            }
            Act::Return(back) => self.ready_return(back),
            Act::Recharge(amount) => self.ready_recharge(*amount),
            Act::Adjust(adjust) => self.adjust(adjust),
        }
    }

    fn ready_event(&mut self, event: &Event) -> Result<(), PlanError> {
        let member = self.member.as_ref().ok_or(PlanError::MemberRequired)?;
        if matches!(event, Event::SignIn) {
            if member.stat(crate::Metric::SignIns, 1, self.case.now.day) > 0 {
                return Err(PlanError::SignedInToday);
            }
            self.count(|counts| counts.sign_ins = 1);
        }
        self.ask(event.clone());
        Ok(())
    }

    fn ready_join(&mut self, join: &crate::Join) -> Result<(), PlanError> {
        if join.referrer.as_ref() == Some(&join.member) {
            return Err(PlanError::SelfReferral);
        }
        let today = self.case.today;
        let first_tier = &self.case.settings.first_tier;
        let member = self.member.get_or_insert_with(|| MemberState::new(join.member.clone(), today, first_tier));
        member.birthday = join.birthday.or(member.birthday);
        member.active = member.active.max(today);
        if matches!(join.event, Event::Register | Event::Bind) {
            if member.registered {
                return Err(PlanError::AlreadyMember);
            }
            member.registered = true;
            member.referrer = member.referrer.take().or_else(|| join.referrer.clone());
            if let Some(referrer) = &member.referrer {
                let body = serde_json::json!({"member": referrer, "event": Event::Referral(member.id.clone())});
                self.plan.notices.push(super::Notice { topic: "event".into(), body, due: None });
            }
        }
        self.ask(join.event.clone());
        Ok(())
    }

    pub(super) fn ask(&mut self, event: Event) {
        self.event = Some(event);
        self.asks.push_back(Ask::Event);
    }

    /// The next thing the rulebook is to be asked, until nothing is left to ask.
    pub fn question(&self) -> Option<Question> {
        match self.asks.front()? {
            Ask::Event => Some(Question { rulebook: None, facts: self.facts(), event: self.event.clone()? }),
            Ask::Rescore => self.rescore_question(),
            Ask::Returned => Some(Question { rulebook: None, facts: self.facts(), event: self.event.clone()? }),
        }
    }

    /// Takes the rulebook's decision on the last [`Self::question`].
    ///
    /// # Errors
    /// [`PlanError`] when a policy refuses the event or a draw cannot be made.
    pub fn answer(&mut self, decision: &Decision) -> Result<(), PlanError> {
        match self.asks.pop_front() {
            Some(Ask::Event) => self.apply(decision),
            Some(Ask::Rescore) => self.rescored(decision),
            Some(Ask::Returned) => self.apply(decision),
            None => Ok(()),
        }
    }

    /// Everything that will be written, and what the caller is told.
    ///
    /// # Errors
    /// [`PlanError`] when an amount does not fit.
    pub fn finish(mut self) -> Result<Planned, PlanError> {
        let day = self.plan.applied.day;
        let counted = self.plan.applied.counted;
        if let Some(member) = &mut self.member {
            member.count(day, &counted);
            if counted.visits > 0 || counted.sign_ins > 0 || counted.recharged > 0 {
                member.active = member.active.max(day);
            }
        }
        self.plan.applied.counted.add(&self.uncounted);
        self.plan.applied.paid = self.said.due.payable;
        self.settle()?;
        let reply = self.reply();
        if matches!(self.case.act, Act::Quote(_)) {
            self.keep_holds_only();
        }
        self.plan.stock.retain(|used| used.delta != 0);
        let touched = std::mem::take(&mut self.touched);
        self.plan.vouchers = touched.iter().filter_map(|code| self.vouchers.get(code).cloned()).collect();
        self.plan.member = self.member;
        Ok(Planned { plan: self.plan, reply })
    }

    pub(crate) fn case(&self) -> &Case<'a> {
        &self.case
    }

    pub(crate) fn member(&self) -> Option<&MemberState> {
        self.member.as_ref()
    }

    pub(crate) fn vouchers(&self) -> impl Iterator<Item = &Voucher> {
        self.vouchers.values()
    }

    /// Codes presented with the receipt.
    pub(crate) fn presented(&self) -> &[VoucherCode] {
        match self.case.act {
            Act::Receipt(checkout) | Act::Quote(checkout) => &checkout.vouchers,
            _ => &[],
        }
    }

    pub(super) fn count(&mut self, change: impl FnOnce(&mut Totals)) {
        let mut counts = Totals::default();
        change(&mut counts);
        self.plan.applied.counted.add(&counts);
    }

    pub(super) fn use_stock(&mut self, moved: StockUse) {
        match self.plan.stock.iter_mut().find(|s| s.name == moved.name) {
            Some(found) => {
                found.delta = found.delta.saturating_add(moved.delta);
                // What is taken says the limit; what is given back only repeats the one that was read.
                if moved.delta > 0 {
                    found.max = moved.max;
                }
            }
            None => self.plan.stock.push(moved),
        }
    }

    /// A shared counter as it was read, with what this plan moves.
    pub(super) fn stock_of(&self, name: &str) -> Counter {
        let mut counter = self.case.stock.get(name).copied().unwrap_or_default();
        if let Some(here) = self.plan.stock.iter().find(|s| s.name == name) {
            let max = counter.max;
            counter.apply(here);
            counter.max = max;
        }
        counter
    }

    /// Appends a line to one of the member's accounts.
    pub(super) fn post(&mut self, line: Line) -> Result<(), PlanError> {
        let member = self.member.as_mut().ok_or(PlanError::MemberRequired)?;
        let account = member.account_mut(line.account);
        account.balance = Points::new(account.balance).plus(Points::new(line.delta))?.get();
        account.entries = account.entries.saturating_add(1);
        self.plan.entries.push(Entry {
            account: line.account,
            seq: account.entries,
            kind: line.kind,
            delta: line.delta,
            balance_after: account.balance,
            policy: line.policy,
            rule: line.rule,
            lots: line.lots,
            starts: line.starts,
            expires: line.expires,
        });
        Ok(())
    }
}

/// An entry before it knows its place in the account.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub account: Account,
    pub kind: EntryKind,
    pub delta: i64,
    pub policy: String,
    pub rule: String,
    pub lots: Vec<(LotId, Points)>,
    pub starts: Option<Day>,
    pub expires: Option<Day>,
}

impl Line {
    pub(super) fn new(account: Account, kind: EntryKind, delta: i64, rule: &str) -> Self {
        let rule = rule.to_owned();
        Self { account, kind, delta, policy: String::new(), rule, lots: Vec::new(), starts: None, expires: None }
    }

    pub(super) fn by(mut self, policy: &str) -> Self {
        self.policy = policy.to_owned();
        self
    }

    pub(super) fn lots(mut self, lots: Vec<(LotId, Points)>) -> Self {
        self.lots = lots;
        self
    }
}
