//! A host for tests: it speaks just enough HTTP, checks every signature, and answers what it is told to.

use crate::{
    sign::{Signed, sign},
    till::{Clock, Credential, Till, counted_nonces},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::sleep,
};
use wechat::Secret;

pub(crate) const SECRET: &str = "till-secret-0001";

/// A request as it arrived.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub line: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// What the fake answers.
pub(crate) enum Told {
    Reply(u16, Value),
    HangUp,
}

/// What happened, in order: requests that came in and answers that went out, by idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Moment {
    In(String),
    Out(String, u16),
}

type Script = Box<dyn Fn(usize, &Seen) -> Told + Send + Sync>;

pub(crate) struct FakeHost {
    pub address: String,
    shared: Arc<Shared>,
}

struct Shared {
    script: Script,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    seen: Vec<Seen>,
    moments: Vec<Moment>,
    nonces: BTreeSet<String>,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn key(&self) -> &str {
        self.header("idempotency-key")
    }

    fn is_signed(&self) -> bool {
        let mut words = self.line.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let timestamp_s = self.header("punchcard-timestamp").parse().unwrap_or_default();
        let request = Signed { method, path, timestamp_s, nonce: self.header("punchcard-nonce"), body: &self.body };
        self.header("punchcard-signature") == sign(SECRET, &request)
    }
}

impl FakeHost {
    /// Listens; `script` gets the number of the request, from 0, and the request.
    pub async fn start(script: impl Fn(usize, &Seen) -> Told + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared { script: Box::new(script), log: Mutex::default() });
        let kept = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = shared.clone();
                tokio::spawn(async move { shared.serve(stream).await });
            }
        });
        Ok(Self { address, shared: kept })
    }

    /// A till that the fake knows.
    pub fn till(&self, clock: Clock) -> anyhow::Result<Till> {
        let credential = Credential { key: "till-1".into(), secret: Secret::new(SECRET) };
        Ok(Till::new(&self.address, credential, clock, counted_nonces("test"))?)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).seen.clone()
    }

    pub fn moments(&self) -> Vec<Moment> {
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).moments.clone()
    }
}

impl Shared {
    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        while let Some(request) = read_request(&mut stream).await? {
            let key = request.key().to_owned();
            let (number, told) = self.take(request);
            // Later requests sometimes overtake earlier ones, always in the same way.
            sleep(Duration::from_micros(number as u64 * 7_919 % 1_500)).await;
            let Told::Reply(status, body) = told else { return Ok(()) };
            self.note(Moment::Out(key, status));
            let body = body.to_string();
            let head = format!("HTTP/1.1 {status} Told\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.get_mut().write_all(format!("{head}{body}").as_bytes()).await?;
        }
        Ok(())
    }

    /// Puts a request on record; an unsigned or replayed one is answered with 401.
    fn take(&self, request: Seen) -> (usize, Told) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = log.nonces.insert(request.header("punchcard-nonce").to_owned());
        let number = log.seen.len();
        let told = match fresh && request.is_signed() {
            true => (self.script)(number, &request),
            false => Told::Reply(401, Value::Null),
        };
        log.moments.push(Moment::In(request.key().to_owned()));
        log.seen.push(request);
        (number, told)
    }

    fn note(&self, moment: Moment) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).moments.push(moment);
    }
}

async fn read_request(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Seen>> {
    let mut request = Seen::default();
    if stream.read_line(&mut request.line).await? == 0 {
        return Ok(None);
    }
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        request.headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = request.header("content-length").parse().unwrap_or_default();
    request.body.resize(length, 0);
    stream.read_exact(&mut request.body).await?;
    Ok(Some(request))
}

/// A clock that moves a millisecond whenever it is read.
pub(crate) fn test_clock() -> Clock {
    let ms = std::sync::atomic::AtomicU64::new(1_483_315_200_000);
    Arc::new(move || Duration::from_millis(ms.fetch_add(1, std::sync::atomic::Ordering::Relaxed)))
}
