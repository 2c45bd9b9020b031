//! Draws: a pure function of odds, ticket and a secret that was committed to before the draw opened.

use super::effects::within;
use super::work::Work;
use super::{PlanError, StockUse};
use crate::{Award, CapUse, EntryKind, Envelope, Event, Odds, Period, Points, Prize};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The secret of an open draw. Its SHA-256 is published before, itself after.
#[derive(Clone)]
pub struct DrawSecret {
    /// Which campaign.
    pub campaign: String,
    /// 32 random bytes.
    pub secret: [u8; 32],
    /// The odds published when the draw opened.
    pub published: Odds,
}

impl std::fmt::Debug for DrawSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DrawSecret").field("campaign", &self.campaign).finish_non_exhaustive()
    }
}

/// What anybody needs, together with the revealed secret, to recompute a draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawProof {
    /// Which campaign.
    pub campaign: String,
    /// The ticket's number: 1, 2, 3 … within the campaign.
    pub ticket: i64,
    /// SHA-256 of the secret, published before the draw opened.
    pub commitment: String,
    /// The prize's id; absent for none.
    pub prize: Option<String>,
    /// The prize drawn was out of stock, so it is none.
    pub out_of_stock: bool,
    /// What the member reads.
    pub name: String,
}

/// HMAC-SHA256(secret, campaign, LF, ticket in decimal).
pub fn ticket_seed(secret: &[u8; 32], campaign: &str, ticket: i64) -> [u8; 32] {
    let mut seed = [0; 32];
    // INVARIANT: HMAC takes keys of any length, so the else branch is never taken.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) {
        mac.update(campaign.as_bytes());
        mac.update(b"\n");
        mac.update(ticket.to_string().as_bytes());
        seed = mac.finalize().into_bytes().into();
    }
    seed
}

/// The prize a seed draws: a number below the denominator, uniform by rejection, walks the prizes in order.
pub fn draw_of<'a>(odds: &'a Odds, seed: &[u8; 32]) -> Option<&'a Prize> {
    let whole = odds.denominator();
    let mut at = uniform_below(whole, seed);
    odds.prizes.iter().find(|prize| {
        let hit = at < u64::from(prize.weight);
        at = at.saturating_sub(u64::from(prize.weight));
        hit
    })
}

fn uniform_below(whole: u64, seed: &[u8; 32]) -> u64 {
    let fair = u64::MAX - u64::MAX % whole.max(1);
    let mut block = *seed;
    loop {
        for chunk in block.chunks_exact(8) {
            let number = chunk.iter().fold(0_u64, |n, byte| (n << 8) | u64::from(*byte));
            if number < fair {
                return number % whole.max(1);
            }
        }
        block = Sha256::digest(block).into();
    }
}

impl Odds {
    /// All weights together.
    pub fn denominator(&self) -> u64 {
        self.prizes.iter().map(|p| u64::from(p.weight)).sum::<u64>() + u64::from(self.none_weight)
    }

    /// Within the platform's limits, or which one they break.
    pub(super) fn check(&self, limits: &Envelope) -> Result<(), String> {
        if self.denominator() == 0 {
            return Err("the odds have no weight at all".into());
        }
        within(self.cost.get(), 0, limits.points_per_event_max.get(), "points a draw costs")?;
        self.prizes.iter().try_for_each(|prize| match &prize.award {
            Award::Points(points) => within(points.get(), 0, limits.points_per_event_max.get(), "points of a prize"),
            Award::Gift(fen) => within(fen.get(), 0, limits.prize_fen_max.get(), "stored value of a prize"),
            Award::Voucher(issue) => issue.check(limits),
            Award::Nothing | Award::Goods(_) => Ok(()),
        })
    }
}

