//! Decisions made again from what was stored with them, compared byte for byte.

use crate::{record::Record, tenants::Tenants};
use anyhow::Context as _;
use db::{Db, audit};
use engine::Engine;
use ledger::{Decision, DecisionId, Event, Facts, TenantId};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Decisions read at once.
const PAGE: u32 = 500;

/// What a replay comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Replayed {
    /// Decisions made again.
    pub decisions: u64,
    /// Questions put to a rulebook again.
    pub questions: u64,
    /// Decisions made on another engine profile; they are compared too.
    pub other_engine: u64,
    /// Fuel used, all policies together.
    pub fuel: u64,
    /// The first decision that came out differently, and how.
    pub differs: Option<String>,
}

/// Replays every decision of a tenant until one differs. `progress` is told how many are done.
///
/// # Errors
/// When something cannot be read, or the host rather than a policy fails.
pub async fn all(
    db: &Db,
    engine: &Engine,
    tenants: &mut Tenants,
    tenant: &TenantId,
    mut progress: impl FnMut(u64),
) -> anyhow::Result<Replayed> {
    let mut done = Replayed::default();
    let mut after: Option<(String, i64)> = None;
    while done.differs.is_none() {
        let page = audit::decisions(db, tenant, after.as_ref().map(|(s, n)| (s.as_str(), *n)), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.stream.clone(), last.seq));
        for row in &page {
            again(db, engine, tenants, &row.record, &mut done).await?;
        }
        progress(done.decisions);
    }
    Ok(done)
}

/// Replays one decision.
///
/// # Errors
/// As [`all`]; also when there is no such decision.
pub async fn one(
    db: &Db,
    engine: &Engine,
    tenants: &mut Tenants,
    tenant: &TenantId,
    id: &DecisionId,
) -> anyhow::Result<(Record, Replayed)> {
    let row = audit::decision(db, tenant, id).await?.with_context(|| format!("there is no decision {id}"))?;
    let mut done = Replayed::default();
    again(db, engine, tenants, &row.record, &mut done).await?;
    Ok((serde_json::from_str(&row.record)?, done))
}

/// What a replay reads of a [`Record`].
#[derive(Deserialize)]
struct StoredDecision<'a> {
    id: DecisionId,
    tenant: TenantId,
    engine: String,
    #[serde(borrow)]
    asked: Vec<StoredQuestion<'a>>,
}

/// A question as it was put, and the bytes of what was decided.
#[derive(Deserialize)]
struct StoredQuestion<'a> {
    rulebook: i64,
    facts: Facts,
    event: Event,
    #[serde(borrow)]
    decision: &'a RawValue,
}

impl StoredQuestion<'_> {
    /// What was decided, if it is not `is`. Bytes are compared first; read only if they differ, because a field that was
    /// added since is written now.
    fn differs(&self, is: &str) -> anyhow::Result<Option<String>> {
        let was = self.decision.get();
        if was == is {
            return Ok(None);
        }
        let was = serde_json::to_string(&serde_json::from_str::<Decision>(was).context("a stored decision")?)?;
        Ok((was != is).then_some(was))
    }
}

async fn again(
    db: &Db,
    engine: &Engine,
    tenants: &mut Tenants,
    record: &str,
    done: &mut Replayed,
) -> anyhow::Result<()> {
    let record: StoredDecision<'_> = serde_json::from_str(record).context("a decision's record")?;
    done.decisions += 1;
    done.other_engine += u64::from(record.engine != engine.profile());
    for asked in &record.asked {
        let ruled = tenants.fetch(db, engine, &record.tenant, asked.rulebook).await?;
        let decision = engine.evaluate(&ruled.rulebook, &asked.facts, &asked.event)?;
        done.questions += 1;
        done.fuel += decision.0.iter().map(|part| part.fuel_used).sum::<u64>();
        let is = serde_json::to_string(&decision)?;
        if let Some(was) = asked.differs(&is)?
            && done.differs.is_none()
        {
            done.differs = Some(format!("decision {}: stored {was}\nbut now {is}", record.id));
        }
    }
    Ok(())
}
