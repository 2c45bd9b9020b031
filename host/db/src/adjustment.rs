//! Corrections that wait for a second person.

use crate::{Db, DbError, row::Row, tx::one_row};
use ledger::{Account, Adjust, DecisionId, MemberId, TenantId, UnixMs};

/// A correction somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// Its name; begins with the time.
    pub id: String,
    /// Whose balance.
    pub member: MemberId,
    /// What is to be corrected, and why.
    pub adjust: Adjust,
    /// Who asked.
    pub asked_by: String,
    /// Their name for the attempt.
    pub idempotency_key: String,
    /// The hash of what was asked.
    pub input_hash: String,
    /// When.
    pub asked_at: UnixMs,
    /// Until when somebody may approve it.
    pub expires_at: UnixMs,
    /// What became of it.
    pub state: State,
    /// Who approved or rejected it.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<UnixMs>,
    /// The decision by which it took effect.
    pub decision: Option<DecisionId>,
}

/// What became of a correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has decided.
    Waiting,
    /// A second person approved it.
    Approved,
    /// Somebody rejected it.
    Rejected,
}

impl State {
    /// The name it has in the database and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

fn account(name: &str) -> Result<Account, DbError> {
    let all = [Account::Points, Account::Principal, Account::Gift];
    all.into_iter().find(|account| account.as_str() == name).ok_or_else(|| DbError::bad_row("account", name))
}

fn state(name: &str) -> Result<State, DbError> {
    let all = [State::Waiting, State::Approved, State::Rejected];
    all.into_iter().find(|state| state.as_str() == name).ok_or_else(|| DbError::bad_row("state", name))
}

fn adjustment(row: &Row) -> Result<Adjustment, DbError> {
    Ok(Adjustment {
        id: row.text(0)?,
        member: row.id(1)?,
        adjust: Adjust { account: account(&row.text(2)?)?, delta: row.int(3)?, note: row.text(4)? },
        asked_by: row.text(5)?,
        idempotency_key: row.text(6)?,
        input_hash: row.text(7)?,
        asked_at: UnixMs::new(row.int(8)?),
        expires_at: UnixMs::new(row.int(9)?),
        state: state(&row.text(10)?)?,
        decided_by: row.opt_text(11)?,
        decided_at: row.opt_int(12)?.map(UnixMs::new),
        decision: row.opt_id(13)?,
    })
}

/// Notes a correction that waits.
///
/// # Errors
/// [`DbError::Duplicate`] if whoever asks has used the key for another.
pub async fn ask(db: &Db, tenant: &TenantId, new: &Adjustment) -> Result<(), DbError> {
    let args = [
        tenant.as_str().into(),
        (&new.id).into(),
        new.member.as_str().into(),
        new.adjust.account.as_str().into(),
        new.adjust.delta.into(),
        (&new.adjust.note).into(),
        (&new.asked_by).into(),
        (&new.idempotency_key).into(),
        (&new.input_hash).into(),
        new.asked_at.get().into(),
        new.expires_at.get().into(),
    ];
    db.write(
        "insert into adjustment (tenant_id, adjustment_id, member_id, account, delta, note, asked_by, idempotency_key,
                                 input_hash, asked_at_ms, expires_at_ms, state)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'waiting')",
        &args,
    )
    .await
    .map(drop)
}

/// The correction somebody asked for under this key.
///
/// # Errors
/// [`DbError::BadRow`] if it cannot be read.
pub async fn by_key(db: &Db, tenant: &TenantId, asked_by: &str, key: &str) -> Result<Option<Adjustment>, DbError> {
    let row = db
        .row(
            "select adjustment_id, member_id, account, delta, note, asked_by, idempotency_key, input_hash, asked_at_ms,
                    expires_at_ms, state, decided_by, decided_at_ms, decision_id
             from adjustment where tenant_id = $1 and asked_by = $2 and idempotency_key = $3",
            &[tenant.as_str().into(), asked_by.into(), key.into()],
        )
        .await?;
    row.as_ref().map(adjustment).transpose()
}

/// A correction by its name.
///
/// # Errors
/// [`DbError::BadRow`] if it cannot be read.
pub async fn get(db: &Db, tenant: &TenantId, id: &str) -> Result<Option<Adjustment>, DbError> {
    let row = db
        .row(
            "select adjustment_id, member_id, account, delta, note, asked_by, idempotency_key, input_hash, asked_at_ms,
                    expires_at_ms, state, decided_by, decided_at_ms, decision_id
             from adjustment where tenant_id = $1 and adjustment_id = $2",
            &[tenant.as_str().into(), id.into()],
        )
        .await?;
    row.as_ref().map(adjustment).transpose()
}

/// At most `limit` corrections behind `after`, oldest first.
///
/// # Errors
/// [`DbError::BadRow`] if one cannot be read.
pub async fn list(db: &Db, tenant: &TenantId, after: Option<&str>, limit: u32) -> Result<Vec<Adjustment>, DbError> {
    let rows = db
        .rows(
            "select adjustment_id, member_id, account, delta, note, asked_by, idempotency_key, input_hash, asked_at_ms,
                    expires_at_ms, state, decided_by, decided_at_ms, decision_id
             from adjustment where tenant_id = $1 and adjustment_id > $2 order by adjustment_id limit $3",
            &[tenant.as_str().into(), after.unwrap_or("").into(), i64::from(limit).into()],
        )
        .await?;
    rows.iter().map(adjustment).collect()
}

/// Somebody approves or rejects a correction that still waits; nobody approves their own.
///
/// # Errors
/// [`DbError::Stale`] if somebody else was faster, or its time is up.
pub async fn decide(db: &Db, tenant: &TenantId, id: &str, becomes: State, by: &str, at: UnixMs) -> Result<(), DbError> {
    let touched = db
        .write(
            "update adjustment set state = $3, decided_by = $4, decided_at_ms = $5
             where tenant_id = $1 and adjustment_id = $2 and state = 'waiting' and expires_at_ms > $5
               and ($3 <> 'approved' or asked_by <> $4)",
            &[tenant.as_str().into(), id.into(), becomes.as_str().into(), by.into(), at.get().into()],
        )
        .await?;
    one_row(touched, DbError::Stale)
}

/// Notes the decision by which an approved correction took effect.
///
/// # Errors
/// [`DbError::Missing`] if it is not approved.
pub async fn settled(db: &Db, tenant: &TenantId, id: &str, decision: &DecisionId) -> Result<(), DbError> {
    let touched = db
        .write(
            "update adjustment set decision_id = $3
             where tenant_id = $1 and adjustment_id = $2 and state = 'approved'",
            &[tenant.as_str().into(), id.into(), decision.as_str().into()],
        )
        .await?;
    one_row(touched, DbError::Missing("approved correction"))
}

/// The ledger refused an approved correction: it waits again.
///
/// # Errors
/// Driver errors.
pub async fn refused(db: &Db, tenant: &TenantId, id: &str) -> Result<(), DbError> {
    db.write(
        "update adjustment set state = 'waiting', decided_by = null, decided_at_ms = null
         where tenant_id = $1 and adjustment_id = $2 and state = 'approved' and decision_id is null",
        &[tenant.as_str().into(), id.into()],
    )
    .await
    .map(drop)
}
