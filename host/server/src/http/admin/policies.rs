//! Policies: uploaded and checked, put in a rulebook, rolled back.

use super::{PageQuery, body::parse, query};
use crate::{
    cases,
    error::ApiError,
    http::{
        Front, created,
        staff::{Admin, JsonBody, Staff},
    },
    policies::load,
};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use db::policy::{PolicyHead, PolicyRow, RulebookEntry, RulebookRow};
use engine::{Placed, Source};
use ledger::{Description, Digest, ParamValue, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{collections::BTreeMap, sync::Arc};

/// Policies of one rulebook.
const ENTRIES_MAX: usize = 32;
/// The longest reason, in characters.
const NOTE_MAX: usize = 200;
/// Policy versions one tenant may keep, and the bytes of their sources and machine code.
const VERSIONS_MAX: i64 = 1_000;
const VERSION_BYTES_MAX: i64 = 256 << 20;
/// What a caller is told to wait while another upload is checked, in seconds.
const RETRY_SECONDS: u32 = 5;

/// A policy as its author sends it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UploadBody {
    /// Its name in rulebooks; absent = the name it gives itself.
    #[serde(default)]
    name: Option<String>,
    /// `rhai` or `wasm`.
    language: String,
    /// The script, or the component as base64.
    source: String,
    /// Its `cases.json`; a policy without cases is refused.
    cases: Box<RawValue>,
}

/// One form of a policy.
#[derive(Serialize)]
pub(super) struct PolicyView {
    name: String,
    digest: Digest,
    language: String,
    description: Description,
    created_at: String,
    created_by: String,
    /// How many cases held; with the upload only.
    #[serde(skip_serializing_if = "Option::is_none")]
    cases: Option<usize>,
}

impl From<PolicyHead> for PolicyView {
    fn from(row: PolicyHead) -> Self {
        Self {
            name: row.name,
            digest: row.digest,
            language: row.language,
            description: row.description,
            created_at: row.created_at.to_rfc3339(),
            created_by: row.created_by,
            cases: None,
        }
    }
}

/// `GET /api/v1/admin/policies`.
pub(super) async fn list(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
) -> Result<Json<Vec<PolicyView>>, ApiError> {
    let rows = db::policy::list(&front.app.db, &admin.tenant).await?;
    Ok(Json(rows.into_iter().map(PolicyView::from).collect()))
}

/// `POST /api/v1/admin/policies`: compiled, asked what it is, and tried on its cases; then kept for ever.
pub(super) async fn upload(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let body: UploadBody = parse(&body)?;
    let source = source(&body)?;
    check_room(&front, &admin.tenant).await?;
    let _turn = front.uploads.try_acquire().map_err(|_| ApiError::Busy(RETRY_SECONDS))?;
    let engine = front.app.engine.clone();
    let cases = body.cases.get().to_owned();
    let checked = tokio::task::spawn_blocking(move || check(&engine, source, &cases));
    let (row, count) = checked.await.map_err(ApiError::internal)??;
    let name = body.name.unwrap_or_else(|| row.description.name.clone());
    check_name(&name)?;
    let created_by = admin.login.clone();
    let row = PolicyRow { name, language: body.language, created_at: front.app.clock.now(), created_by, ..row };
    db::policy::insert(&front.app.db, &admin.tenant, &row).await?;
    tracing::info!(tenant.id = %admin.tenant, policy.digest = %row.digest, "a policy was uploaded");
    Ok(created("/api/v1/admin/policies", PolicyView { cases: Some(count), ..PolicyView::from(PolicyHead::from(row)) }))
}

