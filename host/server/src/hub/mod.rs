//! The WebSocket hub: one connection of a user, through which requests come in and everything about their tasks goes out.
//!
//! | module | does |
//! |---|---|
//! | `mod` | who may connect: origin, token, subprotocol, place |
//! | `handshake` | the WebSocket handshake |
//! | `origin` | which web pages may connect |
//! | `envelope` | the form of every message, in and out |
//! | `connection` | one connection from its handshake to its end |
//! | `frame_meter` | counts what a client sends below the level of messages |
//! | `commands` | what each incoming message does |
//! | `follow` | brings a task's events to a connection |
//! | `mapping` | which messages an event becomes |
//! | `notices` | brings notifications to a connection |
//! | `outbox` | the bounded queue in front of the socket, and how the socket is closed |
//!
//! Who gets what: the connection that made, answered, cancelled or resumed a task gets its events; notifications go to every connection of
//! their user. Nothing is kept here: a task's events are in its record, so `RESUME` after a reconnect misses nothing.

mod commands;
mod connection;
mod envelope;
mod follow;
mod frame_meter;
mod handshake;
mod mapping;
mod notices;
pub(crate) mod origin;
mod outbox;

use std::sync::Arc;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use openanalyst_identity::{Scope, TokenError};
use tokio_tungstenite::WebSocketStream;

use crate::app::App;
use crate::auth;
use crate::connections::ActiveRequest;
use crate::problem::Problem;
use connection::Connection;
use frame_meter::Metered;
use handshake::Handshake;

/// The subprotocol that the hub speaks.
const PROTOCOL: &str = "openanalyst.v1";
/// Stands before the token where it comes as a subprotocol, because browsers cannot set a header.
const BEARER_PROTOCOL: &str = "bearer.";

/// A WebSocket whose frames are counted.
type Socket = WebSocketStream<Metered<TokioIo<Upgraded>>>;

/// `GET /v1/ws`: the handshake.
pub(crate) async fn open(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    active: Option<Extension<Arc<ActiveRequest>>>,
    peer: Option<Extension<auth::Peer>>,
    headers: HeaderMap,
    handshake: Result<Handshake, Problem>,
) -> Result<Response, Problem> {
    refuse_token_in_url(query.as_deref().unwrap_or_default())?;
    app.origins.check(&headers)?;
    let offered = Offered::from_headers(&headers);
    let token = token(&headers, &offered).map_err(|error| app.refuse_token(&error))?;
    let caller = auth::verify(&app, token, Scope::Requests, peer.map(|Extension(peer)| peer)).await?;
    app.rate.count(&caller.owner)?;
    if offered.any && !offered.protocol {
        let detail = format!("the hub speaks the subprotocol `{PROTOCOL}`: offer it, or offer none");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "unsupported-subprotocol", detail));
    }
    let (response, upgrade) = handshake?.accept(offered.protocol);
    let place = app.places.take(&caller.owner)?;
    let alive = app.sockets.token();
    tokio::spawn(async move {
        // An open WebSocket keeps its connection from being idle.
        let _kept = (alive, place, active);
        match upgrade.await {
            Ok(upgraded) => Connection::run(app, caller, upgraded).await,
            Err(error) => tracing::debug!(%error, "a client went away during its handshake"),
        }
    });
    Ok(response)
}

/// A URL is written into logs and histories on its way, so a token in it is a leaked one.
fn refuse_token_in_url(query: &str) -> Result<(), Problem> {
    const NAMES: [&str; 7] = ["token", "access_token", "auth", "authorization", "bearer", "jwt", "id_token"];
    let is_token = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        NAMES.contains(&name.to_ascii_lowercase().as_str())
            || (value.starts_with("eyJ") && value.matches('.').count() == 2)
    };
    if query.split('&').any(is_token) {
        let detail = "a token never belongs into the URL, because URLs are logged: treat this one as leaked, and send another in the \
                      `Authorization` header, or from a browser as the subprotocols `openanalyst.v1, bearer.TOKEN`";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "token-in-url", detail));
    }
    Ok(())
}

/// What the client offers in `Sec-WebSocket-Protocol`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Offered<'a> {
    any: bool,
    protocol: bool,
    tokens: Vec<&'a str>,
}

impl<'a> Offered<'a> {
    fn from_headers(headers: &'a HeaderMap) -> Self {
        let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
        let mut offered = Self::default();
        for name in values.flat_map(|value| value.split(',')).map(str::trim) {
            offered.any = true;
            offered.protocol |= name == PROTOCOL;
            offered.tokens.extend(name.strip_prefix(BEARER_PROTOCOL));
        }
        offered
    }
}

/// The token, from one place only (RFC 6750 §2).
fn token<'a>(headers: &'a HeaderMap, offered: &Offered<'a>) -> Result<&'a str, TokenError> {
    match (headers.contains_key(header::AUTHORIZATION), offered.tokens.as_slice()) {
        (false, [token]) => Ok(token),
        (true, []) => auth::bearer(headers),
        (false, []) => Err(TokenError::Missing),
        _ => Err(TokenError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_token_comes_from_one_place() {
        let find = |pairs: &[(&'static str, &str)]| {
            let headers = headers(pairs);
            token(&headers, &Offered::from_headers(&headers)).map(str::to_owned).map_err(|error| error.code())
        };
        let protocol = "sec-websocket-protocol";
        assert_eq!(find(&[("authorization", "Bearer a.b.c")]), Ok("a.b.c".to_owned()));
        assert_eq!(find(&[(protocol, "openanalyst.v1, bearer.a.b.c")]), Ok("a.b.c".to_owned()));
        assert_eq!(find(&[(protocol, "openanalyst.v1")]), Err("token-missing"));
        assert_eq!(find(&[]), Err("token-missing"));
        let both = [("authorization", "Bearer a.b.c"), (protocol, "openanalyst.v1, bearer.a.b.c")];
        assert_eq!(find(&both), Err("token-malformed"));
        assert_eq!(find(&[(protocol, "bearer.a.b.c, bearer.d.e.f")]), Err("token-malformed"));
    }

    #[test]
    fn a_token_in_the_url_is_refused_whatever_it_is_called() {
        for bad in ["token=x", "a=b&access_token=x", "Authorization=Bearer", "x=eyJhbGciOi.eyJzdWIi.c2ln"] {
            assert_eq!(refuse_token_in_url(bad).unwrap_err().code, "token-in-url", "{bad}");
        }
        for good in ["", "v=1", "page=eyJ"] {
            assert!(refuse_token_in_url(good).is_ok(), "{good}");
        }
    }
}
