//! One act: what is known, what the policies say, what will be written. No I/O.

use crate::{
    apply::{Asked, Replied},
    batch::Batcher,
    error::ApiError,
    overlay::{Held, Overlay, Seen},
    record::{Question, Record},
    telemetry,
    tenants::{Ruled, Tenant},
};
use db::{
    journal::Written,
    snapshot::{Found, FoundSale},
};
use ledger::{
    Act, BREAKER, Case, DecisionId, Event, LocalTime, Plan, Reply, SaleScored, UnixMs, Work, chained, sha256_hex,
};
use std::sync::Arc;

/// What comes of one act.
pub(crate) enum Decided {
    /// It was answered before.
    Again(Replied),
    /// It is answered now, once this is written.
    New {
        /// The answer.
        replied: Replied,
        /// What to write.
        write: Box<Written>,
    },
}

/// Decides one act over what the acts before it left.
pub(crate) fn decide(
    batcher: &Batcher,
    overlay: &mut Overlay,
    asked: &Asked,
    found: Found,
) -> Result<Decided, ApiError> {
    let seen = overlay.see(asked, found);
    if let Some(earlier) = &seen.by_key {
        let same = earlier.input_hash == asked.input_hash;
        return if same { Ok(Decided::Again(earlier.replied.clone())) } else { Err(ApiError::KeyReused) };
    }
    if let Some(earlier) = &seen.by_natural {
        return Ok(Decided::Again(earlier.replied.clone()));
    }
    if seen.member.is_none() && asked.member.is_some() && !matches!(asked.act, Act::Join(_)) {
        return Err(ApiError::refused(
            "unknown_member",
            "no member has this name; register them, or send member: null",
        ));
    }
    let tenant = batcher.tenants.current(&asked.tenant).ok_or(ApiError::NotFound)?;
    let head = overlay.tenants.get(&asked.tenant).map(|row| row.head.clone()).ok_or(ApiError::NotFound)?;
    let seq = head.seq.saturating_add(1);
    let id = DecisionId::new(format!("{}-{seq}", batcher.stream)).map_err(ApiError::internal)?;
    let stock = overlay.stock(&asked.tenant);
    let version = seen.member.as_ref().map_or(0, |held| held.version);
    let case = case(batcher, &tenant, asked, seen, id.clone(), &stock)?;
    let moment = (case.at, case.now);
    let (plan, reply, questions) = evaluate(batcher, &tenant, asked, case)?;
    tell_stopped(asked, &plan, &reply);
    let body = serde_json::to_vec(&reply).map_err(ApiError::internal)?;
    let record = record(batcher, asked, moment.0, &id, &plan, questions, &body)?;
    let hash = chained(&head.hash, &record);
    let replied = Replied { status: 200, body, replayed: false, decision: id.clone() };
    overlay.note(asked, version, &plan, &hash, &replied);
    let write = Written {
        tenant: asked.tenant.clone(),
        seq,
        decision_id: id,
        member: plan.member.as_ref().map(|m| (m.id.clone(), version)),
        kind: asked.kind().to_owned(),
        natural_key: asked.natural_key.clone(),
        principal: asked.principal.clone(),
        idempotency_key: Some(asked.idempotency_key.clone()),
        input_hash: asked.input_hash.clone(),
        at: moment.0,
        store: asked.store.clone(),
        till: asked.till.clone(),
        business_day: Some(moment.1.day),
        amount: Some(amount_of(&asked.act, &reply)),
        record,
        status: replied.status,
        reply: replied.body.clone(),
        hash,
        new_identities: new_identities(asked, version),
        profile_sealed: asked.profile_sealed.clone(),
        config_version_seen: tenant.config_version,
        next_due_day: plan.member.as_ref().and_then(|m| m.next_due(moment.1.day)),
        plan,
    };
    Ok(Decided::New { replied, write: Box::new(write) })
}

/// A policy that has just left its band is told of, loudly.
fn tell_stopped(asked: &Asked, plan: &Plan, reply: &Reply) {
    let moved = |policy: &str| plan.stock.iter().any(|moved| moved.name == format!("{BREAKER}/{policy}"));
    let stopped = reply.reasons.iter().filter(|said| said.reason.rule == BREAKER && moved(&said.policy));
    for said in stopped {
        telemetry::stopped(&said.policy);
        tracing::warn!(
            tenant.id = %asked.tenant, policy = said.policy,
            "a policy grants more points an hour than its band allows; it is stopped until the hour ends"
        );
    }
}

/// What day-end reconciliation adds up, in fen.
fn amount_of(act: &Act, reply: &Reply) -> ledger::Fen {
    match act {
        Act::Receipt(checkout) | Act::Quote(checkout) => checkout.receipt.total,
        Act::Return(_) => reply.refund_fen.unwrap_or_default().negated(),
        Act::Recharge(amount) => *amount,
        _ => ledger::Fen::ZERO,
    }
}

