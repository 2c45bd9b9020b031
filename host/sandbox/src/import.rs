//! Posts a whole file of baskets: many at a time, and those of one household one after the other.

use crate::{
    answer::Answer,
    backoff::Backoff,
    baskets::{Basket, BasketError},
    receipt::{NewMember, Receipt, Return, Where, business_at, card_of, phone_of},
    summary::{Refusal, Summary},
    till::{Till, TillError},
};
use std::{
    collections::HashSet,
    future::Future,
    hash::{DefaultHasher, Hash, Hasher},
    num::NonZeroU64,
};
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    task::JoinSet,
    time::sleep,
};

/// How many baskets wait for one worker: enough that a busy household does not stop the others.
const WAITING_MAX: usize = 64;

/// How the households of the baskets become members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Members {
    /// Registered with card `H` and household, just before their first receipt.
    #[default]
    Register,
    /// They are members already.
    Known,
}

/// How to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// How many requests are under way at once.
    pub concurrency: usize,
    /// The till that every receipt names; its store is the basket's own.
    pub till: String,
    /// How households become members.
    pub members: Members,
    /// Every so-many-th receipt of the file is returned in full, right after its sale.
    pub return_every: Option<NonZeroU64>,
    /// How to ask again.
    pub backoff: Backoff,
}

impl Default for Import {
    /// 64 under way, which fills the host's batches; every household registers; nothing comes back.
    fn default() -> Self {
        let till = "import".into();
        Self { concurrency: 64, till, members: Members::Register, return_every: None, backoff: Backoff::default() }
    }
}

/// Why an import ended early. What was posted stays; run it again and the same keys go on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read further.
    #[error(transparent)]
    Basket(#[from] BasketError),
    /// The host gave no answer, however often it was asked.
    #[error("request {key} was not answered after {tries} tries")]
    Unanswered {
        /// The idempotency key it was sent under.
        key: String,
        /// How often it was sent.
        tries: u32,
        /// The last failure.
        source: TillError,
    },
    /// A worker ended without a word.
    #[error("a worker stopped before its baskets were posted")]
    Stopped,
}

struct Job {
    basket: Basket,
    give_back: bool,
}

type Done = Result<Summary, ImportError>;

/// Posts every basket with a key of kind `import` and adds up what the host answers.
///
/// Receipts of one household arrive in the order of the file, each after the one before was answered.
/// Keys are `basket-<id>`, `member-<card>` and `return-<id>`, so importing twice changes nothing.
/// `progress` is called after each basket. A refused receipt is counted and the import goes on.
///
/// # Errors
/// [`ImportError`] if the file breaks off or the host stays silent.
pub async fn import(
    baskets: impl Iterator<Item = Result<Basket, BasketError>>,
    till: &Till,
    options: &Import,
    mut progress: impl FnMut(&Summary),
) -> Result<Summary, ImportError> {
    let began = till.now();
    let mut summary = Summary::default();
    let (outbox, mut answers) = channel(WAITING_MAX);
    // Dropping the set, here or on an error, stops the workers.
    let mut workers = JoinSet::new();
    let inboxes = start_workers(&mut workers, &outbox, till, options);
    drop(outbox);
    let collect = async {
        while let Some(done) = answers.recv().await {
            summary.add(done?);
            summary.took = till.now().saturating_sub(began);
            progress(&summary);
        }
        Ok(())
    };
    tokio::try_join!(deal(baskets, inboxes, options), collect)?;
    while let Some(ended) = workers.join_next().await {
        ended.map_err(|_| ImportError::Stopped)?;
    }
    Ok(summary)
}

fn start_workers(workers: &mut JoinSet<()>, outbox: &Sender<Done>, till: &Till, options: &Import) -> Vec<Sender<Job>> {
    let start = |_| {
        let (inbox, jobs) = channel(WAITING_MAX);
        let post = Post { till: till.clone(), options: options.clone(), members: HashSet::new() };
        workers.spawn(post.work(jobs, outbox.clone()));
        inbox
    };
    (0..options.concurrency.max(1)).map(start).collect()
}

