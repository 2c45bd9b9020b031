//! The batch read: everything a batch of events depends on, in one database call.

use crate::{Db, DbError, db::Backend, dialect, key::key_hash, row::Row};
use ledger::{Counter, DecisionId, MemberId, MemberState, Sale, Stock, TenantId, Voucher, VoucherCode};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

/// How a caller names a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberRef {
    /// By our own id.
    Id(MemberId),
    /// By something the member is known by: the kind, and the blind index of the value.
    Identity {
        /// Which kind: `openid`, `phone`, `card` …
        kind: &'static str,
        /// The value's index.
        index: String,
    },
}

/// What one event needs to know.
#[derive(Debug, Clone)]
pub struct Want {
    /// Whose rules.
    pub tenant: TenantId,
    /// Who asks; idempotency keys are the caller's own.
    pub principal: String,
    /// The caller's name for this attempt.
    pub idempotency_key: Option<String>,
    /// The event's own name, unique for ever.
    pub natural_key: Option<String>,
    /// Who it happened to.
    pub member: Option<MemberRef>,
    /// Vouchers presented with it.
    pub vouchers: Vec<VoucherCode>,
    /// The natural key of the sale that a return names.
    pub sale: Option<String>,
}

/// What was answered before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReply {
    /// The decision that answered.
    pub decision_id: DecisionId,
    /// The hash of what was asked.
    pub input_hash: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// The answer's bytes.
    pub reply: Vec<u8>,
    /// Who it was about.
    pub member: Option<MemberId>,
}

/// A member as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// Who.
    pub id: MemberId,
    /// Counts the writes; [`crate::journal::commit`] checks it.
    pub version: i64,
    /// The member's part of the ledger.
    pub state: MemberState,
}

/// The sale a return names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSale {
    /// The record of the sale's decision.
    pub record: String,
    /// What is left of it, if there have been returns.
    pub left: Option<Sale>,
}

/// What was found for one [`Want`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The answer already given under this idempotency key.
    pub by_key: Option<StoredReply>,
    /// The answer already given to this very event.
    pub by_natural: Option<StoredReply>,
    /// The member, if there is one.
    pub member: Option<MemberRow>,
    /// The member's open vouchers and the presented ones, each once, by code.
    pub vouchers: Vec<Voucher>,
    /// The sale that the return names.
    pub sale: Option<FoundSale>,
}

/// Where a hash chain ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Number of the last decision; 0 before the first.
    pub seq: i64,
    /// Its hash; [`ledger::CHAIN_START`] before the first.
    pub hash: String,
}

/// What a batch needs to know of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantRow {
    /// Moves with every change of settings or rulebook.
    pub config_version: i64,
    /// The end of this host's stream.
    pub head: Head,
    /// Shared counters.
    pub stock: Stock,
}

/// Everything a batch depends on, as it was at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// One for each [`Want`], in order.
    pub found: Vec<Found>,
    /// The tenants of the batch that exist.
    pub tenants: BTreeMap<TenantId, TenantRow>,
}

/// Reads what a batch of events depends on, in one call and at one moment.
///
/// `stream` is this host's own stream of decisions, whose end is returned for each tenant.
///
/// # Errors
/// [`DbError::BadRow`] if a stored row cannot be read; driver errors otherwise.
#[tracing::instrument(name = "db.snapshot.read", skip_all, fields(wants = wants.len()))]
pub async fn read(db: &Db, stream: &str, wants: &[Want]) -> Result<Snapshot, DbError> {
    let mut snapshot = Snapshot { found: vec![Found::default(); wants.len()], tenants: BTreeMap::new() };
    if wants.is_empty() {
        return Ok(snapshot);
    }
    db.counters().batch_reads.fetch_add(1, Ordering::Relaxed);
    for row in rows(db, stream, wants).await? {
        take(&mut snapshot, &row)?;
    }
    for found in &mut snapshot.found {
        // A presented voucher of the member is found twice.
        found.vouchers.sort_by(|a, b| a.code.cmp(&b.code));
        found.vouchers.dedup_by(|a, b| a.code == b.code);
    }
    Ok(snapshot)
}

/// A [`Want`] as the statement takes it.
#[derive(Serialize)]
struct WantRow<'a> {
    tenant: &'a str,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_hex")]
    key: Option<[u8; 16]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    natural: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sale: Option<&'a str>,
}

/// JSON has no bytes.
fn as_hex<S: serde::Serializer>(bytes: &Option<[u8; 16]>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&bytes.map(hex::encode).unwrap_or_default())
}

/// A presented voucher as the statement takes it.
#[derive(Serialize)]
struct CodeRow<'a> {
    i: usize,
    tenant: &'a str,
    code: &'a str,
}

