//! What a skill may use and has used: its budget, receipts and logs.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use openanalyst_registry::SkillLimits;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::Caller;
use crate::input::{self, JsonBody, PageQuery};
use crate::problem::Problem;

/// `GET /v1/skills/{name}/budget`
pub(crate) async fn budget(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    view(&app, &caller, &input::name(path)?).await
}

/// `PUT /v1/skills/{name}/budget`
pub(crate) async fn put_budget(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
    JsonBody(limits): JsonBody<SkillLimits>,
) -> Result<Json<Value>, Problem> {
    let name = input::name(path)?;
    app.registry.limit(&caller.owner.tenant, &name, &limits, &caller.actor()).await?;
    view(&app, &caller, &name).await
}

async fn view(app: &App, caller: &Caller, name: &str) -> Result<Json<Value>, Problem> {
    let tenant = &caller.owner.tenant;
    let skill = app.registry.show(tenant, name).await?;
    let used = app.registry.used_today(tenant, name).await?;
    let ceiling = app.registry.catalog().ceiling();
    Ok(Json(json!({ "name": skill.name, "limits": skill.limits, "ceiling": ceiling, "usedToday": used })))
}

/// `GET /v1/skills/{name}/receipts?cursor=&limit=`
pub(crate) async fn receipts(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let (name, page) = (input::name(path)?, input::query(query)?);
    let (tenant, limit) = (&caller.owner.tenant, page.limit()?);
    let rows = app.registry.receipts(tenant, &name, page.id()?, limit).await?;
    let next = input::next_cursor_of(&rows, limit, |row| row.id.clone());
    let used = app.registry.used_today(tenant, &name).await?;
    let shown: Vec<Value> = rows
        .rows
        .into_iter()
        .map(|row| {
            json!({
                "id": row.id, "user": row.user, "taskId": row.task_id, "jobId": row.job_id, "atMs": row.at_ms, "receipt": row.receipt,
            })
        })
        .collect();
    Ok(Json(input::page("receipts", json!(shown), next, Some(("usedToday", json!(used))))))
}

/// `GET /v1/skills/{name}/logs?cursor=&limit=`
pub(crate) async fn logs(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let (name, page) = (input::name(path)?, input::query(query)?);
    let limit = page.limit()?;
    let rows = app.registry.receipts(&caller.owner.tenant, &name, page.id()?, limit).await?;
    let next = input::next_cursor_of(&rows, limit, |row| row.id.clone());
    let shown: Vec<Value> = rows
        .rows
        .into_iter()
        .map(|row| {
            json!({
                "id": row.id, "user": row.user, "taskId": row.task_id, "jobId": row.job_id, "atMs": row.at_ms,
                "export": row.receipt.export, "outcome": row.receipt.outcome, "lines": row.logs, "linesDropped": row.receipt.log_lines_dropped,
            })
        })
        .collect();
    Ok(Json(input::page("invocations", json!(shown), next, None)))
}