/// Gives each basket to the worker of its household; taking `inboxes`, it lets them end with the file.
async fn deal(
    baskets: impl Iterator<Item = Result<Basket, BasketError>>,
    inboxes: Vec<Sender<Job>>,
    options: &Import,
) -> Result<(), ImportError> {
    for (place, basket) in (1_u64..).zip(baskets) {
        let basket = basket?;
        let give_back = options.return_every.is_some_and(|every| place.is_multiple_of(every.get()));
        let inbox = inboxes.get(shard(&basket.household, inboxes.len())).ok_or(ImportError::Stopped)?;
        if inbox.send(Job { basket, give_back }).await.is_err() {
            // The worker has said why, or died; whoever collects finds out.
            break;
        }
    }
    Ok(())
}

fn shard(household: &str, shards: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    household.hash(&mut hasher);
    (hasher.finish() % shards.max(1) as u64) as usize
}

/// One worker: posts the baskets of its households in order.
struct Post {
    till: Till,
    options: Import,
    members: HashSet<String>,
}

impl Post {
    async fn work(mut self, mut jobs: Receiver<Job>, outbox: Sender<Done>) {
        while let Some(job) = jobs.recv().await {
            let done = self.post(&job).await;
            let failed = done.is_err();
            if outbox.send(done).await.is_err() || failed {
                return;
            }
        }
    }

    async fn post(&mut self, job: &Job) -> Done {
        let mut part = Summary::default();
        let at = Where { store: job.basket.store.clone(), till: self.options.till.clone() };
        if self.options.members == Members::Register && self.members.insert(job.basket.household.clone()) {
            self.register(&job.basket, &at, &mut part).await?;
        }
        if self.sell(&job.basket, &at, &mut part).await? && job.give_back {
            self.give_back(&job.basket, at, &mut part).await?;
        }
        Ok(part)
    }

    async fn register(&self, basket: &Basket, at: &Where, part: &mut Summary) -> Result<(), ImportError> {
        let card = card_of(&basket.household);
        let key = format!("member-{card}");
        let phone = phone_of(&basket.household);
        let member = NewMember { phone, card, at: Some(at.clone()), business_at: Some(business_at(basket)) };
        if let Some(answer) = self.until_answered(&key, part, || self.till.register(&key, &member)).await? {
            part.members += 1;
            part.count_gifts(&answer);
        }
        Ok(())
    }

    async fn sell(&self, basket: &Basket, at: &Where, part: &mut Summary) -> Result<bool, ImportError> {
        let key = format!("basket-{}", basket.basket);
        let receipt = Receipt::of_basket(basket, Some(at.clone()));
        let send = || async {
            let reply = self.till.send_receipt(&key, &receipt).await?;
            Ok((reply.read::<Answer>()?, reply.body))
        };
        let answered = self.until_answered(&key, part, send).await?;
        if let Some((answer, bytes)) = &answered {
            part.count_receipt(answer, bytes);
        }
        Ok(answered.is_some())
    }

    async fn give_back(&self, basket: &Basket, at: Where, part: &mut Summary) -> Result<(), ImportError> {
        let key = format!("return-{}", basket.basket);
        let business_at = Some(business_at(basket));
        let whole = Return { return_id: key.clone(), at: Some(at), business_at, lines: None };
        let send = || self.till.post_return(&key, &basket.basket, &whole);
        if let Some(answer) = self.until_answered(&key, part, send).await? {
            part.returns += 1;
            part.points_returned += answer.points_earned();
        }
        Ok(())
    }

