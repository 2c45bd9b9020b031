//! Setting up tenants, staff, keys and accounts: one way for the command line and for the admin API.

use crate::{
    entropy::Entropy,
    error::ApiError,
    seal::{Field, Sealer, SecretText},
};
use db::{Db, api_key::ApiKey, staff::Staff, store, tenant, wechat_account::WechatAccount};
use ledger::{Settings, StoreId, TenantId, TillId, UnixMs};
use serde::{Deserialize, Serialize};

/// Runs the platform: makes tenants, sees none of their members.
pub const OPERATOR: &str = "operator";
/// Runs one tenant.
pub const ADMIN: &str = "admin";
/// The tenant operators sign in under; no merchant can have it.
pub const PLATFORM: &str = "platform";
/// Keys of one till that work at the same time: the present one, and its successor while it is rolled out.
pub const KEYS_PER_TILL: usize = 2;

/// Random bytes of a key's secret.
const SECRET_BYTES: usize = 32;
/// Random bytes of a key's name.
const KEY_ID_BYTES: usize = 10;
/// The longest name or login, in characters.
const NAME_MAX: usize = 64;

/// Where a key's secret is sealed.
pub fn secret_field<'a>(tenant: &'a TenantId, key_id: &'a str) -> Field<'a> {
    Field { table: "api_key", column: "secret_sealed", tenant: tenant.as_str(), row: key_id }
}

/// Where one of an account's secrets is sealed.
pub fn account_field<'a>(tenant: &'a TenantId, column: &'static str) -> Field<'a> {
    Field { table: "wechat_account", column, tenant: tenant.as_str(), row: tenant.as_str() }
}

/// Sets things up on behalf of somebody, at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// The database.
    pub db: &'a Db,
    /// Secrets at rest.
    pub sealer: &'a Sealer,
    /// Random bytes.
    pub entropy: Entropy,
    /// Now.
    pub now: UnixMs,
    /// Who does it.
    pub by: &'a str,
}

/// A key as it is shown once: its secret is nowhere in the clear afterwards.
#[derive(Serialize, Deserialize)]
pub struct NewKey {
    /// Names it: the `Punchcard-Key` header.
    pub key_id: String,
    /// Signs: the HMAC key is this text, byte for byte.
    pub secret: SecretText,
}

/// An official account as somebody types it in. Secrets that are left out stay what they are.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// `gh_…`.
    pub original_id: String,
    /// Its appid.
    pub appid: String,
    /// `plain`, `compatible` or `secure`.
    pub mode: String,
    /// The callback token.
    #[serde(default)]
    pub token: Option<SecretText>,
    /// EncodingAESKey; needed unless the mode is plain.
    #[serde(default)]
    pub aes_key: Option<SecretText>,
    /// AppSecret.
    #[serde(default)]
    pub app_secret: Option<SecretText>,
    /// What the account does with what followers send.
    #[serde(default)]
    pub settings: AccountDetail,
}

/// What an official account does with what followers send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountDetail {
    /// Whoever follows becomes a member.
    pub follow_is_member: bool,
    /// Texts and menu keys that sign a member in for the day.
    pub sign_in_words: Vec<String>,
    /// Other texts that become an event `text` with the word; what followers write otherwise is not kept.
    pub words: Vec<String>,
    /// What a new follower reads first.
    pub welcome: String,
}

impl Default for AccountDetail {
    fn default() -> Self {
        Self {
            follow_is_member: true,
            sign_in_words: vec!["签到".to_owned()],
            words: Vec::new(),
            welcome: "欢迎关注！".to_owned(),
        }
    }
}

