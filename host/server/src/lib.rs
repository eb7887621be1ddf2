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
//! | `api` | all routes in one table, with the scope of each; `app` makes the router of it and `openapi` the description |
//! | `app` | what all routes share |
//! | `edge` | around every call: request id, headers, caught panics, errors as problems |
//! | `connections`, `refuse` | how many connections, which one makes room; the answer to the others |
//! | `auth`, `rate`, `places` | tokens and scopes; calls per user; open streams per user |
//! | `body_budget`, `upload_queue` | bytes of bodies in memory; which package is checked next |
//! | `problem`, `input` | errors on the wire (RFC 9457); bodies, queries and ids |
//! | `requests`, `tasks`, `events`, `route`, `skills`, `grants`, `secrets`, `usage`, `people`, `me`, `past`, `tenant`, `audit`, `health` | one file for each group of routes |
//! | `hub` | the WebSocket hub |
//!
//! Begin at [`serve`], then `app`.

mod api;
mod app;
mod audit;
mod auth;
mod body_budget;
mod connections;
mod edge;
mod events;
mod grants;
mod health;
mod hub;
mod input;
mod kept;
pub mod limits;
mod me;
mod openapi;
mod pages;
mod past;
mod people;
mod places;
mod problem;
mod rate;
mod refuse;
mod refused_tokens;
mod requests;
mod route;
mod secrets;
mod serve;
mod skills;
mod tasks;
mod tenant;
mod upload_queue;
mod usage;

pub use app::ServerOptions;
pub use auth::revocation;
pub use health::{Readiness, ReadyCheck, ReadyReport};
pub use limits::ServerLimits;
pub use openapi::routes;
pub use serve::serve;
