//! One batch: one read, every act decided in order of arrival over what the acts before it left, one write.

use crate::{
    apply::{Asked, Replied},
    clock::Clock,
    costs::Costs,
    decide::{Decided, decide},
    entropy::Entropy,
    error::ApiError,
    journal::Job,
    overlay::Overlay,
    recheck::Recheck,
    telemetry,
    tenants::Tenants,
};
use cpu_time::ThreadTime;
use db::{
    Db, DbError,
    journal::{CommitOutcome, Written},
    snapshot::{self, Found, Snapshot, Want},
};
use engine::Engine;
use ledger::{Act, Envelope, TenantId};
use std::{collections::BTreeMap, panic::resume_unwind, sync::Arc, thread, time::Duration};

/// How far slow policies stand back when others want a processor.
const NICE: i32 = 10;

/// Everything the writing task of a lane owns.
pub struct Batcher {
    pub(crate) db: Db,
    pub(crate) engine: Engine,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) tenants: Tenants,
    pub(crate) envelope: Envelope,
    /// What the tenants' acts cost, shared by the lanes.
    pub(crate) costs: Arc<Costs>,
    /// Names this lane's chain of decisions; no two lanes or hosts of one database share it.
    pub(crate) stream: String,
    /// Makes some of the decisions again.
    pub(crate) recheck: Recheck,
    /// Whether deciding gets a processor only when nobody else wants one.
    pub(crate) stands_back: bool,
}

/// An answer for each act of a batch, in their order.
pub(crate) type Answers = Vec<Result<Replied, ApiError>>;

/// Tenants of a batch that cannot be served, and why.
type Broken = BTreeMap<TenantId, ApiError>;

impl Batcher {
    /// Reads, decides and writes. `None` when another host wrote in between, or a connection broke, and all must be
    /// planned again. Adds to `took` how long deciding took.
    ///
    /// # Errors
    /// [`ApiError::Busy`] when the database is not to be had, [`ApiError::Internal`] when it fails: nothing of the
    /// batch is known to be written.
    pub(crate) async fn attempt(&mut self, jobs: &[Job], took: &mut Duration) -> Result<Option<Answers>, ApiError> {
        let wants: Vec<Want> = jobs.iter().map(want).collect();
        let mut snapshot = match snapshot::read(&self.db, &self.stream, &wants).await {
            Ok(snapshot) => snapshot,
            Err(DbError::ConnectionLost(cause)) => {
                // Reading changes nothing: the next attempt asks over another connection.
                tracing::debug!(%cause, "a read was lost with its connection");
                return Ok(None);
            }
            Err(cause) => return Err(cause.into()),
        };
        self.tenants.make_room(&self.engine);
        let found = std::mem::take(&mut snapshot.found);
        let broken = self.bring_up_to_date(jobs, &found, &snapshot).await?;
        // Policies run here: milliseconds of computing that must not hold up other tasks of this thread.
        let timer = telemetry::Stopwatch::start();
        let stands_back = self.stands_back;
        let decide = || self.decide_all(jobs, found, Overlay::new(snapshot), &broken);
        let (answers, written) =
            tokio::task::block_in_place(|| if stands_back { standing_back(decide) } else { decide() });
        *took += timer.took();
        if written.is_empty() {
            return Ok(Some(answers));
        }
        let timer = telemetry::Stopwatch::start();
        let outcome = db::journal::commit(&self.db, &self.stream, &written).await;
        telemetry::committed(written.len(), timer.took());
        match outcome {
            CommitOutcome::Committed => {
                self.recheck.committed(&written);
                Ok(Some(answers))
            }
            CommitOutcome::Stale => Ok(None),
            CommitOutcome::Unknown(cause) if cause.must_exit() => Err(self.failed(cause)),
            // Whether it was written is read back by the keys in the next attempt.
            CommitOutcome::Unknown(cause) => {
                tracing::warn!(%cause, "the outcome of a commit is unknown; reading back");
                Ok(None)
            }
            CommitOutcome::Failed(cause) => Err(self.failed(cause)),
        }
    }