impl Work<'_> {
    /// Makes the draw with the odds the policy gives, if they are the published ones. One ask is one draw: odds
    /// nobody asked for, and further odds, draw nothing.
    pub(super) fn draw(&mut self, policy: &str, rule: &str, odds: &Odds) -> Result<(), PlanError> {
        let asked = matches!(&self.event, Some(Event::Draw(campaign)) if *campaign == odds.campaign);
        if !asked || self.said.draw.is_some() {
            self.said.missed(policy, rule, "本次没有可用的抽奖");
            return Ok(());
        }
        let open = self.case.draw.clone().filter(|open| open.campaign == odds.campaign);
        let open = open.ok_or_else(|| PlanError::DrawClosed(odds.campaign.clone()))?;
        // The cost may differ: free chances are a condition of the policy, not part of the odds.
        if open.published != (Odds { cost: open.published.cost, ..odds.clone() }) {
            return Err(PlanError::OddsDiffer(odds.campaign.clone()));
        }
        self.use_day(odds)?;
        if odds.cost > Points::ZERO {
            self.spend(EntryKind::Redemption, policy, rule, odds.cost)?;
            self.said.deducted(policy, rule, odds.cost);
        }
        let counter = format!("draw/{}", odds.campaign);
        let ticket = self.stock_of(&counter).used.saturating_add(1);
        self.use_stock(StockUse { name: counter, delta: 1, max: None, since: 0 });
        let drawn = draw_of(odds, &ticket_seed(&open.secret, &odds.campaign, ticket));
        let won = drawn.filter(|prize| self.take_prize(odds, prize));
        self.said.draw = Some(DrawProof {
            campaign: odds.campaign.clone(),
            ticket,
            commitment: hex::encode(Sha256::digest(open.secret)),
            prize: won.map(|p| p.id.clone()),
            out_of_stock: drawn.is_some() && won.is_none(),
            name: won.map_or_else(|| "谢谢参与".to_owned(), |p| p.name.clone()),
        });
        self.count(|counts| counts.draws = 1);
        match won {
            Some(prize) => self.award(policy, rule, &prize.award),
            None => Ok(()),
        }
    }

    fn use_day(&mut self, odds: &Odds) -> Result<(), PlanError> {
        let day = self.case.now.day;
        let member = self.member.as_mut().ok_or(PlanError::MemberRequired)?;
        let name = format!("draw/{}/{}", odds.campaign, day.get());
        let used = member.caps.entry(name).or_insert(CapUse { period: Period::Day, from: day, used: Points::ZERO });
        if odds.per_day > 0 && used.used.get() >= i64::from(odds.per_day) {
            return Err(PlanError::DrawsUsedUp { max: odds.per_day });
        }
        used.used = used.used.plus(Points::new(1))?;
        Ok(())
    }

    /// Takes one of the prize's stock; false if there is none left, or no voucher left to give for it.
    fn take_prize(&mut self, odds: &Odds, prize: &Prize) -> bool {
        if matches!(&prize.award, Award::Voucher(issue) if !self.in_stock(&issue.template)) {
            return false;
        }
        let Some(stock) = prize.stock.map(i64::from) else { return true };
        let counter = format!("prize/{}/{}", odds.campaign, prize.id);
        if self.stock_of(&counter).used >= stock {
            return false;
        }
        self.use_stock(StockUse { name: counter, delta: 1, max: Some(stock), since: 0 });
        true
    }

    fn award(&mut self, policy: &str, rule: &str, award: &Award) -> Result<(), PlanError> {
        match award {
            Award::Nothing => Ok(()),
            Award::Points(amount) => {
                let grant =
                    crate::Grant { amount: *amount, pending_days: 0, expiry: crate::Expiry::Standard, cap: None };
                let granted = self.grant(policy, rule, &grant)?;
                self.said.granted(policy, rule, granted, *amount);
                Ok(())
            }
            Award::Voucher(issue) => {
                self.issue(policy, rule, issue);
                Ok(())
            }
            Award::Gift(amount) => self.gift(policy, rule, *amount),
            Award::Goods(name) => {
                self.notify("prize", name);
                Ok(())
            }
        }
    }
}
