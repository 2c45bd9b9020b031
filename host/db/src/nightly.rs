//! Whom the calendar concerns: members with a birthday, and members something is due for.

use crate::{Db, DbError};
use ledger::{Day, MemberId, TenantId};

/// At most `limit` members behind `after` whose birthday is `month_day` (`MM-DD`), by id.
///
/// # Errors
/// Driver errors.
pub async fn birthdays(
    db: &Db,
    tenant: &TenantId,
    month_day: &str,
    after: Option<&MemberId>,
    limit: u32,
) -> Result<Vec<MemberId>, DbError> {
    let after = after.map_or("", |id| id.as_str());
    let rows = db
        .rows(
            "select member_id from member where tenant_id = $1 and birthday_md = $2 and member_id > $3
             order by member_id limit $4",
            &[tenant.as_str().into(), month_day.into(), after.into(), i64::from(limit).into()],
        )
        .await?;
    rows.iter().map(|row| row.id(0)).collect()
}

/// At most `limit` members behind `after` who must be looked at on `day` or should have been before, by id.
///
/// # Errors
/// Driver errors.
pub async fn due(
    db: &Db,
    tenant: &TenantId,
    day: Day,
    after: Option<&MemberId>,
    limit: u32,
) -> Result<Vec<MemberId>, DbError> {
    let after = after.map_or("", |id| id.as_str());
    let rows = db
        .rows(
            "select member_id from member where tenant_id = $1 and next_due_day <= $2 and member_id > $3
             order by member_id limit $4",
            &[tenant.as_str().into(), i64::from(day.get()).into(), after.into(), i64::from(limit).into()],
        )
        .await?;
    rows.iter().map(|row| row.id(0)).collect()
}
