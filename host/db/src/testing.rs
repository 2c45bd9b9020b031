//! Throw-away databases: a SQLite file in a temporary folder, and a PostgreSQL cluster that ends with the
//! process. `PUNCHCARD_TEST_POSTGRES` may name a server to use instead; `PUNCHCARD_POSTGRES_BIN` the folder
//! of its programs.

pub mod plain;

use crate::{Db, DbError, db::Backend, dialect, row::Row, sqlite::Tuning};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, postgres::PgConnectOptions};
use std::{
    io,
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    str::FromStr as _,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;

/// Where Debian keeps PostgreSQL's programs.
const POSTGRES_BIN: &str = "/usr/lib/postgresql/15/bin";

/// The user PostgreSQL runs as when the tests run as root, which it refuses.
const POSTGRES_USER: &str = "postgres";

/// How often, and how long apart, a starting cluster is asked whether it is ready.
const READY_TRIES: u32 = 200;
const READY_PAUSE: Duration = Duration::from_millis(50);

/// Settings of a server of ours: a socket in its folder, room for a whole test run, and a recovery that syncs the
/// file system at once instead of a thousand files.
const SERVER: &str = "-c listen_addresses= -c max_connections=300 -c recovery_init_sync_method=syncfs";

/// Runs the server until its standard input ends, then stops it, or the one that was started after it, and
/// removes its folder.
const WATCHDOG: &str = r#"
"$1/postgres" -D "$2/data" -k "$2" $3 >"$2/log" 2>&1 &
cat >/dev/null
"$1/pg_ctl" -D "$2/data" -m immediate -s stop
wait
rm -rf "$2"
"#;

/// An empty database with the schema in it, gone when dropped (PostgreSQL's: when its cluster ends).
#[derive(Debug)]
pub struct Scratch {
    /// The database.
    pub db: Db,
    /// Its address, to open it again.
    pub url: String,
    dir: Option<TempDir>,
}

impl Scratch {
    /// A SQLite file.
    ///
    /// # Errors
    /// If the folder or the file cannot be made.
    pub async fn sqlite() -> Result<Self, DbError> {
        let dir = tempfile::tempdir().map_err(failed)?;
        let url = format!("sqlite:{}", dir.path().join("punchcard.db").display());
        Self::open(url, Some(dir)).await
    }

    /// A SQLite file with another page size and another distance between checkpoints, for measuring.
    ///
    /// # Errors
    /// If the folder or the file cannot be made.
    pub async fn sqlite_tuned(page_bytes: u32, checkpoint_pages: u32) -> Result<Self, DbError> {
        let dir = tempfile::tempdir().map_err(failed)?;
        let url = format!("sqlite:{}", dir.path().join("punchcard.db").display());
        let db = Db::open_tuned(&url, Tuning { page_bytes, checkpoint_pages }).await?;
        db.migrate().await?;
        Ok(Self { db, url, dir: Some(dir) })
    }

    /// A database of its own on the process's PostgreSQL; absent if there is none on this machine.
    ///
    /// # Errors
    /// If the cluster does not start or the database cannot be made.
    pub async fn postgres() -> Result<Option<Self>, DbError> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let Some(server) = server()? else { return Ok(None) };
        let name = format!("scratch_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let options = PgConnectOptions::from_str(&server)?;
        let mut connection = options.connect().await?;
        sqlx::query(AssertSqlSafe(format!("create database {name}"))).execute(&mut connection).await?;
        connection.close().await?;
        let (address, query) = server.split_once('?').unwrap_or((&server, ""));
        let base = address.rsplit_once('/').map_or(address, |(base, _)| base);
        Self::open(format!("{base}/{name}?{query}"), None).await.map(Some)
    }

    /// One of each kind this machine has.
    ///
    /// # Errors
    /// If one of them cannot be made.
    pub async fn each() -> Result<Vec<Self>, DbError> {
        let mut all = vec![Self::sqlite().await?];
        all.extend(Self::postgres().await?);
        Ok(all)
    }

    async fn open(url: String, dir: Option<TempDir>) -> Result<Self, DbError> {
        let db = Db::open(&url).await?;
        db.migrate().await?;
        Ok(Self { db, url, dir })
    }

    /// Runs a text of any statements, past everything this crate checks: to plant what must be found.
    ///
    /// # Errors
    /// What the database says.
    pub async fn sql(&self, text: &str) -> Result<(), DbError> {
        let text = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
        match self.db.backend() {
            Backend::Sqlite(sqlite) => text.execute(sqlite.writer().await?.connection()?).await.map(drop)?,
            Backend::Postgres(postgres) => text.execute(postgres.pool()).await.map(drop)?,
        }
        Ok(())
    }

    /// The rows of a statement, columns as text with ` | ` between them.
    ///
    /// # Errors
    /// What the database says.
    pub async fn told(&self, sql: &str) -> Result<Vec<String>, DbError> {
        let query = AssertSqlSafe(sql.to_owned());
        let rows: Vec<Row> = match self.db.backend() {
            Backend::Sqlite(sqlite) => {
                let rows = sqlx::query(query).fetch_all(sqlite.readers()).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Backend::Postgres(postgres) => {
                let rows = sqlx::query(query).fetch_all(postgres.pool()).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        };
        Ok(rows.iter().map(Row::describe).collect())
    }

    /// How SQLite goes about every statement of the batch read and the batch write.
    ///
    /// # Errors
    /// What the database says.
    pub async fn hot_plans(&self) -> Result<Vec<String>, DbError> {
        let mut plans = Vec::new();
        let statements = dialect::WRITE_SQLITE.split(";\n").chain([dialect::READ_SQLITE]);
        for statement in statements.map(str::trim).filter(|text| !matches!(*text, "" | "begin immediate" | "commit")) {
            plans.extend(self.told(&format!("explain query plan {statement}")).await?);
        }
        Ok(plans)
    }

    /// The SQLite file, if it is one.
    pub fn file(&self) -> Option<PathBuf> {
        self.dir.as_ref().map(|dir| dir.path().join("punchcard.db"))
    }

    /// Closes it and opens it again with another distance between checkpoints.
    ///
    /// # Errors
    /// If it does not open.
    pub async fn reopen_tuned(self, page_bytes: u32, checkpoint_pages: u32) -> Result<Self, DbError> {
        self.db.close().await;
        let db = Db::open_tuned(&self.url, Tuning { page_bytes, checkpoint_pages }).await?;
        Ok(Self { db, ..self })
    }

    /// Closes it and opens it again, as a restart would.
    ///
    /// # Errors
    /// If it does not open.
    pub async fn reopen(self) -> Result<Self, DbError> {
        self.db.close().await;
        Self::open(self.url, self.dir).await
    }
}

/// The address of the process's PostgreSQL, started at the first call.
fn server() -> Result<Option<String>, DbError> {
    static SHARED: OnceLock<Result<Option<Cluster>, String>> = OnceLock::new();
    if let Ok(url) = std::env::var("PUNCHCARD_TEST_POSTGRES") {
        return Ok(Some(url));
    }
    let shared = SHARED.get_or_init(|| Cluster::start().map_err(|error| error.to_string()));
    match shared {
        Ok(cluster) => Ok(cluster.as_ref().map(|cluster| cluster.url.clone())),
        Err(error) => Err(DbError::Unreachable(error.clone())),
    }
}

/// A PostgreSQL of our own on a socket in a temporary folder. It ends when this is dropped, or the process
/// ends in any way.
#[derive(Debug)]
pub struct Cluster {
    /// Its address.
    pub url: String,
    bin: PathBuf,
    dir: PathBuf,
    user: Option<(u32, u32)>,
    watchdog: Child,
}

impl Cluster {
    /// Makes and starts one; absent if PostgreSQL is not installed.
    ///
    /// # Errors
    /// If its programs fail.
    pub fn start() -> io::Result<Option<Self>> {
        let bin = std::env::var("PUNCHCARD_POSTGRES_BIN").map_or_else(|_| PathBuf::from(POSTGRES_BIN), PathBuf::from);
        if !bin.join("initdb").exists() {
            return Ok(None);
        }
        let dir = tempfile::Builder::new().prefix("punchcard-pg-").tempdir()?.keep();
        let user = user_for(&dir)?;
        run(as_user(Command::new(bin.join("initdb")), user)
            .args(["-A", "trust", "-U", "punchcard", "-N"])
            .args(["--locale=C", "-E", "UTF8", "-D"])
            .arg(dir.join("data")))?;
        let watchdog = as_user(Command::new("sh"), user)
            .args(["-c", WATCHDOG, "sh"])
            .args([&bin, &dir])
            .arg(SERVER)
            .current_dir(&dir)
            .stdin(Stdio::piped())
            .spawn()?;
        wait_ready(&bin, &dir)?;
        let url = format!("postgres://punchcard@localhost/postgres?host={}", dir.display());
        Ok(Some(Self { url, bin, dir, user, watchdog }))
    }

    /// Ends the server at once, as a crash would: nothing is written that was not written before.
    ///
    /// # Errors
    /// If it cannot be ended.
    pub fn crash(&self) -> io::Result<()> {
        run(self.control().args(["-m", "immediate", "-w", "stop"]))
    }

    /// Starts the server again and waits until it has recovered.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start_again(&self) -> io::Result<()> {
        let settings = format!("-k {} {SERVER}", self.dir.display());
        run(self.control().arg("-l").arg(self.dir.join("log")).arg("-o").arg(settings).args(["-w", "start"]))
    }

    fn control(&self) -> Command {
        let mut command = as_user(Command::new(self.bin.join("pg_ctl")), self.user);
        command.arg("-s").arg("-D").arg(self.dir.join("data"));
        command
    }
}

/// Lets SQLite answer before its log is synced: what a power cut may lose, and tests of power cuts must notice.
///
/// # Errors
/// If the database is closed; nothing happens on PostgreSQL.
pub async fn without_sync(db: &Db) -> Result<(), DbError> {
    if let Backend::Sqlite(sqlite) = db.backend() {
        let mut writer = sqlite.writer().await?;
        sqlx::query("pragma synchronous = normal").execute(writer.connection()?).await?;
    }
    Ok(())
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Ending its input ends the watchdog, and with it the server.
        drop(self.watchdog.stdin.take());
        if let Err(error) = self.watchdog.wait() {
            tracing::warn!(%error, "a test cluster did not end");
        }
    }
}

/// The user and group to run as: none unless we are root; then the folder is handed over.
fn user_for(dir: &Path) -> io::Result<Option<(u32, u32)>> {
    if std::fs::metadata(dir)?.uid() != 0 {
        return Ok(None);
    }
    let id = |what: &str| -> io::Result<u32> {
        let output = Command::new("id").args([what, POSTGRES_USER]).output()?;
        String::from_utf8_lossy(&output.stdout).trim().parse().map_err(io::Error::other)
    };
    let (uid, gid) = (id("-u")?, id("-g")?);
    std::os::unix::fs::chown(dir, Some(uid), Some(gid))?;
    Ok(Some((uid, gid)))
}

fn as_user(mut command: Command, user: Option<(u32, u32)>) -> Command {
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.current_dir("/").output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}

fn wait_ready(bin: &Path, dir: &Path) -> io::Result<()> {
    for _ in 0..READY_TRIES {
        if Command::new(bin.join("pg_isready")).arg("-q").arg("-h").arg(dir).status()?.success() {
            return Ok(());
        }
        std::thread::sleep(READY_PAUSE);
    }
    Err(io::Error::other("the test cluster did not become ready"))
}

fn failed(error: io::Error) -> DbError {
    DbError::Unreachable(error.to_string())
}
