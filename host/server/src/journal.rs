//! The queue in front of the ledger: whatever arrives while one batch commits travels in the next.

use crate::{
    apply::{Asked, Replied},
    batch::Batcher,
    error::ApiError,
    telemetry,
};
use ledger::VoucherCode;
use tokio::sync::{mpsc, oneshot};

/// How many acts wait at most; more are told to come back. At 5,000 a second this is under a second of work.
const QUEUE_MAX: usize = 4_096;
/// How many acts travel in one commit at most.
const BATCH_MAX: usize = 256;
/// How often a batch that lost against another host is planned again.
const ATTEMPTS_MAX: usize = 8;
/// What a caller who finds the queue full is told to wait, in seconds.
const RETRY_SECONDS: u32 = 1;

/// An act on its way through the queue.
#[derive(Debug)]
pub(crate) struct Job {
    pub asked: Asked,
    /// Vouchers the act touches besides the member's open ones.
    pub vouchers: Vec<VoucherCode>,
    reply: oneshot::Sender<Result<Replied, ApiError>>,
}

impl Job {
    pub fn answer(self, result: Result<Replied, ApiError>) {
        // A caller who has gone away is answered by the stored reply when it comes back.
        let _gone = self.reply.send(result);
    }
}

/// The way into the ledger. Clones share the queue.
#[derive(Debug, Clone)]
pub struct Journal {
    queue: mpsc::Sender<Job>,
}

impl Journal {
    /// Starts the one task that writes.
    pub fn start(batcher: Batcher) -> Self {
        let (queue, inbox) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(run(batcher, inbox));
        Self { queue }
    }

    /// Queues an act and waits for its answer.
    ///
    /// # Errors
    /// What the ledger refuses, or [`ApiError::Busy`] when the queue is full.
    pub async fn ask(&self, asked: Asked, vouchers: Vec<VoucherCode>) -> Result<Replied, ApiError> {
        let (reply, answer) = oneshot::channel();
        let job = Job { asked, vouchers, reply };
        self.queue.try_send(job).map_err(|_full| ApiError::Busy(RETRY_SECONDS))?;
        telemetry::queued(QUEUE_MAX - self.queue.capacity());
        answer.await.map_err(|_gone| ApiError::Busy(RETRY_SECONDS))?
    }
}

async fn run(mut batcher: Batcher, mut inbox: mpsc::Receiver<Job>) {
    while let Some(first) = inbox.recv().await {
        let mut jobs = vec![first];
        while jobs.len() < BATCH_MAX
            && let Ok(next) = inbox.try_recv()
        {
            jobs.push(next);
        }
        settle(&mut batcher, jobs).await;
    }
}

/// Carries one batch to its commit, planning again whenever another host was faster.
async fn settle(batcher: &mut Batcher, jobs: Vec<Job>) {
    for attempt in 1..=ATTEMPTS_MAX {
        match batcher.attempt(&jobs).await {
            Ok(Some(answers)) => {
                jobs.into_iter().zip(answers).for_each(|(job, answer)| job.answer(answer));
                return;
            }
            Ok(None) => tracing::debug!(attempt, acts = jobs.len(), "the batch is planned again"),
            Err(error) => {
                jobs.into_iter().for_each(|job| job.answer(Err(error.clone())));
                return;
            }
        }
    }
    jobs.into_iter().for_each(|job| job.answer(Err(ApiError::Busy(RETRY_SECONDS))));
}
