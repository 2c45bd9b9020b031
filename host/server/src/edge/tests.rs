use super::*;
use crate::config::EdgeLimits;
use axum::routing::get;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::oneshot,
    task::JoinHandle,
};

/// A host with short times, its address, and the button that stops it.
struct Door {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<io::Result<Drained>>,
}

async fn door() -> Door {
    let limits = EdgeLimits { head_seconds_max: 1, idle_seconds_max: 3, drain_seconds_max: 1, ..EdgeLimits::default() };
    let slow = |seconds| async move {
        tokio::time::sleep(Duration::from_secs_f32(seconds)).await;
        "slow"
    };
    let router = Router::new()
        .route("/", get(|| async { "here" }))
        .route("/slow", get(move || slow(0.3)))
        .route("/stuck", get(move || slow(60.0)));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel();
    let stopped = async move {
        let _ = stopped.await;
        Ok(())
    };
    let served = tokio::spawn(async move { serve(listener, router, &limits, stopped).await });
    Door { address, stop, served }
}

impl Door {
    async fn say(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        stream.write_all(text.as_bytes()).await.expect("written");
        stream
    }
}

async fn read_for(stream: &mut TcpStream, time: Duration) -> (String, bool) {
    let mut bytes = Vec::new();
    let closed = tokio::time::timeout(time, stream.read_to_end(&mut bytes)).await.is_ok();
    (String::from_utf8_lossy(&bytes).into_owned(), closed)
}

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test]
async fn a_half_sent_head_is_not_waited_for() {
    let door = door().await;
    let mut stream = door.say("GET / HTTP/1.1\r\nhost:").await;
    // A byte now and then does not buy more time.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let _ = stream.write_all(b" a").await;
    let (_, closed) = read_for(&mut stream, Duration::from_millis(900)).await;
    assert!(closed);
}

#[tokio::test]
async fn an_idle_connection_lives_longer_than_a_head_may_take() {
    let door = door().await;
    let mut stream = door.say(GET).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    stream.write_all(GET.as_bytes()).await.expect("still open");
    let (answers, closed) = read_for(&mut stream, Duration::from_secs(5)).await;
    assert_eq!(answers.matches("200 OK").count(), 2, "{answers}");
    assert!(closed, "an idle connection is closed in the end");
}

#[tokio::test]
async fn a_running_request_is_answered_before_the_host_stops() {
    let door = door().await;
    let mut stream = door.say("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    door.stop.send(()).expect("running");
    let (answer, closed) = read_for(&mut stream, Duration::from_secs(2)).await;
    assert!(answer.contains("slow") && closed, "{answer}");
    assert_eq!(door.served.await.expect("no panic").expect("watched"), Drained::Clean);
}

#[tokio::test]
async fn a_stuck_request_does_not_hold_up_the_end() {
    let door = door().await;
    let _stream = door.say("GET /stuck HTTP/1.1\r\nhost: a\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    door.stop.send(()).expect("running");
    let ended = tokio::time::timeout(Duration::from_secs(3), door.served).await.expect("in time");
    assert_eq!(ended.expect("no panic").expect("watched"), Drained::Cut(1));
}

#[test]
fn only_a_trusted_proxy_is_believed() {
    let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
    let mut headers = HeaderMap::new();
    headers.insert("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.2".parse().expect("a value"));
    let trusted = [ip("10.0.0.1"), ip("10.0.0.2")];
    assert_eq!(client_ip(ip("9.9.9.9"), &headers, &trusted), ip("9.9.9.9"));
    assert_eq!(client_ip(ip("10.0.0.1"), &headers, &trusted), ip("1.2.3.4"));
    assert_eq!(client_ip(ip("10.0.0.1"), &HeaderMap::new(), &trusted), ip("10.0.0.1"));
}
