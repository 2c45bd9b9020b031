//! Draws: the secret is made when a draw opens and its hash published with the odds; the secret itself when it closes.
//! Whoever has both can recompute every ticket.

use crate::{
    entropy::Entropy,
    error::ApiError,
    record::Record,
    seal::{Field, Sealer},
    tenants::Tenants,
};
use db::{Db, audit, campaign::CampaignRow};
use engine::Engine;
use ledger::{
    Answer, DrawProof, Effect, Event, Facts, MemberFacts, Odds, Points, Reply, TenantId, UnixMs, draw_of, sha256_hex,
    ticket_seed,
};
use std::collections::BTreeMap;

/// Decisions read at once.
const PAGE: u32 = 1_000;

/// Where a campaign's secret is sealed.
pub(crate) fn field<'a>(tenant: &'a TenantId, campaign: &'a str) -> Field<'a> {
    Field { table: "campaign", column: "secret_sealed", tenant: tenant.as_str(), row: campaign }
}

/// Opens the seal of a campaign's secret.
pub(crate) fn unseal(sealer: &Sealer, tenant: &TenantId, row: &CampaignRow) -> Result<[u8; 32], ApiError> {
    let secret = sealer.open(field(tenant, &row.campaign), &row.secret_sealed)?;
    secret.as_slice().try_into().map_err(|_| ApiError::internal("a draw's secret must have 32 bytes"))
}

/// What a draw is published with before anybody can draw.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Published {
    /// Which campaign.
    pub campaign: String,
    /// SHA-256 of the secret.
    pub commitment: String,
    /// The odds every ticket is drawn with.
    pub odds: Odds,
}

/// Opens a draw: asks the rulebook for the odds, makes the secret, publishes its hash.
///
/// # Errors
/// [`ApiError::Refused`] if no policy gives odds; [`ApiError::Exists`] if there was a draw of this name.
pub async fn open(
    db: &Db,
    engine: &Engine,
    tenants: &mut Tenants,
    sealer: &Sealer,
    tenant: &TenantId,
    campaign: &str,
    at: UnixMs,
) -> Result<Published, ApiError> {
    let odds = odds(db, engine, tenants, tenant, campaign).await?;
    let secret: [u8; 32] = Entropy.bytes()?;
    let commitment = sha256_hex(&secret);
    let row = CampaignRow {
        campaign: campaign.to_owned(),
        commitment: commitment.clone(),
        secret_sealed: sealer.seal(field(tenant, campaign), &secret)?,
        published_odds: serde_json::to_string(&odds).map_err(ApiError::internal)?,
        opened_at: at,
        revealed_secret: None,
        closed_at: None,
    };
    db::campaign::open(db, tenant, &row).await.map_err(|error| match error {
        db::DbError::Duplicate => ApiError::Exists("a draw of this name"),
        other => other.into(),
    })?;
    Ok(Published { campaign: campaign.to_owned(), commitment, odds })
}

/// The odds the current rulebook gives somebody with points enough.
async fn odds(
    db: &Db,
    engine: &Engine,
    tenants: &mut Tenants,
    tenant: &TenantId,
    campaign: &str,
) -> Result<Odds, ApiError> {
    let row = db::policy::current_rulebook(db, tenant).await?;
    let version = row.map_or(0, |rulebook| rulebook.version);
    let ruled = tenants.fetch(db, engine, tenant, version).await?;
    let member = MemberFacts { points: Points::new(1_000_000), ..MemberFacts::default() };
    let facts = Facts { member: Some(member), ..Facts::default() };
    let decision =
        engine.evaluate(&ruled.rulebook, &facts, &Event::Draw(campaign.to_owned())).map_err(ApiError::internal)?;
    let effects = decision.0.into_iter().filter_map(|part| match part.answer {
        Answer::Decided { effects, .. } => Some(effects),
        Answer::Failed { .. } => None,
    });
    let odds = effects.flatten().find_map(|ruled| match ruled.effect {
        Effect::SetOdds(odds) if odds.campaign == campaign => Some(odds),
        _ => None,
    });
    odds.ok_or_else(|| {
        ApiError::refused("no_odds", format!("no policy of the rulebook gives odds for the draw {campaign:?}"))
    })
}