fn new_identities(asked: &Asked, version: i64) -> Vec<(String, String)> {
    // A follower who registers adds a phone to what is already known; a new member brings everything.
    let known = match (&asked.member, version) {
        (Some(db::snapshot::MemberRef::Identity { kind, index }), 1..) => Some((*kind, index.clone())),
        _ => None,
    };
    let new = asked.identities.iter().filter(|identity| Some(*identity) != known.as_ref());
    new.map(|(kind, index)| ((*kind).to_owned(), index.clone())).collect()
}

/// Everything the plan is made from.
fn case<'a>(
    batcher: &'a Batcher,
    tenant: &'a Tenant,
    asked: &'a Asked,
    seen: Seen,
    decision: DecisionId,
    stock: &'a ledger::Stock,
) -> Result<Case<'a>, ApiError> {
    let at = batcher.clock.now();
    let (today, now) = dates(tenant, asked, at);
    let sale = seen.sale.map(|found| scored(asked, found)).transpose()?.flatten();
    Ok(Case {
        settings: &tenant.settings,
        envelope: &batcher.envelope,
        decision,
        at,
        today,
        now,
        store: asked.store.clone(),
        member: seen.member.map(|Held { state, .. }| state),
        vouchers: seen.vouchers,
        stock,
        needs: &tenant.rulebook.needs,
        sale,
        draw: match &asked.act {
            Act::Event(Event::Draw(campaign)) => tenant.draws.get(campaign).cloned(),
            _ => None,
        },
        code_seed: batcher.entropy.bytes().map_err(ApiError::internal)?,
        act: &asked.act,
    })
}

/// The day the ledger goes by, and the moment the event counts at.
///
/// An event counts at its own business time within the tenant's bound; outside it, at the server's.
/// An import brings history, so there the ledger's day is the receipt's.
fn dates(tenant: &Tenant, asked: &Asked, at: UnixMs) -> (ledger::Day, LocalTime) {
    let zone = tenant.settings.zone;
    let (server, business) = (zone.local(at), zone.local(asked.business_at));
    if asked.principal.starts_with("import:") {
        return (business.day, business);
    }
    let oldest = server.day.plus(0_i32.saturating_sub_unsigned(tenant.settings.late_days_max));
    let within = business.day >= oldest && business.day <= server.day.plus(1);
    (server.day, if within { business } else { server })
}

fn scored(asked: &Asked, found: FoundSale) -> Result<Option<(String, SaleScored)>, ApiError> {
    let record: Record = serde_json::from_str(&found.record).map_err(ApiError::internal)?;
    let (Some(first), Some(name)) = (record.asked.first(), &asked.sale) else { return Ok(None) };
    let sale = found.left.or_else(|| record.sale());
    let (facts, rulebook) = (first.facts.clone(), first.rulebook);
    Ok(sale.map(|sale| (name.clone(), SaleScored { sale, facts, rulebook })))
}

/// Lets the policies answer until the plan asks nothing more.
fn evaluate(
    batcher: &Batcher,
    tenant: &Tenant,
    asked: &Asked,
    case: Case<'_>,
) -> Result<(Plan, Reply, Vec<Question>), ApiError> {
    let mut work = Work::open(case)?;
    let mut questions = Vec::new();
    while let Some(question) = work.question() {
        let ruled: Arc<Ruled> = match question.rulebook {
            None => Arc::clone(&tenant.rulebook),
            Some(version) => batcher.tenants.past(&asked.tenant, version).ok_or(ApiError::NotFound)?,
        };
        let decision =
            batcher.engine.evaluate(&ruled.rulebook, &question.facts, &question.event).map_err(ApiError::internal)?;
        decision.0.iter().for_each(|part| telemetry::evaluated(&part.policy, part.fuel_used));
        work.answer(&decision)?;
        questions.push(Question { rulebook: ruled.version, facts: question.facts, event: question.event, decision });
    }
    let planned = work.finish()?;
    Ok((planned.plan, planned.reply, questions))
}

fn record(
    batcher: &Batcher,
    asked: &Asked,
    at: UnixMs,
    id: &DecisionId,
    plan: &Plan,
    questions: Vec<Question>,
    body: &[u8],
) -> Result<String, ApiError> {
    let record = Record {
        id: id.clone(),
        tenant: asked.tenant.clone(),
        at,
        business_at: asked.business_at,
        principal: asked.principal.clone(),
        key: asked.idempotency_key.clone(),
        input: asked.input_hash.clone(),
        natural: asked.natural_key.clone(),
        store: asked.store.clone(),
        till: asked.till.clone(),
        act: asked.kind().to_owned(),
        member: plan.member.as_ref().map(|m| m.id.clone()),
        engine: batcher.engine.profile().to_owned(),
        asked: questions,
        entries: plan.entries.clone(),
        vouchers: plan.vouchers.clone(),
        stock: plan.stock.clone(),
        applied: plan.applied.clone(),
        reply: sha256_hex(body),
    };
    serde_json::to_string(&record).map_err(ApiError::internal)
}
