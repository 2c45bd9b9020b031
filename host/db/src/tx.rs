//! A database transaction. Dropping it rolls back; nothing outside this crate can name it.

use crate::{
    DbError,
    row::{self, Arg, Row},
    sqlite::WriterTx,
};

pub(crate) enum Tx {
    Sqlite(WriterTx),
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
}

impl Tx {
    /// The rows of a statement.
    pub(crate) async fn rows(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<Vec<Row>, DbError> {
        match self {
            Self::Sqlite(tx) => {
                let rows = row::sqlite(sql, args).fetch_all(tx.connection()?).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(tx) => {
                let rows = row::postgres(sql, args).fetch_all(&mut **tx).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// The first row of a statement.
    pub(crate) async fn row(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<Option<Row>, DbError> {
        Ok(self.rows(sql, args).await?.into_iter().next())
    }

    /// How many rows a writing statement touched.
    pub(crate) async fn write(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, DbError> {
        match self {
            Self::Sqlite(tx) => Ok(row::sqlite(sql, args).execute(tx.connection()?).await?.rows_affected()),
            Self::Postgres(tx) => Ok(row::postgres(sql, args).execute(&mut **tx).await?.rows_affected()),
        }
    }

    /// A fixed text of several statements without values, such as a migration.
    pub(crate) async fn script(&mut self, sql: &'static str) -> Result<(), DbError> {
        match self {
            Self::Sqlite(tx) => sqlx::raw_sql(sql).execute(tx.connection()?).await.map(drop)?,
            Self::Postgres(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(drop)?,
        }
        Ok(())
    }

    /// Makes everything durable.
    pub(crate) async fn commit(self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => Ok(tx.commit().await?),
        }
    }
}

/// A write that must touch exactly one row did.
pub(crate) fn one_row(touched: u64, otherwise: DbError) -> Result<(), DbError> {
    if touched == 1 { Ok(()) } else { Err(otherwise) }
}
