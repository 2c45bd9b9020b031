//! Members: found by what they are known by, their profile, their history along the chain of decisions.

use crate::{
    Db, DbError,
    row::Row,
    snapshot::{MemberRef, MemberRow},
    tx::one_row,
};
use ledger::{DecisionId, Entry, Fen, MemberId, StoreId, TenantId, TillId, UnixMs};

/// A member in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberLine {
    /// Who.
    pub id: MemberId,
    /// Points, pending ones included.
    pub points: i64,
    /// Stored value paid in, in fen.
    pub principal: i64,
    /// Stored value given, in fen.
    pub gift: i64,
    /// Name of the tier; empty for none.
    pub tier: String,
    /// Went through registration.
    pub registered: bool,
}

/// One decision in a member's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberDecision {
    /// Its name; the next page begins behind it.
    pub decision_id: DecisionId,
    /// When.
    pub at: UnixMs,
    /// What happened.
    pub kind: String,
    /// In which store.
    pub store: Option<StoreId>,
    /// At which till.
    pub till: Option<TillId>,
    /// The receipt's amount.
    pub amount: Option<Fen>,
    /// The lines it wrote.
    pub entries: Vec<Entry>,
}

/// A member by id or by something they are known by.
///
/// # Errors
/// [`DbError::BadRow`] if the state cannot be read.
pub async fn find(db: &Db, tenant: &TenantId, who: &MemberRef) -> Result<Option<MemberRow>, DbError> {
    let row = match who {
        MemberRef::Id(id) => {
            let args = [tenant.as_str().into(), id.as_str().into()];
            db.row("select member_id, version, state from member where tenant_id = $1 and member_id = $2", &args)
                .await?
        }
        MemberRef::Identity { kind, index } => {
            let args = [tenant.as_str().into(), (*kind).into(), index.into()];
            db.row(
                "select m.member_id, m.version, m.state from identity n
                 join member m on m.tenant_id = n.tenant_id and m.member_id = n.member_id
                 where n.tenant_id = $1 and n.kind = $2 and n.value_index = $3",
                &args,
            )
            .await?
        }
    };
    row.map(|row| Ok(MemberRow { id: row.id(0)?, version: row.int(1)?, state: row.json(2)? })).transpose()
}

/// A member's sealed profile, if there is one.
///
/// # Errors
/// Driver errors.
pub async fn profile(db: &Db, tenant: &TenantId, id: &MemberId) -> Result<Option<Vec<u8>>, DbError> {
    let row = db
        .row(
            "select profile_sealed from member where tenant_id = $1 and member_id = $2",
            &[tenant.as_str().into(), id.as_str().into()],
        )
        .await?;
    row.map_or(Ok(None), |row| row.opt_bytes(0))
}

/// Replaces a member's sealed profile. The ledger does not depend on it, so no version moves.
///
/// # Errors
/// [`DbError::Missing`] if there is no such member.
pub async fn set_profile(db: &Db, tenant: &TenantId, id: &MemberId, sealed: &[u8]) -> Result<(), DbError> {
    let touched = db
        .write(
            "update member set profile_sealed = $3 where tenant_id = $1 and member_id = $2",
            &[tenant.as_str().into(), id.as_str().into(), sealed.into()],
        )
        .await?;
    one_row(touched, DbError::Missing("member"))
}

/// Forgets who a member is: the profile and everything they were known by. The ledger keeps its lines.
///
/// # Errors
/// [`DbError::Missing`] if there is no such member.
pub async fn forget(db: &Db, tenant: &TenantId, id: &MemberId) -> Result<(), DbError> {
    let args = [tenant.as_str().into(), id.as_str().into()];
    let mut tx = db.begin().await?;
    let touched =
        tx.write("update member set profile_sealed = null where tenant_id = $1 and member_id = $2", &args).await?;
    one_row(touched, DbError::Missing("member"))?;
    tx.write("delete from identity where tenant_id = $1 and member_id = $2", &args).await?;
    tx.commit().await
}

/// What a member is known by: kinds and indexes, in order.
///
/// # Errors
/// Driver errors.
pub async fn identities(db: &Db, tenant: &TenantId, id: &MemberId) -> Result<Vec<(String, String)>, DbError> {
    let rows = db
        .rows(
            "select kind, value_index from identity where tenant_id = $1 and member_id = $2
             order by kind, value_index",
            &[tenant.as_str().into(), id.as_str().into()],
        )
        .await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
}

