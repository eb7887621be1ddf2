//! `/v1/me`: what a user tells of themselves, and their memory. Versions compare as entity tags (RFC 9110 §13.1).

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use openanalyst_brain::{MemoryView, UserContext};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Caller;
use crate::input::{self, JsonBody};
use crate::pages::{self, Rows};
use crate::problem::Problem;

/// What a user tells.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewContext)]
pub(crate) struct ContextBody {
    /// Preferences by name; at most 32 KiB. `display-name` and `time-zone` are understood by the host itself.
    #[serde(default)]
    #[schema(value_type = Object)]
    preferences: Map<String, Value>,
    /// What to mind in every answer; at most 8 KiB.
    #[serde(default)]
    custom_instructions: String,
}

/// A value of the memory.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewMemory)]
pub(crate) struct MemoryBody {
    /// Any JSON, at most 64 KiB.
    #[schema(value_type = Object)]
    value: Value,
    /// How long it is to be kept, in milliseconds. None: until it is removed.
    #[serde(default)]
    ttl_ms: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    #[serde(default)]
    prefix: String,
    query: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// `GET /v1/me/context`
pub(crate) async fn context(State(app): State<App>, Extension(caller): Extension<Caller>) -> Result<Response, Problem> {
    Ok(tagged_context(&*app.brain.user_context(&caller.owner).await?))
}

/// `PUT /v1/me/context`
pub(crate) async fn put_context(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<ContextBody>,
) -> Result<Response, Problem> {
    let expected = expected(&headers)?;
    let put = app.brain.put_user_context(&caller.owner, body.preferences, &body.custom_instructions, expected).await?;
    Ok(tagged_context(&put))
}

/// `GET /v1/me/memory?prefix=&query=&cursor=&limit=`
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let query = input::query(query)?;
    let limit = input::limit(query.limit)?;
    let words = query.query.filter(|words| !words.trim().is_empty());
    let (brain, owner) = (app.brain.clone(), caller.owner.clone());
    pages::respond(&app, &caller.owner, "values", async move {
        let cursor = query.cursor.as_deref();
        let rows = brain.list_memory(&owner, &query.prefix, words.as_deref(), cursor, limit).await?;
        // What was found by words is sorted by how well it fits, and has one page.
        let is_last = words.is_some();
        let next = if is_last { None } else { input::next_cursor(&rows, limit, |row| row.key.clone()) };
        Ok(Rows::new(rows, next))
    })
    .await
}

/// `GET /v1/me/memory/{key}`
pub(crate) async fn show(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    Ok(tagged(app.brain.memory(&caller.owner, &input::name(path)?).await?))
}

/// `PUT /v1/me/memory/{key}`
pub(crate) async fn put(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<MemoryBody>,
) -> Result<Response, Problem> {
    let (key, expected) = (input::name(path)?, expected(&headers)?);
    Ok(tagged(app.brain.put_memory(&caller.owner, &key, &body.value, expected, body.ttl_ms).await?))
}

/// `DELETE /v1/me/memory/{key}`
pub(crate) async fn forget(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    app.brain.forget(&caller.owner, &input::name(path)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn tagged(view: MemoryView) -> Response {
    ([etag(view.version)], Json(view)).into_response()
}

fn tagged_context(view: &UserContext) -> Response {
    ([etag(view.version)], Json(view)).into_response()
}

fn etag(version: i64) -> (HeaderName, String) {
    (header::ETAG, format!("\"{version}\""))
}

/// The version that must be there: `If-Match: "3"`, or `If-None-Match: *` for none.
fn expected(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let invalid =
        || Problem::invalid("`If-Match` must be a version in quotes such as \"3\", and `If-None-Match` must be *");
    match (headers.get(header::IF_MATCH), headers.get(header::IF_NONE_MATCH)) {
        (None, None) => Ok(None),
        (None, Some(none)) if none == "*" => Ok(Some(0)),
        (Some(version), None) => {
            let version = version.to_str().ok().and_then(|tag| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok());
            version.map(Some).ok_or_else(invalid)
        }
        _ => Err(invalid()),
    }
}
