//! The policies that come with the host.

use crate::error::ApiError;
use db::{
    Db,
    policy::{self, PolicyRow, RulebookEntry},
};
use engine::{Engine, Source};
use ledger::{ParamValue, TenantId, UnixMs};
use std::collections::BTreeMap;

/// A policy that comes with the host.
#[derive(Debug, Clone, Copy)]
pub struct Shipped {
    /// Its name.
    pub name: &'static str,
    source: Bytes,
}

#[derive(Debug, Clone, Copy)]
enum Bytes {
    Wasm(&'static [u8]),
    Rhai(&'static str),
}

/// The shipped policies, in the order a rulebook asks them.
pub const SHIPPED: [Shipped; 5] = [
    Shipped { name: "standard", source: Bytes::Wasm(include_bytes!("../../../rules/standard/policy.wasm")) },
    Shipped {
        name: "weekend-double",
        source: Bytes::Rhai(include_str!("../../../rules/scripts/weekend-double/policy.rhai")),
    },
    Shipped { name: "birthday", source: Bytes::Rhai(include_str!("../../../rules/scripts/birthday/policy.rhai")) },
    Shipped { name: "tiers", source: Bytes::Wasm(include_bytes!("../../../rules/tiers/policy.wasm")) },
    Shipped { name: "lottery", source: Bytes::Wasm(include_bytes!("../../../rules/lottery/policy.wasm")) },
];

impl Shipped {
    /// The policy of this name.
    pub fn named(name: &str) -> Option<Self> {
        SHIPPED.into_iter().find(|shipped| shipped.name == name)
    }

    /// Its source, as an upload would bring it.
    pub fn source(&self) -> Source {
        match self.source {
            Bytes::Wasm(bytes) => Source::Wasm(bytes.to_vec()),
            Bytes::Rhai(text) => Source::Rhai(text.to_owned()),
        }
    }
}

/// What a merchant sets of one policy.
pub type Settings = BTreeMap<String, ParamValue>;

/// Checks a source and stores it as a version of a tenant's policy.
///
/// # Errors
/// [`ApiError::Refused`] in words for its author.
pub async fn store(
    db: &Db,
    engine: &Engine,
    tenant: &TenantId,
    name: &str,
    source: Source,
    at: UnixMs,
    by: &str,
) -> Result<PolicyRow, ApiError> {
    let engine = engine.clone();
    let bytes = source.bytes().to_vec();
    let language = if matches!(source, Source::Wasm(_)) { "wasm" } else { "rhai" };
    // Compiling waits for a child process for seconds: not on a thread that serves requests.
    let admitted = tokio::task::spawn_blocking(move || engine.admit(&source)).await.map_err(ApiError::internal)?;
    let admitted = admitted.map_err(|refusal| ApiError::refused(refusal.code, refusal.text))?;
    let row = PolicyRow {
        name: name.to_owned(),
        digest: admitted.digest,
        language: language.to_owned(),
        source: bytes,
        artifact: admitted.artifact,
        description: admitted.description,
        created_at: at,
        created_by: by.to_owned(),
    };
    policy::insert(db, tenant, &row).await?;
    Ok(row)
}

/// Stores shipped policies for a tenant and publishes them as its rulebook, in the given order.
///
/// # Errors
/// [`ApiError`] if a setting is refused or the rulebook was published by somebody else meanwhile.
pub async fn publish(
    db: &Db,
    engine: &Engine,
    tenant: &TenantId,
    wanted: &[(&str, Settings)],
    at: UnixMs,
    by: &str,
) -> Result<i64, ApiError> {
    let mut entries = Vec::with_capacity(wanted.len());
    for (name, params) in wanted {
        let shipped = Shipped::named(name).ok_or(ApiError::NotFound)?;
        let row = store(db, engine, tenant, name, shipped.source(), at, by).await?;
        row.description.settle(params).map_err(|why| ApiError::invalid("params", why.to_string()))?;
        entries.push(RulebookEntry { name: row.name, digest: row.digest, params: params.clone() });
    }
    let seen = policy::current_rulebook(db, tenant).await?.map_or(0, |rulebook| rulebook.version);
    Ok(policy::publish(db, tenant, seen, &entries, at, by, "shipped policies").await?)
}
