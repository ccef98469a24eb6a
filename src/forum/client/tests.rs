use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use encoding_rs::UTF_8;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::clock::SystemClock;

const LIMITS: Limits = Limits {
    wire: 64 * 1024,
    unpacked: 256 * 1024,
    kept: 256 * 1024,
    connect: Duration::from_secs(2),
    whole: Duration::from_secs(2),
    pause: Duration::from_secs(30),
};

/// Serves on loopback, and a client for it.
async fn client_of(routes: Router, gap: Duration) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base =
        Url::parse(&format!("http://{}/", listener.local_addr().expect("its address"))).expect("an address");
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Client::new(&base, gap, LIMITS, Arc::new(SystemClock)).expect("a client")
}

fn url(client: &Client, path: &str) -> Url {
    client.base().join(path).expect("an address")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

#[tokio::test]
async fn packed_pages_are_unpacked_and_bombs_are_not() {
    let routes = Router::new()
        .route("/page", get(async || ([("content-encoding", "gzip")], gzip(b"<p>words</p>"))))
        .route("/bomb", get(async || ([("content-encoding", "gzip")], gzip(&vec![b'a'; 20_000_000]))))
        .route("/large", get(async || "a".repeat(100_000)))
        .route(
            "/cut",
            get(async || {
                let mut packed = gzip(b"some words that are cut off on their way");
                packed.truncate(20);
                ([("content-encoding", "gzip")], packed)
            }),
        );
    let client = client_of(routes, Duration::ZERO).await;
    assert_eq!(client.get(&url(&client, "page")).await.expect("a page").text, "<p>words</p>");
    for path in ["bomb", "large"] {
        let failure = client.get(&url(&client, path)).await.expect_err("too large");
        assert!(matches!(&failure, Failure::Unreadable(why) if why.contains("larger")), "{failure}");
    }
    let failure = client.get(&url(&client, "cut")).await.expect_err("incomplete");
    assert!(matches!(failure, Failure::Later { .. }), "{failure}");
}

#[tokio::test]
async fn redirects_stay_on_the_forum() {
    let routes = Router::new()
        .route("/old", get(async || Redirect::permanent("/new")))
        .route("/new", get(async || "here"))
        .route("/away", get(async || Redirect::temporary("http://169.254.169.254/latest/meta-data")))
        .route("/other-port", get(async || Redirect::temporary("http://127.0.0.1:1/")))
        .route("/circle", get(async || Redirect::temporary("/circle")));
    let client = client_of(routes, Duration::ZERO).await;
    let page = client.get(&url(&client, "old")).await.expect("a page");
    assert_eq!((page.text.as_str(), page.url.path()), ("here", "/new"));
    for path in ["away", "other-port", "circle"] {
        let failure = client.get(&url(&client, path)).await.expect_err("not followed");
        assert!(matches!(failure, Failure::Unreadable(_)), "{path}: {failure}");
    }
    let elsewhere = Url::parse("http://forum.invalid/").expect("an address");
    assert!(matches!(client.get(&elsewhere).await, Err(Failure::Unreadable(_))));
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    let page = async move |headers: HeaderMap| {
        if headers.get("if-none-match").is_some_and(|tag| tag == "\"v1\"") {
            return StatusCode::NOT_MODIFIED.into_response();
        }
        counter.fetch_add(1, Ordering::SeqCst);
        ([("etag", "\"v1\"")], "words").into_response()
    };
    let client = client_of(Router::new().route("/feed", get(page)), Duration::ZERO).await;
    for _ in 0..3 {
        assert_eq!(client.get(&url(&client, "feed")).await.expect("a page").text, "words");
    }
    assert_eq!(sent.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_busy_forum_is_left_alone_for_as_long_as_it_asks() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let busy = async move || {
        counter.fetch_add(1, Ordering::SeqCst);
        (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "17")], "closed")
    };
    let client = client_of(Router::new().route("/busy", get(busy.clone()).post(busy)), Duration::ZERO).await;
    for outcome in [
        client.get(&url(&client, "busy")).await.map(drop),
        client.post(&url(&client, "busy"), &[("a", "b")], UTF_8).await.map(drop),
    ] {
        assert!(matches!(outcome, Err(Failure::Later { after, .. }) if after == Duration::from_secs(17)));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2, "it was asked again at once");
}

#[tokio::test]
async fn a_form_is_never_sent_twice_and_a_lost_answer_is_uncertain() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base =
        Url::parse(&format!("http://{}/", listener.local_addr().expect("its address"))).expect("an address");
    let forms = Arc::new(AtomicUsize::new(0));
    let counter = forms.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap_or(0);
            if request[..length].starts_with(b"POST") {
                counter.fetch_add(1, Ordering::SeqCst);
                continue; // the connection closes without an answer
            }
            let _ = stream
                .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .await;
        }
    });
    let client = Client::new(&base, Duration::ZERO, LIMITS, Arc::new(SystemClock)).expect("a client");
    let outcome = client.post(&base, &[("message", "words")], UTF_8).await;
    assert!(matches!(outcome, Err(Failure::Uncertain { .. })));
    assert_eq!(forms.load(Ordering::SeqCst), 1);

    let nobody = Url::parse("http://127.0.0.1:1/").expect("an address");
    let client = Client::new(&nobody, Duration::ZERO, LIMITS, Arc::new(SystemClock)).expect("a client");
    let outcome = client.post(&nobody, &[("message", "words")], UTF_8).await;
    assert!(matches!(outcome, Err(Failure::Later { .. })), "what was never sent is certainly not done");
}

#[tokio::test]
async fn requests_keep_their_distance() {
    let client = client_of(
        Router::new().route("/", post(async || "ok").get(async || "ok")),
        Duration::from_millis(60),
    )
    .await;
    let base = client.base().clone();
    let began = Instant::now();
    for _ in 0..4 {
        client.get(&base).await.expect("a page");
    }
    assert!(began.elapsed() >= Duration::from_millis(180), "three gaps lie between four requests");
}

#[tokio::test]
async fn the_wait_may_be_in_the_body() {
    let says = |body: &'static str| {
        Router::new().route("/", get(move || async move { (StatusCode::TOO_MANY_REQUESTS, body) }))
    };
    for (body, seconds) in [("wait 7", 7), ("just wait", 30)] {
        let client = client_of(says(body), Duration::ZERO).await;
        let client =
            client.with_patience(|body| body.strip_prefix("wait ")?.parse().ok().map(Duration::from_secs));
        let failure = client.get(client.base()).await.expect_err("no page");
        assert!(
            matches!(failure, Failure::Later { after, .. } if after == Duration::from_secs(seconds)),
            "{failure}"
        );
    }
}
