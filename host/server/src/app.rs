//! The routes, and what all of them share.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use openanalyst_brain::Brain;
use openanalyst_domain::Clock;
use openanalyst_identity::{Scope, Verifier};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::health::Readiness;
use crate::hub::origin::Origins;
use crate::limits::ServerLimits;
use crate::places::Places;
use crate::problem::Problem;
use crate::rate::UserRate;
use crate::{auth, edge, events, health, hub, requests, route, skills, tasks};

/// What the edge is made of.
pub struct ServerOptions {
    /// Tells who holds a token.
    pub verifier: Verifier,
    /// The time, for tokens.
    pub clock: Arc<dyn Clock>,
    /// All limits.
    pub limits: ServerLimits,
    /// What `/ready` checks. Without any it reports ready until shutdown.
    pub readiness: Readiness,
    /// Web origins that may open a WebSocket beside the host's own, as `scheme://host[:port]`. One that cannot be read is never matched.
    pub allowed_origins: Vec<String>,
    /// The version that `/health` shows.
    pub version: &'static str,
}

impl ServerOptions {
    /// Everything at its default.
    #[must_use]
    pub fn new(verifier: Verifier, clock: Arc<dyn Clock>) -> Self {
        Self {
            verifier,
            clock,
            limits: ServerLimits::default(),
            readiness: Arc::new(|| Box::pin(async { Vec::new() })),
            allowed_origins: Vec::new(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// What all routes share.
pub(crate) struct Shared {
    pub(crate) brain: Brain,
    pub(crate) verifier: Verifier,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: ServerLimits,
    pub(crate) readiness: Readiness,
    pub(crate) origins: Origins,
    pub(crate) version: &'static str,
    pub(crate) rate: Arc<UserRate>,
    pub(crate) places: Arc<Places>,
    /// Nothing new is accepted.
    pub(crate) shutdown: CancellationToken,
    /// The open WebSockets.
    pub(crate) sockets: TaskTracker,
}

pub(crate) type App = Arc<Shared>;

pub(crate) fn shared(brain: Brain, options: ServerOptions, shutdown: CancellationToken) -> App {
    Arc::new(Shared {
        brain,
        verifier: options.verifier,
        clock: options.clock,
        rate: Arc::new(UserRate::new(&options.limits)),
        places: Places::new(options.limits.connections_per_user),
        limits: options.limits,
        readiness: options.readiness,
        origins: Origins::new(&options.allowed_origins),
        version: options.version,
        shutdown,
        sockets: TaskTracker::new(),
    })
}

/// All routes. Each group states the scope it needs once, so that a route added to it cannot forget it.
pub(crate) fn router(app: &App) -> Router {
    let needs = |scope| from_fn_with_state((app.clone(), scope), auth::authorize);
    let requests = Router::new()
        .route("/v1/requests", post(requests::create))
        .route("/v1/tasks", get(tasks::list))
        .route("/v1/tasks/{id}", get(tasks::show))
        .route("/v1/tasks/{id}/cancel", post(tasks::cancel))
        .route("/v1/tasks/{id}/answers", post(tasks::answer))
        .route("/v1/tasks/{id}/events", get(events::stream))
        .route("/v1/route", post(route::route))
        .route_layer(needs(Scope::Requests));
    let skills = Router::new()
        .route("/v1/skills", get(skills::list))
        .route("/v1/skills/{name}", get(skills::show))
        .route("/v1/skills/{name}/versions", get(skills::versions))
        .route_layer(needs(Scope::SkillsRead));
    Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        // The hub looks at its token itself: a browser can only send it as a subprotocol.
        .route("/v1/ws", get(hub::open))
        .merge(requests)
        .merge(skills)
        .fallback(async || Problem::of_status(StatusCode::NOT_FOUND))
        .method_not_allowed_fallback(async || Problem::of_status(StatusCode::METHOD_NOT_ALLOWED))
        .layer(from_fn(edge::around))
        .with_state(app.clone())
}
