//! A small tenant kept in memory: applies acts in order as the host does, and keeps everything that was written.

use ledger::{
    Act, Case, Day, Decision, DecisionId, DrawSecret, Entry, Envelope, Event, Facts, LocalTime, MemberId, MemberState,
    PlanError, Planned, Question, Reply, Sale, SaleScored, Settings, StatNeed, Stock, StoreId, UnixMs, Voucher,
    VoucherCode, VoucherState, Work,
};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A rulebook, as a function.
pub type Rules = Rc<dyn Fn(&Facts, &Event) -> Decision>;

/// One act that was planned, and all it was planned from that a checker needs.
#[derive(Clone)]
pub struct Done {
    pub id: DecisionId,
    pub who: Option<MemberId>,
    pub store: Option<StoreId>,
    pub act: Act,
    pub at: UnixMs,
    pub today: Day,
    pub now: LocalTime,
    pub asked: Vec<(Question, Decision)>,
    pub sale: Option<String>,
    pub planned: Planned,
}

/// A voucher's step from one state to the next.
#[derive(Clone, Debug)]
pub struct Move {
    pub code: VoucherCode,
    pub from: Option<VoucherState>,
    pub to: VoucherState,
    pub by: DecisionId,
}

/// One tenant.
#[derive(Clone)]
pub struct World {
    pub settings: Settings,
    pub envelope: Envelope,
    pub at: UnixMs,
    /// How long before `at` the next acts happened, as a late till says.
    pub late_ms: i64,
    /// Where the next acts happen.
    pub store: Option<StoreId>,
    pub rules: Rules,
    pub needs: Vec<StatNeed>,
    pub open: Option<DrawSecret>,
    pub members: BTreeMap<MemberId, MemberState>,
    pub vouchers: BTreeMap<VoucherCode, Voucher>,
    pub stock: Stock,
    /// How many acts had been done when the budgets were set.
    pub budgets_from: usize,
    pub sales: BTreeMap<String, SaleScored>,
    pub books: BTreeMap<MemberId, Vec<(DecisionId, Entry)>>,
    pub moves: Vec<Move>,
    pub done: Vec<Done>,
    pub next: u64,
}

pub fn member(who: &str) -> MemberId {
    MemberId::new(who).unwrap()
}

/// Monday 2 March 2026, ten in the morning in Shanghai, under a rulebook that says nothing.
pub fn world() -> World {
    World {
        settings: Settings::default(),
        envelope: Envelope::default(),
        at: UnixMs::from_rfc3339("2026-03-02T10:00:00+08:00").unwrap(),
        late_ms: 0,
        store: None,
        rules: Rc::new(|_, _| Decision::default()),
        needs: Vec::new(),
        open: None,
        members: BTreeMap::new(),
        vouchers: BTreeMap::new(),
        stock: Stock::new(),
        budgets_from: 0,
        sales: BTreeMap::new(),
        books: BTreeMap::new(),
        moves: Vec::new(),
        done: Vec::new(),
        next: 1,
    }
}

impl World {
    pub fn under(mut self, rules: impl Fn(&Facts, &Event) -> Decision + 'static) -> Self {
        self.rules = Rc::new(rules);
        self
    }

    pub fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    pub fn today(&self) -> Day {
        self.settings.zone.local(self.at).day
    }

    pub fn pass_days(&mut self, days: i64) {
        self.at = self.at.after_ms(days * ledger::DAY_MS);
    }

    pub fn of(&self, who: &str) -> &MemberState {
        &self.members[&member(who)]
    }

    pub fn balance(&self, who: &str) -> i64 {
        self.of(who).accounts.points.balance
    }

    /// Plans and writes an act of a member.
    pub fn act(&mut self, who: &str, act: Act) -> Result<Reply, PlanError> {
        self.act_on(Some(who), act, None)
    }

    /// Plans and writes an act; `sale` names the receipt of a return.
    pub fn act_on(&mut self, who: Option<&str>, act: Act, sale: Option<&str>) -> Result<Reply, PlanError> {
        let done = self.plan(who, act, sale)?;
        let reply = done.planned.reply.clone();
        self.commit(done);
        Ok(reply)
    }

