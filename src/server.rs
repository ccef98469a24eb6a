//! The process's own small HTTP server: whether it lives, whether it is ready, and its figures. Nothing
//! that a person wrote is served here.

use std::net::SocketAddr;

use anyhow::Context;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::health::Health;

/// Takes the address, so that a start with a taken port fails at once and says so.
pub async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.with_context(|| {
        format!("can't listen on {listen}; set server.listen to a free address, for example 127.0.0.1:8070")
    })
}

/// Serves until told to stop.
pub async fn serve(listener: TcpListener, health: Health, stop: CancellationToken) {
    let served = axum::serve(listener, routes(health)).with_graceful_shutdown(stop.cancelled_owned()).await;
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

/// 200 when every part works, else 503 with the parts that do not.
async fn ready(State(health): State<Health>) -> Response {
    let mut parts = serde_json::Map::new();
    for (part, state) in health.parts() {
        parts.insert(part, json!({ "ok": state.is_ok(), "why": state.err() }));
    }
    let status = if health.ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": health.ready(), "parts": parts }))).into_response()
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], health.metrics())
}
