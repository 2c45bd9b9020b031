//! A connection that does not wait for ever: heads, idling and unread answers have their time.

use crate::config::EdgeLimits;
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

/// What the handlers of a connection tell its clock.
#[derive(Debug, Default)]
pub(super) struct Activity {
    busy: AtomicBool,
    answered: AtomicU64,
}

/// A request is being worked on until this is dropped.
pub(super) struct Busy(Arc<Activity>);

impl Activity {
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        self.busy.store(true, Ordering::Release);
        Busy(Arc::clone(self))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.answered.fetch_add(1, Ordering::Release);
        self.0.busy.store(false, Ordering::Release);
    }
}

/// What a connection waits for when no request is being worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// The rest of a head.
    Head,
    /// The first byte of the next head.
    Idle,
}

/// A stream with its clock.
pub(super) struct Timed<S> {
    stream: S,
    activity: Arc<Activity>,
    waiting: Waiting,
    answered: u64,
    until: Pin<Box<Sleep>>,
    unread_until: Option<Pin<Box<Sleep>>>,
    head_time: Duration,
    idle_time: Duration,
    write_time: Duration,
}

impl<S> Timed<S> {
    pub(super) fn new(stream: S, limits: &EdgeLimits, activity: Arc<Activity>) -> Self {
        Self {
            stream,
            activity,
            // Whoever connects says something at once.
            waiting: Waiting::Head,
            answered: 0,
            until: Box::pin(tokio::time::sleep(limits.head_time())),
            unread_until: None,
            head_time: limits.head_time(),
            idle_time: limits.idle_time(),
            write_time: limits.write_time(),
        }
    }

    /// Notices that a request was answered since the last look.
    fn was_answered(&mut self) -> bool {
        let answered = self.activity.answered.load(Ordering::Acquire);
        std::mem::replace(&mut self.answered, answered) != answered
    }

    fn wait_for(&mut self, waiting: Waiting) {
        self.waiting = waiting;
        let time = match waiting {
            Waiting::Head => self.head_time,
            Waiting::Idle => self.idle_time,
        };
        self.until.as_mut().reset(Instant::now() + time);
    }

    fn bytes_came(&mut self) {
        if self.activity.busy.load(Ordering::Acquire) {
            return;
        }
        if self.was_answered() || self.waiting == Waiting::Idle {
            self.wait_for(Waiting::Head);
        }
    }

    fn nothing_came(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // While a request is worked on, its own deadlines hold.
        if self.activity.busy.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        if self.was_answered() {
            self.wait_for(Waiting::Idle);
        }
        ready!(self.until.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client sends nothing")))
    }

    fn written<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.unread_until = None;
            return written;
        }
        let time = self.write_time;
        let until = self.unread_until.get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
        ready!(until.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client reads nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Ready(read) => {
                self.bytes_came();
                Poll::Ready(read)
            }
            Poll::Pending => self.nothing_came(cx),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.written(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
