//! Passwords of staff: argon2id, a few at a time, and the same work for names that do not exist.

use crate::{entropy::Entropy, error::ApiError, seal::SecretText};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _},
};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::sync::Semaphore;

/// KiB of memory one hash takes: OWASP's minimum.
const MEMORY_KIB: u32 = 19 << 10;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Lanes; one, because other logins use the other processors.
const LANES: u32 = 1;
/// Bytes of the random salt.
const SALT_BYTES: usize = 16;
/// The shortest password, in characters.
pub const PASSWORD_MIN: usize = 8;
/// The longest password, in characters.
pub const PASSWORD_MAX: usize = 128;
/// How long a login waits for its turn.
const TURN: Duration = Duration::from_secs(2);
/// What a caller is told to wait when there was no turn, in seconds.
const RETRY_SECONDS: u32 = 2;

/// Hashes and checks passwords. Clones share the turns.
#[derive(Debug, Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    entropy: Entropy,
    /// Checked for names that do not exist, so that they take as long as those that do.
    nobody: Arc<OnceLock<String>>,
}

impl Passwords {
    /// Checks so many at the same moment.
    pub fn new(at_once: usize, entropy: Entropy) -> Self {
        Self { turns: Arc::new(Semaphore::new(at_once)), entropy, nobody: Arc::default() }
    }

    /// The stored form of a password.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for one that is too short or too long, [`ApiError::Busy`] when there is no turn.
    pub async fn hash(&self, password: impl Into<SecretText>) -> Result<String, ApiError> {
        let password = password.into();
        check_length(password.as_str())?;
        let entropy = self.entropy;
        self.in_turn(move || hash(password.as_str(), entropy)).await?
    }

    /// Whether this is the password of that stored form; `None` stands for a name that does not exist.
    ///
    /// # Errors
    /// [`ApiError::Busy`] when there is no turn.
    pub async fn fits(&self, password: SecretText, stored: Option<String>) -> Result<bool, ApiError> {
        let (known, nobody, entropy) = (stored.is_some(), Arc::clone(&self.nobody), self.entropy);
        let fits = self.in_turn(move || {
            let stored = stored.map_or_else(|| hash_of_nobody(&nobody, entropy), Ok)?;
            argon().map(|argon| argon.verify_password(password.as_bytes(), stored.as_str()).is_ok())
        });
        Ok(fits.await?? && known)
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
        let turn = tokio::time::timeout(TURN, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|_elapsed| ApiError::Busy(RETRY_SECONDS))?.map_err(ApiError::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(ApiError::internal)
    }
}

/// The stored form of a password, for the command line; servers use [`Passwords::hash`].
///
/// # Errors
/// [`ApiError::Invalid`] for one that is too short or too long.
pub fn hash_once(password: &str, entropy: Entropy) -> Result<String, ApiError> {
    check_length(password)?;
    hash(password, entropy)
}

/// The hash of a password nobody knows, made once.
fn hash_of_nobody(made: &OnceLock<String>, entropy: Entropy) -> Result<String, ApiError> {
    if let Some(made) = made.get() {
        return Ok(made.clone());
    }
    let fresh = hash(&entropy.hex::<16>().map_err(ApiError::internal)?, entropy)?;
    Ok(made.get_or_init(|| fresh).clone())
}

fn check_length(password: &str) -> Result<(), ApiError> {
    if (PASSWORD_MIN..=PASSWORD_MAX).contains(&password.chars().count()) {
        return Ok(());
    }
    Err(ApiError::invalid("password", format!("must have {PASSWORD_MIN} to {PASSWORD_MAX} characters")))
}

fn argon() -> Result<Argon2<'static>, ApiError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|cause| ApiError::internal(cause.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str, entropy: Entropy) -> Result<String, ApiError> {
    let salt: [u8; SALT_BYTES] = entropy.bytes().map_err(ApiError::internal)?;
    let hashed = argon()?.hash_password_with_salt(password.as_bytes(), &salt);
    hashed.map(|hash| hash.to_string()).map_err(|cause| ApiError::internal(cause.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretText {
        SecretText::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let passwords = Passwords::new(2, Entropy);
        let stored = passwords.hash(secret("correct horse")).await.expect("long enough");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(passwords.fits(secret("correct horse"), Some(stored.clone())).await.expect("a turn"));
        assert!(!passwords.fits(secret("wrong horse"), Some(stored)).await.expect("a turn"));
        assert!(!passwords.fits(secret("correct horse"), None).await.expect("a turn"));
    }

    #[test]
    fn a_password_has_eight_to_128_characters() {
        for (length, taken) in [(7, false), (8, true), (128, true), (129, false)] {
            assert_eq!(check_length(&"密".repeat(length)).is_ok(), taken, "{length}");
        }
    }
}
