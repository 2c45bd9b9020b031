//! The embedded database: one file, one writer connection, readers beside it, one host.

mod checkpointer;

use crate::DbError;
use checkpointer::Checkpointer;
use sqlx::{
    ConnectOptions as _, Connection as _, Row as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// SQLite below this can lose committed writes in WAL mode (the WAL-reset bug).
const VERSION_FLOOR: (u32, u32, u32) = (3, 51, 3);

/// What was chosen by measurement, see `bench/src/journal.rs`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tuning {
    /// Bytes of a page. Random pages, not syncs, limit the journal: a small page is a small write.
    pub(crate) page_bytes: u32,
    /// The writer itself copies the log into the file when it has so many pages, because the [`Checkpointer`] did not
    /// find a moment at which all of it was copied. 0 = the log is never copied.
    pub(crate) checkpoint_pages: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { page_bytes: 1_024, checkpoint_pages: 16_384 }
    }
}

/// What is left of the log's file after a checkpoint, at most.
const LOG_BYTES_KEPT: u32 = 64 << 20;

/// The private page cache, in KiB: small, because the mapped file is the cache and a big one slows commits.
const CACHE_KIB: u32 = 8_192;

/// How much of the file is mapped into memory.
const MAP_BYTES: u64 = 2_000_000_000;

/// Connections that read: one batch read, and a few pages of the console.
const READERS_MAX: u32 = 4;

/// Rows that may wait between SQLite's thread and ours; a batch of 256 finds about a thousand.
const ROWS_IN_FLIGHT: usize = 2_048;

/// How long a foreign program may hold the write lock before we say [`DbError::Busy`].
const FOREIGN_LOCK_WAIT: Duration = Duration::from_secs(5);

/// The embedded database, open.
pub(crate) struct Sqlite {
    path: PathBuf,
    tuning: Tuning,
    writer: Arc<Mutex<Writer>>,
    readers: SqlitePool,
    checkpointer: Option<Checkpointer>,
    /// Held for as long as the database is open: two hosts never share one file.
    lock: Mutex<Option<File>>,
}

pub(crate) struct Writer {
    connection: Option<SqliteConnection>,
    /// A transaction may still be open in it: roll back before using it.
    unfinished: bool,
}

impl Sqlite {
    /// Opens or makes the file, and reads every setting back.
    pub(crate) async fn open(path: &str, tuning: Tuning, commits: Arc<AtomicU64>) -> Result<Self, DbError> {
        let path = PathBuf::from(path);
        let lock = take_lock(&path)?;
        let mut connection = options(&path, tuning).create_if_missing(true).connect().await?;
        check_setup(&mut connection).await?;
        connection.lock_handle().await?.set_commit_hook(move || {
            commits.fetch_add(1, Ordering::Relaxed);
            true
        });
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options(&path, tuning).pragma("query_only", "ON"))
            .await?;
        let checkpointer = match tuning.checkpoint_pages {
            0 => None,
            _ => Some(Checkpointer::start(options(&path, tuning).connect().await?)),
        };
        let writer = Arc::new(Mutex::new(Writer { connection: Some(connection), unfinished: false }));
        Ok(Self { path, tuning, writer, readers, checkpointer, lock: Mutex::new(Some(lock)) })
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// The writer, free of anything an abandoned call may have left open.
    pub(crate) async fn writer(&self) -> Result<OwnedMutexGuard<Writer>, DbError> {
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        if writer.unfinished {
            writer.roll_back().await?;
        }
        Ok(writer)
    }

    /// A transaction that may write; it waits for its turn here, never inside SQLite.
    pub(crate) async fn begin(&self) -> Result<WriterTx, DbError> {
        let mut writer = self.writer().await?;
        writer.unfinished = true;
        sqlx::query("begin immediate").execute(writer.connection()?).await?;
        Ok(WriterTx { writer })
    }

    /// Reads version and settings of the writer back.
    pub(crate) async fn check(&self) -> Result<Vec<(String, String)>, DbError> {
        let mut writer = self.writer().await?;
        check_setup(writer.connection()?).await
    }

    /// Has SQLite look through the file; one line `ok`, or what is wrong.
    pub(crate) async fn quick_check(&self) -> Result<Vec<String>, DbError> {
        let rows = sqlx::query("pragma quick_check").fetch_all(&self.readers).await?;
        rows.iter().map(|row| row.try_get(0).map_err(|cause| DbError::bad_row("quick_check", cause))).collect()
    }

    /// Copies the database into a new file, on a connection of its own, so that commits go on.
    pub(crate) async fn copy_into(&self, to: &Path) -> Result<(), DbError> {
        let to = to.to_str().ok_or_else(|| DbError::Unfit("a backup's name must be UTF-8".to_owned()))?;
        let mut connection = options(&self.path, self.tuning).connect().await?;
        sqlx::query("vacuum into $1").bind(to.to_owned()).execute(&mut connection).await?;
        connection.close().await?;
        Ok(())
    }

