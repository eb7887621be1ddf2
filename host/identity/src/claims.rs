//! What a token says, once its signature was found true: read by the names that its issuer uses.
//!
//! | provider | says it so |
//! |---|---|
//! | this host | `aud`, `tenant`, `scope: "requests skills:read"` |
//! | Entra ID | `scp: "a b"` of a person, `roles: ["a"]` of a program, `tid` |
//! | Okta | `scp: ["a", "b"]` |
//! | Auth0 | `permissions: ["a"]`, `org_id` |
//! | Cognito | no `aud` but `client_id`, `scope: "server/a"` |
//! | Keycloak | `realm_access: {"roles": ["a"]}`, `organization: ["acme"]` or `{"acme": {…}}` |

use std::collections::BTreeMap;

use openanalyst_domain::{TenantId, UserId};
use serde_json::{Map, Value};

use crate::issuer::Issuer;
use crate::{Principal, Scope, ScopeSet, TokenError};

/// How long after its end a token is still taken: clocks differ.
pub(crate) const EXPIRY_LEEWAY_MS: i64 = 5_000;
/// How long before its beginning (`nbf`, `iat`) a token is taken already. Providers' clocks run ahead
/// more often than they lag, and a token that was just made lets nobody in for longer.
pub(crate) const BEGIN_LEEWAY_MS: i64 = 60_000;
/// The last moment that a claim may name: the end of the year 9999, in seconds.
const MAX_SECONDS: i64 = 253_402_300_799;

/// The names under which an issuer's tokens say what this host needs.
///
/// A name is looked up as it stands. Where there is no such claim, dots lead into objects
/// (`realm_access.roles`); a name that begins with `/` is a JSON pointer (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRules {
    /// The claim with the audience: a text or a list of texts.
    pub audience: String,
    /// The claims with the scopes, all of which count: each a text with spaces or a list of texts.
    pub scopes: Vec<String>,
    /// What the issuer's names mean here. Empty: they are this host's own. Otherwise a name that is
    /// not in it grants nothing, also if it is one of this host's.
    pub scope_names: BTreeMap<String, Vec<Scope>>,
    /// What the issuer's names of tenants mean here. A name that is not in it stands for itself.
    pub tenant_names: BTreeMap<String, TenantId>,
    /// The tenant of all tokens of this issuer, whatever they say. None: the tenant claim names it.
    pub tenant: Option<TenantId>,
    /// Stands before `sub` in the user's name, so that two issuers of one tenant that give two people
    /// the same `sub` do not make them one.
    pub user_prefix: String,
}

impl Default for ClaimRules {
    fn default() -> Self {
        Self {
            audience: "aud".to_owned(),
            scopes: vec!["scope".to_owned()],
            scope_names: BTreeMap::new(),
            tenant_names: BTreeMap::new(),
            tenant: None,
            user_prefix: String::new(),
        }
    }
}

impl ClaimRules {
    /// The claims in which scopes are looked for, for people: "`scp` or `roles`".
    pub(crate) fn scopes_in_words(&self) -> String {
        self.scopes.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
    }
}

/// The claims of a token whose signature holds.
pub(crate) struct Claims(pub(crate) Map<String, Value>);

impl Claims {
    /// Who holds the token.
    ///
    /// # Errors
    /// A claim is missing or wrong, the token is not for this host, or not valid now.
    pub(crate) fn principal(&self, issuer: &Issuer, now_ms: i64) -> Result<Principal, TokenError> {
        let expires_at_ms = self.time("exp")?.ok_or_else(|| TokenError::MissingClaim("exp".to_owned()))?;
        if expires_at_ms.saturating_add(EXPIRY_LEEWAY_MS) <= now_ms {
            return Err(TokenError::Expired);
        }
        if self.not_before_ms()?.saturating_sub(BEGIN_LEEWAY_MS) > now_ms {
            return Err(TokenError::NotYetValid);
        }
        if self.text("iss")? != issuer.name {
            return Err(TokenError::WrongIssuer);
        }
        self.check_audience(issuer)?;
        let user = format!("{}{}", issuer.rules.user_prefix, self.text("sub")?);
        Ok(Principal {
            tenant: self.tenant(issuer)?,
            user: UserId::parse(user).map_err(|error| invalid("sub", &error.to_string()))?,
            scopes: self.scopes(&issuer.rules)?,
            issued_at_ms: self.time("iat")?.unwrap_or(i64::MIN),
            expires_at_ms,
            issuer: issuer.name.clone(),
            key_id: String::new(),
            token_id: self.0.get("jti").and_then(Value::as_str).unwrap_or_default().to_owned(),
        })
    }

