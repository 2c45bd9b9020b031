//! A running host's rulebook, over its admin interface.

use super::{
    book::{HISTORY_MAX, Line, Page},
    subject::Subject,
};
use crate::cases::Given;
use anyhow::{Context as _, anyhow, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use engine::Source;
use ledger::Digest;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};
use std::{collections::BTreeMap, time::Duration};

/// A host may compile for ten seconds; a connection that takes longer is lost.
const ANSWER_TIME: Duration = Duration::from_secs(40);
/// Versions a host tells at once.
const VERSIONS_MAX: u32 = 200;

/// Who calls.
#[derive(Debug, Clone)]
pub(super) enum Caller {
    /// Somebody who is signed in.
    Token(String),
    /// Somebody who signs in for this command.
    Password {
        /// Whose staff.
        tenant: String,
        user: String,
        password: String,
    },
}

/// A running host, as one of a tenant's people.
#[derive(Debug)]
pub(super) struct Remote {
    client: Client,
    base: String,
    token: String,
}

#[derive(Deserialize)]
struct SessionTold {
    token: String,
}

#[derive(Deserialize)]
struct WhoTold {
    tenant: String,
}

/// A problem document, as far as it is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: String,
    detail: String,
    findings: Vec<String>,
}

/// A rulebook as the host tells it.
#[derive(Debug, Deserialize)]
struct RulebookTold {
    version: i64,
    policies: Vec<EntryTold>,
    note: String,
    #[serde(default)]
    created_at: Option<String>,
    created_by: String,
}

/// A policy's place in it.
#[derive(Debug, Serialize, Deserialize)]
struct EntryTold {
    name: String,
    digest: Digest,
    #[serde(default)]
    params: Given,
}

/// A stored version as the host tells it.
#[derive(Debug, Deserialize)]
struct PolicyTold {
    name: String,
    digest: Digest,
    description: DescriptionTold,
}

#[derive(Debug, Deserialize)]
struct DescriptionTold {
    summary: String,
}

/// An upload; the cases go as they are written.
#[derive(Serialize)]
struct Upload<'a> {
    name: &'a str,
    language: &'a str,
    source: String,
    cases: Box<RawValue>,
}

impl From<RulebookTold> for Page {
    fn from(told: RulebookTold) -> Self {
        let line = |entry: EntryTold| Line { name: entry.name, digest: entry.digest, params: entry.params };
        let entries = told.policies.into_iter().map(line).collect();
        let at = told.created_at.unwrap_or_default();
        Self { version: told.version, entries, at, by: told.created_by, note: told.note }
    }
}

impl Remote {
    /// Calls a host, signing in if need be. `tenant` is whose rulebook is meant, if that was said.
    ///
    /// # Errors
    /// If nobody answers there, or the caller belongs to somebody else.
    pub(super) async fn open(url: &str, caller: Caller, tenant: Option<&str>) -> anyhow::Result<Self> {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            bail!("--url begins with http:// or https://");
        }
        let client = Client::builder().timeout(ANSWER_TIME).build().context("cannot make an HTTP client")?;
        let mut remote = Self { client, base: url.trim_end_matches('/').to_owned(), token: String::new() };
        match caller {
            Caller::Token(token) => remote.token = token,
            Caller::Password { tenant, user, password } => {
                let body = json!({"tenant": tenant, "user": user, "password": password});
                remote.token = remote.call::<SessionTold>(Method::POST, "session", &body).await?.token;
            }
        }
        let who: WhoTold = remote.read("session").await?;
        match tenant {
            Some(tenant) if tenant != who.tenant => bail!("this session belongs to {}, not to {tenant}", who.tenant),
            _ => Ok(remote),
        }
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.answer(self.request(Method::GET, path)).await
    }

    async fn call<T: DeserializeOwned>(&self, method: Method, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        self.answer(self.request(method, path).json(body)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}/api/v1/admin/{path}", self.base));
        if self.token.is_empty() { request } else { request.bearer_auth(&self.token) }
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<T> {
        let response = request.send().await.with_context(|| format!("no answer from {}", self.base))?;
        let status = response.status();
        let bytes = response.bytes().await.with_context(|| format!("half an answer from {}", self.base))?;
        if !status.is_success() {
            return Err(refusal(status, &bytes));
        }
        serde_json::from_slice(&bytes).with_context(|| format!("{} answers something else than expected", self.base))
    }

    /// The rulebook in force; version 0 before the first.
    pub(super) async fn current(&self) -> anyhow::Result<Page> {
        self.read::<RulebookTold>("rulebook").await.map(Page::from)
    }

    /// The latest rulebooks, newest first.
    pub(super) async fn history(&self) -> anyhow::Result<Vec<Page>> {
        self.rulebooks(HISTORY_MAX).await
    }

    /// A rulebook among those a host tells at once.
    pub(super) async fn version(&self, version: i64) -> anyhow::Result<Option<Page>> {
        Ok(self.rulebooks(VERSIONS_MAX).await?.into_iter().find(|page| page.version == version))
    }

    async fn rulebooks(&self, limit: u32) -> anyhow::Result<Vec<Page>> {
        let told: Vec<RulebookTold> = self.read(&format!("rulebooks?limit={limit}")).await?;
        Ok(told.into_iter().map(Page::from).collect())
    }

    /// Uploads a policy; the host checks it and runs its cases itself.
    pub(super) async fn store(&self, name: &str, subject: &Subject) -> anyhow::Result<()> {
        let source = match &subject.found.source {
            Source::Wasm(bytes) => STANDARD.encode(bytes),
            Source::Rhai(text) => text.clone(),
        };
        let cases = RawValue::from_string(subject.found.cases()?).context("the cases are not JSON")?;
        let upload = Upload { name, language: subject.found.language(), source, cases };
        self.call::<Value>(Method::POST, "policies", &upload).await.map(drop)
    }

    /// Publishes these policies. Gives the new version.
    pub(super) async fn publish(&self, seen: i64, lines: &[Line], note: &str) -> anyhow::Result<i64> {
        let entry = |line: &Line| EntryTold {
            name: line.name.clone(),
            digest: line.digest.clone(),
            params: line.params.clone(),
        };
        let policies: Vec<EntryTold> = lines.iter().map(entry).collect();
        let body = json!({"replaces": seen, "policies": policies, "note": note});
        self.call::<RulebookTold>(Method::POST, "rulebook", &body).await.map(|told| told.version)
    }

    /// What the stored versions say about themselves.
    pub(super) async fn summaries(&self) -> anyhow::Result<BTreeMap<(String, Digest), String>> {
        let told: Vec<PolicyTold> = self.read("policies").await?;
        Ok(told.into_iter().map(|policy| ((policy.name, policy.digest), policy.description.summary)).collect())
    }
}

fn refusal(status: StatusCode, bytes: &[u8]) -> anyhow::Error {
    let problem: Problem = serde_json::from_slice(bytes).unwrap_or_default();
    if problem.code.is_empty() {
        return anyhow!("the host answers {status}");
    }
    let findings: String = problem.findings.iter().map(|finding| format!("\n  {}", finding.trim_end())).collect();
    anyhow!("the host refuses ({}): {}{findings}", problem.code, problem.detail)
}