/// Every version is kept for ever, so what one tenant may keep is bounded.
async fn check_room(front: &Front, tenant: &TenantId) -> Result<(), ApiError> {
    let (versions, bytes) = db::policy::kept(&front.app.db, tenant).await?;
    if versions < VERSIONS_MAX && bytes < VERSION_BYTES_MAX {
        return Ok(());
    }
    let text = format!(
        "{versions} policy versions with {bytes} bytes are kept, and at most {VERSIONS_MAX} with {VERSION_BYTES_MAX} \
         bytes may be; ask whoever runs the host"
    );
    Err(ApiError::refused("too_many_policies", text))
}

fn source(body: &UploadBody) -> Result<Source, ApiError> {
    match body.language.as_str() {
        "rhai" => Ok(Source::Rhai(body.source.clone())),
        "wasm" => {
            let bytes = STANDARD.decode(body.source.as_bytes());
            bytes.map(Source::Wasm).map_err(|_| ApiError::invalid("source", "must be the component as base64"))
        }
        _ => Err(ApiError::invalid("language", "must be rhai or wasm")),
    }
}

/// Compiles, and runs the cases. Takes up to some seconds.
fn check(engine: &engine::Engine, source: Source, cases: &str) -> Result<(PolicyRow, usize), ApiError> {
    let refused = |refusal: engine::Refusal| ApiError::Refused {
        code: "policy_refused",
        text: "the policy is not accepted; see findings".to_owned(),
        findings: vec![format!("{}: {}", refusal.code, refusal.text)],
    };
    let admitted = engine.admit(&source).map_err(refused)?;
    let policy = engine.load(&admitted.digest, &admitted.artifact).map_err(ApiError::internal)?;
    let report = cases::run(engine, &policy, cases, &BTreeMap::new()).map_err(|why| match why {
        cases::CasesError::Fault(fault) => ApiError::internal(fault),
        why => ApiError::invalid("cases", why.to_string()),
    })?;
    let findings = report.findings();
    if !findings.is_empty() {
        let text = format!("{} of {} cases do not hold; see findings", report.failed(), report.cases.len());
        return Err(ApiError::Refused { code: "cases_failed", text, findings });
    }
    let row = PolicyRow {
        name: String::new(),
        digest: admitted.digest,
        language: String::new(),
        source: source.bytes().to_vec(),
        artifact: admitted.artifact,
        description: admitted.description,
        created_at: ledger::UnixMs::default(),
        created_by: String::new(),
    };
    Ok((row, report.cases.len()))
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let fits =
        !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if fits { Ok(()) } else { Err(ApiError::invalid("name", "must have 1 to 64 letters, digits, or - _ .")) }
}

/// A rulebook somebody wants in force.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PublishBody {
    /// The version it replaces; 0 for the first.
    replaces: i64,
    /// In the order they are asked.
    policies: Vec<EntryBody>,
    /// Why.
    #[serde(default)]
    note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryBody {
    name: String,
    digest: Digest,
    /// What is left out keeps the policy's default.
    #[serde(default)]
    params: BTreeMap<String, ParamValue>,
}

/// A published rulebook.
#[derive(Serialize)]
pub(super) struct RulebookView {
    /// 0 before the first.
    version: i64,
    policies: Vec<RulebookEntry>,
    note: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    created_by: String,
}

impl From<RulebookRow> for RulebookView {
    fn from(row: RulebookRow) -> Self {
        Self {
            version: row.version,
            policies: row.entries,
            note: row.note,
            created_at: Some(row.created_at.to_rfc3339()),
            created_by: row.created_by,
        }
    }
}

/// `GET /api/v1/admin/rulebook`.
pub(super) async fn rulebook(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
) -> Result<Json<RulebookView>, ApiError> {
    let row = db::policy::current_rulebook(&front.app.db, &admin.tenant).await?;
    let none = || RulebookView {
        version: 0,
        policies: Vec::new(),
        note: String::new(),
        created_at: None,
        created_by: String::new(),
    };
    Ok(Json(row.map_or_else(none, RulebookView::from)))
}

