//! The demo's page.

use std::sync::Arc;

use super::stage::Stage;

pub fn router(stage: Arc<Stage>) -> axum::Router {
    let _ = stage;
    axum::Router::new()
}
