//! The books as they stand, read with SQL of our own.

use anyhow::Context as _;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use sqlx::{
    ConnectOptions as _, PgConnection, Row as _, SqliteConnection, postgres::PgConnectOptions,
    sqlite::SqliteConnectOptions,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    str::FromStr as _,
};

const DECISIONS: &str = "select stream, seq, record, natural_key, member_id, reply, entries from decision
                         where tenant_id = $1 order by stream, seq";
const MEMBERS: &str = "select member_id, points, principal, gift from member where tenant_id = $1";

/// Where the books are.
#[derive(Debug, Clone)]
pub enum Source {
    /// A SQLite file, opened for reading only.
    File(PathBuf),
    /// A PostgreSQL address.
    Address(String),
}

/// One decision.
#[derive(Debug, Clone)]
pub struct Decided {
    /// Stream and number.
    pub name: String,
    /// The caller's name for the attempt.
    pub key: String,
    /// The receipt's name for ever.
    pub natural: Option<String>,
    /// SHA-256 of the answer's bytes.
    pub reply: String,
    /// Points given, by the answer.
    pub said: i64,
    /// Points given, by the entries.
    pub given: i64,
}

/// One written line.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// Its number in the account.
    pub seq: i64,
    /// How much it moved.
    pub delta: i64,
    /// The balance behind it.
    pub balance_after: i64,
}

/// Everything the judge looks at.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// In the order of their streams.
    pub decisions: Vec<Decided>,
    /// Lines by member and account, as found.
    pub lines: BTreeMap<(String, String), Vec<Line>>,
    /// Balances by member and account.
    pub balances: BTreeMap<(String, String), i64>,
}

#[derive(Deserialize)]
struct RecordKey {
    key: String,
}

#[derive(Deserialize)]
struct Entry {
    account: String,
    seq: i64,
    kind: String,
    delta: i64,
    balance_after: i64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Reply {
    points: Points,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Points {
    earned: i64,
}

/// A row as both databases give it.
struct Row {
    stream: String,
    seq: i64,
    record: String,
    natural: Option<String>,
    member: Option<String>,
    reply: Vec<u8>,
    entries: Option<String>,
}

/// Reads a row of either database: their types differ, their columns do not.
macro_rules! row {
    ($row:expr) => {
        Row {
            stream: $row.try_get(0)?,
            seq: $row.try_get(1)?,
            record: $row.try_get(2)?,
            natural: $row.try_get(3)?,
            member: $row.try_get(4)?,
            reply: $row.try_get(5)?,
            entries: $row.try_get(6)?,
        }
    };
}

impl Source {
    /// The books in a data directory.
    pub fn in_dir(data: &Path) -> Self {
        Self::File(data.join("punchcard.db"))
    }
}

/// Opens a SQLite file for reading only.
async fn sqlite(file: &Path) -> sqlx::Result<SqliteConnection> {
    SqliteConnectOptions::new().filename(file).read_only(true).connect().await
}

async fn postgres(url: &str) -> sqlx::Result<PgConnection> {
    PgConnectOptions::from_str(url)?.connect().await
}

impl Books {
    /// Reads all books of a tenant.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn read(from: &Source, tenant: &str) -> anyhow::Result<Self> {
        let (mut books, mut rows) = (Self::default(), Vec::new());
        match from {
            Source::File(file) => {
                let mut open = sqlite(file).await.with_context(|| format!("cannot open {}", file.display()))?;
                for row in sqlx::query(DECISIONS).bind(tenant).fetch_all(&mut open).await? {
                    rows.push(row!(row));
                }
                for row in sqlx::query(MEMBERS).bind(tenant).fetch_all(&mut open).await? {
                    books.balance(row.try_get(0)?, [row.try_get(1)?, row.try_get(2)?, row.try_get(3)?]);
                }
            }
            Source::Address(url) => {
                let mut open = postgres(url).await?;
                for row in sqlx::query(DECISIONS).bind(tenant).fetch_all(&mut open).await? {
                    rows.push(row!(row));
                }
                for row in sqlx::query(MEMBERS).bind(tenant).fetch_all(&mut open).await? {
                    books.balance(row.try_get(0)?, [row.try_get(1)?, row.try_get(2)?, row.try_get(3)?]);
                }
            }
        }
        rows.into_iter().try_for_each(|row| books.take(row))?;
        Ok(books)
    }

    /// How many streams the decisions stand in.
    pub fn streams(&self) -> usize {
        let streams = self.decisions.iter().filter_map(|decided| decided.name.rsplit_once('-'));
        streams.map(|(stream, _)| stream).collect::<BTreeSet<_>>().len()
    }

    fn balance(&mut self, member: String, of: [i64; 3]) {
        for (account, balance) in ["points", "principal", "gift"].into_iter().zip(of) {
            self.balances.insert((member.clone(), account.to_owned()), balance);
        }
    }

    fn take(&mut self, row: Row) -> anyhow::Result<()> {
        let name = format!("{}-{}", row.stream, row.seq);
        let record: RecordKey = serde_json::from_str(&row.record).with_context(|| name.clone())?;
        let reply: Reply = serde_json::from_slice(&row.reply).with_context(|| name.clone())?;
        let entries: Vec<Entry> = serde_json::from_str(row.entries.as_deref().unwrap_or("[]"))?;
        let is_given = |entry: &&Entry| entry.account == "points" && entry.kind == "accrual";
        self.decisions.push(Decided {
            name,
            key: record.key,
            natural: row.natural,
            reply: hex::encode(Sha256::digest(&row.reply)),
            said: reply.points.earned,
            given: entries.iter().filter(is_given).map(|entry| entry.delta).sum(),
        });
        for entry in entries {
            let account = (row.member.clone().unwrap_or_default(), entry.account);
            let line = Line { seq: entry.seq, delta: entry.delta, balance_after: entry.balance_after };
            self.lines.entry(account).or_default().push(line);
        }
        Ok(())
    }
}
