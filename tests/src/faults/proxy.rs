//! A way to PostgreSQL on which the answers to some commits are lost.

use anyhow::Context as _;
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
};

/// The name of a server's socket in its folder.
const SOCKET: &str = ".s.PGSQL.5432";
/// Entries are written by nothing but a commit.
const COMMIT: &[u8] = b"balance_after";
/// The server has nothing more to say, and no transaction is open.
const READY: &[u8] = b"Z\0\0\0\x05I";
/// Bytes carried at once.
const CHUNK: usize = 64 << 10;

/// A socket in front of a server's. Closed when dropped.
pub struct Proxy {
    /// The server's address, by way of this.
    pub url: String,
    lost: Arc<AtomicU64>,
    serving: JoinHandle<()>,
    _dir: TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Proxy {
    /// Stands in front of the server at `url` and loses the answer to every n-th commit: it is carried out, and
    /// then the connection breaks.
    ///
    /// # Errors
    /// If the address names no socket, or no other can be made.
    pub fn start(url: &str, every: u64) -> anyhow::Result<Self> {
        let (address, server) = url.split_once("?host=").context("the server has no socket")?;
        let dir = tempfile::tempdir()?;
        let listener = UnixListener::bind(dir.path().join(SOCKET))?;
        let (lost, server) = (Arc::new(AtomicU64::new(0)), Path::new(server).join(SOCKET));
        let serving = tokio::spawn(serve(listener, server, every, Arc::clone(&lost)));
        Ok(Self { url: format!("{address}?host={}", dir.path().display()), lost, serving, _dir: dir })
    }

    /// How many answers were lost.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

async fn serve(listener: UnixListener, server: PathBuf, every: u64, lost: Arc<AtomicU64>) {
    let commits = Arc::new(AtomicU64::new(0));
    while let Ok((client, _)) = listener.accept().await {
        let (server, commits, lost) = (server.clone(), Arc::clone(&commits), Arc::clone(&lost));
        tokio::spawn(async move {
            let loses = move || commits.fetch_add(1, Ordering::Relaxed) % every == every - 1;
            // A connection ends with either side.
            if carry(client, &server, loses).await.is_ok_and(|was_lost| was_lost) {
                lost.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
}

/// Carries one connection to its end; true if it ended by losing an answer.
async fn carry(client: UnixStream, server: &Path, loses: impl Fn() -> bool) -> io::Result<bool> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = UnixStream::connect(server).await?.into_split();
    let (mut asked, mut answered) = (vec![0; CHUNK], vec![0; CHUNK]);
    loop {
        tokio::select! {
            count = from_client.read(&mut asked) => {
                let Some(bytes) = asked.get(..count?).filter(|bytes| !bytes.is_empty()) else { return Ok(false) };
                to_server.write_all(bytes).await?;
                if is_commit(bytes) && loses() {
                    return swallow(&mut from_client, &mut to_server, &mut from_server).await;
                }
            }
            count = from_server.read(&mut answered) => {
                let Some(bytes) = answered.get(..count?).filter(|bytes| !bytes.is_empty()) else { return Ok(false) };
                to_client.write_all(bytes).await?;
            }
        }
    }
}

fn is_commit(bytes: &[u8]) -> bool {
    bytes.windows(COMMIT.len()).any(|window| window == COMMIT)
}

/// Carries the rest of the commit, waits until the server says that it is done, and tells nobody.
async fn swallow(
    from_client: &mut OwnedReadHalf,
    to_server: &mut OwnedWriteHalf,
    from_server: &mut OwnedReadHalf,
) -> io::Result<bool> {
    let (mut asked, mut answered) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut said = Vec::new();
    while !said.ends_with(READY) {
        tokio::select! {
            count = from_client.read(&mut asked) => {
                let Some(bytes) = asked.get(..count?).filter(|bytes| !bytes.is_empty()) else { return Ok(false) };
                to_server.write_all(bytes).await?;
            }
            count = from_server.read(&mut answered) => {
                let Some(bytes) = answered.get(..count?).filter(|bytes| !bytes.is_empty()) else { return Ok(false) };
                said.extend_from_slice(bytes);
            }
        }
    }
    Ok(true)
}
