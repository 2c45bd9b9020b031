//! The batch write on SQLite: rows as JSON, long values as places in one byte string, one text.

use super::{
    Lost, Written,
    batch::{Batch, birthday_md, entries_json, json},
};
use crate::{DbError, dialect, key::key_hash, sqlite::Sqlite};
use ledger::Accounts;
use serde::Serialize;

/// Long values one behind the other; a row says where each begins, counted from 1, and how long it is.
#[derive(Default)]
struct Bytes(Vec<u8>);

#[derive(Serialize, Clone, Copy)]
struct Place(usize, usize);

impl Bytes {
    fn put(&mut self, bytes: &[u8]) -> Place {
        let place = Place(self.0.len() + 1, bytes.len());
        self.0.extend_from_slice(bytes);
        place
    }
}

/// Balances and numbers of entries.
#[derive(Serialize)]
struct Six(i64, i64, i64, i64, i64, i64);

impl From<&Accounts> for Six {
    fn from(of: &Accounts) -> Self {
        let (points, principal, gift) = (of.points, of.principal, of.gift);
        Self(points.balance, principal.balance, gift.balance, points.entries, principal.entries, gift.entries)
    }
}

#[derive(Serialize)]
struct MemberRow<'a> {
    t: &'a str,
    m: &'a str,
    before: i64,
    after: i64,
    base: Six,
    now: Six,
    tier: &'a str,
    registered: u8,
    birthday: Option<String>,
    due: Option<i32>,
    last: i64,
    state: Place,
    profile: Option<Place>,
}

#[derive(Serialize)]
struct DecisionRow<'a> {
    t: &'a str,
    seq: i64,
    at: i64,
    kind: &'a str,
    status: u16,
    m: Option<&'a str>,
    /// The decision before it about the member, if in this batch.
    before: Option<i64>,
    store: Option<&'a str>,
    till: Option<&'a str>,
    day: Option<i32>,
    fen: Option<i64>,
    principal: &'a str,
    key: Option<Place>,
    natural: Option<&'a str>,
    input: &'a str,
    hash: &'a str,
    entries: Option<Place>,
    reply: Place,
    record: Place,
}

#[derive(Serialize)]
struct VoucherRow<'a> {
    t: &'a str,
    code: &'a str,
    m: &'a str,
    template: &'a str,
    state: &'a str,
    until: Option<i32>,
    doc: Place,
}

#[derive(Serialize)]
struct SaleRow<'a> {
    t: &'a str,
    natural: &'a str,
    before: i64,
    returns: u32,
    doc: Place,
}

#[derive(Serialize)]
struct StockRow<'a> {
    t: &'a str,
    name: &'a str,
    delta: i64,
    max: Option<i64>,
    since: i64,
}

#[derive(Serialize)]
struct NoticeRow<'a> {
    t: &'a str,
    decision: &'a str,
    n: usize,
    topic: &'a str,
    body: Place,
    due: i64,
}

/// The parameters of [`dialect::WRITE_SQLITE`]: $1 to $3, and $5 to $13.
struct Params {
    bytes: [Vec<u8>; 3],
    texts: [String; 9],
}

impl Params {
    fn bytes(&self) -> usize {
        self.bytes.iter().map(Vec::len).sum::<usize>() + self.texts.iter().map(String::len).sum::<usize>()
    }
}

/// Writes a folded batch. Runs to its end even if the caller goes away.
pub(super) async fn write(sqlite: &Sqlite, stream: &str, batch: &Batch<'_>) -> Result<(), Lost> {
    let params = params(batch).map_err(Lost::Before)?;
    let (stream, bytes) = (stream.to_owned(), params.bytes());
    let mut writer = sqlite.writer().await.map_err(Lost::Before)?;
    let run = tokio::spawn(async move {
        writer.started();
        let [decisions, members, others] = params.bytes;
        let query = sqlx::query(dialect::WRITE_SQLITE).bind(decisions).bind(members).bind(others);
        let mut query = query.bind(stream);
        for text in params.texts {
            query = query.bind(text);
        }
        let done = query.execute(writer.connection().map_err(Lost::Before)?).await;
        match done {
            Ok(_) => {
                writer.finished();
                Ok(())
            }
            Err(error) => {
                // A failed text leaves its transaction open. If this fails too, the next caller tries again.
                if let Err(error) = writer.roll_back().await {
                    tracing::error!(%error, "a failed batch could not be rolled back");
                }
                Err(Lost::During(error))
            }
        }
    });
    let done = run.await.unwrap_or(Err(Lost::During(sqlx::Error::WorkerCrashed)));
    sqlite.wrote(bytes).await;
    done
}

