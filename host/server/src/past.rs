//! `/v1/conversations` and `/v1/history`: the recorded past, in pages.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::{Extension, Json};
use openanalyst_brain::{BrainError, EntryFilter};
use openanalyst_domain::MessageId;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::Caller;
use crate::input::{self, PageQuery};
use crate::pages::{self, Rows};
use crate::problem::Problem;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryQuery {
    kind: Option<String>,
    skill: Option<String>,
    query: Option<String>,
    since: Option<i64>,
    until: Option<i64>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// `GET /v1/conversations?cursor=&limit=`
pub(crate) async fn conversations(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let page = input::query(query)?;
    let limit = page.limit()?;
    // Changed at this moment, and this one of those: the last one of the page before.
    let before = match &page.cursor {
        None => None,
        Some(cursor) => {
            let parts = cursor.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
            Some(parts.ok_or_else(input::bad_cursor)?)
        }
    };
    let rows = app.brain.conversations(&caller.owner, before, limit).await?;
    let next = input::next_cursor(&rows, limit, |row| format!("{}.{}", row.updated_at_ms, row.id));
    Ok(Json(input::page("conversations", json!(rows), next, None)))
}

/// `GET /v1/conversations/{id}/messages?cursor=&limit=`
pub(crate) async fn messages(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let (name, page) = (input::name(path)?, input::query(query)?);
    let limit = page.limit()?;
    // What cannot be an id is no conversation, like any unknown id.
    let id: MessageId = name
        .parse()
        .map_err(|_| BrainError::NoSuchConversation(name.chars().filter(|c| !c.is_control()).take(64).collect()))?;
    let (brain, owner, after) = (app.brain.clone(), caller.owner.clone(), page.id()?);
    pages::respond(&app, &caller.owner, "messages", async move {
        let page = brain.messages(&owner, id, after, limit).await?;
        let next = input::next_cursor_of(&page, limit, |row| row.id.clone());
        Ok(Rows::new(page.rows, next))
    })
    .await
}

/// `GET /v1/history?kind=&skill=&query=&since=&until=&cursor=&limit=`
pub(crate) async fn history(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<HistoryQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let query = input::query(query)?;
    let limit = input::limit(query.limit)?;
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let filter = EntryFilter {
        kind: filled(query.kind),
        skill: filled(query.skill),
        text: filled(query.query),
        since_ms: query.since,
        until_ms: query.until,
        before: query.cursor.map(|cursor| cursor.parse().map_err(|_| input::bad_cursor())).transpose()?,
    };
    let (brain, owner) = (app.brain.clone(), caller.owner.clone());
    pages::respond(&app, &caller.owner, "entries", async move {
        let page = brain.history(&owner, &filter, limit).await?;
        let next = input::next_cursor_of(&page, limit, |row| row.id.clone());
        Ok(Rows::new(page.rows, next))
    })
    .await
}
