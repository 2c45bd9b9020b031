//! What policies are asked: receipts of ten lines with everything a policy may know, the same in every run.

use anyhow::{Result, ensure};
use ledger::{
    Answer, Day, Event, ExpiringLot, Facts, Fen, Line, LocalTime, MemberFacts, MemberId, Metric, MonthDay, Payment,
    Points, PolicyDecision, Receipt, Stat, StatNeed, StoreId, TillId, VoucherCode, VoucherFacts,
};
use punchcard_rules::types;
use serde_json::{Value, json};

/// How many inputs there are.
pub const CASES: usize = 256;
/// Lines of every receipt.
const LINES: usize = 10;
const CATEGORIES: [&str; 5] = ["fresh", "dairy", "bakery", "drinks", "household"];
const TIERS: [&str; 3] = ["", "silver", "gold"];

/// Numbers that are the same in every run.
pub struct Dice(u64);

impl Dice {
    /// Another seed, other numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number from 0 to `below`, that one not included.
    pub fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % below
    }

    fn fen(&mut self, from: i64, below: i64) -> Fen {
        Fen::new(from + self.below((below - from).unsigned_abs() as usize) as i64)
    }
}

/// One question, as the host has it and as the control reads it.
pub struct Case {
    /// What a policy may know.
    pub facts: Facts,
    /// What happened.
    pub event: Event,
    /// Both as JSON of the contract's types, statistics as the policy declared them.
    pub json: Vec<u8>,
    /// What [`Case::json`] decodes to.
    pub native: (types::Facts, types::Event),
}

impl Case {
    /// Reads the JSON as the control does.
    pub fn decode(&self) -> (types::Facts, types::Event) {
        serde_json::from_slice(&self.json).expect("encoded from these types")
    }

    /// The receipt.
    pub fn receipt(&self) -> &Receipt {
        match &self.event {
            Event::Receipt(receipt) => receipt,
            _ => unreachable!("every case is a receipt"),
        }
    }

    /// The member's tier; nothing for a receipt without a member.
    pub fn tier(&self) -> Option<&str> {
        self.facts.member.as_ref().map(|member| member.tier.as_str())
    }

    /// What the member spent in the year.
    pub fn spent_fen(&self) -> i64 {
        self.facts.stats.iter().map(|stat| stat.value).sum()
    }
}

/// All questions, for a policy that needs these statistics.
pub fn cases(stats: &[StatNeed]) -> Result<Vec<Case>> {
    let mut dice = Dice::new(7);
    (0..CASES)
        .map(|n| {
            let (facts, event) = (facts(&mut dice, n)?, Event::Receipt(receipt(&mut dice, n)?));
            let native = (native_facts(&facts, stats)?, native_event(&event)?);
            Ok(Case { json: serde_json::to_vec(&native)?, facts, event, native })
        })
        .collect()
}

fn facts(dice: &mut Dice, n: usize) -> Result<Facts> {
    // Every sixteenth receipt is of nobody.
    let member = if n % 16 == 15 { None } else { Some(member(dice, n)?) };
    let voucher = |dice: &mut Dice, at: usize| {
        Ok::<_, anyhow::Error>(VoucherFacts {
            code: VoucherCode::new(format!("V{n:06}{at}"))?,
            template: "registration".to_owned(),
            face: dice.fen(500, 3_000),
            min_spend: Fen::new(10_000),
            valid_until: Some(Day::new(20_600)),
            presented: false,
        })
    };
    let spent = Stat { metric: Metric::SpendFen, days: 365, value: dice.below(250_000) as i64 };
    Ok(Facts {
        now: LocalTime {
            day: Day::new(20_514),
            year: 2026,
            month: 3,
            day_of_month: 2,
            weekday: 1,
            hour: 10,
            minute: 0,
        },
        store: Some(StoreId::new("S1")?),
        expiring: (1..3).map(|at| ExpiringLot { amount: Points::new(40 * at), expires: Day::new(20_520) }).collect(),
        vouchers: if member.is_some() { vec![voucher(dice, 0)?, voucher(dice, 1)?] } else { Vec::new() },
        stats: if member.is_some() { vec![spent] } else { Vec::new() },
        member,
    })
}

