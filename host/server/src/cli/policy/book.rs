//! Where a tenant's policies and rulebooks are kept: a database nobody else holds, or a running host.

use super::{
    remote::{Caller, Remote},
    subject::Subject,
};
use crate::{cases::Given, cli::Where, clock::Clock, host::Opened, policies, seal::KEY_FILE};
use anyhow::{Context as _, bail};
use clap::Args;
use db::policy::{self, PolicyRow, RulebookEntry};
use engine::{Engine, Source};
use ledger::{Digest, TenantId};

/// Where the password of `--user` is read from: arguments are seen by everybody on the machine.
const PASSWORD: &str = "PUNCHCARD_PASSWORD";
const WHOSE: &str = "say whose policies: --tenant NAME";
/// Rulebooks shown in a list.
pub(super) const HISTORY_MAX: u32 = 20;

/// Whose policies, and where they are kept.
#[derive(Debug, Clone, Args)]
pub struct Kept {
    /// Whose policies.
    #[arg(long)]
    pub(super) tenant: Option<String>,
    #[command(flatten)]
    place: Where,
    /// A running host, such as http://127.0.0.1:8080: an embedded database belongs to the host that runs.
    #[arg(long, env = "PUNCHCARD_URL", conflicts_with_all = ["config", "data"])]
    url: Option<String>,
    /// With --url: who signs in; the password is read from PUNCHCARD_PASSWORD.
    #[arg(long, env = "PUNCHCARD_USER")]
    user: Option<String>,
    /// With --url: the token of a session instead of a user.
    #[arg(long, env = "PUNCHCARD_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// A published rulebook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// 1, 2, 3 …; 0 before the first.
    pub version: i64,
    pub entries: Vec<Line>,
    pub at: String,
    pub by: String,
    pub note: String,
}

/// A policy's place in a rulebook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub name: String,
    pub digest: Digest,
    /// What the merchant set; the rest are defaults.
    pub params: Given,
}

/// An open book.
pub(super) enum Book {
    Local(Box<Local>),
    Remote(Remote),
}

/// A database this process holds.
pub(super) struct Local {
    opened: Opened,
    tenant: TenantId,
}

impl Kept {
    /// Opens the database, or calls the host.
    ///
    /// # Errors
    /// What is missing, or who holds the database.
    pub(super) async fn open(&self) -> anyhow::Result<Book> {
        if let Some(url) = &self.url {
            return Ok(Book::Remote(Remote::open(url, self.caller()?, self.tenant.as_deref()).await?));
        }
        let tenant = self.tenant.clone().context(WHOSE)?;
        let tenant = TenantId::new(tenant).context("--tenant")?;
        Ok(Book::Local(Box::new(Local::open(&self.place, tenant).await?)))
    }

    fn caller(&self) -> anyhow::Result<Caller> {
        if let Some(token) = self.token.clone() {
            return Ok(Caller::Token(token));
        }
        let user = self.user.clone().context("a running host asks who you are: --user, or --token")?;
        let tenant = self.tenant.clone().context(WHOSE)?;
        let password = std::env::var(PASSWORD).with_context(|| format!("put {user}'s password into {PASSWORD}"))?;
        Ok(Caller::Password { tenant, user, password })
    }
}

impl Local {
    async fn open(place: &Where, tenant: TenantId) -> anyhow::Result<Self> {
        let config = place.config()?;
        if !config.data_dir.join(KEY_FILE).exists() {
            bail!(
                "there is no host's data in {}; name its folder with --data, or a running host with --url",
                config.data_dir.display()
            );
        }
        let opened = Opened::open(config)
            .await
            .context("if a host is running on this data, publish through it: --url and --user")?;
        if db::tenant::get(&opened.db, &tenant).await?.is_none() {
            bail!("there is no tenant {tenant} here");
        }
        Ok(Self { opened, tenant })
    }

    async fn store(&self, name: &str, subject: &Subject) -> anyhow::Result<()> {
        let row = PolicyRow {
            name: name.to_owned(),
            digest: subject.admitted.digest.clone(),
            language: subject.found.language().to_owned(),
            source: subject.found.source.bytes().to_vec(),
            artifact: subject.admitted.artifact.clone(),
            description: subject.admitted.description.clone(),
            created_at: Clock::System.now(),
            created_by: who(),
        };
        policy::insert(&self.opened.db, &self.tenant, &row).await.context("cannot store the policy")
    }

    async fn publish(&self, seen: i64, lines: &[Line], note: &str) -> anyhow::Result<i64> {
        let entries: Vec<RulebookEntry> = lines.iter().cloned().map(Line::into_entry).collect();
        let now = Clock::System.now();
        match policy::publish(&self.opened.db, &self.tenant, seen, &entries, now, &who(), note).await {
            Err(db::DbError::Stale) => {
                bail!("somebody published another rulebook in between; look at it and try again")
            }
            published => published.context("cannot publish"),
        }
    }
}

