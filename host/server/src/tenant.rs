//! What a tenant decides for itself: its settings, and tokens that end before their time.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use openanalyst_domain::UserId;
use openanalyst_registry::TenantSettings;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{self, Caller};
use crate::input::JsonBody;
use crate::problem::Problem;

/// Which tokens end: one by its id, or all of a user that were issued until now.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Revocation)]
pub(crate) struct RevokeBody {
    /// The `jti` of a token; where it has none, the SHA-256 of the token in hexadecimal digits.
    #[serde(default)]
    token_id: Option<String>,
    /// Whose tokens end.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    user: Option<UserId>,
}

/// Most characters of a token's id.
const MAX_TOKEN_ID_CHARS: usize = 256;

/// `GET /v1/tenant/settings`
pub(crate) async fn settings(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<TenantSettings>, Problem> {
    Ok(Json(app.registry.settings(&caller.owner.tenant).await?))
}

/// `PUT /v1/tenant/settings`
pub(crate) async fn put_settings(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    JsonBody(settings): JsonBody<TenantSettings>,
) -> Result<Json<TenantSettings>, Problem> {
    app.registry.set_settings(&caller.owner.tenant, &settings, &caller.actor()).await?;
    Ok(Json(app.registry.settings(&caller.owner.tenant).await?))
}

/// `POST /v1/tokens/revoke`
pub(crate) async fn revoke(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    JsonBody(body): JsonBody<RevokeBody>,
) -> Result<StatusCode, Problem> {
    let good =
        |id: &String| !id.is_empty() && id.chars().count() <= MAX_TOKEN_ID_CHARS && !id.contains(char::is_control);
    match (&body.token_id, &body.user) {
        (Some(id), None) if good(id) => {}
        (None, Some(_)) => {}
        _ => {
            return Err(Problem::invalid(format!(
                "give either `tokenId` (1 to {MAX_TOKEN_ID_CHARS} characters) or `user`, not both"
            )));
        }
    }
    let tenant = &caller.owner.tenant;
    let revoked = app.registry.revoke(tenant, body.token_id.as_deref(), body.user.as_ref(), &caller.actor()).await?;
    // Here at once; other nodes read it within seconds.
    app.verifier.revocations().add(auth::revocation(revoked));
    Ok(StatusCode::NO_CONTENT)
}
