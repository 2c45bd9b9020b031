//! Sends receipts as fast as the host answers: for benches, and for tests that break the host meanwhile.

use crate::{
    answer::Answer,
    histogram::Histogram,
    history::{History, HistoryLine, Outcome},
    receipt::Receipt,
    till::{Till, TillError},
};
use sha2::{Digest as _, Sha256};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::sleep};

/// When a load run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// After so many requests of all clients together.
    Count(u64),
    /// When so much time has passed on the till's clock; what is under way is waited for.
    Elapsed(Duration),
}

/// What a client does when nobody listens any more, or the host is not ready to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenLost {
    /// It ends when nobody listens, as after a kill.
    End,
    /// It waits so long and goes on with the next request, as over a restart.
    Wait(Duration),
}

/// How much load, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Each has one request under way at a time.
    pub clients: usize,
    /// When it ends.
    pub until: Until,
    /// What happens when the host is gone.
    pub when_lost: WhenLost,
}

/// One request of a load run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shot {
    /// The idempotency key; give it again to send the same twice.
    pub key: String,
    /// What was bought.
    pub receipt: Receipt,
}

/// What a load run saw.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadReport {
    /// Answered.
    pub ok: u64,
    /// Refused, or never sent.
    pub failed: u64,
    /// Nobody knows.
    pub unknown: u64,
    /// Points given by all answers; an answer given twice counts twice.
    pub earned: i64,
    /// How long the answered requests took.
    pub answered_in: Histogram,
    /// From the first request to the last answer.
    pub took: Duration,
}

impl LoadReport {
    /// Answers per second, rounded down.
    pub fn per_second(&self) -> u64 {
        let rate = u128::from(self.ok) * 1_000_000 / self.took.as_micros().max(1);
        u64::try_from(rate).unwrap_or(u64::MAX)
    }

    /// Half of the answers took no longer.
    pub fn p50(&self) -> Duration {
        self.answered_in.permille(500)
    }

    /// Ninety-nine of a hundred answers took no longer.
    pub fn p99(&self) -> Duration {
        self.answered_in.permille(990)
    }

    fn add(&mut self, other: &Self) {
        self.ok += other.ok;
        self.failed += other.failed;
        self.unknown += other.unknown;
        self.earned += other.earned;
        self.answered_in.merge(&other.answered_in);
    }
}

/// Runs a load: `shot` makes the n-th request, counted from 0, and each number is used once.
///
/// With a history, every request is on record before it is sent and again when it ends.
///
/// # Errors
/// If the history cannot be written, or a client ended without a report.
pub async fn run_load(
    till: &Till,
    load: &Load,
    shot: impl Fn(u64) -> Shot + Send + Sync + 'static,
    history: Option<Arc<History>>,
) -> io::Result<LoadReport> {
    let began = till.now();
    let shared = Arc::new(Shared { next: AtomicU64::new(0), shot: Box::new(shot), history });
    let mut running = JoinSet::new();
    for number in 0..load.clients.max(1) {
        let client = Client { number, till: till.clone(), load: *load, began, shared: shared.clone() };
        running.spawn(client.run());
    }
    let mut report = LoadReport::default();
    while let Some(ended) = running.join_next().await {
        report.add(&ended.map_err(io::Error::other)??);
    }
    report.took = till.now().saturating_sub(began);
    Ok(report)
}

struct Shared {
    next: AtomicU64,
    shot: Box<dyn Fn(u64) -> Shot + Send + Sync>,
    history: Option<Arc<History>>,
}

/// What a history notes of an answer.
#[derive(Default)]
struct Said {
    earned: Option<i64>,
    reply: Option<String>,
    error: Option<String>,
}

impl Said {
    fn no(error: &TillError) -> Self {
        Self { error: Some(error.to_string()), ..Self::default() }
    }
}

struct Client {
    number: usize,
    till: Till,
    load: Load,
    began: Duration,
    shared: Arc<Shared>,
}

impl Client {
    async fn run(self) -> io::Result<LoadReport> {
        let mut report = LoadReport::default();
        while let Some(n) = self.next() {
            let shot = (self.shared.shot)(n);
            self.record(&shot, Outcome::Invoke, Said::default())?;
            let sent = self.till.now();
            let reply = self.till.send_receipt(&shot.key, &shot.receipt).await;
            let took = self.till.now().saturating_sub(sent);
            let digest = reply.as_ref().ok().map(|reply| hex::encode(Sha256::digest(&reply.body)));
            let answer = reply.and_then(|reply| reply.read::<Answer>());
            self.judge(&shot, &answer, digest, took, &mut report)?;
            match (self.load.when_lost, answer) {
                (WhenLost::End, Err(TillError::Unreachable(_))) => break,
                (WhenLost::Wait(pause), Err(error)) if error.is_passing() => sleep(pause).await,
                _ => {}
            }
        }
        Ok(report)
    }

    /// The number of the next request, unless the run is over.
    fn next(&self) -> Option<u64> {
        let over =
            matches!(self.load.until, Until::Elapsed(most) if self.till.now().saturating_sub(self.began) >= most);
        if over {
            return None;
        }
        let n = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let beyond = matches!(self.load.until, Until::Count(count) if n >= count);
        (!beyond).then_some(n)
    }