fn params(batch: &Batch<'_>) -> Result<Params, DbError> {
    let (mut of_decisions, mut of_members, mut others) = (Bytes::default(), Bytes::default(), Bytes::default());
    let texts = [
        json(&batch.seen)?,
        json(&members(batch, &mut of_members)?)?,
        json(&decisions(batch, &mut of_decisions)?)?,
        json(&identities(batch))?,
        json(&vouchers(batch, &mut others, true)?)?,
        json(&vouchers(batch, &mut others, false)?)?,
        json(&sales(batch, &mut others)?)?,
        json(&stock(batch))?,
        json(&notices(batch, &mut others)?)?,
    ];
    Ok(Params { bytes: [of_decisions.0, of_members.0, others.0], texts })
}

fn members<'a>(batch: &Batch<'a>, bytes: &mut Bytes) -> Result<Vec<MemberRow<'a>>, DbError> {
    let mut rows = Vec::with_capacity(batch.members.len());
    for ((t, m), write) in &batch.members {
        rows.push(MemberRow {
            t,
            m,
            before: write.before,
            after: write.after,
            base: Six::from(&write.base),
            now: Six::from(&write.state.accounts),
            tier: &write.state.tier.name,
            registered: u8::from(write.state.registered),
            birthday: birthday_md(write.state),
            due: write.due.map(|day| day.get()),
            last: write.last,
            state: bytes.put(json(write.state)?.as_bytes()),
            profile: write.profile.map(|profile| bytes.put(profile)),
        });
    }
    Ok(rows)
}

fn decisions<'a>(batch: &Batch<'a>, bytes: &mut Bytes) -> Result<Vec<DecisionRow<'a>>, DbError> {
    let rows = batch.written.iter().zip(&batch.before);
    rows.map(|(one, before)| decision(one, *before, bytes)).collect()
}

fn decision<'a>(one: &'a Written, before: Option<i64>, bytes: &mut Bytes) -> Result<DecisionRow<'a>, DbError> {
    let key = one.idempotency_key.as_ref().map(|key| bytes.put(&key_hash(&one.principal, key)));
    Ok(DecisionRow {
        t: one.tenant.as_str(),
        seq: one.seq,
        at: one.at.get(),
        kind: &one.kind,
        status: one.status,
        m: one.member.as_ref().map(|(id, _)| id.as_str()),
        before,
        store: one.store.as_ref().map(|store| store.as_str()),
        till: one.till.as_ref().map(|till| till.as_str()),
        day: one.business_day.map(|day| day.get()),
        fen: one.amount.map(|amount| amount.get()),
        principal: &one.principal,
        key,
        natural: one.natural_key.as_deref(),
        input: &one.input_hash,
        hash: &one.hash,
        entries: entries_json(one)?.map(|entries| bytes.put(entries.as_bytes())),
        reply: bytes.put(&one.reply),
        record: bytes.put(one.record.as_bytes()),
    })
}

fn identities<'a>(batch: &Batch<'a>) -> Vec<(&'a str, &'a str, &'a str, &'a str)> {
    let new = batch.written.iter().flat_map(|one| {
        let member = one.member.as_ref().map_or("", |(id, _)| id.as_str());
        let rows = one.new_identities.iter();
        rows.map(move |(kind, index)| (one.tenant.as_str(), kind.as_str(), index.as_str(), member))
    });
    new.collect()
}

fn vouchers<'a>(batch: &Batch<'a>, bytes: &mut Bytes, fresh: bool) -> Result<Vec<VoucherRow<'a>>, DbError> {
    let mut rows = Vec::new();
    for ((t, code), write) in batch.vouchers.iter().filter(|(_, write)| write.fresh == fresh) {
        rows.push(VoucherRow {
            t,
            code,
            m: write.voucher.member.as_str(),
            template: &write.voucher.template,
            state: write.voucher.state.as_str(),
            until: write.voucher.valid_until.map(|day| day.get()),
            doc: bytes.put(json(write.voucher)?.as_bytes()),
        });
    }
    Ok(rows)
}

fn sales<'a>(batch: &Batch<'a>, bytes: &mut Bytes) -> Result<Vec<SaleRow<'a>>, DbError> {
    let mut rows = Vec::new();
    for ((t, natural), write) in &batch.sales {
        let doc = bytes.put(json(write.sale)?.as_bytes());
        rows.push(SaleRow { t, natural, before: write.before, returns: write.sale.returns, doc });
    }
    Ok(rows)
}

fn stock<'a>(batch: &Batch<'a>) -> Vec<StockRow<'a>> {
    batch.stock.iter().map(|((t, name), s)| StockRow { t, name, delta: s.delta, max: s.max, since: s.since }).collect()
}

fn notices<'a>(batch: &Batch<'a>, bytes: &mut Bytes) -> Result<Vec<NoticeRow<'a>>, DbError> {
    let mut rows = Vec::new();
    for one in batch.written {
        for (n, notice) in one.plan.notices.iter().enumerate() {
            rows.push(NoticeRow {
                t: one.tenant.as_str(),
                decision: one.decision_id.as_str(),
                n,
                topic: &notice.topic,
                body: bytes.put(json(&notice.body)?.as_bytes()),
                due: notice.due.unwrap_or(one.at).get(),
            });
        }
    }
    Ok(rows)
}
