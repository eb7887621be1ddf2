//! `/health`: the process lives. `/ready`: it can do its work. Both need no token, so neither says more than names.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::app::App;
use crate::problem::Problem;

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyCheck {
    /// What was checked, for everybody.
    pub name: &'static str,
    /// Whether it works.
    pub ok: bool,
    /// Why not, for the log only: `/ready` needs no token.
    pub detail: String,
}

/// Makes the checks that `/ready` reports.
pub type Readiness = Arc<dyn Fn() -> BoxFuture<'static, Vec<ReadyCheck>> + Send + Sync>;

/// `GET /health`
pub(crate) async fn health(State(app): State<App>) -> Json<Value> {
    Json(json!({ "status": "ok", "version": app.version }))
}

/// `GET /ready`
pub(crate) async fn ready(State(app): State<App>) -> Response {
    let checks = if app.shutdown.is_cancelled() {
        vec![ReadyCheck { name: "accepting", ok: false, detail: "shutting down".to_owned() }]
    } else {
        let checks = tokio::time::timeout(app.limits.ready_timeout, (app.readiness)()).await;
        checks
            .unwrap_or_else(|_| vec![ReadyCheck { name: "checks", ok: false, detail: "no answer in time".to_owned() }])
    };
    let shown: Vec<Value> = checks.iter().map(|check| json!({ "name": check.name, "ok": check.ok })).collect();
    let failed: Vec<&str> = checks.iter().filter(|check| !check.ok).map(|check| check.name).collect();
    if failed.is_empty() {
        return Json(json!({ "status": "ready", "checks": shown })).into_response();
    }
    for check in checks.iter().filter(|check| !check.ok) {
        tracing::warn!(check = check.name, detail = check.detail, "not ready");
    }
    let detail =
        format!("not ready: {}; the log of the host says why, and so does `openanalyst doctor`", failed.join(", "));
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", detail)
        .retry_after_ms(1_000)
        .with("checks", json!(shown))
        .into_response()
}
