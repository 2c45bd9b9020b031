//! A tenant's official account at WeChat. Secrets arrive sealed.

use crate::{Db, DbError, row::Row};
use ledger::{TenantId, UnixMs};

/// An official account as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WechatAccount {
    /// The original id, `gh_…`.
    pub original_id: String,
    /// The appid, unique over all tenants.
    pub appid: String,
    /// How callbacks arrive: `plain`, `compatible`, `secure`.
    pub mode: String,
    /// The sealed AppSecret.
    pub app_secret_sealed: Option<Vec<u8>>,
    /// The sealed token.
    pub token_sealed: Option<Vec<u8>>,
    /// The sealed EncodingAESKey.
    pub aes_key_sealed: Option<Vec<u8>>,
    /// The sealed EncodingAESKey before it.
    pub aes_key_previous_sealed: Option<Vec<u8>>,
    /// Everything else about it, as JSON.
    pub detail: String,
    /// When it was last changed.
    pub updated_at: UnixMs,
    /// By whom.
    pub updated_by: String,
}

fn account(row: &Row) -> Result<WechatAccount, DbError> {
    Ok(WechatAccount {
        original_id: row.text(0)?,
        appid: row.text(1)?,
        mode: row.text(2)?,
        app_secret_sealed: row.opt_bytes(3)?,
        token_sealed: row.opt_bytes(4)?,
        aes_key_sealed: row.opt_bytes(5)?,
        aes_key_previous_sealed: row.opt_bytes(6)?,
        detail: row.text(7)?,
        updated_at: UnixMs::new(row.int(8)?),
        updated_by: row.text(9)?,
    })
}

/// The tenant's account.
///
/// # Errors
/// Driver errors.
pub async fn get(db: &Db, tenant: &TenantId) -> Result<Option<WechatAccount>, DbError> {
    let row = db
        .row(
            "select original_id, appid, mode, app_secret_sealed, token_sealed, aes_key_sealed,
                    aes_key_previous_sealed, detail, updated_at_ms, updated_by
             from wechat_account where tenant_id = $1",
            &[tenant.as_str().into()],
        )
        .await?;
    row.as_ref().map(account).transpose()
}

/// The tenant an appid belongs to. Asked when a callback names only the appid.
///
/// # Errors
/// Driver errors.
pub async fn tenant_of(db: &Db, appid: &str) -> Result<Option<TenantId>, DbError> {
    let row = db.row("select tenant_id from wechat_account where appid = $1", &[appid.into()]).await?;
    row.map(|row| row.id(0)).transpose()
}

/// Stores the tenant's account, new or changed.
///
/// # Errors
/// [`DbError::Duplicate`] if another tenant has the appid.
pub async fn put(db: &Db, tenant: &TenantId, account: &WechatAccount) -> Result<(), DbError> {
    let args = [
        tenant.as_str().into(),
        (&account.original_id).into(),
        (&account.appid).into(),
        (&account.mode).into(),
        account.app_secret_sealed.as_deref().into(),
        account.token_sealed.as_deref().into(),
        account.aes_key_sealed.as_deref().into(),
        account.aes_key_previous_sealed.as_deref().into(),
        (&account.detail).into(),
        account.updated_at.get().into(),
        (&account.updated_by).into(),
    ];
    db.write(
        "insert into wechat_account (tenant_id, original_id, appid, mode, app_secret_sealed, token_sealed,
                                     aes_key_sealed, aes_key_previous_sealed, detail, updated_at_ms, updated_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (tenant_id) do update set
             original_id = excluded.original_id, appid = excluded.appid, mode = excluded.mode,
             app_secret_sealed = excluded.app_secret_sealed, token_sealed = excluded.token_sealed,
             aes_key_sealed = excluded.aes_key_sealed,
             aes_key_previous_sealed = excluded.aes_key_previous_sealed, detail = excluded.detail,
             updated_at_ms = excluded.updated_at_ms, updated_by = excluded.updated_by",
        &args,
    )
    .await
    .map(drop)
}
