//! A shop under load: a few members, and receipts that follow from their number alone.

use super::Dice;
use anyhow::Context as _;
use punchcard::clock::Clock;
use sandbox::{
    Claim, Credential, History, HistoryLine, Load, LoadReport, MemberRef, NewMember, Nonces, Payment, Receipt,
    ReceiptLine, Shot, Till, TillLimits, Until, WhenLost, claims, counted_nonces, read_history, run_load,
};
use serde_json::Value;
use std::{
    fs::{File, OpenOptions},
    io::{BufReader, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use wechat::Secret;

/// Members who buy: few, so that every receipt meets others of the same member.
const MEMBERS: u64 = 5;
/// Receipts under way at the same time.
const CLIENTS: usize = 8;
/// Of a hundred requests, so many repeat an earlier one under its key.
const REPEATED: u64 = 25;
/// Half of the repetitions are of one of the last so many: their first may still be under way.
const RECENT: u64 = 16;
/// The longest wait for an answer; a host that hangs is a finding.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// The time since 1970-01-01 UTC: read once, then monotonic.
pub fn now() -> Duration {
    static START: OnceLock<(Duration, Instant)> = OnceLock::new();
    let read = || (Duration::from_millis(Clock::System.now().get().unsigned_abs()), Instant::now());
    let (at, running) = START.get_or_init(read);
    *at + running.elapsed()
}

/// One till of one shop and what was asked so far. Clones share it.
#[derive(Clone)]
pub struct Scene(Arc<Inner>);

struct Inner {
    seed: u64,
    business_at: String,
    credential: Credential,
    nonces: Nonces,
    next: AtomicU64,
    history: Arc<History>,
    path: PathBuf,
    read_to: Mutex<u64>,
}

impl Scene {
    /// The scene of a demo, from what it said when it was ready; the history is kept in `dir`.
    ///
    /// # Errors
    /// If it named no till, or the history cannot be written.
    pub fn new(said: &Value, dir: &Path, seed: u64) -> anyhow::Result<Self> {
        let word = |name: &str| {
            let word = said.get("till").and_then(|till| till.get(name)).and_then(Value::as_str);
            word.with_context(|| format!("the demo names no till {name}"))
        };
        let credential = Credential { key: word("key")?.to_owned(), secret: Secret::new(word("secret")?) };
        let path = dir.join("history.jsonl");
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        Ok(Self(Arc::new(Inner {
            seed,
            business_at: Clock::System.now().to_rfc3339(),
            credential,
            nonces: counted_nonces(&format!("faults-{seed:x}-")),
            next: AtomicU64::new(0),
            history: Arc::new(History::new(file)),
            path,
            read_to: Mutex::new(0),
        })))
    }

    /// The till, at this host.
    ///
    /// # Errors
    /// If the address is none.
    pub fn till(&self, url: &str) -> anyhow::Result<Till> {
        let till = Till::new(url, self.0.credential.clone(), Arc::new(now), self.0.nonces.clone())?;
        Ok(till.with_limits(TillLimits { answer_within: ANSWER_WITHIN, ..TillLimits::default() }))
    }

    /// Registers the members.
    ///
    /// # Errors
    /// If the host refuses one.
    pub async fn register(&self, till: &Till) -> anyhow::Result<()> {
        for number in 0..MEMBERS {
            let phone = format!("139{number:08}");
            let member = NewMember { phone, card: card(number), at: None, business_at: None };
            till.register(&format!("join-{number}"), &member).await?;
        }
        Ok(())
    }

    /// Eight clients post receipts, a quarter of them again, until they are to stop.
    ///
    /// # Errors
    /// If the history cannot be written.
    pub async fn load(&self, till: &Till, until: Until, when_lost: WhenLost) -> anyhow::Result<LoadReport> {
        let load = Load { clients: CLIENTS, until, when_lost };
        let scene = self.clone();
        // Numbers are the scene's own, so that several loads at once share them.
        let shot = move |_| scene.shot(scene.0.next.fetch_add(1, Ordering::Relaxed));
        Ok(run_load(till, &load, shot, Some(self.0.history.clone())).await?)
    }

    /// Sends these again, each under its own key.
    ///
    /// # Errors
    /// If the history cannot be written, or a key is none of ours.
    pub async fn send_again(&self, till: &Till, keys: &[String]) -> anyhow::Result<LoadReport> {
        let numbers = keys.iter().map(|key| number(key)).collect::<anyhow::Result<Vec<u64>>>()?;
        let until = Until::Count(u64::try_from(numbers.len())?);
        let load = Load { clients: CLIENTS, until, when_lost: WhenLost::End };
        let scene = self.clone();
        let shot = move |n| {
            let at = usize::try_from(n).unwrap_or(usize::MAX);
            scene.receipt(numbers.get(at).copied().unwrap_or_default())
        };
        Ok(run_load(till, &load, shot, Some(self.0.history.clone())).await?)
    }

    /// What was asked and answered since this was called last.
    ///
    /// # Errors
    /// If the history cannot be read.
    pub fn news(&self) -> anyhow::Result<Vec<HistoryLine>> {
        let mut read_to = self.0.read_to.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = File::open(&self.0.path)?;
        file.seek(SeekFrom::Start(*read_to))?;
        *read_to = file.metadata()?.len();
        Ok(read_history(BufReader::new(file))?)
    }

    /// Everything that was asked and answered.
    ///
    /// # Errors
    /// If the history cannot be read.
    pub fn history(&self) -> anyhow::Result<Vec<HistoryLine>> {
        Ok(read_history(BufReader::new(File::open(&self.0.path)?))?)
    }

    /// The n-th request: a new receipt, or an earlier one again.
    fn shot(&self, n: u64) -> Shot {
        let mut n = n;
        loop {
            let mut dice = Dice::nth(self.0.seed, n);
            if n == 0 || !dice.percent(REPEATED) {
                return self.receipt(n);
            }
            let from = if dice.percent(50) { n.saturating_sub(RECENT) } else { 0 };
            n = dice.within(from..n);
        }
    }

    fn receipt(&self, n: u64) -> Shot {
        let mut dice = Dice::nth(!self.0.seed, n);
        let line = |amount: u64| ReceiptLine {
            sku: format!("sku-{}", amount % 7),
            category: Some("MILK".to_owned()),
            quantity: 1,
            amount_fen: amount.cast_signed(),
            ..ReceiptLine::default()
        };
        let lines: Vec<ReceiptLine> = (0..dice.within(1..4)).map(|_| line(dice.within(100..20_000))).collect();
        let total_fen = lines.iter().map(|line| line.amount_fen).sum();
        let receipt = Receipt {
            receipt: format!("R-{n}"),
            at: None,
            business_at: self.0.business_at.clone(),
            member: Some(MemberRef::Card(card(dice.within(0..MEMBERS)))),
            lines,
            total_fen,
            payments: vec![Payment { method: "cash".to_owned(), amount_fen: total_fen }],
            vouchers: Vec::new(),
            redeem_points: None,
            deadline_ms: None,
        };
        Shot { key: format!("k-{n}"), receipt }
    }
}

fn card(number: u64) -> String {
    format!("F{number:03}")
}

fn number(key: &str) -> anyhow::Result<u64> {
    let number = key.strip_prefix("k-").and_then(|number| number.parse().ok());
    number.with_context(|| format!("{key} is no key of this scene"))
}

/// The keys whose outcome nobody knows.
///
/// # Errors
/// If one key was answered in two ways.
pub fn unknown(history: &[HistoryLine]) -> anyhow::Result<Vec<String>> {
    let claims = claims(history)?;
    Ok(claims.into_iter().filter(|(_, claim)| *claim == Claim::May).map(|(key, _)| key).collect())
}
