//! Errors on the wire: `application/problem+json` (RFC 9457).
//!
//! A problem tells the caller what is wrong and what to do next, and nothing about the inside of the host: what went wrong inside
//! goes to the log, under the same request id.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use openanalyst_brain::BrainError;
use openanalyst_registry::{Exceeded, RegistryError};
use serde_json::{Map, Value, json};

/// Most characters of a problem's detail: parts of it may quote the caller.
const MAX_DETAIL_CHARS: usize = 500;

/// An error as the caller sees it.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    /// Stable; programs branch on it.
    pub(crate) code: &'static str,
    detail: String,
    retry_after_ms: Option<u64>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Boxed, because a problem is the error of many functions.
    more: Option<Box<Map<String, Value>>>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = shorten(detail.into());
        Self { status, code, detail, retry_after_ms: None, headers: Vec::new(), more: None }
    }

    /// The caller's input is wrong.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", detail)
    }

    /// A quota of what is kept is used up.
    fn over_quota(exceeded: &Exceeded) -> Self {
        let unit = if exceeded.kind.is_number() { "entries" } else { "bytes" };
        let of = if exceeded.of_tenant { "tenant" } else { "user" };
        Self::new(StatusCode::TOO_MANY_REQUESTS, "quota-exceeded", exceeded.to_string()).with(
            "quota",
            json!({ "of": of, "kind": exceeded.kind, "used": exceeded.used, "limit": exceeded.limit, "unit": unit }),
        )
    }

    /// Something broke inside. What it was is in the log.
    pub(crate) fn internal() -> Self {
        let detail = "the host could not do this: the reason is in its log under this request id; try again, and tell its operator";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// The problem that says the most about an answer which only has a status.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::new(
                status,
                "route-not-found",
                "there is no such route: the routes begin with /v1/, see the documentation",
            ),
            StatusCode::METHOD_NOT_ALLOWED => {
                Self::new(status, "method-not-allowed", "this route has other methods: the `Allow` header names them")
            }
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(status, "payload-too-large", "the body is too large: send less"),
            status if status.is_server_error() => Self { status, ..Self::internal() },
            status => {
                Self::new(status, "invalid", status.canonical_reason().unwrap_or("the request cannot be understood"))
            }
        }
    }

    pub(crate) fn retry_after_ms(mut self, after_ms: u64) -> Self {
        self.retry_after_ms = Some(after_ms);
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// A further member of the body.
    pub(crate) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.more.get_or_insert_default().insert(name.to_owned(), value);
        self
    }

    /// The text for people.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// Whether the same call may succeed later.
    pub(crate) fn is_retryable(&self) -> bool {
        self.retry_after_ms.is_some()
    }

    /// When the same call may be sent again, in seconds and never too early (`Retry-After`, RFC
    /// 9110 §10.2.3).
    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after_ms.map(|after_ms| after_ms.div_ceil(1000))
    }

    /// The JSON body.
    pub(crate) fn body(&self, request_id: &str) -> Value {
        let mut body = json!({
            "type": format!("urn:openanalyst:problem:{}", self.code),
            "title": title(self.code),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
            "requestId": request_id,
        });
        if let Some(after_ms) = self.retry_after_ms {
            body["retryAfterMs"] = json!(after_ms);
        }
        for (name, value) in self.more.iter().flat_map(|more| more.iter()) {
            body[name] = value.clone();
        }
        body
    }
}

/// The code in words: `task-not-found` is "Task not found".
fn title(code: &str) -> String {
    let mut title = code.replace('-', " ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

fn shorten(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_DETAIL_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

impl IntoResponse for Problem {
    /// An answer without a body: the layer around all routes writes it, because only it knows the request's id.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        for (name, value) in &self.headers {
            response.headers_mut().append(name.clone(), value.clone());
        }
        if let Some(seconds) = self.retry_after_seconds() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<BrainError> for Problem {
    fn from(error: BrainError) -> Self {
        let status = match error.code() {
            "invalid" => StatusCode::BAD_REQUEST,
            "task-not-found" | "memory-not-found" | "conversation-not-found" => StatusCode::NOT_FOUND,
            "idempotency-key-reused" | "wrong-state" => StatusCode::CONFLICT,
            "version-mismatch" => StatusCode::PRECONDITION_FAILED,
            "too-many-tasks" | "quota-exceeded" => StatusCode::TOO_MANY_REQUESTS,
            "shutting-down" | "storage-unavailable" | "busy" => StatusCode::SERVICE_UNAVAILABLE,
            _ => {
                tracing::error!(%error, "a call of the brain failed");
                return Self::internal();
            }
        };
        if status == StatusCode::SERVICE_UNAVAILABLE {
            tracing::warn!(%error, "a call of the brain cannot be done now");
        }
        let problem = match &error {
            BrainError::QuotaExceeded(exceeded) => Self::over_quota(exceeded),
            _ => Self::new(status, error.code(), error.to_string()),
        };
        match error.retry_after_ms() {
            Some(after_ms) => problem.retry_after_ms(after_ms),
            None => problem,
        }
    }
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        let status = match error.code() {
            "invalid" => StatusCode::BAD_REQUEST,
            "skill-not-found" | "version-not-found" | "secret-not-found" => StatusCode::NOT_FOUND,
            "wrong-state" => StatusCode::CONFLICT,
            "package-refused" => StatusCode::UNPROCESSABLE_ENTITY,
            "quota-exceeded" => StatusCode::TOO_MANY_REQUESTS,
            "storage-unavailable" | "unavailable" => StatusCode::SERVICE_UNAVAILABLE,
            _ => {
                tracing::error!(%error, "a call of the registry failed");
                return Self::internal();
            }
        };
        let problem = match &error {
            RegistryError::Refused(findings) => {
                let detail = format!("the package is refused for {} reasons: see `findings`", findings.len());
                Self::new(status, error.code(), detail).with("findings", json!(findings))
            }
            RegistryError::QuotaExceeded(exceeded) => Self::over_quota(exceeded),
            _ => Self::new(status, error.code(), error.to_string()),
        };
        match error.retry_after_ms() {
            Some(after_ms) => problem.retry_after_ms(after_ms),
            None => problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_stays_inside() {
        let problem = Problem::from(BrainError::Internal("row 7 of /var/lib/secret.db".to_owned()));
        let body = problem.body("r1");
        assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(500), Some("internal")));
        assert!(!body.to_string().contains("secret"), "{body}");
    }

    #[test]
    fn an_unknown_task_has_all_members() {
        let body = Problem::from(BrainError::NoSuchTask("x".to_owned())).body("r1");
        assert_eq!(body["type"], "urn:openanalyst:problem:task-not-found");
        assert_eq!(body["title"], "Task not found");
        assert_eq!((body["status"].as_u64(), body["requestId"].as_str()), (Some(404), Some("r1")));
        assert!(body.get("retryAfterMs").is_none());
    }

    #[test]
    fn waiting_is_told_in_the_body_and_in_the_header() {
        let problem = Problem::from(BrainError::ShuttingDown);
        assert_eq!(problem.body("r")["retryAfterMs"], 1_000);
        assert_eq!(problem.into_response().headers()[header::RETRY_AFTER], "1");
        let odd = Problem::invalid("x").retry_after_ms(1_001).into_response();
        assert_eq!(odd.headers()[header::RETRY_AFTER], "2", "never too early");
    }

    #[test]
    fn a_quoted_caller_cannot_make_the_answer_long() {
        let problem = Problem::invalid("ä".repeat(100_000));
        assert_eq!(problem.detail().chars().count(), MAX_DETAIL_CHARS + 1);
    }
}