impl Desk<'_> {
    /// Makes a tenant with its defaults changed as said.
    ///
    /// # Errors
    /// [`ApiError::Exists`] if the id is taken, [`ApiError::Invalid`] for a name that cannot be.
    pub async fn tenant(&self, id: &TenantId, name: &str, settings: &Settings) -> Result<(), ApiError> {
        check_text("name", name)?;
        if id.as_str() == PLATFORM {
            return Err(ApiError::Exists("a tenant of this id"));
        }
        let made = tenant::create(self.db, id, name, settings, self.now).await;
        made.map_err(|error| taken(error, "a tenant of this id"))
    }

    /// Makes a store.
    ///
    /// # Errors
    /// As [`Desk::tenant`].
    pub async fn store(&self, tenant: &TenantId, id: StoreId, name: &str, detail: &str) -> Result<(), ApiError> {
        check_text("name", name)?;
        let row = store::Store { id, name: name.to_owned(), detail: detail.to_owned(), created_at: self.now };
        let made = store::create(self.db, tenant, &row).await;
        made.map_err(|error| taken(error, "a store of this id"))
    }

    /// Sets up a till in a store.
    ///
    /// # Errors
    /// As [`Desk::tenant`]; [`ApiError::NotFound`] without that store.
    pub async fn till(&self, tenant: &TenantId, store: StoreId, id: TillId, name: &str) -> Result<(), ApiError> {
        check_text("name", name)?;
        let till =
            store::Till { store, id, name: name.to_owned(), created_at: self.now, created_by: self.by.to_owned() };
        let made = store::create_till(self.db, tenant, &till).await;
        made.map_err(|error| taken(error, "a till of this id"))
    }

    /// Makes a key for a till; at most [`KEYS_PER_TILL`] of a till work at the same time.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] without that till, [`ApiError::Refused`] when it has its keys.
    pub async fn key(
        &self,
        tenant: &TenantId,
        store: &StoreId,
        till: &TillId,
        label: &str,
    ) -> Result<NewKey, ApiError> {
        let tills = store::tills(self.db, tenant).await?;
        if !tills.iter().any(|known| known.store == *store && known.id == *till) {
            return Err(ApiError::NotFound);
        }
        let keys = db::api_key::list(self.db, tenant).await?;
        let is_live = |key: &&ApiKey| {
            key.revoked_at.is_none() && key.store.as_ref() == Some(store) && key.till.as_ref() == Some(till)
        };
        if keys.iter().filter(is_live).count() >= KEYS_PER_TILL {
            let text = format!("this till has {KEYS_PER_TILL} keys; revoke the one it no longer uses");
            return Err(ApiError::refused("too_many_keys", text));
        }
        self.new_key(tenant, Some(store), Some(till), label).await
    }

    /// Makes a key for bringing in history: its requests name store and till in the signed query, and count at
    /// their own business time.
    ///
    /// # Errors
    /// [`ApiError::Internal`] if it cannot be stored.
    pub async fn import_key(&self, tenant: &TenantId, label: &str) -> Result<NewKey, ApiError> {
        self.new_key(tenant, None, None, label).await
    }

    async fn new_key(
        &self,
        tenant: &TenantId,
        store: Option<&StoreId>,
        till: Option<&TillId>,
        label: &str,
    ) -> Result<NewKey, ApiError> {
        let key_id = format!("tk_{}", self.entropy.hex::<KEY_ID_BYTES>()?);
        let secret = SecretText::new(self.entropy.hex::<SECRET_BYTES>()?);
        let key = ApiKey {
            secret_sealed: self.sealer.seal(secret_field(tenant, &key_id), secret.as_bytes())?,
            key_id: key_id.clone(),
            tenant: tenant.clone(),
            store: store.cloned(),
            till: till.cloned(),
            label: label.to_owned(),
            created_at: self.now,
            created_by: self.by.to_owned(),
            revoked_at: None,
        };
        db::api_key::create(self.db, &key).await?;
        Ok(NewKey { key_id, secret })
    }

    /// Adds somebody who can sign in; the password is hashed already.
    ///
    /// # Errors
    /// [`ApiError::Exists`] if the login is taken, [`ApiError::Invalid`] for a role or a name that cannot be.
    pub async fn staff(
        &self,
        tenant: &TenantId,
        login: &str,
        name: &str,
        role: &str,
        password_hash: String,
    ) -> Result<(), ApiError> {
        check_text("user", login)?;
        check_text("name", name)?;
        let is_platform = tenant.as_str() == PLATFORM;
        if !matches!((is_platform, role), (true, OPERATOR) | (false, ADMIN)) {
            return Err(ApiError::invalid("role", format!("must be {ADMIN} in a tenant, {OPERATOR} on the platform")));
        }
        let staff = Staff {
            login: login.to_owned(),
            name: name.to_owned(),
            password_hash,
            role: role.to_owned(),
            created_at: self.now,
            created_by: self.by.to_owned(),
            disabled_at: None,
        };
        let made = db::staff::create(self.db, tenant, &staff).await;
        made.map_err(|error| taken(error, "somebody with this login"))
    }

    /// Stores a tenant's official account; an EncodingAESKey that changes stays readable as the previous one.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for a value WeChat would not take, [`ApiError::Exists`] for another tenant's appid.
    pub async fn account(&self, tenant: &TenantId, account: NewAccount) -> Result<(), ApiError> {
        check_account(&account)?;
        let before = db::wechat_account::get(self.db, tenant).await?;
        let seal = |column, secret: &Option<SecretText>, kept: Option<Vec<u8>>| match secret {
            Some(secret) => self.sealer.seal(account_field(tenant, column), secret.as_bytes()).map(Some),
            None => Ok(kept),
        };
        let kept = |of: fn(&WechatAccount) -> &Option<Vec<u8>>| before.as_ref().and_then(|before| of(before).clone());
        let aes_before = kept(|before| &before.aes_key_sealed);
        let row = WechatAccount {
            app_secret_sealed: seal(APP_SECRET, &account.app_secret, kept(|before| &before.app_secret_sealed))?,
            token_sealed: seal(TOKEN, &account.token, kept(|before| &before.token_sealed))?,
            aes_key_sealed: seal(AES_KEY, &account.aes_key, aes_before.clone())?,
            aes_key_previous_sealed: match (&account.aes_key, aes_before) {
                (Some(_), Some(sealed)) => Some(self.moved(tenant, &sealed)?),
                _ => kept(|before| &before.aes_key_previous_sealed),
            },
            original_id: account.original_id,
            appid: account.appid,
            mode: account.mode,
            detail: serde_json::to_string(&account.settings).map_err(ApiError::internal)?,
            updated_at: self.now,
            updated_by: self.by.to_owned(),
        };
        if row.token_sealed.is_none() {
            return Err(ApiError::invalid("token", "is needed: the one typed in at WeChat"));
        }
        if row.mode != "plain" && row.aes_key_sealed.is_none() {
            return Err(ApiError::invalid("aes_key", "is needed unless the mode is plain"));
        }
        let stored = db::wechat_account::put(self.db, tenant, &row).await;
        stored.map_err(|error| taken(error, "an account with this appid"))
    }

    fn moved(&self, tenant: &TenantId, sealed: &[u8]) -> Result<Vec<u8>, ApiError> {
        let plain = self.sealer.open(account_field(tenant, AES_KEY), sealed)?;
        Ok(self.sealer.seal(account_field(tenant, AES_KEY_PREVIOUS), &plain)?)
    }
}

