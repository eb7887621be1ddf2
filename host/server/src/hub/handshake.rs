//! The opening handshake of a WebSocket (RFC 6455 §4.2).
//!
//! The framework has one too, and gives no access to the stream below the messages, where the
//! frames are counted.

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::PROTOCOL;
use crate::app::App;
use crate::problem::Problem;

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
/// The version of the protocol that is spoken.
const VERSION: HeaderValue = HeaderValue::from_static("13");

/// Bytes of the client's nonce.
const NONCE_BYTES: usize = 16;

/// A handshake that can be accepted.
pub(crate) struct Handshake {
    accept: HeaderValue,
    upgrade: OnUpgrade,
}

impl FromRequestParts<App> for Handshake {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let headers = &parts.headers;
        let is_upgrade = parts.method == Method::GET
            && has_token(headers, header::CONNECTION, "upgrade")
            && has_token(headers, header::UPGRADE, "websocket");
        if !is_upgrade || headers.get(header::SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
            return Err(not_a_handshake(StatusCode::UPGRADE_REQUIRED));
        }
        let key = key(headers).ok_or_else(|| {
            let detail = "`Sec-WebSocket-Key` must be there once, and hold 16 bytes in base64 (RFC 6455 §4.2.1)";
            Problem::new(StatusCode::BAD_REQUEST, "not-a-websocket-handshake", detail)
        })?;
        let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes())).map_err(|_| Problem::internal())?;
        let upgrade = parts.extensions.remove::<OnUpgrade>();
        let upgrade = upgrade.ok_or_else(|| not_a_handshake(StatusCode::UPGRADE_REQUIRED))?;
        Ok(Self { accept, upgrade })
    }
}

impl Handshake {
    /// The answer that accepts it, and the connection that follows. `with_protocol`: the client
    /// offered ours.
    pub(super) fn accept(self, with_protocol: bool) -> (Response, OnUpgrade) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, WEBSOCKET);
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept);
        if with_protocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
        }
        (response, self.upgrade)
    }
}

/// The client's nonce: one, of 16 bytes.
fn key(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut given = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    let (key, None) = (given.next()?, given.next()) else { return None };
    let nonce = STANDARD.decode(key.as_bytes()).ok()?;
    (nonce.len() == NONCE_BYTES).then_some(key)
}

/// Whether a list in a header has this element; the case does not matter.
fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|element| element.trim().eq_ignore_ascii_case(token))
}

fn not_a_handshake(status: StatusCode) -> Problem {
    let detail = "this route speaks WebSocket (RFC 6455, version 13) over HTTP/1.1: connect with a WebSocket client";
    let problem = Problem::new(status, "not-a-websocket-handshake", detail);
    if status == StatusCode::UPGRADE_REQUIRED {
        return problem.header(header::UPGRADE, WEBSOCKET).header(header::SEC_WEBSOCKET_VERSION, VERSION);
    }
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_one_nonce_of_16_bytes() {
        let found = |values: &[&str]| {
            let values = values.iter().map(|value| (header::SEC_WEBSOCKET_KEY, value.parse().unwrap()));
            key(&values.collect::<HeaderMap>()).is_some()
        };
        let good = "dGhlIHNhbXBsZSBub25jZQ==";
        assert!(found(&[good]));
        for bad in [&[] as &[&str], &[""], &["x"], &["dGhlIHNhbXBsZSBub25jZQ"], &["c2hvcnQ="], &[good, good]] {
            assert!(!found(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_list_is_read_element_by_element() {
        let headers = |values: &[&str]| -> HeaderMap {
            values.iter().map(|value| (header::CONNECTION, value.parse().unwrap())).collect()
        };
        for good in [&["Upgrade"] as &[&str], &["keep-alive, upgrade"], &["keep-alive", "UPGRADE"]] {
            assert!(has_token(&headers(good), header::CONNECTION, "upgrade"), "{good:?}");
        }
        for bad in [&[] as &[&str], &["no-upgrade"], &["keep-alive"]] {
            assert!(!has_token(&headers(bad), header::CONNECTION, "upgrade"), "{bad:?}");
        }
    }
}
