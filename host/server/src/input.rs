//! What comes in: bodies, queries and ids, each with an error that names what is wrong.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, Path, Query, Request};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt as _;
use openanalyst_brain::{BrainError, MAX_PAGE, Page};
use openanalyst_domain::{LimitReason, MessageId, TaskId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::Caller;
use crate::body_budget::{BodyBudget, Reservation};
use crate::limits::ServerLimits;
use crate::problem::Problem;

/// How many times the limit is still read and thrown away, so that a client that is a little over it hears the answer instead of a
/// broken connection.
const READ_AND_DROP: usize = 4;
/// How long a body is read and thrown away that is refused because the host is busy.
const DROP_TIME: Duration = Duration::from_secs(1);
/// Bytes of the smallest room for a body that does not announce less.
const SMALLEST_ROOM: usize = 8 << 10;

/// A JSON body.
pub(crate) struct JsonBody<T>(pub(crate) T);

/// A JSON body that may be missing.
pub(crate) struct OptionalJsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        check_content_type(request.headers())?;
        parse(&read(request, app).await?.bytes).map(Self)
    }
}

impl<T: DeserializeOwned + Default> FromRequest<App> for OptionalJsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let typed = check_content_type(request.headers());
        let body = read(request, app).await?;
        if body.bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        typed?;
        parse(&body.bytes).map(Self)
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

/// A body that was read, and its part of the budget.
struct Received {
    bytes: Vec<u8>,
    reserved: Reservation,
}

