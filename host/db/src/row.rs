//! Values into a statement and out of a row, the same for both databases.

use crate::DbError;
use sqlx::{
    Row as _, ValueRef as _,
    postgres::{PgArguments, PgRow},
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

/// One value of a statement. Columns are text, bigint or bytes, and so are values.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Arg<'a> {
    Text(Option<&'a str>),
    Int(Option<i64>),
    Bytes(Option<&'a [u8]>),
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(text))
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Some(text))
    }
}

impl<'a> From<Option<&'a str>> for Arg<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Arg<'_> {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<Option<i64>> for Arg<'_> {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

impl<'a> From<&'a [u8]> for Arg<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Some(bytes))
    }
}

impl<'a> From<Option<&'a [u8]>> for Arg<'a> {
    fn from(bytes: Option<&'a [u8]>) -> Self {
        Self::Bytes(bytes)
    }
}

pub(crate) type SqliteQuery<'q> = Query<'q, sqlx::Sqlite, SqliteArguments>;
pub(crate) type PgQuery<'q> = Query<'q, sqlx::Postgres, PgArguments>;

/// A statement for SQLite with its values.
pub(crate) fn sqlite<'q>(sql: &'static str, args: &[Arg<'q>]) -> SqliteQuery<'q> {
    args.iter().fold(sqlx::query(sql), |query, arg| match *arg {
        Arg::Text(text) => query.bind(text.map(str::to_owned)),
        Arg::Int(number) => query.bind(number),
        Arg::Bytes(bytes) => query.bind(bytes.map(<[u8]>::to_vec)),
    })
}

/// A statement for PostgreSQL with its values.
pub(crate) fn postgres<'q>(sql: &'static str, args: &[Arg<'q>]) -> PgQuery<'q> {
    args.iter().fold(sqlx::query(sql), |query, arg| match *arg {
        Arg::Text(text) => query.bind(text),
        Arg::Int(number) => query.bind(number),
        Arg::Bytes(bytes) => query.bind(bytes),
    })
}

/// A row of either database; columns are counted from 0.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! column {
    ($(#[$doc:meta])* $name:ident, $type:ty) => {
        $(#[$doc])*
        pub(crate) fn $name(&self, column: usize) -> Result<$type, DbError> {
            let read = match self {
                Self::Sqlite(row) => row.try_get::<$type, _>(column),
                Self::Postgres(row) => row.try_get::<$type, _>(column),
            };
            read.map_err(|cause| DbError::bad_row(column, cause))
        }
    };
}

impl Row {
    column!(
        /// A text that is there.
        text, String
    );
    column!(
        /// A text or null.
        opt_text, Option<String>
    );
    column!(
        /// A number that is there.
        int, i64
    );
    column!(
        /// A number or null.
        opt_int, Option<i64>
    );
    column!(
        /// Bytes that are there.
        bytes, Vec<u8>
    );
    column!(
        /// Bytes or null.
        opt_bytes, Option<Vec<u8>>
    );

    /// A JSON text as what it describes.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, column: usize) -> Result<T, DbError> {
        serde_json::from_str(&self.text(column)?).map_err(|cause| DbError::bad_row(column, cause))
    }

    /// An id of the domain.
    pub(crate) fn id<T: TryFrom<String, Error = ledger::BadId>>(&self, column: usize) -> Result<T, DbError> {
        T::try_from(self.text(column)?).map_err(|cause| DbError::bad_row(column, cause))
    }

    /// An id of the domain, or null.
    pub(crate) fn opt_id<T: TryFrom<String, Error = ledger::BadId>>(
        &self,
        column: usize,
    ) -> Result<Option<T>, DbError> {
        let text = self.opt_text(column)?;
        text.map(T::try_from).transpose().map_err(|cause| DbError::bad_row(column, cause))
    }

    /// Whatever is in each column, as text, for reports.
    pub(crate) fn describe(&self) -> String {
        let width = match self {
            Self::Sqlite(row) => row.len(),
            Self::Postgres(row) => row.len(),
        };
        let shown: Vec<String> = (0..width).map(|column| self.shown(column)).collect();
        shown.join(" | ")
    }

    fn shown(&self, column: usize) -> String {
        let null = match self {
            Self::Sqlite(row) => row.try_get_raw(column).is_ok_and(|value| value.is_null()),
            Self::Postgres(row) => row.try_get_raw(column).is_ok_and(|value| value.is_null()),
        };
        if null {
            return "null".to_owned();
        }
        let number = self.int(column).map(|number| number.to_string());
        number.or_else(|_| self.text(column)).unwrap_or_else(|_| "?".to_owned())
    }
}
