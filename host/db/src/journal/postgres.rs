//! The batch write on PostgreSQL: columns as arrays, one statement.

use super::{
    Lost, Written,
    batch::{Batch, MemberWrite, birthday_md, entries_json, json},
};
use crate::{DbError, dialect, key::key_hash, postgres::Postgres, row::PgQuery};
use ledger::Accounts;
use serde::Serialize;

/// Writes a folded batch. Runs to its end even if the caller goes away.
pub(super) async fn write(postgres: &Postgres, stream: &str, batch: &Batch<'_>) -> Result<(), Lost> {
    let query = sqlx::query(dialect::WRITE_POSTGRES).bind(stream.to_owned());
    let query = members(query, batch).map_err(Lost::Before)?;
    let query = decisions(query, batch).map_err(Lost::Before)?;
    let query = rest(query, batch).map_err(Lost::Before)?;
    // Waiting for a connection sends nothing; from here on, the outcome is the statement's.
    let mut connection = postgres.hot().acquire().await.map_err(away)?;
    let run = tokio::spawn(async move { query.execute(&mut *connection).await });
    match run.await {
        Ok(done) => done.map(drop).map_err(Lost::During),
        Err(_) => Err(Lost::During(sqlx::Error::WorkerCrashed)),
    }
}

fn away(error: sqlx::Error) -> Lost {
    Lost::Before(DbError::Unreachable(error.to_string()))
}

fn column<'a, R, T>(rows: &'a [R], value: impl FnMut(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// $2 to $24.
fn members<'q>(query: PgQuery<'q>, batch: &Batch<'_>) -> Result<PgQuery<'q>, DbError> {
    type Row<'a> = (&'a str, &'a str, &'a MemberWrite<'a>);
    let rows: Vec<Row<'_>> = batch.members.iter().map(|((tenant, id), write)| (*tenant, *id, write)).collect();
    let states = rows.iter().map(|row| json(row.2.state)).collect::<Result<Vec<_>, _>>()?;
    let query = query
        .bind(column(&rows, |row| row.0))
        .bind(column(&rows, |row| row.1))
        .bind(column(&rows, |row| row.2.before))
        .bind(column(&rows, |row| row.2.after));
    let query = accounts(query, &rows, |row| &row.2.base);
    let query = accounts(query, &rows, |row| &row.2.state.accounts);
    Ok(query
        .bind(column(&rows, |row| row.2.state.tier.name.as_str()))
        .bind(column(&rows, |row| i64::from(row.2.state.registered)))
        .bind(column(&rows, |row| birthday_md(row.2.state)))
        .bind(column(&rows, |row| row.2.due.map(|day| i64::from(day.get()))))
        .bind(column(&rows, |row| row.2.last))
        .bind(states)
        .bind(column(&rows, |row| row.2.profile)))
}

/// Six columns: balances, then numbers of entries.
fn accounts<'q, R>(query: PgQuery<'q>, rows: &[R], of: impl Fn(&R) -> &Accounts) -> PgQuery<'q> {
    query
        .bind(column(rows, |row| of(row).points.balance))
        .bind(column(rows, |row| of(row).principal.balance))
        .bind(column(rows, |row| of(row).gift.balance))
        .bind(column(rows, |row| of(row).points.entries))
        .bind(column(rows, |row| of(row).principal.entries))
        .bind(column(rows, |row| of(row).gift.entries))
}

/// $25 to $43.
fn decisions<'q>(query: PgQuery<'q>, batch: &Batch<'_>) -> Result<PgQuery<'q>, DbError> {
    let rows = batch.written;
    let entries = rows.iter().map(entries_json).collect::<Result<Vec<_>, _>>()?;
    let key = |one: &Written| one.idempotency_key.as_ref().map(|key| key_hash(&one.principal, key).to_vec());
    Ok(query
        .bind(column(rows, |one| one.tenant.as_str()))
        .bind(column(rows, |one| one.seq))
        .bind(column(rows, |one| one.at.get()))
        .bind(column(rows, |one| one.kind.as_str()))
        .bind(column(rows, |one| i64::from(one.status)))
        .bind(column(rows, |one| one.member.as_ref().map(|(id, _)| id.as_str())))
        .bind(batch.before.clone())
        .bind(column(rows, |one| one.store.as_ref().map(|store| store.as_str())))
        .bind(column(rows, |one| one.till.as_ref().map(|till| till.as_str())))
        .bind(column(rows, |one| one.business_day.map(|day| i64::from(day.get()))))
        .bind(column(rows, |one| one.amount.map(|amount| amount.get())))
        .bind(column(rows, |one| one.principal.as_str()))
        .bind(column(rows, key))
        .bind(column(rows, |one| one.natural_key.as_deref()))
        .bind(column(rows, |one| one.input_hash.as_str()))
        .bind(column(rows, |one| one.hash.as_str()))
        .bind(entries)
        .bind(column(rows, |one| one.reply.as_slice()))
        .bind(column(rows, |one| one.record.as_str())))
}

