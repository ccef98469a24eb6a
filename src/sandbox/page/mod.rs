//! The demo's page: the forum on the left, Discord on the right, and what crosses between them. It acts on
//! both sides as people would; the bridge in between knows nothing of it.
//!
//! Only this machine's own browser may use it: requests that name another host, or come from another
//! site, are refused.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};

use super::stage::Stage;

mod acts;

/// Nothing but the page's own files, and pictures of the sandbox's forum.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data: http://127.0.0.1:*; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page and what it asks for.
pub fn router(stage: Arc<Stage>) -> Router {
    Router::new()
        .route("/", get(async || file("text/html; charset=utf-8", include_str!("page.html"))))
        .route("/page.css", get(async || file("text/css; charset=utf-8", include_str!("page.css"))))
        .route("/page.js", get(async || file("text/javascript; charset=utf-8", include_str!("page.js"))))
        .route(
            "/commands.js",
            get(async || file("text/javascript; charset=utf-8", include_str!("commands.js"))),
        )
        .route(
            "/markdown.js",
            get(async || file("text/javascript; charset=utf-8", include_str!("markdown.js"))),
        )
        .route("/api/state", get(state))
        .route("/api/events", get(events))
        .route("/api/act", post(act))
        .with_state(stage)
        .layer(middleware::from_fn(own_browser_only))
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], text)
}

async fn own_browser_only(request: Request, next: Next) -> Response {
    if !is_own(request.headers()) {
        return (StatusCode::FORBIDDEN, "This page is for the browser on this machine only.\n")
            .into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
    ] {
        headers.insert(name, header::HeaderValue::from_static(value));
    }
    response
}

/// A name that leads here from elsewhere is not ours, and neither is a page of another site.
fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let origin = text(header::ORIGIN);
    matches!(name, "127.0.0.1" | "localhost")
        && origin.is_none_or(|origin| origin == format!("http://{host}"))
}

async fn state(State(stage): State<Arc<Stage>>) -> Json<Value> {
    Json(json!({ "forum": stage.forum.snapshot(), "discord": stage.discord.snapshot() }))
}

/// A tick for each change on either side.
async fn events(State(stage): State<Arc<Stage>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let forum = WatchStream::new(stage.forum.changes());
    let discord = WatchStream::new(stage.discord.changes());
    let ticks = forum.merge(discord).map(|version| Ok(Event::default().data(version.to_string())));
    Sse::new(ticks).keep_alive(KeepAlive::default())
}

/// Does what a person did on the page. Refusals are sentences.
async fn act(State(stage): State<Arc<Stage>>, Json(wish): Json<acts::Wish>) -> Response {
    match acts::perform(&stage, wish).await {
        Ok(answer) => Json(answer).into_response(),
        Err(sentence) => {
            (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "error": sentence }))).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machines_own_page_is_served() {
        let asked = |host: &str, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a header"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().expect("a header"));
            }
            is_own(&headers)
        };
        assert!(asked("127.0.0.1:8080", None));
        assert!(asked("localhost:8080", Some("http://localhost:8080")));
        assert!(!asked("evil.example:8080", None), "a name that was pointed here");
        assert!(!asked("127.0.0.1:8080", Some("https://evil.example")));
        assert!(!asked("127.0.0.1:8080", Some("http://127.0.0.1:9999")));
    }
}
