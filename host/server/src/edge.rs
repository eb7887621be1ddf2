//! Around every call: its id, the headers of every answer, caught panics, and errors in their one form.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::body::Body;
use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::problem::Problem;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Most characters of a request id that a client gives.
const MAX_REQUEST_ID_CHARS: usize = 128;

/// Headers of every answer: nothing here is a page, and nothing may be kept by a cache.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// The layer around all routes.
pub(crate) async fn around(request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let began = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default(), %method, path);
    async move {
        // A panic is a bug of ours: this call fails, and the process lives on.
        let mut response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
            Ok(response) => response,
            Err(_) => {
                tracing::error!("a call panicked");
                Problem::internal().into_response()
            }
        };
        if response.status().is_client_error() || response.status().is_server_error() {
            response = in_one_form(response, &id);
        }
        for (name, value) in HEADERS {
            response.headers_mut().insert(name, value);
        }
        response.headers_mut().insert(REQUEST_ID, id);
        tracing::debug!(status = response.status().as_u16(), took_us = began.elapsed().as_micros(), "answered");
        response
    }
    .instrument(span)
    .await
}

/// Refuses what HTTP forbids a server to guess at: a request of HTTP/1.1 without a `Host`, with several,
/// or with one that names no host (RFC 9112 §3.2).
pub(crate) async fn one_host(request: Request, next: Next) -> Response {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let problem = match (hosts.next(), hosts.next()) {
        (None, _) if request.version() < Version::HTTP_11 => None,
        (None, _) => Some("the request has no `Host` header: name the host, as HTTP/1.1 requires"),
        (Some(_), Some(_)) => Some("the request has several `Host` headers: send one"),
        (Some(host), None) if !names_a_host(host) => {
            Some("the `Host` header names no host: send a name or an address, and the port if it is not the usual one")
        }
        (Some(_), None) => None,
    };
    match problem {
        Some(detail) => Problem::new(StatusCode::BAD_REQUEST, "invalid-host", detail).into_response(),
        None => next.run(request).await,
    }
}

fn names_a_host(value: &HeaderValue) -> bool {
    let authority = value.to_str().ok().and_then(|text| text.parse::<Authority>().ok());
    authority.is_some_and(|authority| !authority.as_str().contains('@') && !authority.host().is_empty())
}

/// The client's own id where it has one that is safe to repeat, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let fits = |id: &&HeaderValue| {
        !id.is_empty() && id.len() <= MAX_REQUEST_ID_CHARS && id.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    headers.get(REQUEST_ID).filter(fits).cloned().unwrap_or_else(|| {
        // A UUID has only hexadecimal digits and hyphens, which every header may hold.
        HeaderValue::from_str(&Uuid::now_v7().to_string()).unwrap_or(HeaderValue::from_static("unknown"))
    })
}

/// Writes a problem's body; what the framework refused by itself becomes a problem too.
fn in_one_form(response: Response, id: &HeaderValue) -> Response {
    let (mut parts, _) = response.into_parts();
    let problem = parts.extensions.remove::<Problem>().unwrap_or_else(|| Problem::of_status(parts.status));
    if parts.status.is_server_error() {
        tracing::warn!(status = parts.status.as_u16(), code = problem.code, detail = problem.detail(), "refused");
    }
    let body = problem.body(id.to_str().unwrap_or_default()).to_string();
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::to_bytes;
    use axum::middleware::from_fn;
    use axum::routing::{get, post};
    use serde_json::Value;
    use tower::ServiceExt as _;

    use super::*;

    async fn panics() {
        panic!("the secret inside");
    }

    fn app() -> Router {
        Router::new()
            .route("/fine", get(async || "fine"))
            .route("/broken", get(panics))
            .route("/post", post(async || "posted"))
            .route("/framework", get(async || (StatusCode::PAYLOAD_TOO_LARGE, "words of the framework")))
            .fallback(async || Problem::of_status(StatusCode::NOT_FOUND))
            .method_not_allowed_fallback(async || Problem::of_status(StatusCode::METHOD_NOT_ALLOWED))
            .layer(from_fn(around))
    }

    async fn call(path: &str, id: Option<&[u8]>) -> (Response, Value) {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        if let Some(id) = id {
            request.headers_mut().insert(REQUEST_ID, HeaderValue::from_bytes(id).unwrap());
        }
        let (parts, body) = app().oneshot(request).await.unwrap().into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        (Response::from_parts(parts, Body::empty()), json)
    }

    #[tokio::test]
    async fn every_error_has_the_same_form() {
        for (path, status, code) in [
            ("/broken", 500, "internal"),
            ("/post", 405, "method-not-allowed"),
            ("/framework", 413, "payload-too-large"),
            ("/nowhere", 404, "route-not-found"),
        ] {
            let (response, problem) = call(path, None).await;
            assert_eq!((response.status().as_u16(), problem["code"].as_str()), (status, Some(code)), "{path}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
            assert_eq!(response.headers()[REQUEST_ID], problem["requestId"].as_str().unwrap());
            assert!(!problem.to_string().contains("secret") && !problem.to_string().contains("framework"), "{problem}");
        }
        let (response, _) = call("/post", None).await;
        assert_eq!(response.headers()[header::ALLOW], "POST");
    }

    #[tokio::test]
    async fn a_request_names_exactly_one_host() {
        let app = || Router::new().route("/", get(async || "fine")).layer(from_fn(one_host)).layer(from_fn(around));
        for (version, hosts, status) in [
            (Version::HTTP_11, &["example.com"] as &[&str], 200),
            (Version::HTTP_11, &["example.com:8080"], 200),
            (Version::HTTP_11, &["127.0.0.1:8080"], 200),
            (Version::HTTP_11, &["[::1]:8080"], 200),
            (Version::HTTP_10, &[], 200),
            (Version::HTTP_11, &[], 400),
            (Version::HTTP_11, &["example.com", "example.com"], 400),
            (Version::HTTP_10, &["example.com", "other.example"], 400),
            (Version::HTTP_11, &[""], 400),
            (Version::HTTP_11, &["a b"], 400),
            (Version::HTTP_11, &["http://example.com/"], 400),
            (Version::HTTP_11, &["me@example.com"], 400),
        ] {
            let mut request = Request::get("/").version(version).body(Body::empty()).unwrap();
            for host in hosts {
                request.headers_mut().append(header::HOST, host.parse().unwrap());
            }
            assert_eq!(app().oneshot(request).await.unwrap().status().as_u16(), status, "{version:?} {hosts:?}");
        }
    }

    #[tokio::test]
    async fn every_answer_has_the_headers() {
        for path in ["/fine", "/broken", "/nowhere"] {
            let (response, _) = call(path, None).await;
            for (name, value) in HEADERS {
                assert_eq!(response.headers()[&name], value, "{path}");
            }
        }
    }

    #[tokio::test]
    async fn a_request_id_is_taken_over_only_if_it_is_safe_to_repeat() {
        let given = async |id: &[u8]| call("/fine", Some(id)).await.0.headers()[REQUEST_ID].as_bytes().to_vec();
        assert_eq!(given(b"abc-123").await, b"abc-123");
        assert_eq!(given(&[b'x'; 128]).await, [b'x'; 128]);
        for bad in [b"".as_slice(), b"a b", b"\xc3\xa4", &[b'x'; 129]] {
            let made = given(bad).await;
            assert!(Uuid::parse_str(std::str::from_utf8(&made).unwrap()).is_ok(), "{bad:?}");
        }
    }
}
