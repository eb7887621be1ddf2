//! `/v1/skills/{name}/grants`: what a skill asks for, and what it is given.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use openanalyst_package::Capabilities;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Caller;
use crate::input::{self, JsonBody};
use crate::problem::Problem;

/// Capabilities in the form of `SKILL.md`, for the description: what is read is [`Capabilities`].
#[derive(ToSchema)]
#[allow(dead_code)]
#[schema(as = Grants, rename_all = "kebab-case")]
pub(crate) struct GrantsBody {
    /// Paths in the workflow engine, such as `f/openanalyst/social/*`.
    windmill: Option<Vec<String>>,
    /// `user` or `tenant`.
    memory: Option<String>,
    web_search: Option<bool>,
    llm: Option<bool>,
    /// Hosts, such as `api.example.com`.
    http: Option<Vec<String>>,
    /// Other skills, by identifier.
    skills: Option<Vec<String>>,
    /// Secrets, by name.
    secrets: Option<Vec<String>>,
}

/// `GET /v1/skills/{name}/grants`
pub(crate) async fn show(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    view(&app, &caller, &input::name(path)?).await
}

/// `PUT /v1/skills/{name}/grants`
pub(crate) async fn put(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
    JsonBody(grants): JsonBody<Capabilities>,
) -> Result<Json<Value>, Problem> {
    let name = input::name(path)?;
    app.registry.grant(&caller.owner.tenant, &name, &grants, &caller.actor()).await?;
    view(&app, &caller, &name).await
}

async fn view(app: &App, caller: &Caller, name: &str) -> Result<Json<Value>, Problem> {
    let skill = app.registry.show(&caller.owner.tenant, name).await?;
    let granted = app.registry.granted(&caller.owner.tenant, name).await?;
    Ok(Json(json!({
        "name": skill.name, "requested": skill.requested, "granted": granted, "effective": skill.capabilities,
    })))
}
