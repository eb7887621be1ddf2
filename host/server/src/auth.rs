//! Who calls: the token, and the scope that a route needs.
//!
//! Tenant and user come from the verified token and from nothing else in a request.

use std::net::SocketAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use openanalyst_domain::{Owner, UserId};
use openanalyst_identity::{Principal, Revocation, Scope, TokenError};
use openanalyst_registry::{Actor, RevocationRow};
use tracing::Instrument as _;

use crate::app::{App, Shared};
use crate::problem::Problem;

/// Who calls, proven. Routes behind [`authorize`] find it among the request's extensions.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Whose data the call may touch.
    pub(crate) owner: Owner,
    /// The proof.
    principal: Principal,
    /// From where, where that is known.
    peer: Option<SocketAddr>,
}

/// Why a proof is not good any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProofEnd {
    /// Its time is over.
    Expired,
    /// It was revoked, or its key is not its issuer's any more.
    Revoked,
}

impl Caller {
    /// Who does something, for the audit log.
    pub(crate) fn actor(&self) -> Actor {
        let origin = self.peer.map_or_else(|| "unknown".to_owned(), |peer| peer.ip().to_string());
        Actor { name: self.owner.user.to_string(), origin }
    }

    /// Makes sure that the token has a further scope, for what not every caller of a route may do.
    pub(crate) fn require(&self, scope: Scope) -> Result<(), Problem> {
        self.principal.require(scope).map_err(|error| refused(&error))
    }

    /// Waits until the token has expired or was revoked, or its key is not good any more.
    pub(crate) async fn proof_ends(&self, app: &Shared) -> ProofEnd {
        let mut changes = app.verifier.revocations().watch();
        let revoked = async {
            while app.verifier.still_holds(&self.principal) {
                if changes.changed().await.is_err() {
                    // Nobody can revoke any more.
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::select! {
            () = app.clock.sleep_until(self.principal.expires_at_ms) => ProofEnd::Expired,
            () = revoked => ProofEnd::Revoked,
        }
    }
}

/// A row of the record, as the verifier keeps it.
#[must_use]
pub fn revocation(row: RevocationRow) -> Revocation {
    let RevocationRow { tenant, user, token_id, issued_before_ms, expires_at_ms } = row;
    match (UserId::parse(user), issued_before_ms) {
        (Ok(user), Some(issued_before_ms)) => {
            Revocation::User { owner: Owner::new(tenant, user), issued_before_ms, expires_at_ms }
        }
        _ => Revocation::Token { tenant, token_id, expires_at_ms },
    }
}

/// From where a request comes: the other end of its connection. What a proxy says in a header is not believed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The layer of a route: a valid token with the route's scope, and not too many calls.
pub(crate) async fn authorize(
    State((app, scope)): State<(App, Scope)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let peer = request.extensions().get::<Peer>().copied();
    let token = bearer(request.headers()).map_err(|error| app.refuse_token(&error))?;
    let caller = verify(&app, token, scope, peer).await?;
    app.rate.count(&caller.owner)?;
    let owner = caller.owner.clone();
    request.extensions_mut().insert(caller);
    if !request.method().is_safe() {
        return Ok(next.run(request).await);
    }
    // A page may have some MiB: it is read and encoded in the turns of its user.
    let answering = next.run(request).in_current_span();
    Ok(app.brain.in_turn(&owner, answering).await?)
}

/// Tells who holds a token, if it has the scope.
pub(crate) async fn verify(app: &Shared, token: &str, scope: Scope, peer: Option<Peer>) -> Result<Caller, Problem> {
    let verified = app.verifier.verify_fetching(token, app.clock.now_ms()).await;
    let principal = verified.map_err(|error| app.refuse_token(&error))?;
    app.verifier.require(&principal, scope).map_err(|error| app.refuse_token(&error))?;
    Ok(Caller { owner: principal.owner(), principal, peer: peer.map(|Peer(address)| address) })
}

/// The token of the `Authorization` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, TokenError> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        let there = headers.contains_key(header::AUTHORIZATION);
        return Err(if there { TokenError::Malformed } else { TokenError::Missing });
    };
    let (scheme, token) = value.to_str().ok().and_then(|value| value.split_once(' ')).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(TokenError::Malformed);
    }
    Ok(token.trim())
}

impl Shared {
    /// Counts a refused token, and gives the problem for it.
    pub(crate) fn refuse_token(&self, error: &TokenError) -> Problem {
        self.refused_tokens.count(error);
        refused(error)
    }
}

/// The problem for a token, with the challenge that RFC 6750 §3 asks for.
fn refused(error: &TokenError) -> Problem {
    let (status, challenge) = match error {
        // No credentials at all: the challenge names no error.
        TokenError::Missing => (StatusCode::UNAUTHORIZED, "Bearer realm=\"openanalyst\"".to_owned()),
        TokenError::KeysUnavailable { retry_after_ms } => {
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.code(), error.to_string());
            return problem.retry_after_ms(*retry_after_ms);
        }
        TokenError::MissingScope(scope) | TokenError::MissingForeignScope { scope, .. } => (
            StatusCode::FORBIDDEN,
            format!("Bearer realm=\"openanalyst\", error=\"insufficient_scope\", scope=\"{}\"", scope.as_str()),
        ),
        _ => (StatusCode::UNAUTHORIZED, "Bearer realm=\"openanalyst\", error=\"invalid_token\"".to_owned()),
    };
    let problem = Problem::new(status, error.code(), error.to_string());
    match HeaderValue::try_from(challenge) {
        Ok(challenge) => problem.header(header::WWW_AUTHENTICATE, challenge),
        Err(_) => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (header::AUTHORIZATION, value.parse().unwrap())).collect()
    }

    #[test]
    fn the_header_holds_one_bearer_token() {
        assert_eq!(bearer(&headers(&["Bearer a.b.c"])).unwrap(), "a.b.c");
        assert_eq!(bearer(&headers(&["bearer a.b.c"])).unwrap(), "a.b.c", "the scheme has no case (RFC 9110 §11.1)");
        for bad in [&[] as &[&str], &["Basic YTpi"], &["Bearer"], &["Bearer "], &["Bearer a.b.c", "Bearer a.b.c"]] {
            assert_eq!(refused(&bearer(&headers(bad)).unwrap_err()).status, StatusCode::UNAUTHORIZED, "{bad:?}");
        }
    }

    #[test]
    fn a_missing_scope_is_another_answer_than_a_bad_token() {
        assert_eq!(refused(&TokenError::MissingScope(Scope::SkillsRead)).status, StatusCode::FORBIDDEN);
        assert_eq!(refused(&TokenError::Expired).status, StatusCode::UNAUTHORIZED);
        let unavailable = refused(&TokenError::KeysUnavailable { retry_after_ms: 1_500 });
        assert_eq!((unavailable.status, unavailable.retry_after_seconds()), (StatusCode::SERVICE_UNAVAILABLE, Some(2)));
    }
}
