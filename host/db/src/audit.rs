//! The ledger read from end to end, in pages: decisions, entries, balances.

pub use crate::oracle::oracle;

use crate::{Db, DbError, row::Row};
use ledger::{Account, Day, DecisionId, Entry, Fen, MemberId, MemberState, StoreId, TenantId, TillId, UnixMs};

/// How many members' chains are walked in one call.
const CHAINS_AT_ONCE: i64 = 64;

/// A decision as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionRow {
    /// The host's stream.
    pub stream: String,
    /// Its number in the stream.
    pub seq: i64,
    /// Stream, dash, number.
    pub decision_id: DecisionId,
    /// When.
    pub at: UnixMs,
    /// What happened.
    pub kind: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// Who it is about.
    pub member: Option<MemberId>,
    /// In which store.
    pub store: Option<StoreId>,
    /// At which till.
    pub till: Option<TillId>,
    /// The local day it counts on.
    pub business_day: Option<Day>,
    /// The receipt's amount.
    pub amount: Option<Fen>,
    /// Who asked.
    pub principal: String,
    /// The event's own name.
    pub natural_key: Option<String>,
    /// The hash of what was asked.
    pub input_hash: String,
    /// The hash over the hash before it and the record.
    pub hash: String,
    /// The lines it wrote.
    pub entries: Vec<Entry>,
    /// The answer's bytes.
    pub reply: Vec<u8>,
    /// Everything it depended on.
    pub record: String,
}

/// An entry with what it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// Whose account.
    pub member: MemberId,
    /// The decision that wrote it.
    pub decision_id: DecisionId,
    /// When.
    pub at: UnixMs,
    /// The line.
    pub entry: Entry,
}

/// A member's balances, as columns and as state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceRow {
    /// Who.
    pub id: MemberId,
    /// How many decisions wrote the member.
    pub version: i64,
    /// The points column.
    pub points: i64,
    /// The principal column, in fen.
    pub principal: i64,
    /// The gift column, in fen.
    pub gift: i64,
    /// The state.
    pub state: MemberState,
}

/// A decision's stream and number.
pub(crate) fn place(id: &DecisionId) -> Option<(&str, i64)> {
    let (stream, seq) = id.as_str().rsplit_once('-')?;
    Some((stream, seq.parse().ok()?))
}

/// The entries in a column that is null without any.
pub(crate) fn entries_of(row: &Row, column: usize) -> Result<Vec<Entry>, DbError> {
    let Some(text) = row.opt_text(column)? else { return Ok(Vec::new()) };
    serde_json::from_str(&text).map_err(|cause| DbError::bad_row("entries", cause))
}

fn decision_row(row: &Row) -> Result<DecisionRow, DbError> {
    let (stream, seq) = (row.text(0)?, row.int(1)?);
    let id = DecisionId::new(format!("{stream}-{seq}")).map_err(|cause| DbError::bad_row("stream", cause))?;
    Ok(DecisionRow {
        stream,
        seq,
        decision_id: id,
        at: UnixMs::new(row.int(2)?),
        kind: row.text(3)?,
        status: u16::try_from(row.int(4)?).map_err(|cause| DbError::bad_row("status", cause))?,
        member: row.opt_id(5)?,
        store: row.opt_id(6)?,
        till: row.opt_id(7)?,
        business_day: row.opt_int(8)?.map(day).transpose()?,
        amount: row.opt_int(9)?.map(Fen::new),
        principal: row.text(10)?,
        natural_key: row.opt_text(11)?,
        input_hash: row.text(12)?,
        hash: row.text(13)?,
        entries: entries_of(row, 14)?,
        reply: row.bytes(15)?,
        record: row.text(16)?,
    })
}

fn day(number: i64) -> Result<Day, DbError> {
    i32::try_from(number).map(Day::new).map_err(|cause| DbError::bad_row("business_day", cause))
}

/// A decision by its id.
///
/// # Errors
/// [`DbError::BadRow`] if it cannot be read.
pub async fn decision(db: &Db, tenant: &TenantId, id: &DecisionId) -> Result<Option<DecisionRow>, DbError> {
    let Some((stream, seq)) = place(id) else { return Ok(None) };
    let row = db
        .row(
            "select stream, seq, at_ms, kind, status, member_id, store_id, till_id, business_day, amount_fen,
                    principal, natural_key, input_hash, hash, entries, reply, record
             from decision where tenant_id = $1 and stream = $2 and seq = $3",
            &[tenant.as_str().into(), stream.into(), seq.into()],
        )
        .await?;
    row.as_ref().map(decision_row).transpose()
}

