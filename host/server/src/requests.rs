//! `POST /v1/requests`: accepts a request, and waits a while for its end.

use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use openanalyst_brain::{Attachment, NewRequest, TaskView};
use openanalyst_domain::SessionKey;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::auth::Caller;
use crate::input::{self, JsonBody};
use crate::problem::Problem;

/// How long a call waits that does not say.
pub(crate) const DEFAULT_WAIT: Duration = Duration::from_secs(30);
/// Most characters of the `Idempotency-Key` header.
const MAX_KEY_CHARS: usize = 255;
/// Stands before the keys of this route, so that they never meet those of the hub.
const KEY_PREFIX: &str = "http:";

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewRequest)]
pub(crate) struct Body {
    content: String,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 128)]
    session_id: Option<SessionKey>,
    #[serde(default)]
    attachments: Vec<Attachment>,
}

#[derive(Deserialize)]
pub(crate) struct WaitQuery {
    pub(crate) wait: Option<u64>,
}

/// `POST /v1/requests?wait=SECONDS`
pub(crate) async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<WaitQuery>, QueryRejection>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Body>,
) -> Result<Response, Problem> {
    let wait = input::wait(input::query(query)?.wait, DEFAULT_WAIT, &app.limits)?;
    let key = idempotency_key(&headers)?;
    let request = NewRequest {
        content: body.content,
        session: body.session_id.map_or_else(|| new_session(key.as_deref()), Ok)?,
        attachments: body.attachments,
        idempotency_key: key,
        correlation_id: None,
    };
    let task = app.brain.accept(&caller.owner, request).await?.task;
    let view = app.brain.wait(&caller.owner, task, wait).await?;
    let mut response = answer(view);
    if let Ok(location) = HeaderValue::try_from(format!("/v1/tasks/{task}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// 200 with a task that is done, 202 with one that goes on.
pub(crate) fn answer(view: TaskView) -> Response {
    let status = if view.done { StatusCode::OK } else { StatusCode::ACCEPTED };
    (status, Json(view)).into_response()
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut given = headers.get_all("idempotency-key").iter();
    let Some(key) = given.next() else { return Ok(None) };
    let key = key.to_str().unwrap_or_default();
    if given.next().is_some() || key.is_empty() || key.len() > MAX_KEY_CHARS {
        let detail =
            format!("give one `Idempotency-Key` of 1 to {MAX_KEY_CHARS} visible ASCII characters, for example a UUID");
        return Err(Problem::invalid(detail));
    }
    Ok(Some(format!("{KEY_PREFIX}{key}")))
}

/// A session of its own for a request that names none. One that is sent again under its idempotency key must get the same session,
/// because the session is part of what makes it the same request: so that key then makes the session.
pub(crate) fn new_session(key: Option<&str>) -> Result<SessionKey, Problem> {
    let id = key.map_or_else(Uuid::now_v7, |key| {
        let hash = Sha256::digest(key.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    });
    SessionKey::parse(id.to_string()).map_err(|error| Problem::invalid(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(values: &[&[u8]]) -> Result<Option<String>, Problem> {
        let value = |value: &&[u8]| ("idempotency-key".parse().unwrap(), HeaderValue::from_bytes(value).unwrap());
        idempotency_key(&values.iter().map(value).collect::<HeaderMap>())
    }

    #[test]
    fn an_idempotency_key_is_one_short_text() {
        assert_eq!(key(&[]).unwrap(), None);
        assert_eq!(key(&[b"k1"]).unwrap().unwrap(), "http:k1");
        assert!(key(&[&[b'k'; 255]]).is_ok());
        for bad in [&[b"".as_slice()] as &[&[u8]], &[&[b'k'; 256]], &[b"a", b"a"], &[b"\xff"]] {
            assert_eq!(key(bad).unwrap_err().code, "invalid");
        }
    }

    #[test]
    fn the_same_request_gets_the_same_session() {
        let session = |key| new_session(key).unwrap();
        assert_eq!(session(Some("http:a")), session(Some("http:a")));
        assert_ne!(session(Some("http:a")), session(Some("http:b")));
        assert_ne!(session(None), session(None));
    }

    #[test]
    fn a_misspelled_member_is_refused() {
        assert!(serde_json::from_str::<Body>(r#"{"content": "x"}"#).is_ok());
        assert!(serde_json::from_str::<Body>(r#"{"content": "x", "session": "s"}"#).is_err());
        let long = format!(r#"{{"content": "x", "sessionId": "{}"}}"#, "s".repeat(10_000));
        let error = serde_json::from_str::<Body>(&long).err().unwrap().to_string();
        assert!(error.contains("sessionId") && error.contains("128") && error.len() < 200, "{error}");
    }
}
