//! Why a till has no answer, and what follows from it.

use crate::answer::Problem;

/// Why a till has no answer.
#[derive(Debug, thiserror::Error)]
pub enum TillError {
    /// The address of the host is none.
    #[error("{0:?} is no address of a host; write one like http://127.0.0.1:8080")]
    BadAddress(String),
    /// The nonce has another length than the host accepts.
    #[error("a nonce has 16 to 64 characters, and this one {0}")]
    BadNonce(usize),
    /// The request cannot be written down, for example because of a line feed in a header.
    #[error("the request cannot be written")]
    Unwritable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Nobody listens: the host has seen nothing.
    #[error("the host cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The connection ended or the time ran out: the host may have acted.
    #[error("no answer came")]
    Unanswered(#[source] reqwest::Error),
    /// The answer is longer than the till reads.
    #[error("the answer has more than {0} bytes")]
    TooLong(usize),
    /// The host said no.
    #[error("the host refused with {status} {code}: {detail}", code = problem.code, detail = problem.detail)]
    Refused {
        /// HTTP status.
        status: u16,
        /// Why.
        problem: Problem,
    },
    /// The host said yes in words the till does not know.
    #[error("the answer cannot be understood")]
    BadAnswer(#[source] serde_json::Error),
}

impl TillError {
    /// Whether the host may have acted all the same.
    pub fn may_have_acted(&self) -> bool {
        match self {
            Self::Unanswered(_) | Self::TooLong(_) | Self::BadAnswer(_) => true,
            Self::Refused { status, .. } => *status >= 500,
            Self::BadAddress(_) | Self::BadNonce(_) | Self::Unwritable(_) | Self::Unreachable(_) => false,
        }
    }

    /// Whether the same request under the same key can fare better later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Unanswered(_) => true,
            Self::Refused { status, .. } => *status == 503,
            _ => false,
        }
    }
}

pub(super) fn unwritable(error: impl std::error::Error + Send + Sync + 'static) -> TillError {
    TillError::Unwritable(Box::new(error))
}

/// Tells a host that saw nothing from one that fell silent.
pub(super) fn unsent(error: reqwest::Error) -> TillError {
    let error = error.without_url();
    if error.is_connect() { TillError::Unreachable(error) } else { TillError::Unanswered(error) }
}
