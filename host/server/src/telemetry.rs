//! What the host says about itself: JSON logs with the request they belong to, and Prometheus metrics.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::{
    collections::BTreeSet,
    fmt,
    future::Future,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};
use tracing_subscriber::{EnvFilter, fmt::format::FmtSpan, layer::SubscriberExt, util::SubscriberInitExt};

/// Requests answered: `method`, `route`, `status`.
const HTTP_REQUESTS: &str = "punchcard_http_requests_total";
/// Seconds from a request's head to its answer: `route`.
const HTTP_SECONDS: &str = "punchcard_http_seconds";
/// Requests refused with a problem: `code`.
const HTTP_PROBLEMS: &str = "punchcard_http_problems_total";
/// Handlers that panicked.
const HTTP_PANICS: &str = "punchcard_http_panics_total";
/// Open connections.
const CONNECTIONS: &str = "punchcard_connections";
/// Connections turned away: `reason`.
const CONNECTIONS_REFUSED: &str = "punchcard_connections_refused_total";
/// Seconds from asking the ledger to the durable answer: `event`.
const APPLY_SECONDS: &str = "punchcard_apply_seconds";
/// Events that shared one commit.
const BATCH_EVENTS: &str = "punchcard_batch_events";
/// Seconds one commit took.
const COMMIT_SECONDS: &str = "punchcard_commit_seconds";
/// Events waiting to be read.
const QUEUE_DEPTH: &str = "punchcard_queue_depth";
/// What one evaluation cost: `policy`.
const FUEL: &str = "punchcard_policy_fuel";

/// Policies stopped because they granted more in an hour than their band allows: `policy`.
const STOPPED: &str = "punchcard_policy_stopped_total";

/// Decisions made again while the host runs: `outcome` is `same`, `differs` or `unreadable`.
const RECHECKED: &str = "punchcard_rechecked_total";

/// Bucket bounds of every duration, in seconds: fine where the goal (10 ms) lies.
const SECONDS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Bucket bounds of a batch, in events.
const EVENTS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];
/// Bucket bounds of fuel: a shipped policy takes some ten thousand.
const FUEL_UNITS: &[f64] = &[1e3, 1e4, 2.5e4, 5e4, 1e5, 2.5e5, 5e5, 1e6, 2.5e6, 5e6, 1e7, 2.5e7, 5e7, 1e8];

/// How many different values one label may take before the rest become `other`: a tenant that uploads
/// thousands of policies must not grow the metrics page.
const LABEL_VALUES_MAX: usize = 200;

/// How often [`upkeep`] is due; histograms gather memory until then.
pub const UPKEEP_EVERY: Duration = Duration::from_secs(5);

static METRICS: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line, with the spans around it.
    #[default]
    Json,
    /// For people at a terminal.
    Text,
}

/// Starts logging to standard error. `filter` is an `EnvFilter`, such as `info,punchcard=debug`.
/// Later calls change nothing, so that many hosts can live in one test process.
///
/// # Errors
/// What is wrong with the filter.
pub fn start_logs(format: LogFormat, filter: &str) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter: EnvFilter = filter.parse()?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_span_events(FmtSpan::NONE);
    let registry = tracing_subscriber::registry().with(filter);
    let started = match format {
        LogFormat::Json => {
            registry.with(lines.json().flatten_event(true).with_current_span(false).with_span_list(true)).try_init()
        }
        LogFormat::Text => registry.with(lines.compact()).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before; the first setting stays");
    }
    Ok(())
}

/// Starts gathering metrics; without it every measurement is dropped. Later calls change nothing.
pub fn start_metrics() {
    METRICS.get_or_init(|| {
        let recorder = builder()?.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).ok()?;
        describe();
        Some(handle)
    });
}

fn builder() -> Option<PrometheusBuilder> {
    let seconds = |name: &str| Matcher::Full(name.to_owned());
    PrometheusBuilder::new()
        .set_buckets_for_metric(seconds(HTTP_SECONDS), SECONDS)
        .and_then(|b| b.set_buckets_for_metric(seconds(APPLY_SECONDS), SECONDS))
        .and_then(|b| b.set_buckets_for_metric(seconds(COMMIT_SECONDS), SECONDS))
        .and_then(|b| b.set_buckets_for_metric(Matcher::Full(BATCH_EVENTS.to_owned()), EVENTS))
        .and_then(|b| b.set_buckets_for_metric(Matcher::Full(FUEL.to_owned()), FUEL_UNITS))
        .ok()
}

fn describe() {
    describe_counter!(HTTP_REQUESTS, "requests answered");
    describe_histogram!(HTTP_SECONDS, "seconds from a request's head to its answer");
    describe_counter!(HTTP_PROBLEMS, "requests refused with a problem, by code");
    describe_counter!(HTTP_PANICS, "handlers that panicked");
    describe_gauge!(CONNECTIONS, "open connections");
    describe_counter!(CONNECTIONS_REFUSED, "connections turned away");
    describe_histogram!(APPLY_SECONDS, "seconds from asking the ledger to the durable answer");
    describe_histogram!(BATCH_EVENTS, "events that shared one commit");
    describe_histogram!(COMMIT_SECONDS, "seconds one commit took");
    describe_gauge!(QUEUE_DEPTH, "events waiting for the next batch");
    describe_counter!(STOPPED, "policies stopped for leaving their band of points per hour");
    describe_counter!(RECHECKED, "stored decisions made again, one in a hundred");
    describe_histogram!(FUEL, "fuel or operations one evaluation took");
}