/// Closes a draw and reveals its secret, in hex.
///
/// # Errors
/// [`ApiError::NotFound`] if it is not open.
pub async fn close(
    db: &Db,
    sealer: &Sealer,
    tenant: &TenantId,
    campaign: &str,
    at: UnixMs,
) -> Result<String, ApiError> {
    let row = db::campaign::get(db, tenant, campaign).await?.filter(|row| row.closed_at.is_none());
    let secret = hex::encode(unseal(sealer, tenant, &row.ok_or(ApiError::NotFound)?)?);
    db::campaign::close(db, tenant, campaign, &secret, at).await?;
    Ok(secret)
}

/// What recomputing a closed draw comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Verified {
    /// Tickets drawn.
    pub tickets: u64,
    /// How often each prize was drawn, out of stock or not; "" is no prize.
    pub drawn: BTreeMap<String, u64>,
    /// Tickets of ten thousand each prize should get by the odds.
    pub expected_of_10000: BTreeMap<String, u64>,
    /// Prizes drawn when none was left.
    pub out_of_stock: u64,
    /// The first ticket that does not come out as recorded.
    pub differs: Option<String>,
}

/// Recomputes every ticket of a closed draw from its revealed secret and published odds.
///
/// # Errors
/// [`ApiError::NotFound`] if the draw is unknown or still open.
pub async fn verify(db: &Db, tenant: &TenantId, campaign: &str) -> Result<Verified, ApiError> {
    let row = db::campaign::get(db, tenant, campaign).await?.ok_or(ApiError::NotFound)?;
    let revealed = row.revealed_secret.ok_or(ApiError::NotFound)?;
    let secret: [u8; 32] = hex::decode(&revealed).ok().and_then(|s| s.try_into().ok()).ok_or(ApiError::NotFound)?;
    let odds: Odds = serde_json::from_str(&row.published_odds).map_err(ApiError::internal)?;
    let mut verified = Verified { expected_of_10000: expected(&odds), ..Verified::default() };
    if sha256_hex(&secret) != row.commitment {
        verified.differs = Some("the revealed secret does not give the published hash".to_owned());
    }
    let mut tickets = proofs(db, tenant, campaign).await?;
    tickets.sort_by_key(|proof| proof.ticket);
    let mut left: BTreeMap<&str, u32> = odds.prizes.iter().filter_map(|p| Some((p.id.as_str(), p.stock?))).collect();
    for (place, proof) in (1_i64..).zip(&tickets) {
        let drawn = draw_of(&odds, &ticket_seed(&secret, campaign, proof.ticket));
        let id = drawn.map(|prize| prize.id.as_str());
        let stock = id.and_then(|id| left.get_mut(id));
        let gone = matches!(stock, Some(0));
        if let Some(stock) = id.and_then(|id| left.get_mut(id)) {
            *stock = stock.saturating_sub(1);
        }
        let prize = if gone { None } else { id };
        let same = proof.ticket == place && proof.prize.as_deref() == prize && proof.out_of_stock == gone;
        if !same && verified.differs.is_none() {
            verified.differs =
                Some(format!("ticket {}: recorded {:?}, recomputed {prize:?}", proof.ticket, proof.prize));
        }
        verified.tickets += 1;
        verified.out_of_stock += u64::from(gone);
        *verified.drawn.entry(id.unwrap_or_default().to_owned()).or_default() += 1;
    }
    Ok(verified)
}

fn expected(odds: &Odds) -> BTreeMap<String, u64> {
    let whole = odds.denominator().max(1);
    let share = |weight: u32| u64::from(weight) * 10_000 / whole;
    let prizes = odds.prizes.iter().map(|prize| (prize.id.clone(), share(prize.weight)));
    prizes.chain([(String::new(), share(odds.none_weight))]).collect()
}

/// The draws of a campaign as their decisions answered them.
async fn proofs(db: &Db, tenant: &TenantId, campaign: &str) -> Result<Vec<DrawProof>, ApiError> {
    let mut found = Vec::new();
    let mut after: Option<(String, i64)> = None;
    loop {
        let page = audit::decisions(db, tenant, after.as_ref().map(|(s, n)| (s.as_str(), *n)), PAGE).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = Some((last.stream.clone(), last.seq));
        for row in page.iter().filter(|row| row.kind == "draw") {
            let record: Record = serde_json::from_str(&row.record).map_err(ApiError::internal)?;
            let reply: Reply = serde_json::from_slice(&row.reply).map_err(ApiError::internal)?;
            if sha256_hex(&row.reply) == record.reply {
                found.extend(reply.draw.filter(|proof| proof.campaign == campaign));
            }
        }
    }
}
