//! A policy over real baskets: the ledger's own plan, in memory, receipt by receipt.

mod page;
mod sums;

use super::subject::Subject;
use anyhow::{Context as _, anyhow};
use ledger::{
    Act, Answer, Case, Checkout, DecisionId, Envelope, Fen, Line, MemberId, MemberState, ParamValue, Payment, Planned,
    Receipt, Settings, StatNeed, Stock, StoreId, UnixMs, Voucher, VoucherCode, Work,
};
pub(super) use page::shown;
use sandbox::{Basket, BasketLine, Baskets, card_of};
use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    path::Path,
    time::Instant,
};
use sums::Sums;

/// The file name of the baskets that are built in.
const SHIPPED: &str = "shipped";
/// The offset of the shops' clocks.
const OFFSET: &str = "+08:00";
/// Thousandths in a unit.
const MILLI: i64 = 1_000;

/// A policy and what it is tried with.
pub(super) struct Trial<'a> {
    pub subject: &'a Subject,
    pub params: Vec<ParamValue>,
    /// Every member's tier at the start.
    pub tier: &'a str,
    /// How many receipts at most.
    pub limit: Option<usize>,
}

impl Trial<'_> {
    /// Scores every receipt of the file, or of the baskets that are built in.
    ///
    /// # Errors
    /// The line of the file that cannot be read, or a fault of the engine.
    pub(super) fn run(&self, file: &Path) -> anyhow::Result<Sums> {
        let baskets = if file == Path::new(SHIPPED) {
            Baskets::shipped()?
        } else {
            let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
            Baskets::new(opened).with_context(|| file.display().to_string())?
        };
        let rulebook = self.subject.rulebook(self.params.clone())?;
        let mut shop = Shop {
            subject: self.subject,
            needs: rulebook.stats_needed(),
            rulebook,
            settings: Settings { first_tier: self.tier.to_owned(), ..Settings::default() },
            members: HashMap::new(),
            stock: Stock::new(),
            sums: Sums::default(),
        };
        let started = Instant::now();
        for basket in baskets.take(self.limit.unwrap_or(usize::MAX)) {
            let basket = basket.with_context(|| file.display().to_string())?;
            shop.sell(&basket).with_context(|| format!("basket {}", basket.basket))?;
        }
        let mut sums = shop.sums;
        sums.took = started.elapsed();
        sums.members = shop.members.len();
        Ok(sums)
    }
}

/// A member and the vouchers given so far.
struct Held {
    state: MemberState,
    vouchers: BTreeMap<VoucherCode, Voucher>,
}

/// The state of the trial between two receipts.
struct Shop<'a> {
    subject: &'a Subject,
    rulebook: engine::Rulebook,
    needs: Vec<StatNeed>,
    settings: Settings,
    members: HashMap<String, Held>,
    stock: Stock,
    sums: Sums,
}

impl Shop<'_> {
    fn sell(&mut self, basket: &Basket) -> anyhow::Result<()> {
        let at = UnixMs::from_rfc3339(&format!("{}{OFFSET}", basket.at))
            .ok_or_else(|| anyhow!("{} is no day", basket.at))?;
        let now = self.settings.zone.local(at);
        let id = MemberId::new(card_of(&basket.household))?;
        let first_tier = &self.settings.first_tier;
        let held = self
            .members
            .entry(basket.household.clone())
            .or_insert_with(|| Held { state: MemberState::new(id, now.day, first_tier), vouchers: BTreeMap::new() });
        let checkout = Checkout { receipt: receipt(basket), ..Checkout::default() };
        let act = Act::Receipt(checkout);
        let number = self.sums.receipts;
        let case = Case {
            settings: &self.settings,
            envelope: &Envelope::default(),
            decision: DecisionId::new(format!("trial-{number}"))?,
            at,
            today: now.day,
            now,
            store: Some(StoreId::new(basket.store.as_str())?),
            member: Some(held.state.clone()),
            vouchers: held.vouchers.values().filter(|v| v.state.is_open()).cloned().collect(),
            stock: &self.stock,
            needs: &self.needs,
            sale: None,
            draw: None,
            code_seed: seed(number),
            act: &act,
        };
        self.sums.basket(basket);
        match score(self.subject, &self.rulebook, case, &mut self.sums, &basket.basket)? {
            Ok(planned) => self.keep(&basket.household, planned),
            Err(refusal) => self.sums.refused(&refusal, &basket.basket),
        }
        Ok(())
    }

    fn keep(&mut self, household: &str, planned: Planned) {
        self.sums.reply(&planned.reply);
        for used in &planned.plan.stock {
            self.stock.entry(used.name.clone()).or_default().apply(used);
        }
        let Some(held) = self.members.get_mut(household) else { return };
        held.vouchers.extend(planned.plan.vouchers.into_iter().map(|voucher| (voucher.code.clone(), voucher)));
        if let Some(state) = planned.plan.member {
            held.state = state;
        }
    }
}

/// Asks the policy until the plan needs nothing more. The inner error is a rule of the ledger that refuses.
fn score(
    subject: &Subject,
    rulebook: &engine::Rulebook,
    case: Case<'_>,
    sums: &mut Sums,
    basket: &str,
) -> anyhow::Result<Result<Planned, ledger::PlanError>> {
    let mut work = match Work::open(case) {
        Ok(work) => work,
        Err(refusal) => return Ok(Err(refusal)),
    };
    while let Some(question) = work.question() {
        let asked = Instant::now();
        let decision = subject.engine.evaluate(rulebook, &question.facts, &question.event)?;
        sums.asked(asked.elapsed(), decision.0.iter().map(|part| part.fuel_used).sum(), basket);
        for part in &decision.0 {
            if let Answer::Failed { code, text } = &part.answer {
                sums.failed(code, text, basket);
            }
        }
        if let Err(refusal) = work.answer(&decision) {
            return Ok(Err(refusal));
        }
    }
    Ok(work.finish())
}

/// The receipt of a basket, paid in cash.
fn receipt(basket: &Basket) -> Receipt {
    let total = Fen::new(basket.total_fen());
    Receipt {
        receipt: basket.basket.clone(),
        lines: basket.lines.iter().map(line).collect(),
        total,
        payable: total,
        payments: vec![Payment { method: "cash".to_owned(), amount: total }],
        ..Receipt::default()
    }
}

fn line(goods: &BasketLine) -> Line {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Line {
        sku: goods.sku.clone(),
        department: text(&goods.department),
        category: text(&goods.category),
        brand: text(&goods.brand),
        quantity_milli: goods.quantity.saturating_mul(MILLI),
        amount: Fen::new(goods.amount_fen),
        discount: Fen::new(goods.shelf_discount_fen.saturating_add(goods.coupon_discount_fen)),
    }
}

/// Voucher codes of a trial are the same every time.
fn seed(number: usize) -> [u8; 32] {
    let mut seed = [0; 32];
    for (to, from) in seed.iter_mut().zip(number.to_le_bytes()) {
        *to = from;
    }
    seed
}

#[cfg(test)]
mod tests;