/// Columns of an account's secrets.
pub(crate) const APP_SECRET: &str = "app_secret_sealed";
pub(crate) const TOKEN: &str = "token_sealed";
pub(crate) const AES_KEY: &str = "aes_key_sealed";
pub(crate) const AES_KEY_PREVIOUS: &str = "aes_key_previous_sealed";

fn check_account(account: &NewAccount) -> Result<(), ApiError> {
    check_text("original_id", &account.original_id)?;
    let said = |field, error: wechat::Error| ApiError::invalid(field, error.to_string());
    wechat::callback::AppId::new(&account.appid).map_err(|error| said("appid", error))?;
    if let Some(token) = &account.token {
        wechat::callback::Token::new(token.as_str()).map_err(|error| said("token", error))?;
    }
    if let Some(key) = &account.aes_key {
        wechat::crypto::EncodingAesKey::new(key.as_str()).map_err(|error| said("aes_key", error))?;
    }
    match account.mode.as_str() {
        "plain" | "compatible" | "secure" => Ok(()),
        _ => Err(ApiError::invalid("mode", "must be plain, compatible or secure")),
    }
}

fn check_text(field: &'static str, text: &str) -> Result<(), ApiError> {
    let count = text.chars().count();
    if count == 0 || count > NAME_MAX || text.chars().any(char::is_control) {
        return Err(ApiError::invalid(
            field,
            format!("must have 1 to {NAME_MAX} characters, none of them a control character"),
        ));
    }
    Ok(())
}

fn taken(error: db::DbError, what: &'static str) -> ApiError {
    match error {
        db::DbError::Duplicate => ApiError::Exists(what),
        other => other.into(),
    }
}
