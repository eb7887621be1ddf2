//! What comes in: bodies, queries and ids, each with an error that names what is wrong.

use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, Path, Query, Request};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt as _;
use openanalyst_brain::{BrainError, MAX_PAGE};
use openanalyst_domain::{LimitReason, MessageId, TaskId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::app::App;
use crate::limits::ServerLimits;
use crate::problem::Problem;

/// How many times the limit is still read and thrown away, so that a client that is a little over it hears the answer instead of a
/// broken connection.
const READ_AND_DROP: usize = 4;

/// A JSON body.
pub(crate) struct JsonBody<T>(pub(crate) T);

/// A JSON body that may be missing.
pub(crate) struct OptionalJsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        check_content_type(request.headers())?;
        parse(&read(request, &app.limits).await?).map(Self)
    }
}

impl<T: DeserializeOwned + Default> FromRequest<App> for OptionalJsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let typed = check_content_type(request.headers());
        let body = read(request, &app.limits).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        typed?;
        parse(&body).map(Self)
    }
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let json = essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    if json {
        return Ok(());
    }
    let given = if essence.is_empty() { "nothing" } else { &essence };
    let detail = format!("the body must be JSON: send `Content-Type: application/json`, not {given}");
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail))
}

async fn read(request: Request, limits: &ServerLimits) -> Result<Vec<u8>, Problem> {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let body = read_capped(request.into_body(), announced, limits.body_bytes);
    tokio::time::timeout(limits.body_read_timeout, body).await.unwrap_or_else(|_| {
        let detail = format!("the body did not come within {} s: send it faster", limits.body_read_timeout.as_secs());
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", detail).header(header::CONNECTION, CLOSE))
    })
}

const CLOSE: axum::http::HeaderValue = axum::http::HeaderValue::from_static("close");

async fn read_capped(body: Body, announced: Option<usize>, limit: usize) -> Result<Vec<u8>, Problem> {
    let too_large = || {
        let detail = format!("the body has more than {limit} bytes: send less, or split it into several requests");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload-too-large", detail).header(header::CONNECTION, CLOSE)
    };
    let dropped_up_to = limit.saturating_mul(READ_AND_DROP);
    if announced.is_some_and(|length| length > dropped_up_to) {
        return Err(too_large());
    }
    let mut chunks = body.into_data_stream();
    let mut kept = Vec::with_capacity(announced.unwrap_or_default().min(limit));
    let mut seen = 0_usize;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Problem::invalid("the body broke off: send the request again"))?;
        seen = seen.saturating_add(chunk.len());
        if seen > dropped_up_to {
            break;
        }
        if seen <= limit {
            kept.extend_from_slice(&chunk);
        }
    }
    if seen > limit { Err(too_large()) } else { Ok(kept) }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // Without this a list of the members' values would pass too.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::invalid("the body cannot be read: it is no JSON object"));
    }
    serde_json::from_slice(body).map_err(|error| Problem::invalid(format!("the body cannot be read: {error}")))
}

/// The values of a query.
pub(crate) fn query<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Problem> {
    query.map(|Query(values)| values).map_err(|error| Problem::invalid(error.body_text()))
}

/// The id in a task's path. What cannot be an id is no task, like any unknown id.
pub(crate) fn task_id(path: Result<Path<String>, PathRejection>) -> Result<TaskId, Problem> {
    let text = name(path)?;
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(64).filter(|c| !c.is_control()).collect();
        BrainError::NoSuchTask(shown).into()
    })
}

/// The body of an upload.
pub(crate) async fn package(request: Request, limits: &ServerLimits) -> Result<Vec<u8>, Problem> {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let body = read_capped(request.into_body(), announced, limits.package_bytes);
    let read = tokio::time::timeout(limits.body_read_timeout, body).await;
    let read = read.unwrap_or_else(|_| {
        let detail =
            format!("the package did not come within {} s: send it faster", limits.body_read_timeout.as_secs());
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", detail).header(header::CONNECTION, CLOSE))
    });
    let read = read.map_err(|problem| match problem.status {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            LimitReason::PackageTooLarge.code(),
            format!(
                "the package has more than {} bytes, which is the limit: leave out what it does not need",
                limits.package_bytes
            ),
        )
        .header(header::CONNECTION, CLOSE),
        _ => problem,
    })?;
    if read.is_empty() {
        return Err(Problem::invalid("there is no package: send the `.skill` file as the body"));
    }
    Ok(read)
}

/// The place in a listing that has pages.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    pub(crate) cursor: Option<String>,
    limit: Option<u32>,
}