    /// Before this moment the token is not good: the later one of `nbf` and `iat`, UTC milliseconds.
    pub(crate) fn not_before_ms(&self) -> Result<i64, TokenError> {
        Ok(self.time("nbf")?.unwrap_or(i64::MIN).max(self.time("iat")?.unwrap_or(i64::MIN)))
    }

    fn check_audience(&self, issuer: &Issuer) -> Result<(), TokenError> {
        let name = &issuer.rules.audience;
        let meant = |audience: &str| issuer.audiences.iter().any(|own| own == audience);
        let is_ours = match self.find(name) {
            None => return Err(TokenError::MissingClaim(name.clone())),
            Some(Value::String(audience)) => meant(audience),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).any(meant),
            Some(other) => return Err(invalid(name, &format!("{}, not a text or a list", shape(other)))),
        };
        if is_ours { Ok(()) } else { Err(TokenError::WrongAudience) }
    }

    fn scopes(&self, rules: &ClaimRules) -> Result<ScopeSet, TokenError> {
        let mut scopes = Vec::new();
        for claim in &rules.scopes {
            let names: Vec<&str> = match self.find(claim) {
                None | Some(Value::Null) => continue,
                Some(Value::String(text)) => text.split(' ').collect(),
                Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
                    list.iter().filter_map(Value::as_str).collect()
                }
                Some(other) => {
                    return Err(invalid(claim, &format!("{}, not a text or a list of texts", shape(other))));
                }
            };
            for name in names {
                if rules.scope_names.is_empty() {
                    scopes.extend(name.parse::<Scope>());
                } else {
                    scopes.extend(rules.scope_names.get(name).into_iter().flatten());
                }
            }
        }
        Ok(scopes.into_iter().collect())
    }

    /// The tenant: a text, a list with one text (Keycloak), or an object with one member (the same).
    fn tenant(&self, issuer: &Issuer) -> Result<TenantId, TokenError> {
        let claim = &issuer.tenant_claim;
        let tenant = match &issuer.rules.tenant {
            Some(tenant) => tenant.clone(),
            None => {
                let name = match self.find(claim) {
                    None | Some(Value::Null) => return Err(TokenError::MissingClaim(claim.clone())),
                    Some(Value::String(name)) => name.as_str(),
                    Some(Value::Array(list)) if list.len() == 1 && list[0].is_string() => {
                        list[0].as_str().unwrap_or_default()
                    }
                    Some(Value::Object(members)) if members.len() == 1 => {
                        members.keys().next().map(String::as_str).unwrap_or_default()
                    }
                    Some(other) => {
                        let found = format!("{}, and the tenant must be one: ask for a token of one", shape(other));
                        return Err(invalid(claim, &found));
                    }
                };
                match issuer.rules.tenant_names.get(name) {
                    Some(tenant) => tenant.clone(),
                    None => TenantId::parse(name).map_err(|error| invalid(claim, &error.to_string()))?,
                }
            }
        };
        match &issuer.tenants {
            Some(tenants) if !tenants.contains(&tenant) => Err(TokenError::WrongTenant),
            _ => Ok(tenant),
        }
    }

    /// A claim by the name that the operator gave it.
    fn find(&self, name: &str) -> Option<&Value> {
        if let Some(value) = self.0.get(name) {
            return Some(value);
        }
        let (first, rest, separator) = match name.strip_prefix('/') {
            Some(pointer) => match pointer.split_once('/') {
                Some((first, rest)) => (first.replace("~1", "/").replace("~0", "~"), rest, '/'),
                None => (pointer.replace("~1", "/").replace("~0", "~"), "", '/'),
            },
            None => {
                let (first, rest) = name.split_once('.')?;
                (first.to_owned(), rest, '.')
            }
        };
        let found = self.0.get(&first)?;
        match (rest, separator) {
            ("", _) => Some(found),
            (rest, '/') => found.pointer(&format!("/{rest}")),
            (rest, _) => rest.split('.').try_fold(found, |value, member| value.get(member)),
        }
    }

    fn text(&self, name: &str) -> Result<&str, TokenError> {
        match self.0.get(name) {
            None => Err(TokenError::MissingClaim(name.to_owned())),
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(invalid(name, &format!("{}, not a text", shape(other)))),
        }
    }

    /// A NumericDate: seconds since 1970, fractions allowed (RFC 7519 §2), as UTC milliseconds. No text.
    /// Some providers write `null` for a claim that they leave out.
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "the range was checked")]
    fn time(&self, name: &str) -> Result<Option<i64>, TokenError> {
        let Some(value) = self.0.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
        if let Some(seconds) = value.as_i64().filter(|seconds| (0..=MAX_SECONDS).contains(seconds)) {
            return Ok(Some(seconds * 1_000));
        }
        match value.as_f64() {
            Some(seconds) if (0.0..=MAX_SECONDS as f64).contains(&seconds) => {
                Ok(Some((seconds * 1_000.0).floor() as i64))
            }
            Some(_) => Err(invalid(name, "a number outside the years 1970 to 9999")),
            None => Err(invalid(name, &format!("{}, not a number of seconds", shape(value)))),
        }
    }
}

