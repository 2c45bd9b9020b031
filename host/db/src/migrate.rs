//! The schema, brought up to date: numbered texts from `migrations/`, each applied once.

use crate::{Db, DbError, Kind, tx::Tx};

/// One step of the schema: what both databases share, and what each needs before and after it.
struct Migration {
    version: i64,
    name: &'static str,
    shared: &'static str,
    sqlite: &'static str,
    postgres_before: &'static str,
    postgres: &'static str,
}

/// Steps in order. A step, once released, never changes: its digest is stored with it.
const MIGRATIONS: [Migration; 2] = [
    Migration {
        version: 1,
        name: "ledger",
        shared: include_str!("../../../migrations/0001_ledger.sql"),
        sqlite: include_str!("../../../migrations/0001_ledger.sqlite.sql"),
        postgres_before: include_str!("../../../migrations/0000_bytes.postgres.sql"),
        postgres: include_str!("../../../migrations/0001_ledger.postgres.sql"),
    },
    Migration {
        version: 2,
        name: "budgets",
        shared: include_str!("../../../migrations/0002_budgets.sql"),
        sqlite: "",
        postgres_before: "",
        postgres: "",
    },
];

/// How many versions newer than this program a schema may be: the next release runs beside this one.
const NEWER_MAX: i64 = 1;

const SCHEMA: &str = "create table if not exists schema_version (
    version bigint not null primary key,
    name text not null,
    digest text not null
)";

/// Names the lock that two hosts starting at once queue at; any fixed number.
const ONE_MIGRATION_AT_A_TIME: &str = "select pg_advisory_xact_lock(7078656863617264)";

/// Where the schema stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaVersion {
    /// The newest step the database has; 0 for none.
    pub applied: i64,
    /// The newest step this program knows.
    pub known: i64,
}

impl Migration {
    fn digest(&self) -> String {
        ledger::sha256_hex([self.shared, self.sqlite, self.postgres_before, self.postgres].join("\n").as_bytes())
    }

    async fn apply(&self, tx: &mut Tx, kind: Kind) -> Result<(), DbError> {
        match kind {
            Kind::Sqlite => {
                tx.script(self.shared).await?;
                tx.script(self.sqlite).await?;
            }
            Kind::Postgres => {
                tx.script(self.postgres_before).await?;
                tx.script(self.shared).await?;
                tx.script(self.postgres).await?;
            }
        }
        let digest = self.digest();
        let args = [self.version.into(), self.name.into(), digest.as_str().into()];
        tx.write("insert into schema_version (version, name, digest) values ($1, $2, $3)", &args).await.map(drop)
    }
}

impl Db {
    /// Applies every step the database lacks, all in one transaction; the newest step it then has.
    ///
    /// # Errors
    /// [`DbError::Unfit`] if a step was changed after it was applied, or the schema is too new.
    pub async fn migrate(&self) -> Result<i64, DbError> {
        let mut tx = self.begin().await?;
        if self.kind() == Kind::Postgres {
            tx.rows(ONE_MIGRATION_AT_A_TIME, &[]).await?;
        }
        tx.script(SCHEMA).await?;
        let applied = applied(&mut tx).await?;
        vet(&applied)?;
        let missing = MIGRATIONS.iter().filter(|step| !applied.iter().any(|(version, _)| *version == step.version));
        for step in missing {
            step.apply(&mut tx, self.kind()).await?;
        }
        tx.commit().await?;
        Ok(applied.iter().map(|(version, _)| *version).max().unwrap_or(0).max(known()))
    }

    /// Where the schema stands.
    ///
    /// # Errors
    /// [`DbError::Unfit`] if this program cannot serve it: a step is missing, was changed, or is too new.
    pub async fn schema(&self) -> Result<SchemaVersion, DbError> {
        let rows = self.rows(APPLIED, &[]).await.map_err(|error| match error {
            DbError::Driver(cause) => DbError::Unfit(format!("the schema is not there: {cause}")),
            other => other,
        })?;
        let applied: Vec<(i64, String)> =
            rows.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect::<Result<_, DbError>>()?;
        vet(&applied)?;
        let newest = applied.iter().map(|(version, _)| *version).max().unwrap_or(0);
        let known = known();
        if newest < known {
            return Err(DbError::Unfit(format!("the schema is at {newest} and {known} is needed: migrate")));
        }
        Ok(SchemaVersion { applied: newest, known })
    }
}

const APPLIED: &str = "select version, digest from schema_version order by version";

async fn applied(tx: &mut Tx) -> Result<Vec<(i64, String)>, DbError> {
    tx.rows(APPLIED, &[]).await?.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}

fn known() -> i64 {
    MIGRATIONS.iter().map(|step| step.version).max().unwrap_or(0)
}

/// Refuses a schema that is not ours.
fn vet(applied: &[(i64, String)]) -> Result<(), DbError> {
    for (version, digest) in applied {
        match MIGRATIONS.iter().find(|step| step.version == *version) {
            Some(step) if step.digest() != *digest => {
                return Err(DbError::Unfit(format!("step {version} of the schema is not the one released")));
            }
            None if *version > known() + NEWER_MAX => {
                return Err(DbError::Unfit(format!("step {version} of the schema is too new for this program")));
            }
            _ => {}
        }
    }
    Ok(())
}