/// At most `limit` members behind `after`, by id.
///
/// # Errors
/// Driver errors.
pub async fn list(
    db: &Db,
    tenant: &TenantId,
    after: Option<&MemberId>,
    limit: u32,
) -> Result<Vec<MemberLine>, DbError> {
    let after = after.map_or("", |id| id.as_str());
    let rows = db
        .rows(
            "select member_id, points, principal, gift, tier, registered from member
             where tenant_id = $1 and member_id > $2 order by member_id limit $3",
            &[tenant.as_str().into(), after.into(), i64::from(limit).into()],
        )
        .await?;
    rows.iter().map(line).collect()
}

fn line(row: &Row) -> Result<MemberLine, DbError> {
    Ok(MemberLine {
        id: row.id(0)?,
        points: row.int(1)?,
        principal: row.int(2)?,
        gift: row.int(3)?,
        tier: row.text(4)?,
        registered: row.int(5)? != 0,
    })
}

/// At most `limit` decisions about a member, newest first; behind the decision `after`, if named.
///
/// # Errors
/// [`DbError::Missing`] if `after` is no decision about this member.
pub async fn history(
    db: &Db,
    tenant: &TenantId,
    id: &MemberId,
    after: Option<&DecisionId>,
    limit: u32,
) -> Result<Vec<MemberDecision>, DbError> {
    let Some((stream, seq)) = newest_behind(db, tenant, id, after).await? else { return Ok(Vec::new()) };
    let args = [tenant.as_str().into(), (&stream).into(), seq.into(), i64::from(limit).into()];
    let rows = db
        .rows(
            "with recursive chain as (
                 select d.stream, d.seq, d.at_ms, d.kind, d.store_id, d.till_id, d.amount_fen, d.entries,
                        d.before_stream, d.before_seq, cast(1 as bigint) as n
                 from decision d where d.tenant_id = $1 and d.stream = $2 and d.seq = $3
                 union all
                 select d.stream, d.seq, d.at_ms, d.kind, d.store_id, d.till_id, d.amount_fen, d.entries,
                        d.before_stream, d.before_seq, c.n + 1
                 from chain c cross join decision d
                 where d.tenant_id = $1 and d.stream = c.before_stream and d.seq = c.before_seq and c.n < $4)
             select stream || '-' || seq, at_ms, kind, store_id, till_id, amount_fen, entries
             from chain order by n",
            &args,
        )
        .await?;
    rows.iter().map(decision).collect()
}

/// Where the history begins: at the member's last decision, or at the one before `after`.
async fn newest_behind(
    db: &Db,
    tenant: &TenantId,
    id: &MemberId,
    after: Option<&DecisionId>,
) -> Result<Option<(String, i64)>, DbError> {
    let row = match after {
        None => {
            let args = [tenant.as_str().into(), id.as_str().into()];
            db.row("select last_stream, last_seq from member where tenant_id = $1 and member_id = $2", &args).await?
        }
        Some(after) => {
            let (stream, seq) = crate::audit::place(after).ok_or(DbError::Missing("decision"))?;
            let args = [tenant.as_str().into(), stream.into(), seq.into(), id.as_str().into()];
            let row = db
                .row(
                    "select before_stream, before_seq from decision
                     where tenant_id = $1 and stream = $2 and seq = $3 and member_id = $4",
                    &args,
                )
                .await?;
            Some(row.ok_or(DbError::Missing("decision"))?)
        }
    };
    let Some(row) = row else { return Ok(None) };
    Ok(row.opt_text(0)?.zip(row.opt_int(1)?))
}

fn decision(row: &Row) -> Result<MemberDecision, DbError> {
    Ok(MemberDecision {
        decision_id: row.id(0)?,
        at: UnixMs::new(row.int(1)?),
        kind: row.text(2)?,
        store: row.opt_id(3)?,
        till: row.opt_id(4)?,
        amount: row.opt_int(5)?.map(Fen::new),
        entries: crate::audit::entries_of(row, 6)?,
    })
}
