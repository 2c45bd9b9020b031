//! What is true of the whole database.

use crate::{Db, DbError};

/// The check value of the key file this database was made with; `ours` becomes it if there is none yet.
///
/// # Errors
/// Driver errors.
pub async fn key_check(db: &Db, ours: &str) -> Result<String, DbError> {
    remember(db, "key_check", ours).await
}

async fn remember(db: &Db, name: &str, value: &str) -> Result<String, DbError> {
    let mut tx = db.begin().await?;
    let args = [name.into(), value.into()];
    tx.write("insert into platform (name, value) values ($1, $2) on conflict (name) do nothing", &args).await?;
    let stored = tx.row("select value from platform where name = $1", &[name.into()]).await?;
    tx.commit().await?;
    stored.ok_or(DbError::Missing("platform value"))?.text(0)
}
