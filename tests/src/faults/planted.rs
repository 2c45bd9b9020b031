//! Damage the judge must find: a check that has not been seen to fail proves nothing.

use super::{books::Source, judge::Finding};
use anyhow::Context as _;
use sandbox::{HistoryLine, Outcome};
use sqlx::{
    ConnectOptions as _, PgConnection, SqliteConnection, postgres::PgConnectOptions, sqlite::SqliteConnectOptions,
};
use std::{collections::BTreeSet, str::FromStr as _};

/// What lets a database be doctored that does not want to be.
const UNGUARD_SQLITE: [&str; 4] = [
    "drop trigger decision_update",
    "drop trigger decision_delete",
    "drop index decision_key",
    "drop index decision_natural",
];
const UNGUARD_POSTGRES: [&str; 3] =
    ["drop trigger decision_once on decision", "drop index decision_key", "drop index decision_natural"];

/// A decision is gone.
const LOSE: &str = "delete from decision where natural_key like $1";
/// A decision is there again.
const DOUBLE: &str = "
    insert into decision (tenant_id, stream, seq, at_ms, kind, status, member_id, store_id, till_id, principal,
                          key_hash, natural_key, input_hash, hash, reply, record)
    select tenant_id, stream, seq + 100000, at_ms, kind, status, member_id, store_id, till_id, principal,
           key_hash, natural_key, input_hash, hash, reply, record from decision where natural_key like $1";
/// An answer has one byte more.
const CHANGE_SQLITE: &str = "update decision set reply = cast(reply || ' ' as blob) where natural_key like $1";
const CHANGE_POSTGRES: &str = "update decision set reply = reply || '\\x20'::bytea where natural_key like $1";
/// Balances are one fen off.
const SHIFT: &str = "update member set gift = gift + 1";

/// Plants a loss, a doubling, changed bytes and a wrong balance in the books, and a refusal that is there all the
/// same in the history; what the judge must find of single requests.
///
/// # Errors
/// If the history is too short, or the database does not let itself be doctored.
pub async fn plant(books: &Source, history: &mut [HistoryLine]) -> anyhow::Result<[Finding; 4]> {
    let answered = history.iter().filter(|line| line.outcome == Outcome::Ok).map(|line| line.key.clone());
    let keys: Vec<String> = answered.collect::<BTreeSet<_>>().into_iter().take(4).collect();
    let [lost, doubled, changed, refused] = keys.try_into().ok().context("the history is too short")?;
    let receipts = [&lost, &doubled, &changed].map(|key| format!("%/R-{}", key.trim_start_matches("k-")));
    match books {
        Source::File(file) => {
            doctor_sqlite(SqliteConnectOptions::new().filename(file).connect().await?, receipts).await?
        }
        Source::Address(url) => doctor_postgres(PgConnectOptions::from_str(url)?.connect().await?, receipts).await?,
    }
    for line in history.iter_mut().filter(|line| line.key == refused && line.outcome == Outcome::Ok) {
        line.outcome = Outcome::Fail;
    }
    Ok([Finding::Lost(lost), Finding::Doubled(doubled, 2), Finding::OtherBytes(changed), Finding::NotRefused(refused)])
}

async fn doctor_sqlite(mut open: SqliteConnection, receipts: [String; 3]) -> sqlx::Result<()> {
    for sql in UNGUARD_SQLITE {
        sqlx::query(sql).execute(&mut open).await?;
    }
    for (sql, receipt) in [LOSE, DOUBLE, CHANGE_SQLITE].into_iter().zip(receipts) {
        sqlx::query(sql).bind(receipt).execute(&mut open).await?;
    }
    sqlx::query(SHIFT).execute(&mut open).await.map(drop)
}

async fn doctor_postgres(mut open: PgConnection, receipts: [String; 3]) -> sqlx::Result<()> {
    for sql in UNGUARD_POSTGRES {
        sqlx::query(sql).execute(&mut open).await?;
    }
    for (sql, receipt) in [LOSE, DOUBLE, CHANGE_POSTGRES].into_iter().zip(receipts) {
        sqlx::query(sql).bind(receipt).execute(&mut open).await?;
    }
    sqlx::query(SHIFT).execute(&mut open).await.map(drop)
}
