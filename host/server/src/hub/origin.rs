//! Which web pages may open a WebSocket: those of the host itself, and those that the operator named.
//!
//! A browser sends `Origin` with every WebSocket handshake (RFC 6455 §10.2) and a page cannot forge it. Who sends none is no browser.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};

use crate::problem::Problem;

/// A web origin (RFC 6454): scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    secure: bool,
    host: String,
    port: u16,
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        Self::at(secure, authority.strip_suffix('/').unwrap_or(authority))
    }

    fn at(secure: bool, authority: &str) -> Option<Self> {
        let authority: Authority = authority.parse().ok()?;
        if authority.as_str().contains('@') {
            return None;
        }
        let port = match authority.port() {
            Some(_) => authority.port_u16()?,
            None if secure => 443,
            None => 80,
        };
        Some(Self { secure, host: authority.host().to_ascii_lowercase(), port })
    }
}

/// The origins that the operator named.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    allowed: Vec<Origin>,
}

impl Origins {
    pub(crate) fn new(allowed: &[String]) -> Self {
        let parse = |text: &String| {
            let origin = Origin::parse(text);
            if origin.is_none() {
                tracing::warn!(
                    origin = text,
                    "this allowed origin cannot be read: write it as https://app.example.com"
                );
            }
            origin
        };
        Self { allowed: allowed.iter().filter_map(parse).collect() }
    }

    /// Lets a handshake pass, or not.
    ///
    /// The scheme of the host itself is not known here (a proxy may end TLS in front), so a page of the same host and port passes with
    /// either scheme.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let mut given = headers.get_all(header::ORIGIN).iter();
        let Some(value) = given.next() else { return Ok(()) };
        let only_one = given.next().is_none();
        let origin = value.to_str().ok().and_then(Origin::parse).filter(|_| only_one);
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let allowed = origin.is_some_and(|origin| {
            let own = host.and_then(|host| Origin::at(origin.secure, host));
            own.as_ref() == Some(&origin) || self.allowed.contains(&origin)
        });
        if allowed {
            return Ok(());
        }
        let shown = |text: &str| text.chars().filter(|c| !c.is_control()).take(100).collect::<String>();
        let origin = shown(value.to_str().unwrap_or("unreadable"));
        let host = shown(host.unwrap_or("none"));
        let detail = format!(
            "pages of this origin may not connect: `Origin` is `{origin}` and `Host` is `{host}`. Let the proxy in front pass \
             `Host` on with its port, open the hub from the host's own pages, or let its operator allow the origin with \
             --allowed-origin {origin}"
        );
        Err(Problem::new(StatusCode::FORBIDDEN, "foreign-origin", detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(origins: &[&str], host: &str) -> bool {
        let allowed = Origins::new(&["https://app.example.com".to_owned(), "no origin".to_owned()]);
        let mut headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
        for origin in origins {
            headers.append(header::ORIGIN, origin.parse().unwrap());
        }
        allowed.check(&headers).is_ok()
    }

    #[test]
    fn own_and_named_pages_pass() {
        let host = "127.0.0.1:8080";
        assert!(passes(&[], host), "no browser");
        assert!(passes(&["http://127.0.0.1:8080"], host));
        assert!(passes(&["https://app.example.com"], host));
        assert!(passes(&["https://APP.example.com:443"], host));
        assert!(passes(&["https://hub.example.com"], "hub.example.com"), "TLS ends in front of the host");
        assert!(passes(&["http://[::1]:8080"], "[::1]:8080"));
    }

    #[test]
    fn foreign_pages_do_not() {
        let host = "127.0.0.1:8080";
        for foreign in [
            "https://evil.example",
            "http://127.0.0.1:8081",
            "http://127.0.0.1",
            "http://app.example.com",
            "https://app.example.com.evil.example",
            "https://app.example.com@evil.example",
            "null",
            "",
            "file://127.0.0.1:8080",
            "http://127.0.0.1:8080@evil.example",
        ] {
            assert!(!passes(&[foreign], host), "{foreign}");
        }
        let headers = HeaderMap::from_iter([
            (header::HOST, "example.com".parse().unwrap()),
            (header::ORIGIN, "https://example.com:3001".parse().unwrap()),
        ]);
        let said = Origins::default().check(&headers).unwrap_err();
        for part in ["`https://example.com:3001`", "`example.com`", "--allowed-origin"] {
            assert!(said.detail().contains(part), "{}", said.detail());
        }
        let with_slash = Origins::new(&["https://example.com:3001/".to_owned()]);
        assert!(with_slash.check(&headers).is_ok());
        assert!(!passes(&["http://127.0.0.1:8080", "https://evil.example"], host), "two origins are none");
    }
}