    /// Plans an act and writes nothing.
    pub fn plan(&self, who: Option<&str>, act: Act, sale: Option<&str>) -> Result<Done, PlanError> {
        let id = DecisionId::new(format!("s-{}", self.next)).unwrap();
        let mut work = Work::open(self.case(&id, who, &act, sale))?;
        let mut asked = Vec::new();
        while let Some(question) = work.question() {
            let decision = (self.rules)(&question.facts, &question.event);
            work.answer(&decision)?;
            asked.push((question, decision));
        }
        let planned = work.finish()?;
        let (today, now) = (self.today(), self.now());
        let (who, sale, at) = (who.map(member), sale.map(str::to_owned), self.at);
        Ok(Done { id, who, store: self.store.clone(), act, at, today, now, asked, sale, planned })
    }

    fn now(&self) -> LocalTime {
        self.settings.zone.local(self.at.after_ms(-self.late_ms))
    }

    pub fn case<'a>(&'a self, id: &DecisionId, who: Option<&str>, act: &'a Act, sale: Option<&str>) -> Case<'a> {
        let sale = sale.and_then(|key| self.sales.get(key).map(|scored| (key.to_owned(), scored.clone())));
        Case {
            settings: &self.settings,
            envelope: &self.envelope,
            decision: id.clone(),
            at: self.at,
            today: self.today(),
            now: self.now(),
            store: self.store.clone(),
            member: who.and_then(|who| self.members.get(&member(who)).cloned()),
            vouchers: self.loaded(who, act),
            stock: &self.stock,
            needs: &self.needs,
            sale,
            draw: self.open.clone(),
            code_seed: [7; 32],
            act,
        }
    }

    /// The member's vouchers, and those presented whoever they belong to.
    fn loaded(&self, who: Option<&str>, act: &Act) -> Vec<Voucher> {
        let presented: &[VoucherCode] = match act {
            Act::Receipt(checkout) | Act::Quote(checkout) => &checkout.vouchers,
            _ => &[],
        };
        let wanted = |v: &&Voucher| who.is_some_and(|who| v.member.as_str() == who) || presented.contains(&v.code);
        self.vouchers.values().filter(wanted).cloned().collect()
    }

    /// Writes what was planned.
    pub fn commit(&mut self, done: Done) {
        self.next += 1;
        let plan = &done.planned.plan;
        if let Some(state) = &plan.member {
            let lines = plan.entries.iter().map(|entry| (done.id.clone(), entry.clone()));
            self.books.entry(state.id.clone()).or_default().extend(lines);
            self.members.insert(state.id.clone(), state.clone());
        }
        for voucher in &plan.vouchers {
            let from = self.vouchers.insert(voucher.code.clone(), voucher.clone()).map(|v| v.state);
            self.moves.push(Move { code: voucher.code.clone(), from, to: voucher.state.clone(), by: done.id.clone() });
        }
        for used in &plan.stock {
            self.stock.entry(used.name.clone()).or_default().apply(used);
        }
        self.keep_sale(&done);
        self.done.push(done);
    }

    fn keep_sale(&mut self, done: &Done) {
        if let Some((key, sale)) = &done.planned.plan.sale {
            self.sales.get_mut(key).unwrap().sale = sale.clone();
        }
        let (Act::Receipt(_), [(question, _)]) = (&done.act, done.asked.as_slice()) else { return };
        let Event::Receipt(receipt) = &question.event else { return };
        let sale = Sale {
            decision: done.id.clone(),
            member: done.who.clone(),
            left: receipt.clone(),
            applied: done.planned.plan.applied.clone(),
            returns: 0,
            whole: false,
        };
        let scored = SaleScored { sale, facts: question.facts.clone(), rulebook: 1 };
        self.sales.insert(receipt.receipt.clone(), scored);
    }
}

/// The story so far: settings and acts, which is what a failing case needs.
impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let acts = self.done.iter().map(|done| (done.at.to_rfc3339(), done.who.as_ref(), &done.act));
        f.debug_struct("World").field("settings", &self.settings).field("acts", &acts.collect::<Vec<_>>()).finish()
    }
}