/// `GET /api/v1/admin/rulebooks`: newest first.
pub(super) async fn rulebooks(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
    page: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Vec<RulebookView>>, ApiError> {
    let limit = query(page)?.limit()?;
    let rows = db::policy::rulebooks(&front.app.db, &admin.tenant, limit).await?;
    Ok(Json(rows.into_iter().map(RulebookView::from).collect()))
}

/// `POST /api/v1/admin/rulebook`: in force for the next event.
pub(super) async fn publish(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let body: PublishBody = parse(&body)?;
    if body.policies.len() > ENTRIES_MAX {
        return Err(ApiError::invalid("policies", format!("must have at most {ENTRIES_MAX} items")));
    }
    let mut entries: Vec<RulebookEntry> = Vec::with_capacity(body.policies.len());
    for (at, entry) in body.policies.into_iter().enumerate() {
        let entry = settled(&front, &admin, at, entry).await?;
        if entries.iter().any(|other| other.name == entry.name) {
            return Err(ApiError::invalid(format!("policies[{at}].name"), "is there twice; each policy has one place"));
        }
        entries.push(entry);
    }
    put_in_force(&front, &admin, body.replaces, entries, &body.note).await
}

/// Checks a policy's place with its settings.
async fn settled(front: &Front, admin: &Staff, at: usize, entry: EntryBody) -> Result<RulebookEntry, ApiError> {
    let row = db::policy::get(&front.app.db, &admin.tenant, &entry.name, &entry.digest).await?;
    let field = |name: &str| format!("policies[{at}].{name}");
    let row = row.ok_or_else(|| ApiError::invalid(field("digest"), "names no uploaded form of this policy"))?;
    let params = row.description.settle(&entry.params);
    let params = params.map_err(|wrong| ApiError::invalid(field("params"), wrong.to_string()))?;
    let (engine, name) = (front.app.engine.clone(), entry.name.clone());
    let placed =
        tokio::task::spawn_blocking(move || load(&engine, row).map(|policy| Placed::new(name, policy, params)));
    let placed = placed.await.map_err(ApiError::internal)??;
    placed.map_err(|wrong| ApiError::invalid(field("params"), wrong.to_string()))?;
    Ok(RulebookEntry { name: entry.name, digest: entry.digest, params: entry.params })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RollBackBody {
    /// The version in force now.
    replaces: i64,
    /// The version to go back to.
    version: i64,
    #[serde(default)]
    note: String,
}

/// `POST /api/v1/admin/rulebook/rollback`: an older rulebook in force again, under a new version.
pub(super) async fn roll_back(
    State(front): State<Arc<Front>>,
    Admin(admin): Admin,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let body: RollBackBody = parse(&body)?;
    let older = db::policy::rulebook(&front.app.db, &admin.tenant, body.version).await?;
    let older = older.ok_or_else(|| ApiError::invalid("version", "names no rulebook that was published"))?;
    let note = if body.note.is_empty() { format!("back to version {}", body.version) } else { body.note };
    put_in_force(&front, &admin, body.replaces, older.entries, &note).await
}

async fn put_in_force(
    front: &Front,
    admin: &Staff,
    replaces: i64,
    entries: Vec<RulebookEntry>,
    note: &str,
) -> Result<Response, ApiError> {
    if note.chars().count() > NOTE_MAX || note.chars().any(char::is_control) {
        return Err(ApiError::invalid("note", format!("must have at most {NOTE_MAX} characters")));
    }
    let now = front.app.clock.now();
    let version =
        db::policy::publish(&front.app.db, &admin.tenant, replaces, &entries, now, &admin.login, note).await?;
    tracing::info!(tenant.id = %admin.tenant, version, policies = entries.len(), "a rulebook is in force");
    let view = RulebookView {
        version,
        policies: entries,
        note: note.to_owned(),
        created_at: Some(now.to_rfc3339()),
        created_by: admin.login.clone(),
    };
    Ok(created("/api/v1/admin/rulebook", view))
}