impl Received {
    /// Appends a chunk. The body never has more than `most` bytes.
    ///
    /// # Errors
    /// `busy`: there is no memory for it now.
    fn push(&mut self, chunk: &[u8], most: usize) -> Result<(), Problem> {
        let needed = self.bytes.len() + chunk.len();
        if needed > self.bytes.capacity() {
            // What counts is the memory that it takes, which doubles as it grows.
            let room = needed.max(SMALLEST_ROOM).checked_next_power_of_two().unwrap_or(needed).min(most).max(needed);
            self.reserved.resize(room)?;
            self.bytes.reserve_exact(room - self.bytes.len());
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }
}

/// How a body is read.
struct Reading {
    /// Its most bytes.
    limit: usize,
    /// How long it may take.
    time: Duration,
    reserved: Reservation,
}

async fn read(request: Request, app: &App) -> Result<Received, Problem> {
    let reserved = reserve(&request, &app.bodies)?;
    let reading = Reading { limit: app.limits.body_bytes, time: app.limits.body_read_timeout, reserved };
    read_in_time(request, reading).await.map_err(|error| match error {
        ReadError::TooSlow(time) => {
            let detail = format!("the body did not come within {} s: send it faster", time.as_secs());
            Problem::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", detail).header(header::CONNECTION, CLOSE)
        }
        ReadError::TooLarge(limit) => {
            let detail = format!("the body has more than {limit} bytes: send less, or split it into several requests");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload-too-large", detail).header(header::CONNECTION, CLOSE)
        }
        ReadError::Other(problem) => problem,
    })
}

/// The caller's part of a budget, empty.
fn reserve(request: &Request, budget: &Arc<BodyBudget>) -> Result<Reservation, Problem> {
    // Whoever sends a body is known: the routes that take one are behind the check of the token.
    let caller = request.extensions().get::<Caller>().ok_or_else(Problem::internal)?;
    Ok(budget.reserve(&caller.owner))
}

const CLOSE: axum::http::HeaderValue = axum::http::HeaderValue::from_static("close");

/// Why a body cannot be read.
#[derive(Debug)]
enum ReadError {
    TooLarge(usize),
    TooSlow(Duration),
    Other(Problem),
}

async fn read_in_time(request: Request, reading: Reading) -> Result<Received, ReadError> {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let time = reading.time;
    let body = read_capped(request.into_body(), announced, reading);
    tokio::time::timeout(time, body).await.unwrap_or(Err(ReadError::TooSlow(time)))
}

async fn read_capped(body: Body, announced: Option<usize>, reading: Reading) -> Result<Received, ReadError> {
    let Reading { limit, reserved, .. } = reading;
    let dropped_up_to = limit.saturating_mul(READ_AND_DROP);
    if announced.is_some_and(|length| length > dropped_up_to) {
        return Err(ReadError::TooLarge(limit));
    }
    let most = announced.unwrap_or(limit).min(limit);
    let mut chunks = body.into_data_stream();
    let mut received = Some(Received { bytes: Vec::new(), reserved });
    let mut seen = 0_usize;
    while let Some(chunk) = chunks.next().await {
        let chunk =
            chunk.map_err(|_| ReadError::Other(Problem::invalid("the body broke off: send the request again")))?;
        seen = seen.saturating_add(chunk.len());
        if seen > dropped_up_to {
            break;
        }
        if seen > limit {
            // It is refused, so its memory is free for others.
            received = None;
        } else if let Some(body) = &mut received
            && let Err(busy) = body.push(&chunk, most)
        {
            drop(received.take());
            read_and_drop(&mut chunks, dropped_up_to - seen).await;
            return Err(ReadError::Other(busy.header(header::CONNECTION, CLOSE)));
        }
    }
    received.filter(|_| seen <= limit).ok_or(ReadError::TooLarge(limit))
}

/// Reads a refused body for a moment, so that its sender gets to reading the answer.
async fn read_and_drop(chunks: &mut BodyDataStream, most: usize) {
    let mut left = most;
    let _ = tokio::time::timeout(DROP_TIME, async {
        while let Some(Ok(chunk)) = chunks.next().await {
            match left.checked_sub(chunk.len()) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    })
    .await;
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

/// An uploaded package.
pub(crate) struct Package {
    pub(crate) archive: Vec<u8>,
    /// Its part of the budget, to be kept for as long as the package.
    pub(crate) reserved: Reservation,
}

/// The body of an upload.
pub(crate) async fn package(request: Request, app: &App) -> Result<Package, Problem> {
    let reserved = reserve(&request, &app.packages)?;
    let reading = Reading { limit: app.limits.package_bytes, time: app.limits.body_read_timeout, reserved };
    let Received { bytes, reserved } = read_in_time(request, reading).await.map_err(|error| match error {
        ReadError::TooSlow(time) => {
            let detail = format!("the package did not come within {} s: send it faster", time.as_secs());
            Problem::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", detail).header(header::CONNECTION, CLOSE)
        }
        ReadError::TooLarge(limit) => {
            let detail =
                format!("the package has more than {limit} bytes, which is the limit: leave out what it does not need");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, LimitReason::PackageTooLarge.code(), detail)
                .header(header::CONNECTION, CLOSE)
        }
        ReadError::Other(problem) => problem,
    })?;
    if bytes.is_empty() {
        return Err(Problem::invalid("there is no package: send the `.skill` file as the body"));
    }
    Ok(Package { archive: bytes, reserved })
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

/// The same for one that may have ended because of its bytes.
pub(crate) fn next_cursor_of<T>(page: &Page<T>, limit: u32, cursor: impl Fn(&T) -> String) -> Option<String> {
    match page.is_cut {
        true => page.rows.last().map(cursor),
        false => next_cursor(&page.rows, limit, cursor),
    }
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
    use openanalyst_domain::{Owner, TenantId, UserId};
    use serde::Deserialize;

    use super::*;
    use crate::body_budget::ByteLimits;

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

    fn budget(bytes: usize) -> Arc<BodyBudget> {
        BodyBudget::new(ByteLimits { user: bytes, tenant: bytes, node: bytes })
    }

    async fn read_some(body: Body, limit: usize, budget: &Arc<BodyBudget>) -> Result<Received, ReadError> {
        let owner = Owner::new(TenantId::parse("acme").unwrap(), UserId::parse("ada").unwrap());
        let reading = Reading { limit, time: Duration::from_secs(60), reserved: budget.reserve(&owner) };
        read_capped(body, None, reading).await
    }

    #[tokio::test]
    async fn the_limit_itself_is_allowed() {
        let budget = budget(100);
        let read = async |length: usize| read_some(Body::from(vec![b'x'; length]), 100, &budget).await;
        assert_eq!(read(100).await.map(|received| received.bytes.len()).ok(), Some(100));
        for over in [101, 399, 401, 10_000] {
            assert!(matches!(read(over).await, Err(ReadError::TooLarge(100))), "{over}");
        }
    }

    #[tokio::test]
    async fn a_body_counts_as_it_arrives_and_until_it_is_dropped() {
        let chunked = |chunks: usize| {
            let chunks = (0..chunks).map(|_| Ok::<_, std::convert::Infallible>(vec![b'x'; 8 << 10]));
            Body::from_stream(futures_util::stream::iter(chunks))
        };
        let budget = budget(64 << 10);
        let first = read_some(chunked(4), 1 << 20, &budget).await.ok().unwrap();
        assert_eq!(first.bytes.capacity(), 32 << 10, "the reserved memory is the memory that is taken");
        let Err(ReadError::Other(busy)) = read_some(chunked(8), 1 << 20, &budget).await else {
            panic!("there is no room for it")
        };
        assert_eq!((busy.status.as_u16(), busy.code, busy.is_retryable()), (429, "busy", true));
        drop(first);
        assert_eq!(read_some(chunked(8), 1 << 20, &budget).await.map(|all| all.bytes.len()).ok(), Some(64 << 10));
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
