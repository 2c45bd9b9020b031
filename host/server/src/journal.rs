//! The queue in front of the ledger: whatever arrives while one batch commits travels in the next.
//!
//! There are three lanes. Two are quick: while one waits for the database, the other decides. Tenants whose policies are
//! slow share the third, on an eighth of one processor, so that a rule that runs to its limit costs its own shop time
//! and nobody else.

use crate::{
    apply::{Asked, Replied},
    batch::{Answers, Batcher},
    costs::Costs,
    error::ApiError,
    queue::Queue,
    telemetry,
};
use db::snapshot::MemberRef;
use ledger::VoucherCode;
use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    slice,
    sync::Arc,
    time::Duration,
};
use tokio::sync::{RwLock, oneshot};

/// How a lane takes its acts.
#[derive(Debug, Clone, Copy)]
struct Lane {
    /// How many acts wait at most; more are told to come back.
    waiting_max: usize,
    /// How many acts of one tenant.
    waiting_of_one_max: usize,
    /// How many acts travel in one commit at most.
    batch_max: usize,
    /// How long the lane rests after a batch, in times of what deciding it took.
    rest: u32,
}

/// At 5,000 a second this is under a second of work.
const QUICK: Lane = Lane { waiting_max: 4_096, waiting_of_one_max: 2_048, batch_max: 256, rest: 0 };
/// Small batches, so that no tenant of the lane waits long for another; what waits is decided within seconds.
const SLOW: Lane = Lane { waiting_max: 1_024, waiting_of_one_max: 64, batch_max: 4, rest: 7 };
/// How often a batch that lost against another host is planned again.
const ATTEMPTS_MAX: usize = 8;
/// What a caller who finds the queue full is told to wait, in seconds.
const RETRY_SECONDS: u32 = 1;

/// Quick lanes write side by side; one that has lost once goes on alone, so that it cannot lose to
/// another lane of this host again.
type Siblings = Arc<RwLock<()>>;

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

/// The way into the ledger. Clones share the lanes, which end with the last of them.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Lanes>);

#[derive(Debug)]
struct Lanes {
    quick: [Arc<Queue<Job>>; 2],
    slow: Arc<Queue<Job>>,
    costs: Arc<Costs>,
}

impl Lanes {
    /// Acts of one member go one way, in their order. Should a member be named in two ways at once, and be in both lanes,
    /// the commit that lost is planned again.
    fn lane_of(&self, asked: &Asked) -> &Queue<Job> {
        if self.costs.is_slow(&asked.tenant) {
            return &self.slow;
        }
        let named = match (&asked.member, asked.identities.first()) {
            (Some(MemberRef::Id(id)), _) => id.as_str(),
            (Some(MemberRef::Identity { index, .. }), _) | (None, Some((_, index))) => index,
            (None, None) => &asked.idempotency_key,
        };
        let mut hasher = DefaultHasher::new();
        named.hash(&mut hasher);
        let [first, second] = &self.quick;
        if hasher.finish() & 1 == 0 { first } else { second }
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.quick.iter().for_each(|lane| lane.close());
        self.slow.close();
    }
}

impl Journal {
    /// Starts the tasks that write, one a lane. Each needs a stream of its own: to the database they are hosts.
    pub fn start(quick: [Batcher; 2], slow: Batcher, costs: Arc<Costs>) -> Self {
        let start = |batcher: Batcher, lane: Lane, siblings: &Siblings| {
            let queue = Arc::new(Queue::new(lane.waiting_max, lane.waiting_of_one_max));
            tokio::spawn(run(batcher, Arc::clone(&queue), lane, Arc::clone(siblings)));
            queue
        };
        let siblings = Siblings::default();
        let quick = quick.map(|batcher| start(batcher, QUICK, &siblings));
        Self(Arc::new(Lanes { quick, slow: start(slow, SLOW, &Siblings::default()), costs }))
    }

    /// Queues an act and waits for its answer.
    ///
    /// # Errors
    /// What the ledger refuses, or [`ApiError::Busy`] when the queue is full.
    pub async fn ask(&self, asked: Asked, vouchers: Vec<VoucherCode>) -> Result<Replied, ApiError> {
        let (reply, answer) = oneshot::channel();
        let tenant = asked.tenant.clone();
        let queue = self.0.lane_of(&asked);
        let depth = queue.push(&tenant, Job { asked, vouchers, reply }).ok_or(ApiError::Busy(RETRY_SECONDS))?;
        telemetry::queued(depth);
        answer.await.map_err(|_gone| ApiError::Busy(RETRY_SECONDS))?
    }
}

async fn run(mut batcher: Batcher, queue: Arc<Queue<Job>>, lane: Lane, siblings: Siblings) {
    while let Some(jobs) = queue.take(lane.batch_max, |tenant| batcher.costs.turn(tenant)).await {
        let took = settle(&mut batcher, jobs, &siblings).await;
        if lane.rest > 0 {
            tokio::time::sleep(took * lane.rest).await;
        }
    }
}

/// Carries one batch to its commit. If it cannot be written as a whole, each of its acts goes alone, so that one that
/// can never be written (a card that somebody else has just taken) fails for itself. How long deciding took.
async fn settle(batcher: &mut Batcher, jobs: Vec<Job>, siblings: &Siblings) -> Duration {
    let mut took = Duration::ZERO;
    match attempt(batcher, &jobs, siblings, &mut took).await {
        Ok(answers) => jobs.into_iter().zip(answers).for_each(|(job, answer)| job.answer(answer)),
        Err(Lost::Always | Lost::For(ApiError::Internal(_))) if jobs.len() > 1 => {
            tracing::warn!(acts = jobs.len(), "a batch cannot be written as a whole; its acts go one by one");
            for job in jobs {
                let answer = match attempt(batcher, slice::from_ref(&job), siblings, &mut took).await {
                    Ok(answers) => answers.into_iter().next().unwrap_or(Err(ApiError::Busy(RETRY_SECONDS))),
                    Err(lost) => Err(lost.into()),
                };
                job.answer(answer);
            }
        }
        Err(lost) => {
            let error = ApiError::from(lost);
            jobs.into_iter().for_each(|job| job.answer(Err(error.clone())));
        }
    }
    took
}

/// Why a batch was not written.
enum Lost {
    /// Somebody else was faster each time.
    Always,
    /// It, or what it needs, failed.
    For(ApiError),
}

impl From<Lost> for ApiError {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Always => Self::Busy(RETRY_SECONDS),
            Lost::For(error) => error,
        }
    }
}

/// Plans a batch again whenever another lane or host was faster.
async fn attempt(
    batcher: &mut Batcher,
    jobs: &[Job],
    siblings: &Siblings,
    took: &mut Duration,
) -> Result<Answers, Lost> {
    for attempt in 1..=ATTEMPTS_MAX {
        let done = if attempt == 1 {
            let _together = siblings.read().await;
            batcher.attempt(jobs, took).await
        } else {
            let _alone = siblings.write().await;
            batcher.attempt(jobs, took).await
        };
        match done {
            Ok(Some(answers)) => return Ok(answers),
            Ok(None) => tracing::debug!(attempt, acts = jobs.len(), "the batch is planned again"),
            Err(error) => return Err(Lost::For(error)),
        }
    }
    Err(Lost::Always)
}
