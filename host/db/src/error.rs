//! What can go wrong at the database, and who must act.

use sqlx::error::ErrorKind;
use std::io;

/// Why a database call did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Somebody wrote in between: read again, plan again.
    #[error("the rows have changed since they were read")]
    Stale,
    /// A row with this key is already there.
    #[error("a row with this key exists")]
    Duplicate,
    /// The named row is not there.
    #[error("no such {0}")]
    Missing(&'static str),
    /// Another program holds the database's write lock: try again later.
    #[error("the database is held by another program")]
    Busy,
    /// There is no space left; reads go on.
    #[error("the database's disk is full")]
    StorageFull,
    /// Reading or syncing the disk failed: what is in memory can no longer be trusted. The process must exit.
    #[error("the database's disk failed: {0}")]
    DiskFailed(String),
    /// The database file is damaged. The process must exit; restore a backup.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// The database cannot be reached; nothing was sent to it.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// The connection broke while something was asked over it: a read can be repeated, and a write may have been
    /// done or not.
    #[error("the connection to the database broke: {0}")]
    ConnectionLost(String),
    /// The database is not set up as it must be: refuse to serve.
    #[error("the database must not be served: {0}")]
    Unfit(String),
    /// A stored row cannot be read as what it should be.
    #[error("column {column} cannot be read: {cause}")]
    BadRow {
        /// Which column, counted from 0, or its name.
        column: String,
        /// Why.
        cause: String,
    },
    /// A batch contradicts itself; the caller has a bug.
    #[error("the batch contradicts itself: {0}")]
    BadBatch(String),
    /// Anything else the driver reports.
    #[error("the database driver: {0}")]
    Driver(#[source] sqlx::Error),
}

impl DbError {
    /// The process must exit: after a failed sync or on a damaged file, going on could lose what was answered.
    pub const fn must_exit(&self) -> bool {
        matches!(self, Self::DiskFailed(_) | Self::Damaged(_))
    }

    pub(crate) fn bad_row(column: impl ToString, cause: impl ToString) -> Self {
        Self::BadRow { column: column.to_string(), cause: cause.to_string() }
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(reported) => match verdict(reported.as_ref()) {
                Verdict::Stale => Self::Stale,
                Verdict::Broken => Self::BadBatch("stored balances plus entries are not the new balances".to_owned()),
                Verdict::Duplicate => Self::Duplicate,
                Verdict::Busy => Self::Busy,
                Verdict::Full => Self::StorageFull,
                Verdict::Disk => Self::DiskFailed(reported.to_string()),
                Verdict::Away => Self::Unreachable(reported.to_string()),
                Verdict::Lost => Self::ConnectionLost(reported.to_string()),
                Verdict::Damaged => Self::Damaged(reported.to_string()),
                Verdict::Other => Self::Driver(error),
            },
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Self::Unreachable(error.to_string())
            }
            sqlx::Error::Io(cause) => match cause.kind() {
                // Nobody listens: at no address, or at no socket file.
                io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Self::Unreachable(cause.to_string()),
                _ => Self::ConnectionLost(cause.to_string()),
            },
            // A server that goes away may do so in the middle of a message.
            sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) => Self::ConnectionLost(error.to_string()),
            _ => Self::Driver(error),
        }
    }
}

/// What an error reported by the database itself means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Stale,
    Broken,
    Duplicate,
    Busy,
    Full,
    Disk,
    Damaged,
    Away,
    Lost,
    Other,
}

fn verdict(error: &dyn sqlx::error::DatabaseError) -> Verdict {
    let code = error.code().unwrap_or_default();
    match error.kind() {
        ErrorKind::UniqueViolation => return Verdict::Duplicate,
        ErrorKind::CheckViolation => return Verdict::Stale,
        _ if error.message().contains("stale: ") => return Verdict::Stale,
        _ if error.message().contains("broken: balances") => return Verdict::Broken,
        _ => {}
    }
    if error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
        return postgres_verdict(&code);
    }
    code.parse().map_or(Verdict::Other, sqlite_verdict)
}

/// By SQLSTATE. 40001 and 40P01: lost against another host. 55P03 and 57014: waited too long for another's rows or for
/// an answer. Classes 08 and 57: the server ends the session. A failing disk is the server's to halt for; this process
/// trusts no page of it.
fn postgres_verdict(code: &str) -> Verdict {
    match code {
        "40001" | "40P01" => Verdict::Stale,
        "55P03" | "57014" => Verdict::Busy,
        "53100" => Verdict::Full,
        "53300" | "57P03" => Verdict::Away,
        code if code.starts_with("08") || code.starts_with("57") => Verdict::Lost,
        _ => Verdict::Other,
    }
}

/// By SQLite's primary result code, the low byte of the extended one.
fn sqlite_verdict(code: i32) -> Verdict {
    match code & 0xff {
        5 | 6 => Verdict::Busy,
        10 => Verdict::Disk,
        11 | 26 => Verdict::Damaged,
        13 => Verdict::Full,
        _ => Verdict::Other,
    }
}

/// The outcome of a transaction whose end answered with this error cannot be known: the connection broke,
/// or the server went away while it committed.
pub(crate) fn outcome_unknown(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(reported) => {
            let code = reported.code().unwrap_or_default();
            if reported.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
                // Cancelled, shut down, crashed or cut off, possibly between commit and answer.
                return code.starts_with("08") || code.starts_with("57");
            }
            false
        }
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => false,
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_goes_away_in_the_middle_is_a_lost_connection() {
        let torn = sqlx::Error::Protocol("a message ends in the middle".to_owned());
        let reset = sqlx::Error::Io(io::Error::from(io::ErrorKind::ConnectionReset));
        for error in [torn, reset] {
            assert!(outcome_unknown(&error), "{error}");
            assert!(matches!(DbError::from(error), DbError::ConnectionLost(_)));
        }
        for code in ["57P01", "57P02", "57P05", "08006"] {
            assert_eq!(postgres_verdict(code), Verdict::Lost, "{code}");
        }
        assert_eq!(postgres_verdict("57P03"), Verdict::Away, "it did not let us in");
    }
}
