//! The process's own small HTTP server: whether it lives, whether it is ready, its figures, the way to
//! files that people sent with a reply, the page on which members sign in, and news that forums push. Nothing that a
//! person wrote is served here.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::bridge::Heart;
use crate::bridge::files::{Files, NoFile};
use crate::bridge::signing::SignIns;
use crate::forum::Delivery;
use crate::health::Health;
use crate::model::{ForumKey, MessageId};

mod sign_in;

/// A post and what Discourse tells about it, and more; in bytes.
const LARGEST_PUSH: usize = 1 << 20;

/// Takes the address, so that a start with a taken port fails at once and says so.
pub async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.with_context(|| {
        format!("can't listen on {listen}; set server.listen to a free address, for example 127.0.0.1:8070")
    })
}

/// Serves until told to stop.
pub async fn serve(
    listener: TcpListener,
    health: Health,
    files: Arc<Files>,
    pages: Arc<SignIns>,
    heart: Arc<Heart>,
    stop: CancellationToken,
) {
    let own = routes(health).merge(file_routes(files)).merge(sign_in::routes(pages));
    let routes = own.merge(hook_routes(heart));
    let served = axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!("the health server ended: {error}");
    }
}

fn routes(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(health)
}

fn file_routes(files: Arc<Files>) -> Router {
    Router::new().route("/files/{message}/{file}/{name}", get(file)).with_state(files)
}

fn hook_routes(heart: Arc<Heart>) -> Router {
    Router::new()
        .route("/hooks/{forum}", post(hook))
        .layer(DefaultBodyLimit::max(LARGEST_PUSH))
        .with_state(heart)
}

/// A forum says that there is news. Whoever can't prove to be the forum is told nothing and changes nothing.
async fn hook(
    State(heart): State<Arc<Heart>>,
    Path(forum): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(forum) = heart.forums.get(&ForumKey::new(forum)) else {
        return (StatusCode::NOT_FOUND, "there is no forum of that name\n").into_response();
    };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let why = match forum.engine.hear(&Delivery::new(&header, &body)) {
        Ok(news) => match heart.pushed(&forum.key, news).await {
            Ok(true) => return StatusCode::NO_CONTENT.into_response(),
            Ok(false) => "the delivery was here before".to_owned(),
            Err(error) => {
                // The forum sends it again.
                tracing::warn!(forum = %forum.key, "can't take a push: {error}");
                return (StatusCode::SERVICE_UNAVAILABLE, "try again in a moment\n").into_response();
            }
        },
        Err(why) => why,
    };
    tracing::warn!(forum = %forum.key, "turned a push away: {why}");
    (StatusCode::UNAUTHORIZED, "not accepted\n").into_response()
}

/// Sends a reader of the forum on to where Discord keeps the file today.
async fn file(
    State(files): State<Arc<Files>>,
    Path((message, file, _)): Path<(u64, u64, String)>,
) -> Response {
    match files.address(MessageId(message), file).await {
        Ok(address) => (
            StatusCode::FOUND,
            [(header::LOCATION, address.as_str()), (header::CACHE_CONTROL, "max-age=3600")],
        )
            .into_response(),
        Err(error @ NoFile::Gone) => (StatusCode::NOT_FOUND, format!("{error}\n")).into_response(),
        Err(error) => {
            tracing::warn!("a file can't be shown: {error}");
            (StatusCode::SERVICE_UNAVAILABLE, "try again in a moment\n").into_response()
        }
    }
}

/// 200 when every part works, else 503 with the parts that do not. A part that another replica has is well:
/// a replica that only stands by is ready.
async fn ready(State(health): State<Health>) -> Response {
    let mut parts = serde_json::Map::new();
    for (part, state) in health.parts() {
        let elsewhere = health.elsewhere(&part);
        parts.insert(part, json!({ "ok": state.is_ok(), "why": state.err(), "elsewhere": elsewhere }));
    }
    let status = if health.ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": health.ready(), "parts": parts }))).into_response()
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], health.metrics())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ForumKey;

    /// Asks a server that is told how things are.
    async fn ask(health: &Health, path: &str) -> (u16, String) {
        let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let serving = tokio::spawn(
            axum::serve(listener, routes(health.clone())).with_graceful_shutdown(stopped).into_future(),
        );
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("http://{address}{path}")).send().await.unwrap();
        let found = (answer.status().as_u16(), answer.text().await.unwrap());
        stop.cancel();
        serving.await.unwrap().unwrap();
        found
    }

    #[tokio::test]
    async fn it_is_ready_only_while_every_part_works() {
        let health = Health::default();
        assert_eq!(ask(&health, "/healthz").await.0, 200);
        assert_eq!(ask(&health, "/readyz").await.0, 503);
        let forum = ForumKey::new("edu");
        health.expect([forum.clone()].into_iter());
        health.database(Ok(()));
        health.gateway(Ok(()));
        let (status, body) = ask(&health, "/readyz").await;
        assert_eq!(status, 503);
        assert!(body.contains("forum edu") && body.contains("starting"), "{body}");
        health.watcher(&forum, Ok(()));
        assert_eq!(ask(&health, "/readyz").await.0, 200);
        health.gateway(Err("not connected to Discord".to_owned()));
        let (status, body) = ask(&health, "/readyz").await;
        assert!(status == 503 && body.contains("not connected to Discord"), "{body}");
    }

    #[tokio::test]
    async fn its_figures_are_prometheus_text() {
        let health = Health::default();
        health.delivered(3);
        health.outbox(5, 1, 700);
        health.watcher(&ForumKey::new("e\"du"), Err("down".to_owned()));
        let (status, body) = ask(&health, "/metrics").await;
        assert_eq!(status, 200);
        for line in [
            "threadbridge_messages_sent_total 3",
            "threadbridge_outbox_waiting 5",
            "threadbridge_outbox_oldest_milliseconds 700",
            "threadbridge_up{part=\"forum e_du\"} 0",
            "# TYPE threadbridge_up gauge",
        ] {
            assert!(body.lines().any(|found| found == line), "{line}\n{body}");
        }
    }

    #[tokio::test]
    async fn a_taken_address_is_named() {
        let taken = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let error = bind(taken.local_addr().unwrap()).await.unwrap_err().to_string();
        assert!(error.contains("set server.listen to a free address"), "{error}");
    }
}
