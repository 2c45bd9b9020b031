//! What a doctor wants to know of a database.

use crate::{Db, DbError, db::Backend};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Fit to serve.
    pub fit: bool,
    /// Facts and complaints, one a line.
    pub lines: Vec<String>,
}

impl Db {
    /// Reads version, settings and schema back, and has SQLite look through its file.
    ///
    /// # Errors
    /// When the database cannot be asked at all; what is wrong with it is in [`Health`].
    pub async fn check(&self) -> Result<Health, DbError> {
        let mut health = Health { fit: true, lines: Vec::new() };
        let setup = match self.backend() {
            Backend::Sqlite(sqlite) => sqlite.check().await,
            Backend::Postgres(postgres) => postgres.check().await,
        };
        if let Some(facts) = health.note(setup)? {
            health.lines.extend(facts.into_iter().map(|(name, value)| format!("{name}: {value}")));
        }
        if let Some(schema) = health.note(self.schema().await)? {
            health.lines.push(format!("schema: {} of {}", schema.applied, schema.known));
        }
        if let Backend::Sqlite(sqlite) = self.backend() {
            let found = sqlite.quick_check().await?;
            health.fit &= found == ["ok"];
            health.lines.extend(found.into_iter().map(|line| format!("quick_check: {line}")));
        }
        Ok(health)
    }
}

impl Health {
    /// Notes what makes the database unfit, passes on what keeps it from being asked.
    fn note<T>(&mut self, found: Result<T, DbError>) -> Result<Option<T>, DbError> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(why @ DbError::Unfit(_)) => {
                self.fit = false;
                self.lines.push(why.to_string());
                Ok(None)
            }
            Err(why) => Err(why),
        }
    }
}
