//! A copy of the whole database while it serves.

use crate::{Db, DbError, db::Backend};
use std::{
    fs::File,
    path::{Path, PathBuf},
};

/// Writes a compact copy of the embedded database: under a temporary name, synced, then renamed, so that a file
/// of the final name is always whole. Commits go on meanwhile.
///
/// # Errors
/// [`DbError::Unfit`] on PostgreSQL, whose own `pg_dump` and base backups do this; [`DbError::Duplicate`] if
/// the file exists; [`DbError::StorageFull`] and others if it cannot be written.
pub async fn write(db: &Db, to: &Path) -> Result<(), DbError> {
    let Backend::Sqlite(sqlite) = db.backend() else {
        return Err(DbError::Unfit("back PostgreSQL up with pg_dump or a base backup".to_owned()));
    };
    if to.exists() {
        return Err(DbError::Duplicate);
    }
    let mut name = to.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    remove_leftover(&part)?;
    sqlite.copy_into(&part).await?;
    let to = to.to_owned();
    let settled = tokio::task::spawn_blocking(move || settle(&part, &to)).await;
    settled.map_err(|cause| DbError::DiskFailed(cause.to_string()))?.map_err(|cause| failed(&cause))
}

/// A copy that was broken off before.
fn remove_leftover(part: &Path) -> Result<(), DbError> {
    match std::fs::remove_file(part) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(failed(&cause)),
        _ => Ok(()),
    }
}

fn settle(part: &Path, to: &Path) -> std::io::Result<()> {
    File::open(part)?.sync_all()?;
    std::fs::rename(part, to)?;
    // The new name is durable once its folder is.
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder)?.sync_all()
}

fn failed(cause: &std::io::Error) -> DbError {
    DbError::Unfit(format!("the backup cannot be written: {cause}"))
}
