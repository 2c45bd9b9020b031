//! Commands on the data: migrate, audit, replay, doctor, backup.

use super::Where;
use crate::{
    host::{Opened, database_url},
    replay,
    tenants::Tenants,
    verify::{Verdict, verify},
};
use anyhow::Context as _;
use clap::Args;
use ledger::{DecisionId, TenantId};
use std::{path::PathBuf, process::ExitCode, sync::Arc};

/// Tenants read at once.
const PAGE: u32 = 100;

/// Rebuild every balance from entries, verify the hash chain, name the first difference.
#[derive(Debug, Args)]
pub struct Audit {
    #[command(flatten)]
    place: Where,
    /// Only this tenant.
    #[arg(long)]
    tenant: Option<String>,
}

/// Decide again what was decided, and compare byte for byte.
#[derive(Debug, Args)]
pub struct Replay {
    #[command(flatten)]
    place: Where,
    /// Only this tenant.
    #[arg(long)]
    tenant: Option<String>,
    /// Only these decisions, with everything they depended on.
    decisions: Vec<String>,
}

/// Write a consistent copy of an embedded database.
#[derive(Debug, Args)]
pub struct Backup {
    #[command(flatten)]
    place: Where,
    /// The file to write.
    to: PathBuf,
}

#[expect(clippy::print_stdout, reason = "what the command was asked for")]
fn say(line: &str) {
    println!("{line}");
}

/// The tenants a command is about.
pub(super) async fn tenants_of(opened: &Opened, only: Option<&String>) -> anyhow::Result<Vec<TenantId>> {
    if let Some(name) = only {
        return Ok(vec![TenantId::new(name.clone())?]);
    }
    let mut all: Vec<TenantId> = Vec::new();
    loop {
        let page = db::tenant::list(&opened.db, all.last(), PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page.into_iter().map(|tenant| tenant.id));
    }
}

impl Audit {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let opened = self.place.open().await?;
        let mut whole = true;
        for tenant in tenants_of(&opened, self.tenant.as_ref()).await? {
            match verify(&opened.db, &tenant).await? {
                Verdict::Whole(w) => say(&format!(
                    "{tenant}: whole — {} decisions in {} streams, {} entries, {} members",
                    w.decisions, w.streams, w.entries, w.members
                )),
                Verdict::Differs(what) => {
                    whole = false;
                    say(&format!("{tenant}: DIFFERS — {what}"));
                }
            }
        }
        for (invariant, rows) in db::audit::oracle(&opened.db).await? {
            whole = false;
            say(&format!("invariant {invariant} is broken: {rows}"));
        }
        Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Replay {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let opened = self.place.open().await?;
        let tenants = tenants_of(&opened, self.tenant.as_ref()).await?;
        let Opened { db, engine, sealer, .. } = opened;
        let mut known = Tenants::new(Arc::new(sealer));
        let mut same = true;
        for tenant in tenants {
            if self.decisions.is_empty() {
                let done = replay::all(&db, &engine, &mut known, &tenant, |_| {}).await?;
                same &= report(&format!("{tenant}: {} decisions", done.decisions), &done);
            }
            for id in &self.decisions {
                let id = DecisionId::new(id.clone())?;
                let (record, done) = replay::one(&db, &engine, &mut known, &tenant, &id).await?;
                say(&serde_json::to_string_pretty(&record)?);
                same &= report(&format!("{tenant}: decision {id}"), &done);
            }
        }
        Ok(if same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn report(what: &str, done: &replay::Replayed) -> bool {
    match &done.differs {
        None => say(&format!("{what} replayed byte-identical, {} questions, {} fuel", done.questions, done.fuel)),
        Some(how) => say(&format!("{what} DIFFER: {how}")),
    }
    done.differs.is_none()
}

impl Backup {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let opened = self.place.open().await?;
        db::backup::write(&opened.db, &self.to).await.context("cannot write the backup")?;
        say(&format!("wrote {}; keep the key file with it, under separate lock", self.to.display()));
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) async fn migrate(place: &Where) -> anyhow::Result<ExitCode> {
    let config = place.config()?;
    std::fs::create_dir_all(&config.data_dir)?;
    let db = db::Db::open(&database_url(&config)).await?;
    let version = db.migrate().await?;
    say(&format!("the schema is at {version}"));
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn doctor(place: &Where) -> anyhow::Result<ExitCode> {
    let opened = place.open().await?;
    let health = opened.db.check().await?;
    for line in &health.lines {
        say(line);
    }
    say(&format!("sandbox: {}", opened.engine.profile()));
    say("key file: belongs to this database");
    let findings = db::audit::oracle(&opened.db).await?;
    findings.iter().for_each(|(invariant, rows)| say(&format!("invariant {invariant} is broken: {rows}")));
    let fit = health.fit && findings.is_empty();
    say(if fit { "fit to serve" } else { "NOT fit to serve" });
    Ok(if fit { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A command line that scores a receipt at a till, signed.
pub(super) fn signed_curl(url: &str, key: &crate::setup::NewKey, now: ledger::UnixMs, run: &str) -> String {
    const PATH: &str = "/api/v1/pos/receipts";
    let seconds = now.get().div_euclid(1_000);
    let body = serde_json::json!({
        "receipt": format!("demo-{run}"),
        "business_at": now.to_rfc3339(),
        "member": {"card": "H900"},
        "lines": [{"sku": "6901234567892", "name": "鲜牛奶", "category": "MILK", "quantity": 2, "amount_fen": 2560}],
        "total_fen": 2560,
        "payments": [{"method": "cash", "amount_fen": 2560}],
    })
    .to_string();
    let nonce = format!("demo-nonce-{run}");
    let timestamp_s = u64::try_from(seconds).unwrap_or(0);
    let request = sandbox::Signed { method: "POST", path: PATH, timestamp_s, nonce: &nonce, body: body.as_bytes() };
    let signature = sandbox::sign(key.secret.as_str(), &request);
    format!(
        "curl -s {url}{PATH} -H 'Content-Type: application/json' -H 'Idempotency-Key: demo-{run}' \\\n  \
         -H 'Punchcard-Key: {}' -H 'Punchcard-Timestamp: {seconds}' -H 'Punchcard-Nonce: {nonce}' \\\n  \
         -H 'Punchcard-Signature: {signature}' \\\n  -d '{body}'",
        key.key_id
    )
}
