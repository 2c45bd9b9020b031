//! One decision in a hundred is made again from what was stored with it, while the host runs. A difference means that
//! past decisions can no longer be shown to be right, and somebody must look.

use crate::{replay, seal::Sealer, telemetry, tenants::Tenants};
use db::{Db, journal::Written};
use engine::Engine;
use ledger::{DecisionId, TenantId};
use std::{sync::Arc, thread};
use tokio::{
    runtime::Handle,
    sync::mpsc::{Receiver, Sender, channel},
};

/// Every so-many-th decision of a stream.
const EVERY: i64 = 100;
/// Decisions that wait; what comes when it is full is passed over.
const WAITING_MAX: usize = 256;
/// Rechecking gets a processor only when nobody else wants one.
const NICE: i32 = 10;

/// The way to the task that makes decisions again, which ends with the last of these.
#[derive(Debug, Clone)]
pub struct Recheck(Sender<(TenantId, DecisionId)>);

impl Recheck {
    /// Starts the task, on a thread of its own that stands back.
    pub fn start(db: Db, engine: Engine, sealer: Arc<Sealer>) -> Self {
        let (sender, waiting) = channel(WAITING_MAX);
        let runtime = Handle::current();
        let started = thread::Builder::new().name("recheck".to_owned()).spawn(move || {
            engine::be_nice(NICE);
            runtime.block_on(run(db, engine, Tenants::new(sealer), waiting));
        });
        if let Err(why) = started {
            tracing::error!(%why, "no decision is made again while this host runs");
        }
        Self(sender)
    }

    /// Takes note of decisions that are durable now.
    pub(crate) fn committed(&self, written: &[Written]) {
        for one in written.iter().filter(|one| one.seq % EVERY == 0) {
            let _full = self.0.try_send((one.tenant.clone(), one.decision_id.clone()));
        }
    }
}

async fn run(db: Db, engine: Engine, mut known: Tenants, mut waiting: Receiver<(TenantId, DecisionId)>) {
    while let Some((tenant, id)) = waiting.recv().await {
        known.make_room(&engine);
        match differs(&db, &engine, &mut known, &tenant, &id).await {
            Ok(None) => telemetry::rechecked("same"),
            Ok(Some(how)) => {
                telemetry::rechecked("differs");
                tracing::error!(tenant.id = %tenant, %how, "a decision comes out differently when it is made again");
            }
            Err(why) => {
                telemetry::rechecked("unreadable");
                tracing::warn!(tenant.id = %tenant, %id, %why, "a decision could not be made again");
            }
        }
    }
}

/// Makes a decision again; how it differs from what was stored, if it does.
///
/// # Errors
/// When something cannot be read, or the host rather than a policy fails.
pub async fn differs(
    db: &Db,
    engine: &Engine,
    known: &mut Tenants,
    tenant: &TenantId,
    id: &DecisionId,
) -> anyhow::Result<Option<String>> {
    let (_, done) = replay::one(db, engine, known, tenant, id).await?;
    // Another profile may count fuel differently; `punchcard replay` tells them apart.
    Ok(done.differs.filter(|_| done.other_engine == 0))
}
