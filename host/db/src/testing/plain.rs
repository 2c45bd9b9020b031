//! The same write done plainly: one transaction a decision, a statement a row. What the batch write is measured
//! against, and what its rows are compared with.

use crate::{
    Db, DbError,
    journal::Written,
    key::key_hash,
    tx::{Tx, one_row},
};
use ledger::{MemberState, TenantId};

/// Reads what one decision depends on and writes what it changes, in a transaction of its own. Covers what a
/// sale does: decision, member, entries, new vouchers, notices.
///
/// # Errors
/// [`DbError::Stale`] if the member moved, [`DbError::Duplicate`] if a key is taken.
pub async fn commit(db: &Db, stream: &str, one: &Written) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    let key = one.idempotency_key.as_ref().map(|key| key_hash(&one.principal, key));
    let key = key.as_ref().map(|key| key.as_slice());
    look_up(&mut tx, one, key).await?;
    let before = member(&mut tx, stream, one).await?;
    decision(&mut tx, stream, one, key, before).await?;
    rest(&mut tx, one).await?;
    tx.commit().await
}

type Before = Option<(String, i64)>;

async fn look_up(tx: &mut Tx, one: &Written, key: Option<&[u8]>) -> Result<(), DbError> {
    let tenant = one.tenant.as_str();
    let known = "select reply from decision where tenant_id = $1 and key_hash = $2";
    if tx.row(known, &[tenant.into(), key.into()]).await?.is_some() {
        return Err(DbError::Duplicate);
    }
    let natural = one.natural_key.as_deref();
    tx.row("select reply from decision where tenant_id = $1 and natural_key = $2", &[tenant.into(), natural.into()])
        .await?;
    let config = tx.row("select config_version from tenant where tenant_id = $1", &[tenant.into()]).await?;
    if config.ok_or(DbError::Missing("tenant"))?.int(0)? != one.config_version_seen {
        return Err(DbError::Stale);
    }
    let head = "select seq, hash from decision where tenant_id = $1 and stream = $2 order by seq desc limit 1";
    tx.row(head, &[tenant.into(), "-".into()]).await?;
    let member = one.member.as_ref().map(|(id, _)| id.as_str());
    let open = "select doc from voucher where tenant_id = $1 and member_id = $2 and state in ('issued', 'reserved')";
    tx.rows(open, &[tenant.into(), member.into()]).await.map(drop)
}

async fn member(tx: &mut Tx, stream: &str, one: &Written) -> Result<Before, DbError> {
    let (Some((id, version)), Some(state)) = (&one.member, &one.plan.member) else { return Ok(None) };
    let read = "select version, last_stream, last_seq, state from member where tenant_id = $1 and member_id = $2";
    let row = tx.row(read, &[one.tenant.as_str().into(), id.as_str().into()]).await?;
    let Some(row) = row else {
        if *version != 0 {
            return Err(DbError::Stale);
        }
        put_member(tx, stream, &one.tenant, state, one, INSERT).await?;
        return Ok(None);
    };
    if row.int(0)? != *version {
        return Err(DbError::Stale);
    }
    let _read: MemberState = row.json(3)?;
    put_member(tx, stream, &one.tenant, state, one, UPDATE).await?;
    Ok(Some((row.text(1)?, row.int(2)?)))
}

const INSERT: &str = "insert into member (tenant_id, member_id, version, points, principal, gift, points_seq,
    principal_seq, gift_seq, tier, registered, last_stream, last_seq, state)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";

const UPDATE: &str = "update member set version = $3, points = $4, principal = $5, gift = $6, points_seq = $7,
    principal_seq = $8, gift_seq = $9, tier = $10, registered = $11, last_stream = $12, last_seq = $13, state = $14
    where tenant_id = $1 and member_id = $2 and version = $3 - 1";

async fn put_member(
    tx: &mut Tx,
    stream: &str,
    tenant: &TenantId,
    state: &MemberState,
    one: &Written,
    sql: &'static str,
) -> Result<(), DbError> {
    let version = one.member.as_ref().map_or(0, |(_, version)| version + 1);
    let text = json(state)?;
    let accounts = &state.accounts;
    let args = [
        tenant.as_str().into(),
        state.id.as_str().into(),
        version.into(),
        accounts.points.balance.into(),
        accounts.principal.balance.into(),
        accounts.gift.balance.into(),
        accounts.points.entries.into(),
        accounts.principal.entries.into(),
        accounts.gift.entries.into(),
        (&state.tier.name).into(),
        i64::from(state.registered).into(),
        stream.into(),
        one.seq.into(),
        (&text).into(),
    ];
    one_row(tx.write(sql, &args).await?, DbError::Stale)
}

async fn decision(tx: &mut Tx, stream: &str, one: &Written, key: Option<&[u8]>, before: Before) -> Result<(), DbError> {
    let entries = if one.plan.entries.is_empty() { None } else { Some(json(&one.plan.entries)?) };
    let args = [
        one.tenant.as_str().into(),
        stream.into(),
        one.seq.into(),
        one.at.get().into(),
        (&one.kind).into(),
        i64::from(one.status).into(),
        one.member.as_ref().map(|(id, _)| id.as_str()).into(),
        before.as_ref().map(|(stream, _)| stream.as_str()).into(),
        before.as_ref().map(|(_, seq)| *seq).into(),
        one.store.as_ref().map(|store| store.as_str()).into(),
        one.till.as_ref().map(|till| till.as_str()).into(),
        one.business_day.map(|day| i64::from(day.get())).into(),
        one.amount.map(|amount| amount.get()).into(),
        (&one.principal).into(),
        key.into(),
        one.natural_key.as_deref().into(),
        (&one.input_hash).into(),
        (&one.hash).into(),
        entries.as_deref().into(),
        one.reply.as_slice().into(),
        (&one.record).into(),
    ];
    tx.write(
        "insert into decision (tenant_id, stream, seq, at_ms, kind, status, member_id, before_stream, before_seq,
             store_id, till_id, business_day, amount_fen, principal, key_hash, natural_key, input_hash, hash, entries,
             reply, record)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)",
        &args,
    )
    .await
    .map(drop)
}

async fn rest(tx: &mut Tx, one: &Written) -> Result<(), DbError> {
    let tenant = one.tenant.as_str();
    for voucher in &one.plan.vouchers {
        let doc = json(voucher)?;
        let args = [
            tenant.into(),
            voucher.code.as_str().into(),
            voucher.member.as_str().into(),
            (&voucher.template).into(),
            voucher.state.as_str().into(),
            voucher.valid_until.map(|day| i64::from(day.get())).into(),
            (&doc).into(),
        ];
        tx.write(
            "insert into voucher (tenant_id, code, member_id, template, state, valid_until, doc)
             values ($1, $2, $3, $4, $5, $6, $7)",
            &args,
        )
        .await?;
    }
    for (n, notice) in one.plan.notices.iter().enumerate() {
        let (id, body) = (format!("{}.{n}", one.decision_id), json(&notice.body)?);
        let args = [
            tenant.into(),
            (&id).into(),
            one.decision_id.as_str().into(),
            (&notice.topic).into(),
            (&body).into(),
            one.at.get().into(),
        ];
        tx.write(
            "insert into outbox (tenant_id, outbox_id, decision_id, topic, body, state, due_at_ms)
             values ($1, $2, $3, $4, $5, 'waiting', $6)",
            &args,
        )
        .await?;
    }
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|cause| DbError::BadBatch(cause.to_string()))
}
