//! The edge of the host: HTTP, server-sent events and the WebSocket hub.
//!
//! It turns what comes from outside into calls of the brain, and what the brain says into answers. Whose a call is comes from the
//! verified token and from nothing else. This crate knows no database, no sandbox and no skill; it decides nothing about a
//! request beyond whether it is well formed, allowed and within its limits.
//!
//! | module | does |
//! |---|---|
//! | [`limits`] | every limit and timeout of the edge in one table |
//! | `serve` | the listener: accepts connections, and drains them at the end |
//! | `app` | the routes, and what all of them share |
//! | `edge` | around every call: request id, headers, caught panics, errors as problems |
//! | `auth`, `rate`, `places` | tokens and scopes; calls per user; open streams per user |
//! | `problem`, `input` | errors on the wire (RFC 9457); bodies, queries and ids |
//! | `requests`, `tasks`, `events`, `route`, `skills`, `health` | one file for each group of routes |
//! | `hub` | the WebSocket hub |
//!
//! Begin at [`serve`], then `app`.

mod app;
mod auth;
mod edge;
mod events;
mod health;
mod hub;
mod input;
pub mod limits;
mod places;
mod problem;
mod rate;
mod requests;
mod route;
mod serve;
mod skills;
mod tasks;

pub use app::ServerOptions;
pub use health::{Readiness, ReadyCheck};
pub use limits::ServerLimits;
pub use serve::serve;