    fn failed(&self, cause: DbError) -> ApiError {
        if cause.must_exit() {
            // After a failed sync the page cache cannot be trusted: only a restart reads what is really there.
            tracing::error!(%cause, "the disk failed; exiting so that a restart recovers what was answered");
            std::process::exit(74);
        }
        cause.into()
    }

    /// Reads the tenants that have changed, and the rulebooks of sales that are scored again. Tells whose cannot be
    /// used: the others go on.
    async fn bring_up_to_date(&mut self, jobs: &[Job], found: &[Found], read: &Snapshot) -> Result<Broken, ApiError> {
        let mut broken = Broken::new();
        for (tenant, row) in &read.tenants {
            let done = self.tenants.refresh(&self.db, &self.engine, tenant, row.config_version).await;
            note_broken(&mut broken, tenant, done)?;
        }
        for (job, found) in jobs.iter().zip(found) {
            if let Some(sale) = &found.sale {
                let done = self.tenants.fetch_for_sale(&self.db, &self.engine, &sale.record).await;
                note_broken(&mut broken, &job.asked.tenant, done)?;
            }
        }
        Ok(broken)
    }

    fn decide_all(
        &mut self,
        jobs: &[Job],
        found: Vec<Found>,
        mut overlay: Overlay,
        broken: &Broken,
    ) -> (Answers, Vec<Written>) {
        let mut answers = Vec::with_capacity(jobs.len());
        let mut written = Vec::with_capacity(jobs.len());
        for (job, found) in jobs.iter().zip(found) {
            if let Some(why) = broken.get(&job.asked.tenant) {
                answers.push(Err(why.clone()));
                continue;
            }
            let worked = ThreadTime::now();
            let decided = decide(self, &mut overlay, &job.asked, found);
            self.costs.note(&job.asked.tenant, worked.elapsed());
            answers.push(match decided {
                Ok(Decided::Again(replied)) => Ok(replied),
                Ok(Decided::New { replied, write }) => {
                    written.push(*write);
                    Ok(replied)
                }
                Err(error) => Err(error),
            });
        }
        (answers, written)
    }
}

/// Notes a tenant whose policies or settings cannot be used. That the database is away concerns everybody.
fn note_broken(broken: &mut Broken, tenant: &TenantId, done: Result<(), ApiError>) -> Result<(), ApiError> {
    match done {
        Err(why @ ApiError::Internal(_)) => {
            broken.insert(tenant.clone(), why);
            Ok(())
        }
        done => done,
    }
}

/// Runs it on a thread of its own, since one that has stood back stays there.
fn standing_back<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let running = scope.spawn(|| {
            engine::be_nice(NICE);
            work()
        });
        running.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

fn want(job: &Job) -> Want {
    let asked = &job.asked;
    let presented = match &asked.act {
        Act::Receipt(checkout) | Act::Quote(checkout) => checkout.vouchers.clone(),
        _ => Vec::new(),
    };
    Want {
        tenant: asked.tenant.clone(),
        principal: asked.principal.clone(),
        idempotency_key: Some(asked.idempotency_key.clone()),
        natural_key: asked.natural_key.clone(),
        member: asked.member.clone(),
        vouchers: presented.into_iter().chain(job.vouchers.iter().cloned()).collect(),
        sale: asked.sale.clone(),
    }
}

impl Asked {
    /// The kind of act, as it is stored and counted.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.act {
            Act::Event(event) => event.kind().as_str(),
            Act::Join(join) => join.event.kind().as_str(),
            Act::Receipt(_) => "receipt",
            Act::Quote(_) => "quote",
            Act::Cancel(_) => "cancel",
            Act::Return(_) => "return",
            Act::Recharge(_) => "recharge",
            Act::Adjust(_) => "adjust",
        }
    }
}
