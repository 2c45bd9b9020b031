//! What only shows on a socket: heads, bodies and connections that misbehave.

use super::Host;
use crate::{config::Config, edge};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// Sends bytes to a served host and reads what comes back until the host closes, or a second passes.
async fn say(host: &Host, text: &[u8]) -> (String, bool) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (router, limits) = (host.router.clone(), host.app.config.edge.clone());
    let served = tokio::spawn(async move { edge::serve(listener, router, &limits, std::future::pending()).await });
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let _ = stream.write_all(text).await;
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(2), stream.read_to_end(&mut answer)).await.is_ok();
    served.abort();
    (String::from_utf8_lossy(&answer).into_owned(), closed)
}

async fn host() -> Host {
    let mut config = Config { test_mode: true, ..Config::default() };
    config.edge.body_seconds_max = 1;
    Host::with(config).await
}

const POST: &str = "POST /api/v1/pos/receipts HTTP/1.1\r\nhost: a\r\npunchcard-key: tk_x\r\npunchcard-timestamp: 1\r\n\
    punchcard-nonce: 0123456789abcdef\r\ncontent-type: application/json\r\n";

fn post(headers: &str, body: &str) -> Vec<u8> {
    format!("{POST}punchcard-signature: {}\r\n{headers}\r\n{body}", "0".repeat(64)).into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_is_refused_with_words() {
    let host = host().await;
    let many: String = (0..80).map(|n| format!("x-{n}: 1\r\n")).collect();
    let large = format!("x-large: {}\r\n", "y".repeat(20_000));
    for headers in [many, large] {
        let (answer, _) = say(&host, format!("GET /healthz HTTP/1.1\r\nhost: a\r\n{headers}\r\n").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431") && answer.contains("headers_too_large"), "{answer}");
    }
    // Beyond what is parsed at all there is no problem document, but a refusal all the same.
    let huge = format!("GET /healthz HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(200_000));
    let (answer, closed) = say(&host, huge.as_bytes()).await;
    assert!((answer.is_empty() || answer.starts_with("HTTP/1.1 4")) && closed, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let host = host().await;
    let (answer, closed) = say(&host, &post("content-length: 999999999\r\n", "")).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("body_too_large") && closed, "{answer}");
    let chunk = format!("100000\r\n{}\r\n", "x".repeat(0x10_0000));
    let (answer, closed) = say(&host, &post("transfer-encoding: chunked\r\n", &chunk)).await;
    assert!(closed && (answer.is_empty() || answer.starts_with("HTTP/1.1 413")), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_comes_is_not_waited_for() {
    let host = host().await;
    let (answer, closed) = say(&host, &post("content-length: 100\r\n", "{")).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("body_too_slow") && closed, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_behind_a_chunked_body_is_taken_for_a_request() {
    let host = host().await;
    let smuggled = "0\r\n\r\nGET /metrics HTTP/1.1\r\nhost: a\r\n\r\n";
    let (answer, closed) = say(&host, &post("content-length: 5\r\ntransfer-encoding: chunked\r\n", smuggled)).await;
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    assert!(closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_no_http_is_refused() {
    let host = host().await;
    for text in [
        "\x16\x03\x01 hello\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET /\u{0} HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\n folded\r\n\r\n",
    ] {
        let (answer, closed) = say(&host, text.as_bytes()).await;
        assert!((answer.is_empty() || answer.starts_with("HTTP/1.1 4")) && closed, "{text:?}: {answer}");
    }
}
