//! A till: it signs what it posts and understands what it is told.

mod error;

pub use error::TillError;

use crate::{
    answer::{Answer, BatchItem},
    receipt::{Batched, NewMember, Receipt, Return, Where},
    sign::{Signed, sign},
};
use error::{unsent, unwritable};
use reqwest::{Client, Method, RequestBuilder, Response, Url, header::CONTENT_TYPE};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fmt,
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use wechat::Secret;

/// Tells the time since 1970-01-01 UTC.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Gives a nonce that was never given before.
pub type Nonces = Arc<dyn Fn() -> String + Send + Sync>;

/// How long a nonce is, in characters.
const NONCE_CHARS: RangeInclusive<usize> = 16..=64;

const RECEIPTS: &str = "/api/v1/pos/receipts";
const BATCH: &str = "/api/v1/pos/receipts/batch";
const MEMBERS: &str = "/api/v1/pos/members";

/// Counts nonces: what names the run, then sixteen hex digits.
///
/// `run` must differ between runs against one host and have at most 48 characters.
pub fn counted_nonces(run: &str) -> Nonces {
    let run = run.to_owned();
    let given = AtomicU64::new(0);
    Arc::new(move || format!("{run}{:016x}", given.fetch_add(1, Ordering::Relaxed)))
}

/// What the console showed when the till was set up.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Names the key.
    pub key: String,
    /// Signs with it.
    pub secret: Secret,
}

/// What a till puts up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TillLimits {
    /// How long it waits for an answer.
    pub answer_within: Duration,
    /// The longest answer it reads: a batch of 50 with reasons stays far below.
    pub answer_bytes_max: usize,
}

impl Default for TillLimits {
    fn default() -> Self {
        Self { answer_within: Duration::from_secs(30), answer_bytes_max: 8 << 20 }
    }
}

/// An answer as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The bytes.
    pub body: Vec<u8>,
}

impl Reply {
    /// Reads a 2xx answer.
    ///
    /// # Errors
    /// [`TillError::Refused`] for any other status, [`TillError::BadAnswer`] if the body has another form.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, TillError> {
        if (200..300).contains(&self.status) {
            return serde_json::from_slice(&self.body).map_err(TillError::BadAnswer);
        }
        // A proxy's error page is no problem document: the status must do.
        let problem = serde_json::from_slice(&self.body).unwrap_or_default();
        Err(TillError::Refused { status: self.status, problem })
    }
}

/// One till, or an import that speaks for all of them. Cloning is cheap and shares the connections.
#[derive(Clone)]
pub struct Till {
    http: Client,
    host: Url,
    credential: Credential,
    limits: TillLimits,
    clock: Clock,
    nonces: Nonces,
}

impl fmt::Debug for Till {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Till")
            .field("host", &self.host.as_str())
            .field("key", &self.credential.key)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct BatchBody<'a> {
    items: &'a [Batched],
}

#[derive(Deserialize)]
struct BatchAnswer {
    items: Vec<BatchItem>,
}

impl Till {
    /// A till that knows where the host is, for example `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// [`TillError::BadAddress`] if that is no plain HTTP address.
    pub fn new(host: &str, credential: Credential, clock: Clock, nonces: Nonces) -> Result<Self, TillError> {
        let bad = || TillError::BadAddress(host.to_owned());
        let url = Url::parse(host).map_err(|_| bad())?;
        if url.scheme() != "http" {
            return Err(bad());
        }
        // A proxy or a redirect would make the request another one than was signed.
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let http = client.build().map_err(unwritable)?;
        Ok(Self { http, host: url, credential, limits: TillLimits::default(), clock, nonces })
    }

    /// The same till with other limits.
    pub fn with_limits(self, limits: TillLimits) -> Self {
        Self { limits, ..self }
    }

    /// The time on the till's clock since 1970-01-01 UTC.
    pub fn now(&self) -> Duration {
        (self.clock)()
    }

    /// Posts a final receipt.
    ///
    /// # Errors
    /// [`TillError`]; under the same key the receipt can be posted again until an answer comes.
    pub async fn post_receipt(&self, key: &str, receipt: &Receipt) -> Result<Answer, TillError> {
        self.send_receipt(key, receipt).await?.read()
    }

    /// Posts a final receipt and gives the answer's bytes, for whoever compares them.
    ///
    /// # Errors
    /// [`TillError`] if no answer came; a refusal is an answer.
    pub async fn send_receipt(&self, key: &str, receipt: &Receipt) -> Result<Reply, TillError> {
        self.write(&self.place(RECEIPTS, receipt.at.as_ref()), key, receipt).await
    }

