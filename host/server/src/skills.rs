//! `/v1/skills`: the tenant's skills, and their life: upload, activate, disable, remove.

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use openanalyst_registry::InstalledSkill;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Caller;
use crate::input::{self, OptionalJsonBody, PageQuery};
use crate::problem::Problem;

/// Which version to activate.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Activate)]
pub(crate) struct ActivateBody {
    /// A version such as `1.2.0`, or a digest. None: the newest.
    #[serde(default)]
    version: Option<String>,
}

/// No members.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoBody {}

/// `GET /v1/skills?cursor=&limit=`. The cursor is the last name of the page before.
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let page = input::query(query)?;
    let limit = page.limit()?;
    let after = page.cursor.as_deref().unwrap_or_default();
    let (skills, is_cut) = app.registry.list(&caller.owner.tenant, after, limit).await?;
    let next = skills.last().filter(|_| is_cut).map(|skill| skill.name.clone());
    Ok(Json(input::page("skills", json!(skills), next, None)))
}

/// `GET /v1/skills/{name}`
pub(crate) async fn show(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<InstalledSkill>, Problem> {
    Ok(Json(app.registry.show(&caller.owner.tenant, &input::name(path)?).await?))
}

/// `GET /v1/skills/{name}/versions`
pub(crate) async fn versions(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let name = input::name(path)?;
    let versions = app.registry.versions(&caller.owner.tenant, &name).await?;
    Ok(Json(json!({ "name": name, "versions": versions })))
}

/// `POST /v1/skills`
pub(crate) async fn upload(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    // Read whole before it takes a place: a client that sends slowly holds up nobody.
    let package = input::package(request, &app).await?;
    let place = app.uploads.take(&caller.owner).await?;
    let input::Package { archive, reserved } = package;
    // What has begun to compile goes on if the client goes away, and so keeps its place and its bytes until it has ended.
    let uploading = tokio::spawn(async move {
        let uploaded = app.registry.upload(&caller.owner.tenant, archive.into(), &caller.actor()).await;
        drop((place, reserved));
        uploaded
    });
    let uploaded = uploading.await.map_err(|error| {
        tracing::error!(%error, "an upload ended early");
        Problem::internal()
    })??;
    let status = if uploaded.repeated { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(uploaded)).into_response())
}

/// `POST /v1/skills/{name}/activate`
pub(crate) async fn activate(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
    OptionalJsonBody(body): OptionalJsonBody<ActivateBody>,
) -> Result<Json<InstalledSkill>, Problem> {
    let name = input::name(path)?;
    let version = body.version.as_deref();
    Ok(Json(app.registry.activate(&caller.owner.tenant, &name, version, &caller.actor()).await?))
}

/// `POST /v1/skills/{name}/disable`
pub(crate) async fn disable(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
    OptionalJsonBody(NoBody {}): OptionalJsonBody<NoBody>,
) -> Result<Json<InstalledSkill>, Problem> {
    Ok(Json(app.registry.disable(&caller.owner.tenant, &input::name(path)?, &caller.actor()).await?))
}

/// `DELETE /v1/skills/{name}`
pub(crate) async fn remove(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    app.registry.remove(&caller.owner.tenant, &input::name(path)?, &caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}
