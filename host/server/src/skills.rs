//! `/v1/skills`: the tenant's catalogue, to read.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use openanalyst_brain::SkillView;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::Caller;
use crate::input;
use crate::problem::Problem;

/// `GET /v1/skills`
pub(crate) async fn list(State(app): State<App>, Extension(caller): Extension<Caller>) -> Json<Value> {
    Json(json!({ "skills": app.brain.skills(&caller.owner.tenant) }))
}

/// `GET /v1/skills/{name}`
pub(crate) async fn show(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<SkillView>, Problem> {
    Ok(Json(app.brain.skill(&caller.owner.tenant, &input::name(path)?)?))
}

/// `GET /v1/skills/{name}/versions`
pub(crate) async fn versions(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let skill = app.brain.skill(&caller.owner.tenant, &input::name(path)?)?;
    let version = json!({
        "version": skill.version, "digest": skill.digest, "state": skill.state, "source": skill.source,
    });
    Ok(Json(json!({ "name": skill.name, "versions": [version] })))
}
