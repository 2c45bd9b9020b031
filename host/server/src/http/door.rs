//! What every request passes on its way in and every answer on its way out.

use super::Front;
use crate::{
    config::EdgeLimits,
    error::{ApiError, PROBLEM_JSON, ProblemCode},
    telemetry::{self, RequestId, Stopwatch},
};
use axum::{
    body::HttpBody as _,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
};
use tracing::{Instrument as _, field::Empty};

/// Names the request in our log; tell it to us when something went wrong.
const REQUEST_HEADER: HeaderName = HeaderName::from_static("punchcard-request");
/// Counted where no route was found.
const NO_ROUTE: &str = "none";

/// Marks an answer that stays without a body although it refuses.
#[derive(Debug, Clone, Copy)]
pub struct Bare;

/// Names, bounds, counts and logs one request, and keeps its panic from the others.
pub async fn door(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response {
    let watch = Stopwatch::start();
    let id = RequestId::new(front.app.entropy.bits().unwrap_or_default());
    let method = label(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or(NO_ROUTE, MatchedPath::as_str).to_owned();
    let span = tracing::info_span!(
        "http.request",
        request.id = %id,
        method,
        route,
        tenant.id = Empty,
        key.id = Empty
    );
    let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let limits = &front.app.config.edge;
    let answered = async {
        check_head(&request, limits)?;
        let running = tokio::time::timeout(limits.request_time(), caught(next.run(request)));
        match running.await {
            Ok(Some(response)) => Ok(response),
            Ok(None) => Err(ApiError::internal("a handler panicked")),
            Err(_elapsed) => Err(ApiError::Request {
                status: StatusCode::SERVICE_UNAVAILABLE,
                code: "timed_out",
                text: "this took too long; send the same request again, under the same Idempotency-Key".to_owned(),
            }),
        }
    };
    let work = async {
        let mut response = answered.await.map_or_else(ApiError::into_response, in_one_form);
        let has_body_left = is_chunked || response.status() == StatusCode::PAYLOAD_TOO_LARGE;
        sign_off(&mut response, id, has_body_left);
        let took = watch.took();
        note(method, &route, &response, took);
        response
    };
    telemetry::within(id, work.instrument(span)).await
}

fn note(method: &'static str, route: &str, response: &Response, took: std::time::Duration) {
    let status = response.status().as_u16();
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    telemetry::answered(method, route, status, took);
    let code = response.extensions().get::<ProblemCode>().map(|code| code.0);
    if let Some(code) = code {
        telemetry::refused(code);
    }
    match code {
        _ if route.ends_with("z") || route == "/metrics" => tracing::debug!(status, duration_ms, "asked how we are"),
        None => tracing::info!(status, duration_ms, "answered"),
        Some(code) => tracing::info!(status, duration_ms, code, "refused"),
    }
}

/// Refuses a head that is larger than any till or browser needs.
fn check_head(request: &Request, limits: &EdgeLimits) -> Result<(), ApiError> {
    let refuse = |status, code, text: String| Err(ApiError::Request { status, code, text });
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > limits.target_bytes_max {
        let text = format!("the address has {target} bytes; at most {} are accepted", limits.target_bytes_max);
        return refuse(StatusCode::URI_TOO_LONG, "address_too_long", text);
    }
    let headers = request.headers();
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > limits.headers_max || bytes > limits.head_bytes_max {
        let text = format!(
            "the request has {} headers of {bytes} bytes; at most {} of {} bytes are accepted",
            headers.len(),
            limits.headers_max,
            limits.head_bytes_max
        );
        return refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", text);
    }
    Ok(())
}

/// The future's output, or nothing if it panicked.
async fn caught<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let polled = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Some),
        Err(_panic) => std::task::Poll::Ready(None),
    });
    let output = polled.await;
    if output.is_none() {
        telemetry::panicked();
    }
    output
}

/// Refusals made by the router itself get the form of all others.
fn in_one_form(response: Response) -> Response {
    let status = response.status();
    let is_ours = response.extensions().get::<ProblemCode>().is_some() || response.extensions().get::<Bare>().is_some();
    if is_ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    if response.headers().get(header::CONTENT_TYPE) == Some(&PROBLEM_JSON) {
        return response;
    }
    let (code, text) = match status {
        StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "this address takes another method; see Allow"),
        StatusCode::NOT_FOUND => ("not_found", "there is nothing here under this name"),
        _ => ("malformed", "the request cannot be read; docs/API.md shows its form"),
    };
    let allow = response.headers().get(header::ALLOW).cloned();
    let mut problem = ApiError::Request { status, code, text: text.to_owned() }.into_response();
    if let Some(allow) = allow {
        problem.headers_mut().insert(header::ALLOW, allow);
    }
    problem
}

fn sign_off(response: &mut Response, id: RequestId, has_body_left: bool) {
    // A body of unknown end, or one we did not read: what follows it must not be taken for a request.
    let close = has_body_left || response.status() == StatusCode::REQUEST_TIMEOUT;
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_HEADER, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if close {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    debug_assert!(response.body().size_hint().exact().is_some(), "answers have a known length");
}

fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_its_own_request_only() {
        let panics = async {
            tokio::task::yield_now().await;
            assert!(std::hint::black_box(false), "a test panics here");
        };
        assert_eq!(caught(panics).await, None);
        assert_eq!(caught(async { 7 }).await, Some(7));
    }
}
