//! P8: how fast stored decisions are made again, against how fast the engine alone answers the same questions.

use crate::{
    Effort,
    cases::cases,
    path::{demo_policies, demo_settings},
    rounds::Rounds,
    table::{Table, Target},
};
use anyhow::{Context as _, Result, ensure};
use cpu_time::ProcessTime;
use engine::Rulebook;
use ledger::{Event, Facts, Receipt};
use punchcard::{apply::apply_event, record::Record, replay, tenants::Tenants};
use std::{hint::black_box, sync::Arc};
use tests::TestApp;
use tokio::task::JoinSet;

const MEMBERS: usize = 100;
/// Acts under way while the decisions are made that are replayed.
const SELLING: usize = 64;
/// The most decisions there are.
const PAGE: u32 = 20_000;

async fn sell(app: &TestApp, receipts: usize) -> Result<()> {
    let mut members = Vec::new();
    for n in 0..MEMBERS {
        members.push(app.member(&format!("m{n}")).await);
    }
    let (cases, mut running) = (cases(&[])?, JoinSet::new());
    for n in 0..receipts {
        if running.len() == SELLING {
            running.join_next().await.context("a task")???;
        }
        let receipt = Receipt { receipt: format!("R-{n}"), ..cases[n % cases.len()].receipt().clone() };
        let (app, asked) = (app.app.clone(), app.receipt(&receipt, &members[n % MEMBERS]));
        running.spawn(async move { apply_event(&app, asked).await.map(drop).map_err(anyhow::Error::from) });
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    Ok(())
}

/// Every question that was put to a rulebook, read and decoded.
async fn questions(app: &TestApp, known: &mut Tenants) -> Result<Vec<(Facts, Event, i64)>> {
    let mut found = Vec::new();
    for row in db::audit::decisions(&app.app.db, &app.tenant, None, PAGE).await? {
        let record: Record = serde_json::from_str(&row.record)?;
        for asked in record.asked {
            known.fetch(&app.app.db, &app.app.engine, &app.tenant, asked.rulebook).await?;
            found.push((asked.facts, asked.event, asked.rulebook));
        }
    }
    Ok(found)
}

/// Adds P8's row.
pub async fn measure(table: &mut Table, effort: Effort) -> Result<()> {
    let app = TestApp::with(&demo_policies()?, &demo_settings()).await;
    sell(&app, effort.pick(200, 4_000, 10_000)).await?;
    let mut known = Tenants::new(Arc::clone(&app.app.sealer));
    let questions = questions(&app, &mut known).await?;
    let version = questions.last().context("a decision")?.2;
    let ruled = known.past(&app.tenant, version).context("a rulebook")?;
    let (mut replayed, mut ceiling) = (Rounds::default(), Rounds::default());
    for _ in 0..effort.pick(2, 7, 11) {
        let before = ProcessTime::now();
        let done = replay::all(&app.app.db, &app.app.engine, &mut known, &app.tenant, |_| {}).await?;
        ensure!(done.differs.is_none() && done.questions == questions.len() as u64, "{done:?}");
        let between = ProcessTime::now();
        evaluate(&app, &ruled.rulebook, &questions)?;
        let after = ProcessTime::now();
        replayed.add_figure(questions.len() as f64 / between.duration_since(before).as_secs_f64());
        ceiling.add_figure(questions.len() as f64 / after.duration_since(between).as_secs_f64());
    }
    table.number(
        "P8",
        "replay, of the engine alone on the same questions, a processor second each",
        format!("{:.0} against {:.0} questions, 4 policies, compared byte for byte", replayed.p50(), ceiling.p50()),
        (replayed.over(&ceiling) * 100.0, "%"),
        Target::AtLeast(50.0),
    );
    Ok(())
}

fn evaluate(app: &TestApp, book: &Rulebook, questions: &[(Facts, Event, i64)]) -> Result<()> {
    for (facts, event, _) in questions {
        black_box(app.app.engine.evaluate(book, facts, event)?);
    }
    Ok(())
}
