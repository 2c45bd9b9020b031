//! Accounts as callbacks need them: their secrets opened, for a moment.

use crate::{
    error::ApiError,
    http::Front,
    setup::{AES_KEY, AES_KEY_PREVIOUS, AccountDetail, TOKEN, account_field},
};
use db::wechat_account::WechatAccount;
use ledger::TenantId;
use moka::sync::Cache;
use std::{sync::Arc, time::Duration};
use wechat::{
    Text,
    callback::{AppId, Config, Keyring, Mode, Token},
    crypto::EncodingAesKey,
};

/// Accounts kept in memory.
const ACCOUNTS_MAX: u64 = 10_000;

/// An account that receives callbacks.
#[derive(Debug)]
pub(crate) struct Account {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its appid.
    pub appid: String,
    /// What callbacks are opened with.
    pub config: Config,
    /// What it does with them.
    pub detail: AccountDetail,
}

/// Accounts asked for lately.
#[derive(Debug)]
pub(crate) struct Accounts(Cache<TenantId, Arc<Account>>);

impl Accounts {
    /// Believes an account's settings for so long.
    pub fn new(believed: Duration) -> Self {
        Self(Cache::builder().max_capacity(ACCOUNTS_MAX).time_to_live(believed).build())
    }

    /// Forgets an account that was changed.
    pub fn forget(&self, tenant: &TenantId) {
        self.0.invalidate(tenant);
    }

    /// The tenant's account, if it has one.
    pub async fn find(&self, front: &Front, tenant: &TenantId) -> Result<Option<Arc<Account>>, ApiError> {
        if let Some(known) = self.0.get(tenant) {
            return Ok(Some(known));
        }
        let Some(row) = db::wechat_account::get(&front.app.db, tenant).await? else { return Ok(None) };
        let account = Arc::new(opened(front, tenant, row)?);
        self.0.insert(tenant.clone(), Arc::clone(&account));
        Ok(Some(account))
    }
}

fn opened(front: &Front, tenant: &TenantId, row: WechatAccount) -> Result<Account, ApiError> {
    let open = |column, sealed: Option<&Vec<u8>>| {
        let open = |sealed: &Vec<u8>| front.app.sealer.open_text(account_field(tenant, column), sealed);
        sealed.map(open).transpose()
    };
    let token = open(TOKEN, row.token_sealed.as_ref())?.ok_or_else(|| missing("token"))?;
    let current = open(AES_KEY, row.aes_key_sealed.as_ref())?;
    let previous = open(AES_KEY_PREVIOUS, row.aes_key_previous_sealed.as_ref())?;
    let key = |text: &str| EncodingAesKey::new(text).map_err(ApiError::internal);
    let keyring = || {
        Ok::<_, ApiError>(Keyring {
            current: key(current.as_ref().ok_or_else(|| missing("key"))?)?,
            previous: previous.as_ref().map(|text| key(text)).transpose()?,
            app_id: AppId::new(&row.appid).map_err(ApiError::internal)?,
        })
    };
    let mode = match row.mode.as_str() {
        "plain" => Mode::Plain,
        "compatible" => Mode::Compatible(keyring()?),
        _ => Mode::Secure(keyring()?),
    };
    let token = Token::new(&token).map_err(ApiError::internal)?;
    let config = Config { original_id: Some(Text::new(row.original_id)), ..Config::new(token, mode) };
    let detail = serde_json::from_str(&row.detail).map_err(ApiError::internal)?;
    Ok(Account { tenant: tenant.clone(), appid: row.appid, config, detail })
}

fn missing(what: &str) -> ApiError {
    ApiError::internal(format!("an official account is stored without its {what}"))
}
