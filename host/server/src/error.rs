//! What a caller can be told: one error type, one status and one stable code each (RFC 9457).

use crate::telemetry::request_id;
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::{error::Error, sync::Arc};

/// Everything that can go wrong with a request. The cause of an internal error is logged, never sent.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ApiError {
    /// The request as such cannot be taken: its head, its form or its size.
    #[error("{text}")]
    Request {
        /// 400 to 431, or 503 when it took too long.
        status: StatusCode,
        /// Stable code.
        code: &'static str,
        /// What to do.
        text: String,
    },
    /// A field of the body or the path says something that cannot be.
    #[error("{field}: {text}")]
    Invalid {
        /// Which field, as a path such as `lines[3].quantity`.
        field: String,
        /// What is wrong, and what would be right.
        text: String,
    },
    /// We do not know who asks.
    #[error("{}", .0.text)]
    Unauthorized(Box<Unauthorized>),
    /// We know who asks, and they may not.
    #[error("{0}")]
    Forbidden(String),
    /// It does not exist, or belongs to somebody else: the caller cannot tell.
    #[error("there is nothing here under this name")]
    NotFound,
    /// Something of this name is there already.
    #[error("{0} exists already; choose another name or read the one there is")]
    Exists(&'static str),
    /// Somebody else changed it in the meantime.
    #[error("it was changed in the meantime; read it again and repeat your change")]
    Changed,
    /// The idempotency key was used for something else.
    #[error("this Idempotency-Key was used for another request; send the same body again, or choose a new key")]
    KeyReused,
    /// The ledger's rules refuse it.
    #[error(transparent)]
    Rule(#[from] ledger::PlanError),
    /// A check outside the ledger refuses it, with everything it found.
    #[error("{text}")]
    Refused {
        /// Stable code.
        code: &'static str,
        /// What to do.
        text: String,
        /// What was found, one sentence each.
        findings: Vec<String>,
    },
    /// The caller asks too often.
    #[error("too many attempts; wait {0} seconds and try again")]
    TooMany(u32),
    /// We are full for the moment.
    #[error("the server is busy; send the same request again in {0} s")]
    Busy(u32),
    /// Our fault. The cause stays here.
    #[error("something went wrong on our side; send the same request again, and tell us the request_id if it stays")]
    Internal(Arc<dyn Error + Send + Sync>),
}

/// Why we do not know who asks.
#[derive(Debug, Clone, Default)]
pub struct Unauthorized {
    /// Stable code.
    pub code: &'static str,
    /// What to do.
    pub text: String,
    /// Our clock in Unix seconds, so that a till can correct its own.
    pub server_time: Option<i64>,
    /// The string we would have signed; only in test mode.
    pub signed: Option<String>,
}

impl ApiError {
    /// A body or a head that cannot be read.
    pub fn malformed(text: impl Into<String>) -> Self {
        Self::Request { status: StatusCode::BAD_REQUEST, code: "malformed", text: text.into() }
    }

    /// A field that says something impossible.
    pub fn invalid(field: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), text: text.into() }
    }

    /// A caller we do not know.
    pub fn unauthorized(code: &'static str, text: impl Into<String>) -> Self {
        Self::Unauthorized(Box::new(Unauthorized { code, text: text.into(), ..Unauthorized::default() }))
    }

    /// A check outside the ledger that refuses, with nothing more to list.
    pub fn refused(code: &'static str, text: impl Into<String>) -> Self {
        Self::Refused { code, text: text.into(), findings: Vec::new() }
    }

    /// Our fault; the cause goes to the log when the answer is made.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(Arc::from(cause.into()))
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Request { status, .. } => *status,
            Self::Invalid { .. } | Self::KeyReused | Self::Rule(_) | Self::Refused { .. } => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Exists(_) | Self::Changed => StatusCode::CONFLICT,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable code a program may branch on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Request { code, .. } | Self::Refused { code, .. } => code,
            Self::Invalid { .. } => "invalid",
            Self::Unauthorized(why) => why.code,
            Self::Forbidden(_) => "forbidden",
            Self::NotFound => "not_found",
            Self::Exists(_) => "exists",
            Self::Changed => "changed",
            Self::KeyReused => "idempotency_mismatch",
            Self::Rule(rule) => rule.code(),
            Self::TooMany(_) => "too_many",
            Self::Busy(_) => "busy",
            Self::Internal(_) => "internal",
        }
    }

    /// Seconds after which another attempt makes sense.
    pub fn retry_after(&self) -> Option<u32> {
        match self {
            Self::TooMany(seconds) | Self::Busy(seconds) => Some(*seconds),
            _ => None,
        }
    }

    /// The problem document, also used for one item of a batch.
    pub fn problem(&self) -> Problem {
        let mut problem = Problem {
            kind: format!("urn:punchcard:problem:{}", self.code()),
            title: self.status().canonical_reason().unwrap_or("Error"),
            status: self.status().as_u16(),
            code: self.code(),
            detail: self.to_string(),
            ..Problem::default()
        };
        match self {
            Self::Invalid { field, .. } => problem.field = Some(field.clone()),
            Self::Refused { findings, .. } => problem.findings = findings.clone(),
            Self::Unauthorized(why) => {
                problem.server_time = why.server_time;
                problem.signed = why.signed.clone();
            }
            Self::Internal(cause) => {
                problem.request_id = request_id();
                tracing::error!(cause = %in_full(cause.as_ref()), "a request failed on our side");
            }
            _ => {}
        }
        problem
    }
}

