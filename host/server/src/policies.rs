//! Policies between the database and the engine.

use crate::error::ApiError;
use db::policy::PolicyRow;
use engine::{Engine, Policy, Source};

/// What a stored policy is, for the engine.
///
/// # Errors
/// [`ApiError::Internal`] if a script is not UTF-8.
pub fn source(language: &str, bytes: Vec<u8>) -> Result<Source, ApiError> {
    match language {
        "wasm" => Ok(Source::Wasm(bytes)),
        _ => String::from_utf8(bytes).map(Source::Rhai).map_err(ApiError::internal),
    }
}

/// Makes a stored policy resident. Machine code of another build, or altered on the way, is made again from source.
///
/// # Errors
/// [`ApiError::Internal`] if the source is refused now; it was admitted before it was stored.
pub fn load(engine: &Engine, row: PolicyRow) -> Result<Policy, ApiError> {
    if let Some(policy) = engine.resident(&row.digest) {
        return Ok(policy);
    }
    engine.load(&row.digest, &row.artifact).or_else(|why| {
        tracing::info!(policy.digest = %row.digest, %why, "a stored artifact is made again from its source");
        let admitted = engine.admit(&source(&row.language, row.source)?).map_err(ApiError::internal)?;
        engine.load(&admitted.digest, &admitted.artifact).map_err(ApiError::internal)
    })
}
