//! `POST /v1/route`: what the router would do with a text, and why. Runs nothing, records nothing.

use axum::extract::State;
use axum::{Extension, Json};
use openanalyst_brain::Understood;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Caller;
use crate::input::JsonBody;
use crate::problem::Problem;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RouteRequest)]
pub(crate) struct Body {
    content: String,
}

/// `POST /v1/route`
pub(crate) async fn route(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Understood>, Problem> {
    Ok(Json(app.brain.route(&caller.owner, &body.content).await?))
}
