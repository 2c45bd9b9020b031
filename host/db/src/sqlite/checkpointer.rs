//! Copies the log into the file while the writer goes on: done by the writer itself, it makes one commit in six four
//! times as long.

use sqlx::{Connection as _, SqliteConnection};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinHandle,
};

/// What is written between two copies, in bytes of the writer's parameters: about half of what the log grows by.
const BYTES_BETWEEN: usize = 1 << 20;

/// A task with a connection of its own.
pub(super) struct Checkpointer {
    written: AtomicUsize,
    /// Absent once it is closed.
    running: Mutex<Option<(mpsc::Sender<()>, JoinHandle<()>)>>,
}

impl Checkpointer {
    pub(super) fn start(connection: SqliteConnection) -> Self {
        let (due, asked) = mpsc::channel(1);
        let running = Mutex::new(Some((due, tokio::spawn(run(connection, asked)))));
        Self { written: AtomicUsize::new(0), running }
    }

    /// So many bytes have been committed.
    pub(super) async fn wrote(&self, bytes: usize) {
        let before = self.written.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) < BYTES_BETWEEN {
            return;
        }
        self.written.store(0, Ordering::Relaxed);
        if let Some((due, _)) = &*self.running.lock().await {
            // If it is still busy with the last, the next will do.
            let _ = due.try_send(());
        }
    }

    /// Ends when what was begun is done.
    pub(super) async fn close(&self) {
        if let Some((due, task)) = self.running.lock().await.take() {
            drop(due);
            if let Err(error) = task.await {
                tracing::warn!(%error, "the task that copies the log failed");
            }
        }
    }
}

async fn run(mut connection: SqliteConnection, mut asked: mpsc::Receiver<()>) {
    while asked.recv().await.is_some() {
        // Passive: waits for nobody and nobody waits for it. The log is whole without it, so it may fail.
        if let Err(error) = sqlx::query("pragma wal_checkpoint(passive)").execute(&mut connection).await {
            tracing::warn!(%error, "copying the log into the file failed; the writer will try");
        }
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "closing the connection that copies the log failed");
    }
}