    /// Posts receipts that waited, each under a key of its own; the answers are in the same order.
    ///
    /// # Errors
    /// [`TillError`] if the batch as a whole has no answer; single receipts answer for themselves.
    pub async fn post_batch(&self, key: &str, items: &[Batched]) -> Result<Vec<BatchItem>, TillError> {
        let answer: BatchAnswer = self.write(BATCH, key, &BatchBody { items }).await?.read()?;
        Ok(answer.items)
    }

    /// Takes goods of a receipt back.
    ///
    /// # Errors
    /// [`TillError`], as for [`Self::post_receipt`].
    pub async fn post_return(&self, key: &str, receipt: &str, returned: &Return) -> Result<Answer, TillError> {
        let mut path = self.host.clone();
        path.set_path(RECEIPTS);
        if let Ok(mut segments) = path.path_segments_mut() {
            // A receipt number may hold anything, so it is escaped.
            segments.push(receipt).push("returns");
        }
        let path = self.place(path.path(), returned.at.as_ref());
        self.write(&path, key, returned).await?.read()
    }

    /// Makes somebody a member.
    ///
    /// # Errors
    /// [`TillError`], as for [`Self::post_receipt`].
    pub async fn register(&self, key: &str, member: &NewMember) -> Result<Answer, TillError> {
        self.write(&self.place(MEMBERS, member.at.as_ref()), key, member).await?.read()
    }

    /// The path with the store and till an import key speaks for in its query.
    fn place(&self, path: &str, at: Option<&Where>) -> String {
        let Some(at) = at else { return path.to_owned() };
        let mut url = self.host.clone();
        url.query_pairs_mut().clear().append_pair("store", &at.store).append_pair("till", &at.till);
        format!("{path}?{}", url.query().unwrap_or_default())
    }

    async fn write(&self, path: &str, key: &str, body: &impl Serialize) -> Result<Reply, TillError> {
        let body = serde_json::to_vec(body).map_err(unwritable)?;
        self.send(Method::POST, path, Some(key), body).await
    }

    /// Signs and sends any request: `path` is absolute, with its query if it has one. Every call takes a
    /// new timestamp and a new nonce, also for the same idempotency key.
    ///
    /// # Errors
    /// [`TillError`] if no answer came; a refusal is an answer.
    pub async fn send(&self, method: Method, path: &str, key: Option<&str>, body: Vec<u8>) -> Result<Reply, TillError> {
        let url = self.host.join(path).map_err(|_| TillError::BadAddress(path.to_owned()))?;
        let request = self.signed(method, url, &body)?.timeout(self.limits.answer_within).body(body);
        let request = match key {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        };
        let request = request.build().map_err(unwritable)?;
        let response = self.http.execute(request).await.map_err(unsent)?;
        self.reply(response).await
    }

    /// The request with the four headers that prove it.
    fn signed(&self, method: Method, url: Url, body: &[u8]) -> Result<RequestBuilder, TillError> {
        let nonce = (self.nonces)();
        let chars = nonce.chars().count();
        if !NONCE_CHARS.contains(&chars) {
            return Err(TillError::BadNonce(chars));
        }
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let timestamp_s = self.now().as_secs();
        let signed = Signed { method: method.as_str(), path: &path, timestamp_s, nonce: &nonce, body };
        let signature = sign(self.credential.secret.as_str(), &signed);
        let request = self.http.request(method, url).header(CONTENT_TYPE, "application/json");
        Ok(request
            .header("Punchcard-Key", &self.credential.key)
            .header("Punchcard-Timestamp", timestamp_s)
            .header("Punchcard-Nonce", nonce)
            .header("Punchcard-Signature", signature))
    }