    /// Sends until there is an answer; none if the host refused for good.
    async fn until_answered<T, F>(
        &self,
        key: &str,
        part: &mut Summary,
        send: impl Fn() -> F,
    ) -> Result<Option<T>, ImportError>
    where
        F: Future<Output = Result<T, TillError>>,
    {
        let backoff = self.options.backoff;
        let mut tries = 1;
        loop {
            match send().await {
                Ok(answer) => return Ok(Some(answer)),
                Err(error) if error.is_passing() && tries < backoff.tries_max => {
                    part.retries += 1;
                    sleep(backoff.wait(tries)).await;
                    tries += 1;
                }
                Err(TillError::Refused { status, problem }) if status < 500 => {
                    part.refused += 1;
                    part.refusals.push(Refusal { key: key.to_owned(), status, problem });
                    return Ok(None);
                }
                Err(source) => return Err(ImportError::Unanswered { key: key.to_owned(), tries, source }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        baskets::Baskets,
        fake_host::{FakeHost, Moment, Seen, Told, test_clock},
        summary::REFUSALS_KEPT_MAX,
    };
    use serde_json::{Value, json};
    use std::{collections::BTreeMap, time::Duration};

    const BASKETS: usize = 400;

    fn some() -> anyhow::Result<Vec<Basket>> {
        Ok(Baskets::shipped()?.take(BASKETS).collect::<Result<_, _>>()?)
    }

    /// The same baskets as if twenty households had carried them, so that each comes often.
    fn of_few_households(baskets: Vec<Basket>) -> Vec<Basket> {
        let moved = |(place, basket): (usize, Basket)| Basket { household: (place % 20).to_string(), ..basket };
        baskets.into_iter().enumerate().map(moved).collect()
    }

    fn patient() -> Backoff {
        Backoff { first: Duration::from_millis(1), most: Duration::from_millis(4), tries_max: 40 }
    }

    fn quick() -> Import {
        Import { concurrency: 16, backoff: Backoff { tries_max: 4, ..patient() }, ..Import::default() }
    }

    /// Members get a voucher and 30 points, receipts 2 points, returns take them back.
    fn answer(request: &Seen) -> Value {
        let asked = |kind: &str| json!([{"policy": "p", "rule": "r", "kind": kind, "text": ""}]);
        let (earned, effects) = match request.key().split_once('-') {
            Some(("member", _)) => (30, asked("voucher")),
            Some(("return", _)) => (-2, json!([])),
            _ if request.json().get("total_fen").and_then(Value::as_i64) > Some(10_000) => (2, asked("tier")),
            _ => (2, json!([])),
        };
        json!({"points": {"earned": earned}, "effects": effects})
    }

    /// Which requests each household should have made, in order.
    fn journeys(baskets: &[Basket], return_every: usize) -> BTreeMap<&str, Vec<String>> {
        let mut journeys = BTreeMap::<&str, Vec<String>>::new();
        for (place, basket) in (1..).zip(baskets) {
            let journey = journeys.entry(&basket.household).or_default();
            if journey.is_empty() {
                journey.push(format!("member-{}", card_of(&basket.household)));
            }
            journey.push(format!("basket-{}", basket.basket));
            if place % return_every == 0 {
                journey.push(format!("return-{}", basket.basket));
            }
        }
        journeys
    }

    /// What [`answer`] adds up to over the baskets, every tenth returned.
    fn expected(baskets: &[Basket], members: usize) -> Summary {
        Summary {
            receipts: baskets.len() as u64,
            returns: baskets.len() as u64 / 10,
            members: members as u64,
            points: 2 * baskets.len() as i64 + 30 * members as i64,
            points_returned: -2 * (baskets.len() as i64 / 10),
            vouchers: members as u64,
            tier_ups: baskets.iter().filter(|b| b.total_fen() > 10_000).count() as u64,
            ..Summary::default()
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn each_household_is_served_in_order_through_refusals_and_hang_ups() -> anyhow::Result<()> {
        let host = FakeHost::start(|number, request| match number % 10 {
            3 => Told::Reply(503, Value::Null),
            7 => Told::HangUp,
            _ => Told::Reply(200, answer(request)),
        })
        .await?;
        let baskets = of_few_households(some()?);
        let mut calls = 0;
        let options = Import { return_every: NonZeroU64::new(10), backoff: patient(), ..quick() };
        let all = baskets.iter().cloned().map(Ok);
        let summary = import(all, &host.till(test_clock())?, &options, |_| calls += 1).await?;
        let journeys = journeys(&baskets, 10);
        let brought = expected(&baskets, journeys.len());
        assert_eq!(
            (Summary { retries: 0, took: Duration::ZERO, answers: [0; 32], ..summary }, calls),
            (brought, BASKETS)
        );
        let moments = host.moments();
        for (household, journey) in journeys {
            assert_eq!(told_in_order(&moments, &journey), journey, "household {household}");
        }
        Ok(())
    }

    /// The keys that were answered with 200, or the first that was sent while another was still open.
    fn told_in_order(moments: &[Moment], journey: &[String]) -> Vec<String> {
        let mut answered = Vec::new();
        for moment in moments {
            match moment {
                Moment::In(key) if journey.contains(key) && journey.get(answered.len()) != Some(key) => {
                    return vec![format!("{key} came too early")];
                }
                Moment::Out(key, 200) if journey.contains(key) => answered.push(key.clone()),
                _ => {}
            }
        }
        answered
    }

    /// Receipts earn a point for each yuan; the sums are those of `tests/recompute.py` over the same file.
    #[tokio::test(flavor = "multi_thread")]
    async fn the_shipped_baskets_bring_what_another_program_computed() -> anyhow::Result<()> {
        let host = FakeHost::start(|_, request| {
            let total = request.json().get("total_fen").and_then(Value::as_i64);
            let earned = total.map_or(30, |fen| fen / 100);
            Told::Reply(200, json!({"points": {"earned": earned}}))
        })
        .await?;
        let summary = import(Baskets::shipped()?, &host.till(test_clock())?, &Import::default(), |_| ()).await?;
        assert_eq!((summary.receipts, summary.members, summary.points), (5_764, 1_683, 223_810));
        assert_eq!(host.moments().len(), 2 * (5_764 + 1_683));
        Ok(())
    }

    #[tokio::test]
    async fn a_receipt_names_store_and_till_and_keeps_its_key() -> anyhow::Result<()> {
        let host = FakeHost::start(|number, _| Told::Reply(if number < 2 { 503 } else { 200 }, json!({}))).await?;
        let basket = some()?.into_iter().next().ok_or_else(|| anyhow::anyhow!("no basket"))?;
        let options = Import { members: Members::Known, till: "t-9".into(), ..quick() };
        let summary = import([Ok(basket.clone())].into_iter(), &host.till(test_clock())?, &options, |_| ()).await?;
        let seen = host.seen();
        let bodies: Vec<_> = seen.iter().map(|request| (request.key(), request.json())).collect();
        let at = Where { store: basket.store.clone(), till: "t-9".into() };
        let sent = serde_json::to_value(Receipt::of_basket(&basket, Some(at)))?;
        let key = format!("basket-{}", basket.basket);
        assert_eq!(bodies, vec![(key.as_str(), sent); 3]);
        assert_eq!((summary.receipts, summary.retries, summary.members), (1, 2, 0));
        Ok(())
    }

    #[tokio::test]
    async fn a_refused_receipt_is_counted_and_the_rest_goes_on() -> anyhow::Result<()> {
        let problem = json!({"code": "receipt.total", "title": "t", "detail": "d"});
        let host = FakeHost::start(move |number, request| match number % 2 {
            0 => Told::Reply(422, problem.clone()),
            _ => Told::Reply(200, answer(request)),
        })
        .await?;
        let options = Import { members: Members::Known, return_every: NonZeroU64::new(1), concurrency: 1, ..quick() };
        let baskets = some()?.into_iter().take(60).map(Ok);
        let summary = import(baskets, &host.till(test_clock())?, &options, |_| ()).await?;
        // The first sale is refused and not given back; after it every sale is taken and its return refused.
        assert_eq!((summary.receipts, summary.returns, summary.refused), (59, 0, 60));
        assert_eq!(summary.refusals.len(), REFUSALS_KEPT_MAX);
        let codes: HashSet<_> = summary.refusals.iter().map(|r| (r.status, r.problem.code.as_str())).collect();
        assert_eq!(codes, HashSet::from([(422, "receipt.total")]));
        Ok(())
    }

    #[tokio::test]
    async fn a_silent_host_ends_the_import_with_the_key_it_stopped_at() -> anyhow::Result<()> {
        let host = FakeHost::start(|_, _| Told::Reply(503, Value::Null)).await?;
        let options = Import { concurrency: 1, ..quick() };
        let baskets = some()?;
        let card = baskets.first().map(|basket| card_of(&basket.household)).unwrap_or_default();
        let ended = import(baskets.into_iter().map(Ok), &host.till(test_clock())?, &options, |_| ()).await;
        let said = ended.err().map(|e| e.to_string());
        assert_eq!(said, Some(format!("request member-{card} was not answered after 4 tries")));
        Ok(())
    }

    #[tokio::test]
    async fn a_broken_file_ends_the_import_with_its_line() -> anyhow::Result<()> {
        let host = FakeHost::start(|_, request| Told::Reply(200, answer(request))).await?;
        let broken = Baskets::new("{}\n".as_bytes())?;
        let ended = import(broken, &host.till(test_clock())?, &quick(), |_| ()).await;
        assert!(matches!(ended, Err(ImportError::Basket(e)) if e.to_string().starts_with("line 1: not a basket")));
        Ok(())
    }
}