/// How many lines a page has that does not say.
const DEFAULT_PAGE: u32 = 20;

impl PageQuery {
    /// How many lines.
    pub(crate) fn limit(&self) -> Result<u32, Problem> {
        limit(self.limit)
    }

    /// The cursor, where it is an id.
    pub(crate) fn id(&self) -> Result<Option<MessageId>, Problem> {
        self.cursor.as_deref().map(|cursor| cursor.parse().map_err(|_| bad_cursor())).transpose()
    }
}

/// How many lines.
pub(crate) fn limit(given: Option<u32>) -> Result<u32, Problem> {
    let limit = given.unwrap_or(DEFAULT_PAGE);
    if (1..=MAX_PAGE).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::invalid(format!("`limit` is {limit}: give 1 to {MAX_PAGE}")))
    }
}

/// A cursor that this host did not give.
pub(crate) fn bad_cursor() -> Problem {
    Problem::invalid("`cursor` is not one that this route gave: send `nextCursor` of the page before, or leave it out")
}

/// Where the next page begins. A page that is not full was the last.
pub(crate) fn next_cursor<T>(rows: &[T], limit: u32, cursor: impl Fn(&T) -> String) -> Option<String> {
    let full = rows.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    rows.last().filter(|_| full).map(cursor)
}

/// A page on the wire.
pub(crate) fn page(name: &str, rows: Value, next: Option<String>, more: Option<(&str, Value)>) -> Value {
    let mut page = json!({ name: rows });
    if let Some(next) = next {
        page["nextCursor"] = json!(next);
    }
    if let Some((name, value)) = more {
        page[name] = value;
    }
    page
}

/// The two names in a path.
pub(crate) fn names(path: Result<Path<(String, String)>, PathRejection>) -> Result<(String, String), Problem> {
    path.map(|Path(names)| names).map_err(|_| Problem::invalid("the path is not UTF-8 in percent-encoding (RFC 3986)"))
}

/// The name in a path.
pub(crate) fn name(path: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    path.map(|Path(name)| name).map_err(|_| Problem::invalid("the path is not UTF-8 in percent-encoding (RFC 3986)"))
}

/// How long a call may wait for its result.
pub(crate) fn wait(seconds: Option<u64>, default: Duration, limits: &ServerLimits) -> Result<Duration, Problem> {
    let wait = seconds.map_or(default.min(limits.max_wait), Duration::from_secs);
    if wait > limits.max_wait {
        let most = limits.max_wait.as_secs();
        let detail = format!(
            "`wait` is {} and {most} seconds is the limit: ask for less, or follow /v1/tasks/ID/events",
            wait.as_secs()
        );
        return Err(Problem::invalid(detail));
    }
    Ok(wait)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body1 {
        #[allow(dead_code)]
        content: String,
    }

    #[test]
    fn a_broken_body_is_named() {
        for (bytes, expected) in [
            (b"" as &[u8], "object"),
            (b"[\"x\"]", "object"),
            (b"{\"content\": ", "EOF"),
            (b"{\"content\": \"\xff\"}", "unicode"),
            (b"{\"content\": 1}", "string"),
            (b"{}", "content"),
            (b"{\"content\": \"x\", \"sesionId\": \"s\"}", "sesionId"),
            (b"{\"content\": \"x\"} x", "trailing"),
        ] {
            let problem = parse::<Body1>(bytes).unwrap_err();
            assert_eq!((problem.status.as_u16(), problem.code), (400, "invalid"));
            assert!(problem.detail().contains(expected), "{}", problem.detail());
        }
    }

    #[test]
    fn only_json_is_json() {
        let check = |value: &str| {
            check_content_type(&HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())])).is_ok()
        };
        for good in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
            assert!(check(good), "{good}");
        }
        for bad in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
            assert!(!check(bad), "{bad}");
        }
    }

    #[tokio::test]
    async fn the_limit_itself_is_allowed() {
        let read =
            async |length: usize| read_capped(Body::from(vec![b'x'; length]), None, 100).await.map(|body| body.len());
        assert_eq!(read(100).await.unwrap(), 100);
        for over in [101, 399, 401, 10_000] {
            assert_eq!(read(over).await.unwrap_err().status, StatusCode::PAYLOAD_TOO_LARGE);
        }
    }

    #[test]
    fn a_wait_is_bounded() {
        let limits = ServerLimits::default();
        let default = Duration::from_secs(30);
        assert_eq!(wait(None, default, &limits).unwrap(), default);
        assert_eq!(wait(Some(120), default, &limits).unwrap(), limits.max_wait);
        assert!(wait(Some(121), default, &limits).is_err());
    }
}