fn member(dice: &mut Dice, n: usize) -> Result<MemberFacts> {
    Ok(MemberFacts {
        id: MemberId::new(format!("01J8Z5MEMBER{n:012}"))?,
        tier: TIERS[dice.below(TIERS.len())].to_owned(),
        tier_pinned: false,
        tier_since: Day::new(20_300),
        joined: Day::new(19_800),
        birthday: Some(MonthDay { month: 11, day: 21 }),
        referred: n % 2 == 0,
        tags: vec!["baby".to_owned(), "coffee".to_owned()],
        points: Points::new(dice.below(20_000) as i64),
        pending: Points::new(dice.below(500) as i64),
        stored_principal: dice.fen(0, 50_000),
        stored_gift: dice.fen(0, 5_000),
    })
}

fn receipt(dice: &mut Dice, n: usize) -> Result<Receipt> {
    let lines: Vec<Line> = (0..LINES).map(|_| line(dice)).collect();
    let total = Fen::new(lines.iter().map(|line| line.amount.get()).sum());
    Ok(Receipt {
        receipt: format!("R-{n:08}"),
        till: Some(TillId::new("T1")?),
        lines,
        total,
        payable: total,
        payments: vec![Payment { method: "cash".to_owned(), amount: total }],
        redeem_points: Points::ZERO,
    })
}

fn line(dice: &mut Dice) -> Line {
    Line {
        sku: format!("69012{:08}", dice.below(100_000_000)),
        department: "GROCERY".to_owned(),
        category: CATEGORIES[dice.below(CATEGORIES.len())].to_owned(),
        brand: "National".to_owned(),
        quantity_milli: 1_000,
        amount: dice.fen(100, 4_000),
        discount: dice.fen(0, 90),
    }
}

/// The contract's form of the facts: statistics are numbers in the policy's order.
fn native_facts(facts: &Facts, stats: &[StatNeed]) -> Result<types::Facts> {
    let value = |need: &StatNeed| {
        let found = facts.stats.iter().find(|stat| (stat.metric, stat.days) == (need.metric, need.days));
        found.map_or(0, |stat| stat.value)
    };
    let mut told = serde_json::to_value(facts)?;
    told["stats"] = json!(stats.iter().map(value).collect::<Vec<_>>());
    Ok(serde_json::from_value(told)?)
}

fn native_event(event: &Event) -> Result<types::Event> {
    Ok(serde_json::from_value(serde_json::to_value(event)?)?)
}

/// Effects and reasons of a decision, for comparing.
pub fn answered(decision: &PolicyDecision) -> Result<Value> {
    match &decision.answer {
        Answer::Decided { effects, reasons } => Ok(json!({"effects": effects, "reasons": reasons})),
        Answer::Failed { code, text } => anyhow::bail!("{code}: {text}"),
    }
}

/// Holds an answer against the control's.
pub fn same(name: &str, n: usize, theirs: &Value, control: &Value) -> Result<()> {
    ensure!(theirs == control, "{name} differs on input {n}: {theirs} instead of {control}");
    Ok(())
}

/// The contract's form of a policy's settings.
pub fn native_params(params: &[ledger::ParamValue]) -> Vec<types::ParamValue> {
    use ledger::ParamValue as Host;
    use types::ParamValue as Guest;
    // JSON does not tell an empty list of texts from one of numbers, so this goes kind by kind.
    let one = |param: &Host| match param {
        Host::Number(number) => Guest::Number(*number),
        Host::Flag(flag) => Guest::Flag(*flag),
        Host::Text(text) => Guest::Text(text.clone()),
        Host::Numbers(list) => Guest::Numbers(list.clone()),
        Host::Texts(list) => Guest::Texts(list.clone()),
    };
    params.iter().map(one).collect()
}
