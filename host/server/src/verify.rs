//! Proof that the ledger is whole: every chain verified, every balance rebuilt from what decisions wrote.

use crate::record::Record;
use anyhow::Context as _;
use db::{Db, audit};
use ledger::{Account, CHAIN_START, Entry, MemberId, TenantId, chained, sha256_hex};
use std::collections::BTreeMap;

/// Decisions, entries or members read at once.
const PAGE: u32 = 1_000;

/// What was found whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Whole {
    /// Chains of decisions.
    pub streams: u64,
    /// Decisions whose hash, record and answer agree.
    pub decisions: u64,
    /// Entries that stand as their decision wrote them.
    pub entries: u64,
    /// Members whose balances are the sum of their entries.
    pub members: u64,
}

/// What an audit comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything agrees.
    Whole(Whole),
    /// The first thing that does not.
    Differs(String),
}

/// What an account must come to, going by the decisions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Expected {
    entries: BTreeMap<i64, String>,
    balance: i64,
}

type Accounts = BTreeMap<(MemberId, Account), Expected>;

/// Audits one tenant.
///
/// # Errors
/// When the database cannot be read; what does not agree is a [`Verdict`], not an error.
pub async fn verify(db: &Db, tenant: &TenantId) -> anyhow::Result<Verdict> {
    let mut whole = Whole::default();
    let mut accounts = Accounts::new();
    let verdict = async {
        chains(db, tenant, &mut whole, &mut accounts).await?;
        entries(db, tenant, &mut whole, &accounts).await?;
        members(db, tenant, &mut whole, &accounts).await
    };
    match verdict.await {
        Ok(()) => Ok(Verdict::Whole(whole)),
        Err(Broken::Differs(what)) => Ok(Verdict::Differs(what)),
        Err(Broken::Unreadable(why)) => Err(why),
    }
}

enum Broken {
    Differs(String),
    Unreadable(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Broken {
    fn from(why: E) -> Self {
        Self::Unreadable(why.into())
    }
}

fn differs<T>(what: String) -> Result<T, Broken> {
    Err(Broken::Differs(what))
}

/// Walks every stream: numbers without a gap, hashes that follow, answers that are those recorded.
async fn chains(db: &Db, tenant: &TenantId, whole: &mut Whole, accounts: &mut Accounts) -> Result<(), Broken> {
    let mut at: Option<(String, i64)> = None;
    let mut head = CHAIN_START.to_owned();
    loop {
        let page = audit::decisions(db, tenant, at.as_ref().map(|(s, n)| (s.as_str(), *n)), PAGE).await?;
        let Some(last) = page.last().map(|row| (row.stream.clone(), row.seq)) else { return Ok(()) };
        for row in page {
            let same_stream = at.as_ref().is_some_and(|(stream, _)| *stream == row.stream);
            let before = at.as_ref().filter(|_| same_stream).map_or(0, |(_, seq)| *seq);
            if !same_stream {
                CHAIN_START.clone_into(&mut head);
                whole.streams += 1;
            }
            if row.seq != before + 1 {
                return differs(format!("stream {}: decision {} follows {before}", row.stream, row.seq));
            }
            if chained(&head, &row.record) != row.hash {
                return differs(format!("decision {}: its record does not give its hash", row.decision_id));
            }
            let record: Record = serde_json::from_str(&row.record).context("a decision's record")?;
            if sha256_hex(&row.reply) != record.reply {
                return differs(format!("decision {}: the stored answer is not the one recorded", row.decision_id));
            }
            note(accounts, &record)?;
            whole.decisions += 1;
            at = Some((row.stream, row.seq));
            head = row.hash;
        }
        at = Some(last);
    }
}

/// Adds what a decision wrote to what the accounts must come to.
fn note(accounts: &mut Accounts, record: &Record) -> Result<(), Broken> {
    let Some(member) = &record.member else {
        return if record.entries.is_empty() {
            Ok(())
        } else {
            differs(format!("decision {}: entries without a member", record.id))
        };
    };
    for entry in &record.entries {
        let account = accounts.entry((member.clone(), entry.account)).or_default();
        account.balance = account.balance.saturating_add(entry.delta);
        if account.entries.insert(entry.seq, mark(&record.id, entry)).is_some() {
            return differs(format!(
                "member {member}: two decisions wrote entry {} of {}",
                entry.seq,
                entry.account.as_str()
            ));
        }
    }
    Ok(())
}

/// What identifies an entry as written: its decision, and everything about it.
fn mark(decision: &ledger::DecisionId, entry: &Entry) -> String {
    let text = serde_json::to_string(entry).unwrap_or_default();
    sha256_hex(format!("{decision} {text}").as_bytes())
}

/// Walks the entry rows: the very lines the decisions wrote, numbered without a gap, each balance the sum so far.
async fn entries(db: &Db, tenant: &TenantId, whole: &mut Whole, accounts: &Accounts) -> Result<(), Broken> {
    let mut after: Option<(MemberId, Account, i64)> = None;
    let mut balance = 0_i64;
    loop {
        let page = audit::entries(db, tenant, after.as_ref().map(|(m, a, s)| (m, *a, *s)), PAGE).await?;
        if page.is_empty() {
            break;
        }
        for row in page {
            let key = (row.member.clone(), row.entry.account);
            let (seq, same) = match &after {
                Some((member, account, seq)) if (member, *account) == (&key.0, key.1) => (*seq, true),
                _ => (0, false),
            };
            balance = if same { balance } else { 0 }.saturating_add(row.entry.delta);
            let name = format!("entry {} of {}, member {}", row.entry.seq, key.1.as_str(), key.0);
            if row.entry.seq != seq + 1 || row.entry.balance_after != balance {
                return differs(format!("{name}: balance {} where {balance} follows", row.entry.balance_after));
            }
            let expected = accounts.get(&key).and_then(|account| account.entries.get(&row.entry.seq));
            if expected != Some(&mark(&row.decision_id, &row.entry)) {
                return differs(format!("{name}: not as decision {} wrote it", row.decision_id));
            }
            whole.entries += 1;
            after = Some((key.0, key.1, row.entry.seq));
        }
    }
    let written: usize = accounts.values().map(|account| account.entries.len()).sum();
    if u64::try_from(written).unwrap_or(u64::MAX) != whole.entries {
        return differs(format!("decisions wrote {written} entries, but {} stand in the ledger", whole.entries));
    }
    Ok(())
}

/// Compares every member's balances, in the row and in the state, with the sums.
async fn members(db: &Db, tenant: &TenantId, whole: &mut Whole, accounts: &Accounts) -> Result<(), Broken> {
    let mut after: Option<MemberId> = None;
    loop {
        let page = audit::members(db, tenant, after.as_ref(), PAGE).await?;
        let Some(last) = page.last().map(|row| row.id.clone()) else { return Ok(()) };
        for row in page {
            let columns =
                [(Account::Points, row.points), (Account::Principal, row.principal), (Account::Gift, row.gift)];
            for (account, column) in columns {
                let sum = accounts.get(&(row.id.clone(), account)).map_or(0, |expected| expected.balance);
                let state = row.state.account(account).balance;
                if column != sum || state != sum {
                    return differs(format!(
                        "member {}: {} stands at {column} (state {state}), but its entries sum to {sum}",
                        row.id,
                        account.as_str()
                    ));
                }
            }
            let lots: i64 = row.state.lots.iter().map(|lot| lot.left.get()).sum();
            if lots - row.state.debt.get() != row.points {
                return differs(format!("member {}: open lots do not make the balance of {}", row.id, row.points));
            }
            whole.members += 1;
        }
        after = Some(last);
    }
}
