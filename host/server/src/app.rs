//! The routes, and what all of them share.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use ipnet::IpNet;
use openanalyst_brain::Brain;
use openanalyst_domain::Clock;
use openanalyst_identity::Verifier;
use openanalyst_registry::Registry;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::Access;
use crate::body_budget::{BodyBudget, ByteLimits};
use crate::health::{Readiness, ReadyReport};
use crate::hub::origin::Origins;
use crate::limits::ServerLimits;
use crate::places::Places;
use crate::problem::Problem;
use crate::rate::UserRate;
use crate::refused_tokens::RefusedTokens;
use crate::upload_queue::UploadQueue;
use crate::{api, auth, edge};

/// What the edge is made of.
pub struct ServerOptions {
    /// Tells who holds a token.
    pub verifier: Verifier,
    /// The time, for tokens.
    pub clock: Arc<dyn Clock>,
    /// All limits.
    pub limits: ServerLimits,
    /// What `/ready` reports. By default: ready, until shutdown.
    pub readiness: Readiness,
    /// Web origins that may open a WebSocket beside the host's own, as `scheme://host[:port]`. One that cannot be read is never matched.
    pub allowed_origins: Vec<String>,
    /// Networks of reverse proxies in front of the host: their connections carry those of many
    /// clients, and are not counted for each address.
    pub trusted_proxies: Vec<IpNet>,
    /// The version that `/health` shows.
    pub version: &'static str,
    /// Cancelled when the host is about to shut down: `/ready` says 503 from then on, while everything
    /// is still served, so that a load balancer takes the host out before it stops listening.
    pub leaving: CancellationToken,
}

impl ServerOptions {
    /// Everything at its default.
    #[must_use]
    pub fn new(verifier: Verifier, clock: Arc<dyn Clock>) -> Self {
        Self {
            verifier,
            clock,
            limits: ServerLimits::default(),
            readiness: Arc::new(|| Box::pin(async { ReadyReport::default() })),
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            version: env!("CARGO_PKG_VERSION"),
            leaving: CancellationToken::new(),
        }
    }
}

/// What all routes share.
pub(crate) struct Shared {
    pub(crate) brain: Brain,
    pub(crate) registry: Registry,
    pub(crate) verifier: Verifier,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: ServerLimits,
    pub(crate) readiness: Readiness,
    pub(crate) origins: Origins,
    pub(crate) version: &'static str,
    pub(crate) rate: Arc<UserRate>,
    pub(crate) refused_tokens: Arc<RefusedTokens>,
    /// The host is about to shut down.
    pub(crate) leaving: CancellationToken,
    pub(crate) places: Arc<Places>,
    /// The bytes of requests that are being read.
    pub(crate) bodies: Arc<BodyBudget>,
    /// The bytes of packages, until their upload has ended.
    pub(crate) packages: Arc<BodyBudget>,
    /// The packages that are checked, and those that wait for it.
    pub(crate) uploads: Arc<UploadQueue>,
    /// Nothing new is accepted.
    pub(crate) shutdown: CancellationToken,
    /// The open WebSockets.
    pub(crate) sockets: TaskTracker,
}

pub(crate) type App = Arc<Shared>;

pub(crate) fn shared(brain: Brain, registry: Registry, options: ServerOptions, shutdown: CancellationToken) -> App {
    Arc::new(Shared {
        brain,
        registry,
        bodies: BodyBudget::new(ByteLimits {
            user: options.limits.user_body_bytes,
            tenant: options.limits.tenant_body_bytes,
            node: options.limits.node_body_bytes,
        }),
        packages: BodyBudget::new(ByteLimits {
            user: options.limits.user_upload_bytes,
            tenant: options.limits.tenant_upload_bytes,
            node: options.limits.node_upload_bytes,
        }),
        uploads: Arc::new(UploadQueue::new(&options.limits)),
        verifier: options.verifier,
        clock: options.clock,
        rate: Arc::new(UserRate::new(&options.limits)),
        refused_tokens: Arc::default(),
        leaving: options.leaving,
        places: Places::new(options.limits.connections_per_user),
        limits: options.limits,
        readiness: options.readiness,
        origins: Origins::new(&options.allowed_origins),
        version: options.version,
        shutdown,
        sockets: TaskTracker::new(),
    })
}

/// All routes, from their table: each gets the check of its scope here, so that none can forget it.
pub(crate) fn router(app: &App) -> Router {
    let mut router = Router::new();
    for operation in api::table() {
        let handler = match operation.access {
            Access::Needs(scope) => {
                operation.handler.route_layer(from_fn_with_state((app.clone(), scope), auth::authorize))
            }
            Access::Public | Access::NeedsInHandshake(_) => operation.handler,
        };
        router = router.route(operation.path, handler);
    }
    router
        .fallback(async || Problem::of_status(StatusCode::NOT_FOUND))
        .method_not_allowed_fallback(async || Problem::of_status(StatusCode::METHOD_NOT_ALLOWED))
        .layer(from_fn(edge::one_host))
        .layer(from_fn(edge::around))
        .with_state(app.clone())
}