/// The metrics page, in Prometheus' text form; empty before [`start_metrics`].
pub fn render() -> String {
    METRICS.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default()
}

/// Folds gathered histograms; due every [`UPKEEP_EVERY`].
pub fn upkeep() {
    if let Some(handle) = METRICS.get().and_then(Option::as_ref) {
        handle.run_upkeep();
    }
}

/// A request was answered. `route` is the template, never the path.
pub fn answered(method: &'static str, route: &str, status: u16, took: Duration) {
    let route = route.to_owned();
    counter!(HTTP_REQUESTS, "method" => method, "route" => route.clone(), "status" => status.to_string()).increment(1);
    histogram!(HTTP_SECONDS, "route" => route).record(took);
}

/// A request was refused with this code.
pub fn refused(code: &'static str) {
    counter!(HTTP_PROBLEMS, "code" => code).increment(1);
}

/// A handler panicked.
pub fn panicked() {
    counter!(HTTP_PANICS).increment(1);
}

/// A connection that is open; it counts until it is dropped.
#[derive(Debug)]
pub struct Connection(());

impl Connection {
    /// A connection was opened.
    pub fn opened() -> Self {
        gauge!(CONNECTIONS).increment(1.0);
        Self(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        gauge!(CONNECTIONS).decrement(1.0);
    }
}

/// A connection was turned away.
pub fn connection_refused(reason: &'static str) {
    counter!(CONNECTIONS_REFUSED, "reason" => reason).increment(1);
}

/// The ledger answered an act durably.
pub fn applied(event: &'static str, took: Duration) {
    histogram!(APPLY_SECONDS, "event" => event).record(took);
}

/// A batch of so many events was committed.
pub fn committed(events: usize, took: Duration) {
    histogram!(BATCH_EVENTS).record(u32::try_from(events).unwrap_or(u32::MAX));
    histogram!(COMMIT_SECONDS).record(took);
}

/// So many events wait.
pub fn queued(depth: usize) {
    gauge!(QUEUE_DEPTH).set(u32::try_from(depth).unwrap_or(u32::MAX));
}

/// Policies that have a label of their own.
static POLICIES: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A policy was stopped for the rest of the hour.
pub fn stopped(policy: &str) {
    counter!(STOPPED, "policy" => bounded(&POLICIES, policy)).increment(1);
}

/// A stored decision was made again.
pub(crate) fn rechecked(outcome: &'static str) {
    counter!(RECHECKED, "outcome" => outcome).increment(1);
}

/// A policy was evaluated at this cost. Names beyond [`LABEL_VALUES_MAX`] are counted as `other`.
pub fn evaluated(policy: &str, fuel: u64) {
    histogram!(FUEL, "policy" => bounded(&POLICIES, policy)).record(u32::try_from(fuel).unwrap_or(u32::MAX));
}

/// The value itself while there are few different ones, then `other`.
fn bounded(seen: &Mutex<BTreeSet<String>>, value: &str) -> String {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    if !seen.contains(value) {
        if seen.len() >= LABEL_VALUES_MAX {
            return "other".to_owned();
        }
        seen.insert(value.to_owned());
    }
    value.to_owned()
}

/// Measures how long something takes; for measurements only, never to decide anything.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Begins now.
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// How long it has been.
    pub fn took(self) -> Duration {
        self.0.elapsed()
    }
}

/// Names one request in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(u64);

impl RequestId {
    /// A name made of random bits.
    pub const fn new(bits: u64) -> Self {
        Self(bits)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

tokio::task_local! {
    static REQUEST: RequestId;
}

/// Runs a request's work under its name.
pub async fn within<F: Future>(id: RequestId, work: F) -> F::Output {
    REQUEST.scope(id, work).await
}

/// The name of the request this task works for, if it works for one.
pub fn request_id() -> Option<String> {
    REQUEST.try_with(RequestId::to_string).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_with_too_many_values_becomes_other() {
        let seen = Mutex::default();
        let distinct: BTreeSet<String> = (0..LABEL_VALUES_MAX + 50).map(|n| bounded(&seen, &format!("p{n}"))).collect();
        assert_eq!(distinct.len(), LABEL_VALUES_MAX + 1);
        assert!(distinct.contains("other"));
        assert_eq!(bounded(&seen, "p0"), "p0");
    }

    #[tokio::test]
    async fn a_request_id_is_known_inside_its_request_only() {
        assert_eq!(request_id(), None);
        let inside = within(RequestId::new(0xab), async { request_id() }).await;
        assert_eq!(inside.as_deref(), Some("00000000000000ab"));
    }
}
