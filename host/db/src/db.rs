//! A database: opened, checked, closed. One statement at a time here; transactions are in `tx.rs`.

use crate::{
    DbError, postgres,
    row::{self, Arg, Row},
    sqlite,
    tx::Tx,
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The embedded one: one host, one file.
    Sqlite,
    /// The one for several hosts.
    Postgres,
}

/// A database, open. Clones share it.
#[derive(Clone)]
pub struct Db(Arc<Shared>);

struct Shared {
    backend: Backend,
    counts: Counters,
}

pub(crate) enum Backend {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// How often the database was called since it was opened.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) batch_reads: AtomicU64,
    pub(crate) batch_writes: AtomicU64,
    pub(crate) commits: Arc<AtomicU64>,
}

/// How often the database was called since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Calls of `snapshot::read` that reached the database.
    pub batch_reads: u64,
    /// Calls of `journal::commit` that reached the database.
    pub batch_writes: u64,
    /// Transactions that wrote, as SQLite itself counts them; each is one sync. Always 0 for PostgreSQL.
    pub commits: u64,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the address: it may hold a password.
        write!(f, "Db({:?})", self.kind())
    }
}

impl Db {
    /// Opens `sqlite:/path/file.db` (made if absent) or `postgres://…`, sets it up and reads the setup back.
    ///
    /// # Errors
    /// [`DbError::Unfit`] if the address is neither, SQLite is older than 3.51.3, a setting does not read
    /// back, or another host holds the file; [`DbError::Unreachable`] if there is no answer.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        Self::open_tuned(url, sqlite::Tuning::default()).await
    }

    pub(crate) async fn open_tuned(url: &str, tuning: sqlite::Tuning) -> Result<Self, DbError> {
        let counts = Counters::default();
        let backend = if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            Backend::Sqlite(sqlite::Sqlite::open(path, tuning, Arc::clone(&counts.commits)).await?)
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Backend::Postgres(postgres::Postgres::open(url).await?)
        } else {
            return Err(DbError::Unfit("an address begins with sqlite: or postgres://".to_owned()));
        };
        Ok(Self(Arc::new(Shared { backend, counts })))
    }

    /// Which database it is.
    pub fn kind(&self) -> Kind {
        match self.backend() {
            Backend::Sqlite(_) => Kind::Sqlite,
            Backend::Postgres(_) => Kind::Postgres,
        }
    }

    /// Ends every connection; what was committed is on disk. Clones become unusable.
    pub async fn close(&self) {
        match self.backend() {
            Backend::Sqlite(sqlite) => sqlite.close().await,
            Backend::Postgres(postgres) => postgres.close().await,
        }
    }

    /// How often the database was called.
    pub fn counts(&self) -> Counts {
        let counts = &self.0.counts;
        Counts {
            batch_reads: counts.batch_reads.load(Ordering::Relaxed),
            batch_writes: counts.batch_writes.load(Ordering::Relaxed),
            commits: counts.commits.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.0.counts
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.0.backend
    }

    /// A transaction that may write.
    pub(crate) async fn begin(&self) -> Result<Tx, DbError> {
        match self.backend() {
            Backend::Sqlite(sqlite) => Ok(Tx::Sqlite(sqlite.begin().await?)),
            Backend::Postgres(postgres) => Ok(Tx::Postgres(postgres.begin().await?)),
        }
    }

    /// The rows of one reading statement.
    pub(crate) async fn rows(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<Vec<Row>, DbError> {
        match self.backend() {
            Backend::Sqlite(sqlite) => {
                let rows = row::sqlite(sql, args).fetch_all(sqlite.readers()).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Backend::Postgres(postgres) => {
                let rows = row::postgres(sql, args).fetch_all(postgres.pool()).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// The first row of one reading statement.
    pub(crate) async fn row(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<Option<Row>, DbError> {
        match self.backend() {
            Backend::Sqlite(sqlite) => {
                let row = row::sqlite(sql, args).fetch_optional(sqlite.readers()).await?;
                Ok(row.map(Row::Sqlite))
            }
            Backend::Postgres(postgres) => {
                let row = row::postgres(sql, args).fetch_optional(postgres.pool()).await?;
                Ok(row.map(Row::Postgres))
            }
        }
    }

    /// One writing statement as a transaction of its own; how many rows it touched.
    pub(crate) async fn write(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, DbError> {
        let mut tx = self.begin().await?;
        let touched = tx.write(sql, args).await?;
        tx.commit().await?;
        Ok(touched)
    }
}
