//! `/v1/skills/{name}/secrets`: write-only.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use openanalyst_registry::SecretView;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Caller;
use crate::input::{self, JsonBody};
use crate::problem::Problem;

/// A secret to set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSecret)]
pub(crate) struct SecretBody {
    /// The value, 8 to 8192 bytes without control characters.
    #[schema(write_only)]
    value: String,
    /// The hosts that it may be sent to, such as `api.example.com` or `*.example.com`.
    audience: Vec<String>,
}

/// `GET /v1/skills/{name}/secrets`
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let secrets = app.registry.secrets(&caller.owner.tenant, &input::name(path)?).await?;
    Ok(Json(json!({ "secrets": secrets })))
}

/// `PUT /v1/skills/{name}/secrets/{key}`
pub(crate) async fn put(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<(String, String)>, PathRejection>,
    JsonBody(body): JsonBody<SecretBody>,
) -> Result<Json<SecretView>, Problem> {
    let (name, key) = input::names(path)?;
    let (tenant, actor) = (&caller.owner.tenant, caller.actor());
    Ok(Json(app.registry.set_secret(tenant, &name, &key, body.value, body.audience, &actor).await?))
}

/// `DELETE /v1/skills/{name}/secrets/{key}`
pub(crate) async fn remove(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let (name, key) = input::names(path)?;
    app.registry.remove_secret(&caller.owner.tenant, &name, &key, &caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}
