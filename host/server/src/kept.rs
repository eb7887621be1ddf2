//! What users and tenants keep: how much of their quotas is used, and deleting all of it.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use openanalyst_brain::{Subject, UsageView};
use openanalyst_domain::{Owner, UserId};
use openanalyst_identity::Scope;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::{self, Caller};
use crate::input;
use crate::problem::Problem;

/// How long a call waits for a deletion to end.
const WAIT: std::time::Duration = std::time::Duration::from_secs(60);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UsageQuery {
    of: Option<Of>,
    user: Option<UserId>,
    days: Option<u32>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Of {
    Me,
    Tenant,
}

/// `GET /v1/usage?of=me|tenant&user=&days=`
pub(crate) async fn usage(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<UsageQuery>, QueryRejection>,
) -> Result<Json<UsageView>, Problem> {
    let UsageQuery { of, user, days } = input::query(query)?;
    let days = days.unwrap_or(1);
    let tenant = &caller.owner.tenant;
    let view = match (of, user) {
        (Some(Of::Tenant), Some(_)) => {
            return Err(Problem::invalid("give either `of=tenant` or `user`, not both"));
        }
        (Some(Of::Tenant), None) => {
            caller.require(Scope::Admin)?;
            app.brain.tenant_usage(tenant, days).await?
        }
        (_, Some(user)) if user != caller.owner.user => {
            caller.require(Scope::Admin)?;
            app.brain.user_usage(&Owner::new(tenant.clone(), user), days).await?
        }
        _ => app.brain.user_usage(&caller.owner, days).await?,
    };
    Ok(Json(view))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmQuery {
    confirm: Option<String>,
}

/// `DELETE /v1/me/data?confirm=USER`
pub(crate) async fn delete_own(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<ConfirmQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let user = caller.owner.user.clone();
    delete(&app, &caller, user, input::query(query)?).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeleteUserQuery {
    user: UserId,
    confirm: Option<String>,
}

/// `DELETE /v1/users?user=USER&confirm=USER`
pub(crate) async fn delete_user(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<DeleteUserQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let DeleteUserQuery { user, confirm } = input::query(query)?;
    delete(&app, &caller, user, ConfirmQuery { confirm }).await
}

async fn delete(app: &App, caller: &Caller, user: UserId, query: ConfirmQuery) -> Result<Response, Problem> {
    if query.confirm.as_deref() != Some(user.as_str()) {
        return Err(Problem::invalid(
            "this deletes all data of the user and cannot be undone: repeat the user's name as `confirm` in the query",
        ));
    }
    let subject = Subject::User(Owner::new(caller.owner.tenant.clone(), user));
    let (deletion, refused) = app.brain.begin_deletion(&subject, &caller.actor()).await?;
    // Here at once; other nodes read it within seconds.
    app.verifier.revocations().add(auth::revocation(refused));
    let answer = |status: StatusCode, state: &str| (status, Json::<Value>(json!({ "status": state }))).into_response();
    Ok(match tokio::time::timeout(WAIT, app.brain.finish_deletion(&deletion)).await {
        Ok(Ok(true)) => answer(StatusCode::OK, "deleted"),
        Ok(Err(error)) => {
            tracing::error!(%error, "a deletion stopped: it is continued in the background");
            answer(StatusCode::ACCEPTED, "deleting")
        }
        Ok(Ok(false)) | Err(_) => answer(StatusCode::ACCEPTED, "deleting"),
    })
}