#[derive(Serialize)]
struct Seen<'a> {
    tenant: &'a str,
    seen: i64,
}

#[derive(Serialize)]
struct Identity<'a> {
    tenant: &'a str,
    kind: &'a str,
    value_index: &'a str,
    member: &'a str,
}

#[derive(Serialize)]
struct VoucherRow<'a> {
    tenant: &'a str,
    code: &'a str,
    member: &'a str,
    template: &'a str,
    state: &'a str,
    until: Option<i32>,
    doc: String,
    fresh: u8,
}

#[derive(Serialize)]
struct SaleRow<'a> {
    tenant: &'a str,
    natural_key: &'a str,
    before: i64,
    returns: u32,
    doc: String,
}

#[derive(Serialize)]
struct StockRow<'a> {
    tenant: &'a str,
    name: &'a str,
    delta: i64,
    max: Option<i64>,
    since: i64,
}

#[derive(Serialize)]
struct NoticeRow<'a> {
    tenant: &'a str,
    decision: &'a str,
    n: usize,
    topic: &'a str,
    body: String,
    due: i64,
}

/// $44 to $49.
fn rest<'q>(query: PgQuery<'q>, batch: &Batch<'_>) -> Result<PgQuery<'q>, DbError> {
    let seen: Vec<_> = batch.seen.iter().map(|(tenant, seen)| Seen { tenant, seen: *seen }).collect();
    let stock = batch.stock.iter();
    let stock: Vec<_> = stock
        .map(|((tenant, name), s)| StockRow { tenant, name, delta: s.delta, max: s.max, since: s.since })
        .collect();
    Ok(query
        .bind(json(&seen)?)
        .bind(json(&identities(batch))?)
        .bind(json(&vouchers(batch)?)?)
        .bind(json(&sales(batch)?)?)
        .bind(json(&stock)?)
        .bind(json(&notices(batch)?)?))
}

fn identities<'a>(batch: &Batch<'a>) -> Vec<Identity<'a>> {
    let mut rows = Vec::new();
    for one in batch.written {
        let member = one.member.as_ref().map_or("", |(id, _)| id.as_str());
        for (kind, value_index) in &one.new_identities {
            rows.push(Identity { tenant: one.tenant.as_str(), kind, value_index, member });
        }
    }
    rows
}

fn vouchers<'a>(batch: &Batch<'a>) -> Result<Vec<VoucherRow<'a>>, DbError> {
    let mut rows = Vec::new();
    for ((tenant, code), write) in &batch.vouchers {
        rows.push(VoucherRow {
            tenant,
            code,
            member: write.voucher.member.as_str(),
            template: &write.voucher.template,
            state: write.voucher.state.as_str(),
            until: write.voucher.valid_until.map(|day| day.get()),
            doc: json(write.voucher)?,
            fresh: u8::from(write.fresh),
        });
    }
    Ok(rows)
}

fn sales<'a>(batch: &Batch<'a>) -> Result<Vec<SaleRow<'a>>, DbError> {
    let mut rows = Vec::new();
    for ((tenant, natural_key), write) in &batch.sales {
        let (before, returns) = (write.before, write.sale.returns);
        rows.push(SaleRow { tenant, natural_key, before, returns, doc: json(write.sale)? });
    }
    Ok(rows)
}

fn notices<'a>(batch: &Batch<'a>) -> Result<Vec<NoticeRow<'a>>, DbError> {
    let mut rows = Vec::new();
    for one in batch.written {
        for (n, notice) in one.plan.notices.iter().enumerate() {
            rows.push(NoticeRow {
                tenant: one.tenant.as_str(),
                decision: one.decision_id.as_str(),
                n,
                topic: &notice.topic,
                body: json(&notice.body)?,
                due: notice.due.unwrap_or(one.at).get(),
            });
        }
    }
    Ok(rows)
}