    /// So many bytes have been committed by the writer.
    pub(crate) async fn wrote(&self, bytes: usize) {
        if let Some(checkpointer) = &self.checkpointer {
            checkpointer.wrote(bytes).await;
        }
    }

    pub(crate) async fn close(&self) {
        if let Some(checkpointer) = &self.checkpointer {
            checkpointer.close().await;
        }
        self.readers.close().await;
        let mut writer = self.writer.lock().await;
        if let Some(connection) = writer.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "closing the database failed; the log is replayed when it is opened again");
        }
        drop(self.lock.lock().await.take());
    }
}

impl Writer {
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, DbError> {
        self.connection.as_mut().ok_or_else(|| DbError::Unreachable("the database is closed".to_owned()))
    }

    /// From here on a transaction may be open; cleared by [`Self::finished`].
    pub(crate) fn started(&mut self) {
        self.unfinished = true;
    }

    /// Whatever was begun has been committed.
    pub(crate) fn finished(&mut self) {
        self.unfinished = false;
    }

    /// Undoes whatever is open.
    pub(crate) async fn roll_back(&mut self) -> Result<(), DbError> {
        let connection = self.connection()?;
        if let Err(error) = sqlx::query("rollback").execute(&mut *connection).await {
            let nothing_open = error.as_database_error().is_some_and(|e| e.message().contains("no transaction"));
            if !nothing_open {
                return Err(error.into());
            }
        }
        self.unfinished = false;
        Ok(())
    }
}

/// A transaction on the writer.
pub(crate) struct WriterTx {
    writer: OwnedMutexGuard<Writer>,
}

impl WriterTx {
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, DbError> {
        self.writer.connection()
    }

    pub(crate) async fn commit(mut self) -> Result<(), DbError> {
        sqlx::query("commit").execute(self.writer.connection()?).await?;
        self.writer.finished();
        Ok(())
    }
}

fn options(path: &Path, tuning: Tuning) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .page_size(tuning.page_bytes)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("trusted_schema", "OFF")
        .pragma("wal_autocheckpoint", tuning.checkpoint_pages.to_string())
        .pragma("journal_size_limit", LOG_BYTES_KEPT.to_string())
        .pragma("cache_size", format!("-{CACHE_KIB}"))
        .pragma("mmap_size", MAP_BYTES.to_string())
        .busy_timeout(FOREIGN_LOCK_WAIT)
        .row_buffer_size(ROWS_IN_FLIGHT)
        .disable_statement_logging()
}

/// Settings that durability and safety hang on, and what each must read back.
const REQUIRED: [(&str, &str, &str); 5] = [
    ("journal_mode", "pragma journal_mode", "wal"),
    ("synchronous", "pragma synchronous", "2"),
    ("foreign_keys", "pragma foreign_keys", "1"),
    ("trusted_schema", "pragma trusted_schema", "0"),
    ("locking_mode", "pragma locking_mode", "normal"),
];

/// Settings worth showing.
const SHOWN: [(&str, &str); 4] = [
    ("page_size", "pragma page_size"),
    ("wal_autocheckpoint", "pragma wal_autocheckpoint"),
    ("cache_size", "pragma cache_size"),
    ("mmap_size", "pragma mmap_size"),
];

/// Refuses an old SQLite and settings that differ; the facts, by name.
async fn check_setup(connection: &mut SqliteConnection) -> Result<Vec<(String, String)>, DbError> {
    let version = pragma(connection, "select sqlite_version()").await?;
    if parse_version(&version) < VERSION_FLOOR {
        let (major, minor, patch) = VERSION_FLOOR;
        let why = format!("SQLite {version} can lose committed writes; {major}.{minor}.{patch} is needed");
        return Err(DbError::Unfit(why));
    }
    let mut facts = vec![("sqlite".to_owned(), version)];
    for (name, sql, wanted) in REQUIRED {
        let found = pragma(connection, sql).await?;
        if found != wanted {
            return Err(DbError::Unfit(format!("{name} is {found} and must be {wanted}")));
        }
        facts.push((name.to_owned(), found));
    }
    for (name, sql) in SHOWN {
        facts.push((name.to_owned(), pragma(connection, sql).await?));
    }
    Ok(facts)
}

async fn pragma(connection: &mut SqliteConnection, sql: &'static str) -> Result<String, DbError> {
    let row = sqlx::query(sql).fetch_one(connection).await?;
    row.try_get::<String, _>(0)
        .or_else(|_| row.try_get::<i64, _>(0).map(|number| number.to_string()))
        .map_err(|cause| DbError::bad_row(sql, cause))
}

fn parse_version(text: &str) -> (u32, u32, u32) {
    let mut parts = text.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

fn take_lock(path: &Path) -> Result<File, DbError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let unfit = |cause: &dyn std::fmt::Display| DbError::Unfit(format!("{}: {cause}", path.display()));
    let file = File::create(PathBuf::from(name)).map_err(|cause| unfit(&cause))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(unfit(&"another host has this database open")),
        Err(std::fs::TryLockError::Error(cause)) => Err(unfit(&cause)),
    }
}
