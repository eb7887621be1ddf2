//! `/v1/users`: sign-up, and who is there.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use openanalyst_brain::NewUser;
use openanalyst_domain::UserId;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Caller;
use crate::input::{self, JsonBody, PageQuery};
use crate::problem::Problem;

/// Somebody who signs up.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewUser)]
pub(crate) struct UserBody {
    /// Their email; one person of a tenant has it.
    email: String,
    /// The `sub` of their tokens. None: the email.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    user_id: Option<UserId>,
    /// How they are called.
    #[serde(default)]
    display_name: Option<String>,
}

/// `POST /v1/users`
pub(crate) async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    JsonBody(body): JsonBody<UserBody>,
) -> Result<Response, Problem> {
    let new = NewUser { email: body.email, user: body.user_id, display_name: body.display_name };
    let actor = caller.actor();
    let (user, is_new) = app.brain.sign_up(&caller.owner.tenant, new, &actor.name, &actor.origin).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(user)).into_response())
}

/// `GET /v1/users?cursor=&limit=`
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let page = input::query(query)?;
    let limit = page.limit()?;
    let rows = app.brain.people(&caller.owner.tenant, page.cursor.as_deref(), limit).await?;
    let next = input::next_cursor(&rows, limit, |row| row.user_id.clone());
    Ok(Json(input::page("users", json!(rows), next, None)))
}
