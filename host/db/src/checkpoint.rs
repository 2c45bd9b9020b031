//! Copies SQLite's log into its file beside the commits, so that few commits wait for it.
//!
//! The writer still does it when the log is long; by then most is copied, and the log can begin again.

use crate::DbError;
use sqlx::{Connection as _, SqliteConnection};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::{
    sync::{Mutex, Notify},
    task::JoinHandle,
};

/// The task that copies, and how to talk to it.
pub(crate) struct Checkpointer {
    talk: Arc<Talk>,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Talk {
    bytes_between: u64,
    committed: AtomicU64,
    wake: Notify,
    stop: Notify,
}

impl Checkpointer {
    /// Starts the task on a connection of its own; it copies after every `bytes_between` bytes of rows.
    pub(crate) fn start(connection: SqliteConnection, bytes_between: u64) -> Self {
        let talk = Arc::new(Talk { bytes_between, ..Talk::default() });
        let task = tokio::spawn(run(connection, Arc::clone(&talk)));
        Self { talk, task: Mutex::new(Some(task)) }
    }

    /// So many bytes of rows were committed.
    pub(crate) fn committed(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let before = self.talk.committed.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.talk.bytes_between {
            self.talk.committed.store(0, Ordering::Relaxed);
            self.talk.wake.notify_one();
        }
    }

    /// Ends the task when it has finished what it is at.
    pub(crate) async fn close(&self) {
        self.talk.stop.notify_one();
        if let Some(task) = self.task.lock().await.take()
            && let Err(error) = task.await
        {
            tracing::warn!(%error, "the task that copies the log ended badly");
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.talk.stop.notify_one();
    }
}

async fn run(mut connection: SqliteConnection, talk: Arc<Talk>) {
    loop {
        tokio::select! {
            () = talk.wake.notified() => {}
            () = talk.stop.notified() => break,
        }
        if let Err(error) = copy(&mut connection).await {
            // Nothing is lost: the log is kept until it is copied, and the writer tries too.
            tracing::warn!(%error, "the log could not be copied");
        }
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "the connection that copies the log did not close");
    }
}

/// Copies what can be copied without anybody waiting.
async fn copy(connection: &mut SqliteConnection) -> Result<(), DbError> {
    sqlx::query("pragma wal_checkpoint(passive)").execute(connection).await?;
    Ok(())
}
