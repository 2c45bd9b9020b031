//! Answering in time: past the till's deadline the sale goes on without us, and is settled afterwards.

use crate::{
    apply::{Asked, Replied},
    error::ApiError,
    http::{Front, answer, ask},
};
use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use std::{future::Future, time::Duration};

/// What a cashier and a customer read then.
const LATER: &str = "积分稍后到账";

/// Settles a receipt; past the deadline answers without it and settles it all the same.
pub(super) async fn settle_by(
    front: &Front,
    asked: Asked,
    deadline_ms: Option<u64>,
    receipt: &str,
) -> Result<Response, ApiError> {
    match by(front, asked, deadline_ms).await {
        Some(replied) => replied.map(answer),
        None => Ok(Json(unsettled(receipt)).into_response()),
    }
}

/// The ledger's answer, or nothing if it takes longer than the caller waits; the ledger goes on either way.
pub(super) async fn by(front: &Front, asked: Asked, deadline_ms: Option<u64>) -> Option<Result<Replied, ApiError>> {
    let app = front.app.clone();
    let work = async move { ask(&app, asked).await };
    let Some(deadline_ms) = deadline_ms else { return Some(work.await) };
    within(work, Duration::from_millis(deadline_ms)).await
}

/// The work's output if it comes in time. The work goes on in any case.
pub(in crate::http) async fn within<T: Send + 'static>(
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
    time: Duration,
) -> Option<Result<T, ApiError>> {
    use tracing::Instrument as _;
    let mut running = tokio::spawn(work.in_current_span());
    match tokio::time::timeout(time, &mut running).await {
        Ok(done) => Some(done.unwrap_or_else(|cause| Err(ApiError::internal(cause)))),
        Err(_elapsed) => {
            tokio::spawn(
                async move {
                    match running.await {
                        Ok(Ok(_)) => tracing::info!("settled after the deadline"),
                        Ok(Err(cause)) => tracing::warn!(%cause, code = cause.code(), "not settled after the deadline"),
                        Err(cause) => tracing::error!(%cause, "settling after the deadline panicked"),
                    }
                }
                .in_current_span(),
            );
            None
        }
    }
}

/// What a till is told that does not want to wait any longer.
pub(super) fn unsettled(receipt: &str) -> serde_json::Value {
    serde_json::json!({
        "settled": false,
        "decision_id": null,
        "receipt": receipt,
        "member": null,
        "points": {"earned": 0, "redeemed": 0, "balance": 0, "pending": 0},
        "effects": [],
        "reasons": [],
        "vouchers": [],
        "next": [],
        "print_lines": [LATER],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    #[tokio::test]
    async fn work_past_its_deadline_goes_on() {
        let done = Arc::new(AtomicBool::new(false));
        let mark = Arc::clone(&done);
        let work = async move {
            tokio::time::sleep(Duration::from_millis(80)).await;
            mark.store(true, Ordering::SeqCst);
            Ok(())
        };
        assert!(within(work, Duration::from_millis(10)).await.is_none());
        assert!(!done.load(Ordering::SeqCst));
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(done.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn work_in_time_is_answered() {
        let answered = within(async { Ok(7) }, Duration::from_secs(5)).await;
        assert_eq!(answered.map(Result::ok), Some(Some(7)));
    }
}
