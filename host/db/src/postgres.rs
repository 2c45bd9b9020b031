//! The database for several hosts.

use crate::DbError;
use sqlx::{
    ConnectOptions as _, PgPool, Row as _, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{str::FromStr as _, time::Duration};

/// PostgreSQL older than this has not been tried.
const VERSION_FLOOR: i64 = 150_000;

/// Connections for the console, jobs and reports.
const CONNECTIONS_MAX: u32 = 8;

/// Connections for the batch read and the batch write: one each, and one each of the next batch.
const HOT_CONNECTIONS_MAX: u32 = 4;

/// How long a batch connection is used: its plans suit the tables as they were when it was opened.
const HOT_LIFETIME: Duration = Duration::from_secs(60);

/// How long to wait for a connection before the database counts as unreachable.
const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// The batch statements are planned once and follow the indexes: a plan made while the tables were small
/// must not scan them when they have grown.
///
/// They never wait for ever: for rows another host holds, or for a server that has stopped working.
const HOT_SETTINGS: [(&str, &str); 8] = [
    ("lock_timeout", "5s"),
    ("statement_timeout", "30s"),
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_material", "off"),
    ("jit", "off"),
];

/// Settings that durability hangs on, and what each must read back.
const REQUIRED: [(&str, &str, &str); 4] = [
    ("synchronous_commit", "show synchronous_commit", "on"),
    ("fsync", "show fsync", "on"),
    ("full_page_writes", "show full_page_writes", "on"),
    ("in_recovery", "select cast(pg_is_in_recovery() as text)", "false"),
];

/// Several hosts' database, open.
pub(crate) struct Postgres {
    pool: PgPool,
    hot: PgPool,
}

impl Postgres {
    /// Connects, and reads every setting back.
    pub(crate) async fn open(url: &str) -> Result<Self, DbError> {
        // The parser's words may repeat the address, and with it a password.
        let parsed = PgConnectOptions::from_str(url);
        let options = parsed.map_err(|_| DbError::Unfit("the postgres address cannot be read".to_owned()))?;
        let options =
            options.disable_statement_logging().application_name("punchcard").options([("synchronous_commit", "on")]);
        // What is asked here is rarely asked: one more round trip finds a connection that died with its server.
        let pool = connections(CONNECTIONS_MAX).test_before_acquire(true).connect_with(options.clone()).await;
        let pool = pool.map_err(unreachable)?;
        let hot = connections(HOT_CONNECTIONS_MAX).max_lifetime(HOT_LIFETIME);
        let hot = hot.connect_lazy_with(options.options(HOT_SETTINGS));
        let opened = Self { pool, hot };
        opened.check().await?;
        Ok(opened)
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Connections for the two batch statements.
    pub(crate) fn hot(&self) -> &PgPool {
        &self.hot
    }

    pub(crate) async fn begin(&self) -> Result<Transaction<'static, sqlx::Postgres>, DbError> {
        self.pool.begin().await.map_err(DbError::from)
    }

    /// Refuses an old server, a standby, and settings that differ; the facts, by name.
    pub(crate) async fn check(&self) -> Result<Vec<(String, String)>, DbError> {
        let version = self.show("select current_setting('server_version_num')").await?;
        if version.parse().unwrap_or(0) < VERSION_FLOOR {
            return Err(DbError::Unfit(format!("PostgreSQL {version} is too old; {VERSION_FLOOR} is needed")));
        }
        let mut facts = vec![("postgres".to_owned(), version)];
        for (name, sql, wanted) in REQUIRED {
            let found = self.show(sql).await?;
            if found != wanted {
                return Err(DbError::Unfit(format!("{name} is {found} and must be {wanted}")));
            }
            facts.push((name.to_owned(), found));
        }
        Ok(facts)
    }

    async fn show(&self, sql: &'static str) -> Result<String, DbError> {
        let row = sqlx::query(sql).fetch_one(&self.pool).await?;
        row.try_get(0).map_err(|cause| DbError::bad_row(sql, cause))
    }

    pub(crate) async fn close(&self) {
        self.hot.close().await;
        self.pool.close().await;
    }
}

fn connections(most: u32) -> PgPoolOptions {
    // A dead connection shows at its first use, and the batch is planned again; asking before every use would be
    // one more round trip.
    PgPoolOptions::new().max_connections(most).acquire_timeout(CONNECT_WAIT).test_before_acquire(false)
}

fn unreachable(error: sqlx::Error) -> DbError {
    DbError::Unreachable(error.to_string())
}
