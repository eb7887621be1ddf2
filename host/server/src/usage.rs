//! What a skill may use and has used: its budget, receipts and logs.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::{Extension, Json};
use openanalyst_registry::SkillLimits;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::Caller;
use crate::input::{self, JsonBody, PageQuery};
use crate::pages::{self, Rows};
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
) -> Result<Response, Problem> {
    let (name, page) = (input::name(path)?, input::query(query)?);
    let (registry, tenant) = (app.registry.clone(), caller.owner.tenant.clone());
    let (limit, before) = (page.limit()?, page.id()?);
    pages::respond(&app, &caller.owner, "receipts", async move {
        let rows = registry.receipts(&tenant, &name, before, limit).await?;
        let next = input::next_cursor_of(&rows, limit, |row| row.id.clone());
        let used = registry.used_today(&tenant, &name).await?;
        let shown = rows.rows.into_iter().map(|row| {
            json!({
                "id": row.id, "user": row.user, "taskId": row.task_id, "jobId": row.job_id,
                "atMs": row.at_ms, "receipt": row.receipt,
            })
        });
        Ok(Rows { rows: shown.collect(), next, more: Some(("usedToday", json!(used))) })
    })
    .await
}

/// `GET /v1/skills/{name}/logs?cursor=&limit=`
pub(crate) async fn logs(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let (name, page) = (input::name(path)?, input::query(query)?);
    let (registry, tenant) = (app.registry.clone(), caller.owner.tenant.clone());
    let (limit, before) = (page.limit()?, page.id()?);
    pages::respond(&app, &caller.owner, "invocations", async move {
        let rows = registry.receipts(&tenant, &name, before, limit).await?;
        let next = input::next_cursor_of(&rows, limit, |row| row.id.clone());
        let shown = rows.rows.into_iter().map(|row| {
            json!({
                "id": row.id, "user": row.user, "taskId": row.task_id, "jobId": row.job_id,
                "atMs": row.at_ms, "export": row.receipt.export, "outcome": row.receipt.outcome,
                "lines": row.logs, "linesDropped": row.receipt.log_lines_dropped,
            })
        });
        Ok(Rows::new(shown.collect(), next))
    })
    .await
}
