//! The door: who may connect, for how long, and how everybody leaves.
//!
//! `axum::serve` sets no timer, so a half-sent head would hold its connection for ever; hence this loop. Behind
//! it HTTP/1 only: one proxy in front speaks everything else.

mod guests;
mod timed;

use crate::{config::EdgeLimits, telemetry};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request},
};
use guests::Guests;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use std::{convert::Infallible, future::Future, io, net::IpAddr, sync::Arc, time::Duration};
use timed::{Activity, Timed};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};
use tower::ServiceExt as _;

/// Bytes of a head hyper reads before it refuses by itself, without words; our own limits lie below.
const PARSE_BYTES_MAX: usize = 64 << 10;
/// Headers hyper reads before it refuses by itself, without words.
const PARSE_HEADERS_MAX: usize = 256;
/// How long to wait when the system has no file handle left for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Who sent a request: the peer, or what a trusted proxy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientIp(pub IpAddr);

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every running request was answered.
    Clean,
    /// So many connections were cut off when the time was up.
    Cut(usize),
}

/// Serves until `stop` is ready, then answers running requests within the drain time.
///
/// # Errors
/// What kept us from watching for the end, such as [`stop_signal`]'s; running requests are answered first.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &EdgeLimits,
    stop: impl Future<Output = io::Result<()>>,
) -> io::Result<Drained> {
    let mut door = Door {
        guests: Guests::new(limits),
        router,
        limits: Arc::new(limits.clone()),
        leaving: GracefulShutdown::new(),
        connections: JoinSet::new(),
    };
    let mut upkeep = tokio::time::interval(telemetry::UPKEEP_EVERY);
    tokio::pin!(stop);
    let stopped = loop {
        tokio::select! {
            biased;
            stopped = &mut stop => break stopped,
            _ = upkeep.tick() => telemetry::upkeep(),
            Some(_) = door.connections.join_next(), if !door.connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => door.open_to(stream, peer.ip()),
                Err(cause) => {
                    tracing::error!(%cause, "no connection can be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    };
    drop(listener);
    let drained = drain(door.leaving, door.connections, limits.drain_time()).await;
    stopped.map(|()| drained)
}

/// Everybody inside, and what they are served with.
struct Door {
    guests: Guests,
    router: Router,
    limits: Arc<EdgeLimits>,
    leaving: GracefulShutdown,
    connections: JoinSet<()>,
}

impl Door {
    /// Serves a connection until it ends, if there is a place for it.
    fn open_to(&mut self, stream: TcpStream, peer: IpAddr) {
        let guest = match self.guests.admit(peer) {
            Ok(guest) => guest,
            Err(reason) => return telemetry::connection_refused(reason),
        };
        let connection = connection(stream, peer, self.router.clone(), Arc::clone(&self.limits));
        let watched = self.leaving.watch(connection);
        self.connections.spawn(async move {
            let _guest = guest;
            if let Err(cause) = watched.await {
                tracing::debug!(%cause, "a connection ended early");
            }
        });
    }
}

async fn drain(leaving: GracefulShutdown, mut connections: JoinSet<()>, time: Duration) -> Drained {
    let waiting = leaving.count();
    tracing::info!(connections = waiting, "no new connections; answering what runs");
    tokio::select! {
        () = leaving.shutdown() => Drained::Clean,
        () = tokio::time::sleep(time) => {
            while connections.try_join_next().is_some() {}
            let left = connections.len();
            connections.abort_all();
            tracing::warn!(connections = left, "running requests were cut off");
            Drained::Cut(left)
        }
    }
}

/// One connection from its first byte to its last.
fn connection(
    stream: TcpStream,
    peer: IpAddr,
    router: Router,
    limits: Arc<EdgeLimits>,
) -> http1::Connection<
    TokioIo<Timed<TcpStream>>,
    impl hyper::service::Service<Request<Incoming>, Response = axum::response::Response, Error = Infallible, Future: Send>
    + Send,
> {
    // Answers are small and a customer waits for them: better a packet too many.
    let _ = stream.set_nodelay(true);
    let activity = Arc::new(Activity::default());
    let timed = Timed::new(stream, &limits, Arc::clone(&activity));
    let second_net = limits.head_time() + limits.idle_time();
    let service = service_fn(move |request: Request<Incoming>| {
        let ip = client_ip(peer, request.headers(), &limits.trusted_proxies);
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ClientIp(ip));
        let answer = router.clone().oneshot(request);
        let busy = activity.begin();
        async move {
            let _busy = busy;
            answer.await
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        // `Timed` holds the head to its time and tells it from idling, which hyper's own timer does not. With a
        // time set hyper looks at the connection again after each answer, and so starts `Timed`'s clock.
        .header_read_timeout(second_net)
        .max_buf_size(PARSE_BYTES_MAX)
        .max_headers(PARSE_HEADERS_MAX)
        .serve_connection(TokioIo::new(timed), service)
}

/// The nearest address in `X-Forwarded-For` that is no trusted proxy, if the peer is one; else the peer.
fn client_ip(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    if !trusted.contains(&peer.to_canonical()) {
        return peer.to_canonical();
    }
    let lines = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
    let hops: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    for hop in hops.iter().rev() {
        match hop.parse::<IpAddr>() {
            Ok(ip) if trusted.contains(&ip.to_canonical()) => {}
            Ok(ip) => return ip.to_canonical(),
            // What stands further left was not written by a proxy we trust.
            Err(_) => break,
        }
    }
    peer.to_canonical()
}

/// Ready when the process is asked to stop: SIGTERM, or Ctrl-C at a terminal.
///
/// # Errors
/// The system's, if signals cannot be watched.
pub fn stop_signal() -> impl Future<Output = io::Result<()>> {
    // Watched from now on, not from the first poll: who reads that we are ready may ask us to stop at once.
    let (terminate, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (mut terminate, mut interrupt) = (terminate?, interrupt?);
        tokio::select! {
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
