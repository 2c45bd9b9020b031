//! A load generator that costs next to nothing: requests are made and signed beforehand, a connection writes bytes
//! and reads until the answer ends. What is measured is the server.

use anyhow::{Context as _, Result, bail};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
};

/// Loopback, but not where tills connect from.
const OWN_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)), 0);
/// Bytes asked of a connection at once.
const READ_BYTES: usize = 16 << 10;

/// What a flood came to.
pub struct Flood {
    /// Answers a second.
    pub per_second: f64,
    /// How long each took, in ms.
    pub times: Vec<f64>,
}

/// Sends every request once over so many connections, each with one under way. Any answer but 2xx ends it.
pub async fn flood(address: &str, connections: usize, requests: Vec<Vec<u8>>) -> Result<Flood> {
    let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(connect(address).await?);
    }
    let began = Instant::now();
    let mut running = JoinSet::new();
    for stream in open {
        running.spawn(send(stream, Arc::clone(&requests), Arc::clone(&next)));
    }
    let mut times = Vec::with_capacity(requests.len());
    while let Some(ended) = running.join_next().await {
        times.extend(ended??);
    }
    Ok(Flood { per_second: times.len() as f64 / began.elapsed().as_secs_f64(), times })
}

/// From an address of its own, because a host serves only so many connections of one.
async fn connect(address: &str) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(OWN_ADDRESS)?;
    let stream = socket.connect(address.parse()?).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn send(mut stream: TcpStream, requests: Arc<Vec<Vec<u8>>>, next: Arc<AtomicUsize>) -> Result<Vec<f64>> {
    let (mut times, mut buffer) = (Vec::new(), Vec::with_capacity(READ_BYTES));
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        let at = Instant::now();
        stream.write_all(request).await?;
        answer(&mut stream, &mut buffer).await?;
        times.push(at.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}

async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<()> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server hung up");
        }
        let Some(head) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&buffer[..head])?;
        let length =
            text.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let end = head + 4 + length.unwrap_or(0_usize);
        if buffer.len() < end {
            continue;
        }
        if !buffer.starts_with(b"HTTP/1.1 2") {
            bail!("{}", String::from_utf8_lossy(buffer));
        }
        return Ok(());
    }
}

/// A request's bytes.
pub fn post(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Vec<u8>> {
    use std::io::Write as _;
    let mut bytes = Vec::with_capacity(body.len() + 512);
    write!(bytes, "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n").context("head")?;
    write!(bytes, "content-length: {}\r\n", body.len())?;
    for (name, value) in headers {
        write!(bytes, "{name}: {value}\r\n")?;
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    Ok(bytes)
}
