//! Vouchers (券) as members and staff look at them; they change through the journal only.

use crate::{Db, DbError};
use ledger::{MemberId, TenantId, Voucher, VoucherCode};

/// A voucher by its code.
///
/// # Errors
/// [`DbError::BadRow`] if it cannot be read.
pub async fn get(db: &Db, tenant: &TenantId, code: &VoucherCode) -> Result<Option<Voucher>, DbError> {
    let row = db
        .row(
            "select doc from voucher where tenant_id = $1 and code = $2",
            &[tenant.as_str().into(), code.as_str().into()],
        )
        .await?;
    row.map(|row| row.json(0)).transpose()
}

/// At most `limit` vouchers of a member behind `after`, in every state, by code.
///
/// # Errors
/// [`DbError::BadRow`] if one cannot be read.
pub async fn of_member(
    db: &Db,
    tenant: &TenantId,
    member: &MemberId,
    after: Option<&VoucherCode>,
    limit: u32,
) -> Result<Vec<Voucher>, DbError> {
    let after = after.map_or("", |code| code.as_str());
    let rows = db
        .rows(
            "select doc from voucher where tenant_id = $1 and member_id = $2 and code > $3 order by code limit $4",
            &[tenant.as_str().into(), member.as_str().into(), after.into(), i64::from(limit).into()],
        )
        .await?;
    rows.iter().map(|row| row.json(0)).collect()
}

/// How many vouchers of a template stand in which state, by state.
///
/// # Errors
/// Driver errors.
pub async fn counts(db: &Db, tenant: &TenantId, template: &str) -> Result<Vec<(String, i64)>, DbError> {
    let rows = db
        .rows(
            "select state, count(*) from voucher where tenant_id = $1 and template = $2 group by state order by state",
            &[tenant.as_str().into(), template.into()],
        )
        .await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.int(1)?))).collect()
}
