//! What the host does by itself: follow-up events, and what the calendar brings.

mod nightly;
mod outbox;

use crate::app::App;
use std::time::Duration;
use tokio::{sync::watch, task::JoinHandle, time::sleep};

/// How long between two looks at the outbox. Follow-up events are told to nobody who waits.
const OUTBOX_EVERY: Duration = Duration::from_millis(500);
/// How long between two looks at the calendar; what is due is found by day, so a late look loses nothing.
const CALENDAR_EVERY: Duration = Duration::from_secs(60);

/// The running jobs.
#[derive(Debug)]
pub struct Jobs {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// Starts all jobs.
pub fn start(app: App) -> Jobs {
    let (stop, stopped) = watch::channel(false);
    let outbox =
        repeat(app.clone(), stopped.clone(), OUTBOX_EVERY, |app| async move { outbox::deliver_due(&app).await });
    let calendar = repeat(app, stopped, CALENDAR_EVERY, |app| async move { nightly::run_due(&app).await });
    Jobs { stop, tasks: vec![outbox, calendar] }
}

impl Jobs {
    /// Lets each job finish what it is at.
    pub async fn stop(self) {
        // Nobody listening means that every job has ended.
        let _ended = self.stop.send(true);
        for task in self.tasks {
            if let Err(why) = task.await {
                tracing::error!(%why, "a job ended badly");
            }
        }
    }
}

fn repeat<F, W>(app: App, mut stopped: watch::Receiver<bool>, every: Duration, work: W) -> JoinHandle<()>
where
    W: Fn(App) -> F + Send + 'static,
    F: Future<Output = anyhow::Result<()>> + Send,
{
    tokio::spawn(async move {
        loop {
            if let Err(why) = work(app.clone()).await {
                tracing::warn!(%why, "a job is tried again later");
            }
            tokio::select! {
                () = sleep(every) => {}
                _ = stopped.changed() => return,
            }
        }
    })
}

/// Every tenant, in pages.
pub(crate) async fn tenants(app: &App) -> anyhow::Result<Vec<db::tenant::Tenant>> {
    const PAGE: u32 = 200;
    let mut all: Vec<db::tenant::Tenant> = Vec::new();
    loop {
        let page = db::tenant::list(&app.db, all.last().map(|tenant| &tenant.id), PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}