    async fn reply(&self, mut response: Response) -> Result<Reply, TillError> {
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| TillError::Unanswered(e.without_url()))? {
            if body.len() + chunk.len() > self.limits.answer_bytes_max {
                return Err(TillError::TooLong(self.limits.answer_bytes_max));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        baskets::Baskets,
        fake_host::{FakeHost, Told, test_clock},
    };
    use serde_json::json;

    fn receipt() -> anyhow::Result<Receipt> {
        let basket = Baskets::shipped()?.next().ok_or_else(|| anyhow::anyhow!("no basket"))??;
        Ok(Receipt::of_basket(&basket, None))
    }

    #[tokio::test]
    async fn a_posted_receipt_carries_key_time_nonce_and_signature() -> anyhow::Result<()> {
        let host = FakeHost::start(|_, _| Told::Reply(200, json!({"points": {"earned": 9}}))).await?;
        let till = host.till(Arc::new(|| Duration::from_millis(1_483_315_200_999)))?;
        let answer = till.post_receipt("k-1", &receipt()?).await?;
        assert_eq!(answer.points_earned(), 9);
        let seen = host.seen().into_iter().next().unwrap_or_default();
        assert_eq!(seen.line.trim_end(), "POST /api/v1/pos/receipts HTTP/1.1");
        let sent = ["punchcard-key", "punchcard-timestamp", "punchcard-nonce", "idempotency-key", "content-type"];
        let wanted = ["till-1", "1483315200", "test0000000000000000", "k-1", "application/json"];
        assert_eq!(sent.map(|name| seen.header(name)), wanted);
        Ok(())
    }

    #[tokio::test]
    async fn returns_escape_the_number_and_batches_keep_their_items() -> anyhow::Result<()> {
        let refused = json!({"status": 422, "problem": {"code": "receipt.bad", "detail": "no"}});
        let items = json!({"items": [{"status": 200, "body": {"points": {"earned": 4}}}, refused]});
        let host = FakeHost::start(move |_, _| Told::Reply(200, items.clone())).await?;
        let till = host.till(test_clock())?;
        till.post_return("k", "a/b c", &Return { return_id: "r".into(), ..Return::default() }).await?;
        let batch = [Batched { idempotency_key: "k-1".into(), receipt: receipt()? }];
        let answers = till.post_batch("k-batch", &batch).await?;
        let paths: Vec<_> = host.seen().iter().filter_map(|s| s.line.split(' ').nth(1).map(str::to_owned)).collect();
        assert_eq!(paths, ["/api/v1/pos/receipts/a%2Fb%20c/returns", "/api/v1/pos/receipts/batch"]);
        let read: Vec<_> = answers.iter().map(|i| (i.status, i.body.is_some(), i.problem.is_some())).collect();
        assert_eq!(read, [(200, true, false), (422, false, true)]);
        Ok(())
    }

    #[tokio::test]
    async fn a_query_is_signed_and_a_read_needs_no_key() -> anyhow::Result<()> {
        let host = FakeHost::start(|_, _| Told::Reply(200, json!({}))).await?;
        let reply =
            host.till(test_clock())?.send(Method::GET, "/api/v1/pos/x?card=H1&n=%E5%BC%A0", None, Vec::new()).await?;
        assert_eq!(reply, Reply { status: 200, body: b"{}".to_vec() });
        assert!(host.seen().first().is_some_and(|seen| seen.key().is_empty()));
        Ok(())
    }

    #[tokio::test]
    async fn failures_say_whether_the_host_may_have_acted() -> anyhow::Result<()> {
        let host = FakeHost::start(|number, _| match number {
            0 => Told::Reply(422, json!({"code": "receipt.total", "detail": "the lines add up to 3"})),
            1 => Told::Reply(503, json!("not a problem document")),
            2 => Told::HangUp,
            _ => Told::Reply(200, json!("yes")),
        })
        .await?;
        let gone =
            Till::new("http://127.0.0.1:1", host.till(test_clock())?.credential, test_clock(), counted_nonces("test"))?;
        let known = host.till(test_clock())?;
        let mut found = Vec::new();
        for till in [&known, &known, &known, &known, &gone] {
            let error = till.post_receipt("k", &receipt()?).await.err().ok_or_else(|| anyhow::anyhow!("answered"))?;
            found.push((error.to_string(), error.may_have_acted(), error.is_passing()));
        }
        let wanted = [
            ("the host refused with 422 receipt.total: the lines add up to 3", false, false),
            ("the host refused with 503 : ", true, true),
            ("no answer came", true, true),
            ("the answer cannot be understood", true, false),
            ("the host cannot be reached", false, true),
        ];
        assert_eq!(found, wanted.map(|(said, acted, passing)| (said.to_owned(), acted, passing)));
        Ok(())
    }

    #[tokio::test]
    async fn what_the_host_would_refuse_unseen_is_not_sent() -> anyhow::Result<()> {
        let host = FakeHost::start(|_, _| Told::Reply(200, json!({}))).await?;
        let credential = host.till(test_clock())?.credential;
        let short = Till::new(&host.address, credential.clone(), test_clock(), Arc::new(|| "short".into()))?;
        assert!(matches!(short.post_receipt("k", &receipt()?).await, Err(TillError::BadNonce(5))));
        let till = host.till(test_clock())?;
        assert!(matches!(till.post_receipt("k\n", &receipt()?).await, Err(TillError::Unwritable(_))));
        let small = till.with_limits(TillLimits { answer_bytes_max: 1, ..TillLimits::default() });
        assert!(matches!(small.post_receipt("k", &receipt()?).await, Err(TillError::TooLong(1))));
        for address in ["", "127.0.0.1:80", "https://127.0.0.1"] {
            let refused = Till::new(address, credential.clone(), test_clock(), counted_nonces("test"));
            assert!(matches!(refused, Err(TillError::BadAddress(_))), "{address}");
        }
        assert_eq!(host.seen().len(), 1);
        Ok(())
    }
}