impl<'a> WantRow<'a> {
    fn of(want: &'a Want) -> Self {
        let (member, kind, index) = match &want.member {
            None => (None, None, None),
            Some(MemberRef::Id(id)) => (Some(id.as_str()), None, None),
            Some(MemberRef::Identity { kind, index }) => (None, Some(*kind), Some(index.as_str())),
        };
        Self {
            tenant: want.tenant.as_str(),
            key: want.idempotency_key.as_ref().map(|key| key_hash(&want.principal, key)),
            natural: want.natural_key.as_deref(),
            member,
            kind,
            index,
            sale: want.sale.as_deref(),
        }
    }
}

async fn rows(db: &Db, stream: &str, wants: &[Want]) -> Result<Vec<Row>, DbError> {
    let rows: Vec<WantRow<'_>> = wants.iter().map(WantRow::of).collect();
    let codes = wants.iter().enumerate().flat_map(|(i, want)| {
        want.vouchers.iter().map(move |code| CodeRow { i, tenant: want.tenant.as_str(), code: code.as_str() })
    });
    let codes: Vec<CodeRow<'_>> = codes.collect();
    let tenants: BTreeSet<&str> = wants.iter().map(|want| want.tenant.as_str()).collect();
    match db.backend() {
        Backend::Sqlite(sqlite) => {
            let query = sqlx::query(dialect::READ_SQLITE)
                .bind(json(&rows)?)
                .bind(json(&codes)?)
                .bind(json(&tenants)?)
                .bind(stream.to_owned());
            // On the writer, whose page cache is still good: a reader's is thrown away with every commit.
            let mut writer = sqlite.writer().await?;
            let rows = query.fetch_all(writer.connection()?).await?;
            Ok(rows.into_iter().map(Row::Sqlite).collect())
        }
        Backend::Postgres(postgres) => {
            let query = sqlx::query(dialect::READ_POSTGRES)
                .bind(each(&rows, |row| row.tenant))
                .bind(each(&rows, |row| row.key.map(|key| key.to_vec())))
                .bind(each(&rows, |row| row.natural))
                .bind(each(&rows, |row| row.member))
                .bind(each(&rows, |row| row.kind))
                .bind(each(&rows, |row| row.index))
                .bind(each(&rows, |row| row.sale))
                .bind(each(&codes, |code| code.i as i64))
                .bind(each(&codes, |code| code.tenant))
                .bind(each(&codes, |code| code.code))
                .bind(tenants.into_iter().collect::<Vec<_>>())
                .bind(stream);
            let rows = query.fetch_all(postgres.hot()).await?;
            Ok(rows.into_iter().map(Row::Postgres).collect())
        }
    }
}

fn each<'a, R, T>(rows: &'a [R], column: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(column).collect()
}

fn json(value: &impl Serialize) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|cause| DbError::BadBatch(cause.to_string()))
}

/// Puts one row where it belongs; its first column says what it is, see [`dialect::READ_SQLITE`].
fn take(snapshot: &mut Snapshot, row: &Row) -> Result<(), DbError> {
    match row.int(0)? {
        1 => found(snapshot, row)?.by_key = Some(stored_reply(row)?),
        2 => found(snapshot, row)?.by_natural = Some(stored_reply(row)?),
        3 => found(snapshot, row)?.member = Some(member_row(row)?),
        4 => found(snapshot, row)?.vouchers.push(row.json(2)?),
        5 => {
            let left = row.opt_text(3)?.map(|doc| serde_json::from_str(&doc)).transpose();
            let left = left.map_err(|cause| DbError::bad_row("sale_left.doc", cause))?;
            found(snapshot, row)?.sale = Some(FoundSale { record: row.text(2)?, left });
        }
        6 => {
            let head = match row.opt_int(6)? {
                Some(seq) => Head { seq, hash: row.text(3)? },
                None => Head { seq: 0, hash: ledger::CHAIN_START.to_owned() },
            };
            let tenant = TenantRow { config_version: row.int(5)?, head, stock: Stock::new() };
            snapshot.tenants.insert(row.id(2)?, tenant);
        }
        _ => {
            let tenant: TenantId = row.id(2)?;
            if let Some(tenant) = snapshot.tenants.get_mut(&tenant) {
                let counter = Counter { used: row.int(5)?, max: row.opt_int(6)?, since: row.int(1)? };
                tenant.stock.insert(row.text(3)?, counter);
            }
        }
    }
    Ok(())
}

fn found<'a>(snapshot: &'a mut Snapshot, row: &Row) -> Result<&'a mut Found, DbError> {
    let i = usize::try_from(row.int(1)?).map_err(|cause| DbError::bad_row(1, cause))?;
    snapshot.found.get_mut(i).ok_or_else(|| DbError::bad_row(1, "no such want"))
}

fn stored_reply(row: &Row) -> Result<StoredReply, DbError> {
    Ok(StoredReply {
        decision_id: row.id(2)?,
        input_hash: row.text(3)?,
        member: row.opt_id(4)?,
        status: u16::try_from(row.int(5)?).map_err(|cause| DbError::bad_row("status", cause))?,
        reply: row.bytes(7)?,
    })
}

fn member_row(row: &Row) -> Result<MemberRow, DbError> {
    Ok(MemberRow { id: row.id(2)?, state: row.json(3)?, version: row.int(5)? })
}