fn invalid(claim: &str, found: &str) -> TokenError {
    TokenError::InvalidClaim { claim: claim.to_owned(), found: found.to_owned() }
}

/// The form of a value, without the value.
fn shape(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(_) => "a text".to_owned(),
        Value::Array(list) => format!("a list with {} entries", list.len()),
        Value::Object(members) => format!("an object with {} members", members.len()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: Value) -> Claims {
        Claims(value.as_object().cloned().unwrap_or_default())
    }

    #[test]
    fn a_claim_is_found_by_its_whole_name_first_then_by_its_way() {
        let claims = claims(json!({
            "https://example.com/roles": 1, "realm_access": {"roles": 2, "a.b": 3}, "a.b": {"c": 4}, "a/b": {"~": 5},
        }));
        for (name, found) in [
            ("https://example.com/roles", Some(1)),
            ("realm_access.roles", Some(2)),
            ("/realm_access/roles", Some(2)),
            ("/realm_access/a.b", Some(3)),
            ("/a.b/c", Some(4)),
            ("/a~1b/~0", Some(5)),
            ("realm_access.groups", None),
            ("groups", None),
            ("", None),
            ("/", None),
        ] {
            assert_eq!(claims.find(name).and_then(Value::as_i64), found, "{name}");
        }
    }

    #[test]
    fn a_time_may_have_a_fraction_and_must_be_of_this_calendar() {
        for (given, expected) in [
            (json!(1_893_456_000), Some(1_893_456_000_000)),
            (json!(1_893_456_000.336_421), Some(1_893_456_000_336)),
            (json!(0), Some(0)),
            (json!(0.5), Some(500)),
            (json!(1e9), Some(1_000_000_000_000)),
            (json!(-1), None),
            (json!(-0.5), None),
            (json!(1e300), None),
            (json!(i64::MAX), None),
            (json!("1893456000"), None),
            (json!(null), None),
            (json!(true), None),
        ] {
            assert_eq!(claims(json!({ "exp": given })).time("exp").ok().flatten(), expected, "{given}");
        }
    }
}