/// A cause with everything behind it, for the log.
fn in_full(cause: &dyn Error) -> String {
    let mut text = cause.to_string();
    let mut behind = cause.source();
    while let Some(cause) = behind {
        text = format!("{text}: {cause}");
        behind = cause.source();
    }
    text
}

/// An RFC 9457 problem document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: &'static str,
    /// The status.
    pub status: u16,
    /// Stable code.
    pub code: &'static str,
    /// What happened, and what to do.
    pub detail: String,
    /// The field it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Everything a check found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
    /// Our clock in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_time: Option<i64>,
    /// The string we would have signed; only in test mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed: Option<String>,
    /// Where to find it in our log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// The media type of problem documents.
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.problem())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if matches!(self, Self::Unauthorized(_)) {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Punchcard"));
        }
        response.extensions_mut().insert(ProblemCode(self.code()));
        response
    }
}

/// Goes along with a refusal to whoever counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemCode(pub &'static str);

/// What a caller is told to wait when the database is not to be had, in seconds.
const DATABASE_RETRY_SECONDS: u32 = 5;

impl From<db::DbError> for ApiError {
    fn from(error: db::DbError) -> Self {
        match error {
            db::DbError::Duplicate => Self::Exists("something of this name"),
            db::DbError::Missing(_) => Self::NotFound,
            db::DbError::Stale => Self::Changed,
            // A connection that broke is a moment's trouble: sent again, the request is answered over another one.
            db::DbError::Busy
            | db::DbError::Unreachable(_)
            | db::DbError::ConnectionLost(_)
            | db::DbError::StorageFull => {
                tracing::error!(cause = %error, "the database cannot take this now");
                Self::Busy(DATABASE_RETRY_SECONDS)
            }
            other => Self::internal(other),
        }
    }
}

impl From<crate::seal::SealError> for ApiError {
    fn from(error: crate::seal::SealError) -> Self {
        Self::internal(error)
    }
}

impl From<crate::entropy::NoEntropy> for ApiError {
    fn from(error: crate::entropy::NoEntropy) -> Self {
        Self::internal(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_connection_that_broke_the_request_is_sent_again() {
        let refused = ApiError::from(db::DbError::ConnectionLost("reset by peer".to_owned()));
        assert_eq!((refused.status().as_u16(), refused.retry_after()), (503, Some(DATABASE_RETRY_SECONDS)));
    }

    #[test]
    fn a_problem_names_its_field_and_says_what_to_do() {
        let error = ApiError::invalid("total_fen", "is 12800, but the lines add up to 12900");
        let body = serde_json::to_string(&error.problem()).expect("plain data");
        assert_eq!(
            body,
            concat!(
                r#"{"type":"urn:punchcard:problem:invalid","title":"Unprocessable Entity","status":422,"#,
                r#""code":"invalid","detail":"total_fen: is 12800, but the lines add up to 12900","#,
                r#""field":"total_fen"}"#
            )
        );
    }

    #[test]
    fn an_internal_error_keeps_its_cause_to_itself() {
        let error = ApiError::internal("disk /dev/secret is full");
        let body = serde_json::to_string(&error.problem()).expect("plain data");
        assert!(!body.contains("disk"), "{body}");
        assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn a_busy_answer_says_when_to_come_back() {
        let response = ApiError::Busy(2).into_response();
        assert_eq!(response.headers().get(header::RETRY_AFTER), Some(&HeaderValue::from(2_u32)));
        assert_eq!(response.headers().get(header::CONTENT_TYPE), Some(&PROBLEM_JSON));
    }
}