/// At most `limit` decisions of a tenant behind `after`, by stream and number.
///
/// # Errors
/// [`DbError::BadRow`] if one cannot be read.
pub async fn decisions(
    db: &Db,
    tenant: &TenantId,
    after: Option<(&str, i64)>,
    limit: u32,
) -> Result<Vec<DecisionRow>, DbError> {
    let (stream, seq) = after.unwrap_or(("", 0));
    let rows = db
        .rows(
            "select stream, seq, at_ms, kind, status, member_id, store_id, till_id, business_day, amount_fen,
                    principal, natural_key, input_hash, hash, entries, reply, record
             from decision where tenant_id = $1 and (stream, seq) > ($2, $3) order by stream, seq limit $4",
            &[tenant.as_str().into(), stream.into(), seq.into(), i64::from(limit).into()],
        )
        .await?;
    rows.iter().map(decision_row).collect()
}

/// At most `limit` members of a tenant behind `after`, by id, with their balances.
///
/// # Errors
/// [`DbError::BadRow`] if a state cannot be read.
pub async fn members(
    db: &Db,
    tenant: &TenantId,
    after: Option<&MemberId>,
    limit: u32,
) -> Result<Vec<BalanceRow>, DbError> {
    let after = after.map_or("", |id| id.as_str());
    let rows = db
        .rows(
            "select member_id, version, points, principal, gift, state from member
             where tenant_id = $1 and member_id > $2 order by member_id limit $3",
            &[tenant.as_str().into(), after.into(), i64::from(limit).into()],
        )
        .await?;
    let balance = |row: &Row| {
        Ok(BalanceRow {
            id: row.id(0)?,
            version: row.int(1)?,
            points: row.int(2)?,
            principal: row.int(3)?,
            gift: row.int(4)?,
            state: row.json(5)?,
        })
    };
    rows.iter().map(balance).collect()
}

/// At most `limit` entries of a tenant behind `after`, by member, account and number, found by walking each
/// member's chain of decisions. Every entry that some member's chain reaches comes exactly once.
///
/// # Errors
/// [`DbError::BadRow`] if one cannot be read.
pub async fn entries(
    db: &Db,
    tenant: &TenantId,
    after: Option<(&MemberId, Account, i64)>,
    limit: u32,
) -> Result<Vec<EntryRow>, DbError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut from = after.map_or_else(String::new, |(member, ..)| member.as_str().to_owned());
    let mut found: Vec<EntryRow> = Vec::new();
    while found.len() < limit {
        let (mut page, last) = chains(db, tenant, &from).await?;
        page.sort_by(|a, b| key(a).cmp(&key(b)));
        let seen = found.last().map(key).or(after);
        let new: Vec<EntryRow> = page.iter().filter(|row| seen.is_none_or(|seen| key(row) > seen)).cloned().collect();
        found.extend(new);
        match last {
            // The page began with this member; if it also ends with them, there are no others.
            Some(last) if last != from => from = last,
            _ => break,
        }
    }
    found.truncate(limit);
    Ok(found)
}

fn key(row: &EntryRow) -> (&MemberId, Account, i64) {
    (&row.member, row.entry.account, row.entry.seq)
}

/// The entries of a few members from `from` on, and the last of these members.
async fn chains(db: &Db, tenant: &TenantId, from: &str) -> Result<(Vec<EntryRow>, Option<String>), DbError> {
    let rows = db
        .rows(
            "with recursive chain as (
                 select m.member_id, d.stream, d.seq, d.at_ms, d.entries, d.before_stream, d.before_seq
                 from (select tenant_id, member_id, last_stream, last_seq from member
                       where tenant_id = $1 and member_id >= $2 order by member_id limit $3) m
                 cross join decision d
                 where d.tenant_id = m.tenant_id and d.stream = m.last_stream and d.seq = m.last_seq
                 union all
                 select c.member_id, d.stream, d.seq, d.at_ms, d.entries, d.before_stream, d.before_seq
                 from chain c cross join decision d
                 where d.tenant_id = $1 and d.stream = c.before_stream and d.seq = c.before_seq)
             select member_id, stream || '-' || seq, at_ms, entries from chain",
            &[tenant.as_str().into(), from.into(), CHAINS_AT_ONCE.into()],
        )
        .await?;
    let mut entries = Vec::new();
    let mut last: Option<String> = None;
    for row in &rows {
        let member: MemberId = row.id(0)?;
        last = last.max(Some(member.as_str().to_owned()));
        let (decision_id, at): (DecisionId, _) = (row.id(1)?, UnixMs::new(row.int(2)?));
        for entry in entries_of(row, 3)? {
            entries.push(EntryRow { member: member.clone(), decision_id: decision_id.clone(), at, entry });
        }
    }
    Ok((entries, last))
}
