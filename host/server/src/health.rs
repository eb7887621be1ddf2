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

/// What `/ready` reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadyReport {
    /// The checks: the host is ready if all of them are `ok`.
    pub checks: Vec<ReadyCheck>,
    /// Components that are still being compiled. A request that needs one waits for it, so the host is ready all the same.
    pub preparing: Vec<String>,
}

/// Makes the report of `/ready`.
pub type Readiness = Arc<dyn Fn() -> BoxFuture<'static, ReadyReport> + Send + Sync>;

/// `GET /health`
pub(crate) async fn health(State(app): State<App>) -> Json<Value> {
    Json(json!({ "status": "ok", "version": app.version }))
}

/// `GET /ready`
pub(crate) async fn ready(State(app): State<App>) -> Response {
    let failed = |name, detail: &str| ReadyReport {
        checks: vec![ReadyCheck { name, ok: false, detail: detail.to_owned() }],
        preparing: Vec::new(),
    };
    let ReadyReport { checks, preparing } = if app.leaving.is_cancelled() || app.shutdown.is_cancelled() {
        failed("accepting", "shutting down")
    } else {
        let report = tokio::time::timeout(app.limits.ready_timeout, (app.readiness)()).await;
        report.unwrap_or_else(|_| failed("checks", "no answer in time"))
    };
    let shown: Vec<Value> = checks.iter().map(|check| json!({ "name": check.name, "ok": check.ok })).collect();
    let failed: Vec<&str> = checks.iter().filter(|check| !check.ok).map(|check| check.name).collect();
    if failed.is_empty() {
        return Json(json!({ "status": "ready", "checks": shown, "preparing": preparing })).into_response();
    }
    for check in checks.iter().filter(|check| !check.ok) {
        tracing::warn!(check = check.name, detail = check.detail, "not ready");
    }
    let detail =
        format!("not ready: {}; the log of the host says why, and so does `openanalyst doctor`", failed.join(", "));
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", detail)
        .retry_after_ms(1_000)
        .with("checks", json!(shown))
        .with("preparing", json!(preparing))
        .into_response()
}