    fn judge(
        &self,
        shot: &Shot,
        answer: &Result<Answer, TillError>,
        reply: Option<String>,
        took: Duration,
        report: &mut LoadReport,
    ) -> io::Result<()> {
        match answer {
            Ok(answer) => {
                report.ok += 1;
                report.earned += answer.points_earned();
                report.answered_in.add(took);
                self.record(shot, Outcome::Ok, Said { earned: Some(answer.points_earned()), reply, error: None })
            }
            Err(error) if error.may_have_acted() => {
                report.unknown += 1;
                self.record(shot, Outcome::Info, Said::no(error))
            }
            Err(error) => {
                report.failed += 1;
                self.record(shot, Outcome::Fail, Said::no(error))
            }
        }
    }

    fn record(&self, shot: &Shot, outcome: Outcome, said: Said) -> io::Result<()> {
        let Some(history) = &self.shared.history else { return Ok(()) };
        history.write(&HistoryLine {
            at_us: u64::try_from(self.till.now().as_micros()).unwrap_or(u64::MAX),
            client: self.number,
            key: shot.key.clone(),
            receipt: shot.receipt.receipt.clone(),
            outcome,
            earned: said.earned,
            reply: said.reply,
            error: said.error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        baskets::Baskets,
        fake_host::{FakeHost, Told, test_clock},
        history::{Claim, claims, read_history},
    };
    use serde_json::{Value, json};
    use std::{collections::BTreeSet, fs::File, io::BufReader};

    fn shots() -> anyhow::Result<impl Fn(u64) -> Shot + Send + Sync + 'static> {
        let basket = Baskets::shipped()?.next().ok_or_else(|| anyhow::anyhow!("no basket"))??;
        let receipt = Receipt::of_basket(&basket, None);
        Ok(move |n| Shot { key: format!("k-{n}"), receipt: receipt.clone() })
    }

    fn load(until: Until) -> Load {
        Load { clients: 8, until, when_lost: WhenLost::End }
    }

    /// Every fifth request is refused, every seventh is cut off.
    async fn unruly() -> io::Result<FakeHost> {
        FakeHost::start(|number, _| match (number % 5, number % 7) {
            (4, _) => Told::Reply(422, Value::Null),
            (_, 6) => Told::HangUp,
            _ => Told::Reply(200, json!({"points": {"earned": 3}})),
        })
        .await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_history_claims_what_the_host_said() -> anyhow::Result<()> {
        let host = unruly().await?;
        let path = std::env::temp_dir().join(format!("punchcard-history-{}.jsonl", std::process::id()));
        let history = Arc::new(History::new(File::create(&path)?));
        let report = run_load(&host.till(test_clock())?, &load(Until::Count(210)), shots()?, Some(history)).await?;
        let lines = read_history(BufReader::new(File::open(&path)?))?;
        std::fs::remove_file(&path)?;
        // Of 35 numbers in a row 7 are refused and 4 of the others are cut off.
        assert_eq!((report.ok, report.failed, report.unknown, report.earned), (144, 42, 24, 432));
        assert_eq!((lines.len(), report.answered_in.count()), (420, 144));
        let claims = claims(&lines)?;
        let count = |claim| claims.values().filter(|c| **c == claim).count();
        assert_eq!([Claim::Must(3), Claim::MustNot, Claim::May].map(count), [144, 42, 24]);
        assert!(report.p50() > Duration::ZERO && report.p50() <= report.p99() && report.per_second() > 0);
        Ok(())
    }

    #[tokio::test]
    async fn a_run_by_the_clock_ends_and_uses_each_number_once() -> anyhow::Result<()> {
        let host = FakeHost::start(|_, _| Told::Reply(200, json!({}))).await?;
        // The test's clock moves with every look at it, so this is some hundred looks.
        let until = Until::Elapsed(Duration::from_millis(300));
        let report = run_load(&host.till(test_clock())?, &load(until), shots()?, None).await?;
        let keys: BTreeSet<_> = host.seen().iter().map(|seen| seen.key().to_owned()).collect();
        assert!(report.ok > 8 && report.ok < 300, "{} answers", report.ok);
        assert_eq!(keys.len() as u64, report.ok);
        Ok(())
    }

    #[tokio::test]
    async fn clients_end_or_wait_when_nobody_listens() -> anyhow::Result<()> {
        let host = FakeHost::start(|_, _| Told::HangUp).await?;
        let credential = crate::Credential { key: "k".into(), secret: wechat::Secret::new("s") };
        drop(host);
        let gone = Till::new("http://127.0.0.1:1", credential, test_clock(), crate::counted_nonces("test"))?;
        let ended = run_load(&gone, &load(Until::Count(100)), shots()?, None).await?;
        assert_eq!((ended.failed, ended.ok), (8, 0), "one try of each client");
        let waiting = Load { when_lost: WhenLost::Wait(Duration::from_millis(1)), ..load(Until::Count(100)) };
        assert_eq!(run_load(&gone, &waiting, shots()?, None).await?.failed, 100);
        Ok(())
    }
}
