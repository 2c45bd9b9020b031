//! Day end: what a store's or a till's business day came to, by kind.

use crate::{Db, DbError, row::Row};
use ledger::{Day, Fen, StoreId, TenantId, TillId, UnixMs};

/// How far a host's clock may have been set back without day end missing a decision.
const CLOCK_SLACK_MS: i64 = ledger::DAY_MS;

/// What one kind of decision came to at one till on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayTotal {
    /// In which store.
    pub store: StoreId,
    /// At which till, if at one.
    pub till: Option<TillId>,
    /// Which kind, such as `receipt`.
    pub kind: String,
    /// How many decisions.
    pub count: i64,
    /// The sum of their amounts.
    pub amount: Fen,
}

/// Counts and sums of a local day, by store, till and kind.
///
/// `begins` is the moment the day began: only decisions made since then are looked at, found by halving the
/// stream, so that a day costs what happened since and needs no index.
///
/// # Errors
/// Driver errors.
pub async fn day(db: &Db, tenant: &TenantId, day: Day, begins: UnixMs) -> Result<Vec<DayTotal>, DbError> {
    let mut totals: Vec<DayTotal> = Vec::new();
    for stream in streams(db, tenant).await? {
        let first = first_since(db, tenant, &stream, begins.after_ms(-CLOCK_SLACK_MS)).await?;
        let args = [tenant.as_str().into(), (&stream).into(), first.into(), i64::from(day.get()).into()];
        let rows = db
            .rows(
                "select store_id, till_id, kind, count(*), cast(coalesce(sum(amount_fen), 0) as bigint)
                 from decision
                 where tenant_id = $1 and stream = $2 and seq >= $3 and business_day = $4 and store_id is not null
                 group by store_id, till_id, kind",
                &args,
            )
            .await?;
        for row in &rows {
            add(&mut totals, total(row)?);
        }
    }
    totals.sort_by(|a, b| key(a).cmp(&key(b)));
    Ok(totals)
}

fn total(row: &Row) -> Result<DayTotal, DbError> {
    Ok(DayTotal {
        store: row.id(0)?,
        till: row.opt_id(1)?,
        kind: row.text(2)?,
        count: row.int(3)?,
        amount: Fen::new(row.int(4)?),
    })
}

fn key(total: &DayTotal) -> (&StoreId, &Option<TillId>, &str) {
    (&total.store, &total.till, &total.kind)
}

/// Several hosts may have served one till.
fn add(totals: &mut Vec<DayTotal>, more: DayTotal) {
    match totals.iter_mut().find(|total| key(total) == key(&more)) {
        Some(total) => {
            total.count += more.count;
            total.amount = Fen::new(total.amount.get().saturating_add(more.amount.get()));
        }
        None => totals.push(more),
    }
}

/// The streams that have decisions of the tenant, one index step each.
async fn streams(db: &Db, tenant: &TenantId) -> Result<Vec<String>, DbError> {
    let rows = db
        .rows(
            "with recursive s as (
                 select (select min(stream) from decision where tenant_id = $1) as stream
                 union all
                 select (select min(d.stream) from decision d where d.tenant_id = $1 and d.stream > s.stream)
                 from s where s.stream is not null)
             select stream from s where stream is not null",
            &[tenant.as_str().into()],
        )
        .await?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// The first number of a stream at or after a moment, by halving: numbers and moments rise together.
async fn first_since(db: &Db, tenant: &TenantId, stream: &str, since: UnixMs) -> Result<i64, DbError> {
    let last = db
        .row(
            "select coalesce(max(seq), 0) from decision where tenant_id = $1 and stream = $2",
            &[tenant.as_str().into(), stream.into()],
        )
        .await?;
    let (mut low, mut high) = (1, last.map_or(Ok(0), |row| row.int(0))? + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let args = [tenant.as_str().into(), stream.into(), middle.into()];
        let row = db.row("select at_ms from decision where tenant_id = $1 and stream = $2 and seq = $3", &args).await?;
        let at = row.map_or(Ok(i64::MAX), |row| row.int(0))?;
        if at < since.get() { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}
