//! `GET /v1/audit`: who did what.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::{Extension, Json};
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::Caller;
use crate::input::{self, PageQuery};
use crate::problem::Problem;

/// `GET /v1/audit?cursor=&limit=`
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let page = input::query(query)?;
    let limit = page.limit()?;
    let before = page.cursor.as_ref().map(|cursor| cursor.parse().map_err(|_| input::bad_cursor())).transpose()?;
    let rows = app.registry.audit_log(&caller.owner.tenant, before, limit).await?;
    let next = input::next_cursor(&rows, limit, |row| row.seq.to_string());
    Ok(Json(input::page("entries", json!(rows), next, None)))
}