impl Book {
    /// The engine a policy is admitted on, so that its artifact opens where it is stored.
    pub(super) fn engine(&self) -> Option<Engine> {
        match self {
            Self::Local(local) => Some(local.opened.engine.clone()),
            Self::Remote(_) => None,
        }
    }

    /// The rulebook in force.
    pub(super) async fn current(&self) -> anyhow::Result<Page> {
        match self {
            Self::Local(local) => {
                let row = policy::current_rulebook(&local.opened.db, &local.tenant).await?;
                Ok(row.map_or_else(Page::none, Page::from))
            }
            Self::Remote(remote) => remote.current().await,
        }
    }

    /// A rulebook by its version.
    pub(super) async fn version(&self, version: i64) -> anyhow::Result<Page> {
        let found = match self {
            Self::Local(local) => policy::rulebook(&local.opened.db, &local.tenant, version).await?.map(Page::from),
            Self::Remote(remote) => remote.version(version).await?,
        };
        found.with_context(|| format!("there is no rulebook version {version}"))
    }

    /// The latest rulebooks, newest first.
    pub(super) async fn history(&self) -> anyhow::Result<Vec<Page>> {
        match self {
            Self::Local(local) => {
                let rows = policy::rulebooks(&local.opened.db, &local.tenant, HISTORY_MAX).await?;
                Ok(rows.into_iter().map(Page::from).collect())
            }
            Self::Remote(remote) => remote.history().await,
        }
    }

    /// Keeps a version of a policy. Keeping the same one again changes nothing.
    pub(super) async fn store(&self, name: &str, subject: &Subject) -> anyhow::Result<()> {
        match self {
            Self::Local(local) => local.store(name, subject).await,
            Self::Remote(remote) => remote.store(name, subject).await,
        }
    }

    /// Puts these policies in force. Gives the new version.
    pub(super) async fn publish(&self, seen: i64, lines: &[Line], note: &str) -> anyhow::Result<i64> {
        match self {
            Self::Local(local) => local.publish(seen, lines, note).await,
            Self::Remote(remote) => remote.publish(seen, lines, note).await,
        }
    }

    /// What the policies of a rulebook say about themselves, in its order.
    pub(super) async fn summaries(&self, lines: &[Line]) -> anyhow::Result<Vec<String>> {
        let mut summaries = Vec::with_capacity(lines.len());
        match self {
            Self::Local(local) => {
                for line in lines {
                    let row = policy::get(&local.opened.db, &local.tenant, &line.name, &line.digest).await?;
                    summaries.push(row.map(|row| row.description.summary).unwrap_or_default());
                }
            }
            Self::Remote(remote) => {
                let mut told = remote.summaries().await?;
                let summary = |line: &Line| told.remove(&(line.name.clone(), line.digest.clone())).unwrap_or_default();
                summaries.extend(lines.iter().map(summary));
            }
        }
        Ok(summaries)
    }

    /// The stored version whose digest begins so: its name, and what was uploaded.
    pub(super) async fn stored(&self, digest: &str) -> anyhow::Result<(String, Source)> {
        let Self::Local(local) = self else {
            bail!("a running host does not hand out what was uploaded; inspect the file, or the data with --data");
        };
        let mut found = policy::list(&local.opened.db, &local.tenant).await?;
        found.retain(|known| known.digest.as_str().starts_with(digest));
        found.sort_by(|a, b| a.digest.cmp(&b.digest));
        found.dedup_by(|a, b| a.digest == b.digest);
        match (found.pop(), found.len()) {
            (Some(head), 0) => {
                let stored = policy::get(&local.opened.db, &local.tenant, &head.name, &head.digest).await?;
                let row = stored.context("the stored version is gone")?;
                Ok((row.name, policies::source(&row.language, row.source)?))
            }
            (Some(_), more) => bail!("{} stored versions begin with {digest}; write more of it", more + 1),
            (None, _) => bail!("no stored version begins with {digest}"),
        }
    }
}

impl Page {
    /// Before the first rulebook.
    fn none() -> Self {
        let nothing = String::new;
        Self { version: 0, entries: Vec::new(), at: nothing(), by: nothing(), note: nothing() }
    }
}

impl From<policy::RulebookRow> for Page {
    fn from(row: policy::RulebookRow) -> Self {
        let line = |entry: RulebookEntry| Line { name: entry.name, digest: entry.digest, params: entry.params };
        let entries = row.entries.into_iter().map(line).collect();
        Self { version: row.version, entries, at: row.created_at.to_rfc3339(), by: row.created_by, note: row.note }
    }
}

impl Line {
    fn into_entry(self) -> RulebookEntry {
        RulebookEntry { name: self.name, digest: self.digest, params: self.params }
    }
}

/// Who publishes, as the rulebook remembers it.
fn who() -> String {
    let login = std::env::var("USER").ok().filter(|login| !login.is_empty() && !login.contains(char::is_control));
    login.map_or_else(|| "cli".to_owned(), |login| format!("cli:{login}"))
}
