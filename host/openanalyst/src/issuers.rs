//! Other issuers of tokens: identity providers that the operator trusts, read from a TOML file, and their key sets, fetched over HTTP.
//!
//! ```toml
//! [[issuer]]
//! issuer = "https://login.example.com/"      # its `iss`, exactly
//! audiences = ["openanalyst"]                # one of them must be in `aud`
//! jwks-url = "https://login.example.com/.well-known/jwks.json"
//! # secret-file = "/etc/openanalyst/hs256"   # instead: a shared secret of at least 32 bytes, HS256
//! tenant-claim = "org"                       # default: tenant
//! tenants = ["acme"]                         # for which tenants it may speak; "*" alone: for every one
//! # tenant = "acme"                          # instead of tenant-claim: all its tokens are of this tenant
//! # audience-claim = "client_id"             # default: aud
//! # scope-claim = ["scp", "roles"]           # default: scope; one name or several
//! # user-prefix = "okta:"                    # stands before `sub` in the user's name
//! # [issuer.scopes]                          # what its scopes and roles mean here
//! # "OpenAnalyst.Use" = ["requests", "history:read"]
//! # [issuer.tenant-names]                    # what its names of tenants mean here
//! # "8eaef023-2b34-4da1-9baa-8bc8c9d6a490" = "acme"
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use openanalyst_domain::TenantId;
use openanalyst_identity::{
    ClaimRules, IssuerKeys, IssuerOptions, JwksDocument, JwksFetch, MAX_JWKS_BYTES, Scope, Verifier,
};
use serde::Deserialize;

use crate::failure::Failure;
use crate::settings::Settings;

/// How long one fetch may take.
const TIMEOUT: Duration = Duration::from_secs(4);
const EVERY_TENANT: &str = "*";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    issuer: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    issuer: String,
    audiences: Vec<String>,
    jwks_url: Option<String>,
    secret_file: Option<PathBuf>,
    tenant_claim: Option<String>,
    tenant: Option<String>,
    #[serde(default)]
    tenants: Vec<String>,
    audience_claim: Option<String>,
    scope_claim: Option<OneOrMore>,
    #[serde(default)]
    scopes: BTreeMap<String, OneOrMore>,
    #[serde(default)]
    tenant_names: BTreeMap<String, String>,
    #[serde(default)]
    user_prefix: String,
}

/// One text, or a list of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn into_list(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::More(list) => list,
        }
    }
}

/// Longest prefix of a user's name: with it, a `sub` must still fit.
const MAX_PREFIX_CHARS: usize = 32;

/// Under which names the tokens of an issuer say what the host needs; the error says what is wrong.
fn rules(entry: &Entry) -> Result<ClaimRules, String> {
    let tenant_of = |name: &str| TenantId::parse(name).map_err(|error| format!("tenant `{name}`: {error}"));
    let mut rules = ClaimRules { user_prefix: entry.user_prefix.clone(), ..ClaimRules::default() };
    if entry.user_prefix.chars().count() > MAX_PREFIX_CHARS || entry.user_prefix.chars().any(char::is_control) {
        return Err(format!("`user-prefix` has at most {MAX_PREFIX_CHARS} characters, and no control characters"));
    }
    if let Some(name) = &entry.audience_claim {
        rules.audience.clone_from(name);
    }
    if let Some(names) = entry.scope_claim.clone() {
        rules.scopes = names.into_list();
    }
    for (name, means) in entry.scopes.clone() {
        let scopes = means.into_list().iter().map(|scope| scope.parse::<Scope>()).collect::<Result<Vec<_>, _>>();
        let scopes = scopes.map_err(|error| format!("[issuer.scopes] `{name}`: {error}"))?;
        rules.scope_names.insert(name, scopes);
    }
    for (name, means) in &entry.tenant_names {
        rules.tenant_names.insert(name.clone(), tenant_of(means)?);
    }
    if let Some(name) = &entry.tenant {
        if entry.tenant_claim.is_some() || !entry.tenants.is_empty() || !entry.tenant_names.is_empty() {
            return Err("`tenant` names the tenant of all its tokens: leave out `tenant-claim`, `tenants` and \
                        `tenant-names`, or leave out `tenant`"
                .to_owned());
        }
        rules.tenant = Some(tenant_of(name)?);
    }
    Ok(rules)
}

/// Adds the issuers that the settings name.
///
/// # Errors
/// The file cannot be read, or an entry is wrong; the message names it.
pub fn trusted(verifier: Verifier, settings: &Settings) -> Result<Verifier, Failure> {
    let path = &settings.issuers_file.value;
    if path.as_os_str().is_empty() {
        return Ok(verifier);
    }
    let issuers = read(path)?;
    let fetch = Fetch { client: openanalyst_egress::client(TIMEOUT)? };
    Ok(verifier.with_issuers(issuers, Arc::new(fetch))?)
}

/// The files with shared secrets that the issuers file names.
///
/// # Errors
/// The issuers file cannot be read.
pub(crate) fn secret_files(settings: &Settings) -> Result<Vec<PathBuf>, Failure> {
    let path = &settings.issuers_file.value;
    if path.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    Ok(entries(path)?.into_iter().filter_map(|entry| entry.secret_file).collect())
}

fn wrong(path: &Path, what: &str) -> Failure {
    Failure::usage(format!("the issuers file {}: {what}", path.display()))
}

fn entries(path: &Path) -> Result<Vec<Entry>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| wrong(path, &format!("it cannot be read: {error}")))?;
    let file: File = toml::from_str(&text).map_err(|error| wrong(path, &error.to_string()))?;
    Ok(file.issuer)
}

fn read(path: &Path) -> Result<Vec<IssuerOptions>, Failure> {
    entries(path)?
        .into_iter()
        .map(|entry| {
            let wrong = |what: String| wrong(path, &format!("[[issuer]] `{}`: {what}", entry.issuer));
            let keys = match (&entry.jwks_url, &entry.secret_file) {
                (Some(url), None) => IssuerKeys::Jwks(url.clone()),
                (None, Some(file)) => {
                    let secret = std::fs::read(file)
                        .map_err(|error| wrong(format!("secret-file {} cannot be read: {error}", file.display())))?;
                    IssuerKeys::Secret(secret.trim_ascii().to_vec())
                }
                _ => return Err(wrong("it needs either jwks-url or secret-file".to_owned())),
            };
            let every = entry.tenants.iter().any(|name| name == EVERY_TENANT);
            let rules = rules(&entry).map_err(wrong)?;
            if rules.tenant.is_none() && entry.tenants.is_empty() || (every && entry.tenants.len() > 1) {
                return Err(wrong(format!(
                    "`tenants` must name its tenants, or be [\"{EVERY_TENANT}\"] for every one; or `tenant` names its one"
                )));
            }
            let tenants = entry
                .tenant
                .iter()
                .chain(&entry.tenants)
                .map(|name| TenantId::parse(name).map_err(|error| wrong(format!("tenant `{name}`: {error}"))))
                .collect::<Result<Vec<_>, _>>();
            Ok(IssuerOptions {
                issuer: entry.issuer.clone(),
                audiences: entry.audiences.clone(),
                tenant_claim: entry.tenant_claim.clone().unwrap_or_else(|| "tenant".to_owned()),
                rules,
                tenants: if every { None } else { Some(tenants?) },
                keys,
            })
        })
        .collect()
}

/// Fetches key sets. The operator named their URLs, so their addresses are not looked at.
struct Fetch {
    client: reqwest::Client,
}

#[async_trait]
impl JwksFetch for Fetch {
    async fn fetch(&self, url: &str) -> Result<JwksDocument, String> {
        let failed = openanalyst_egress::reason;
        let mut response = self.client.get(url).send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(format!("the answer is {}", response.status()));
        }
        let max_age = response.headers().get("cache-control").and_then(|value| max_age(value.to_str().ok()?));
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if bytes.len() + chunk.len() > MAX_JWKS_BYTES {
                return Err(format!("the key set has more than {MAX_JWKS_BYTES} bytes"));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(JwksDocument { bytes, max_age })
    }
}

/// `max-age` of `Cache-Control`; nothing where caching is forbidden.
fn max_age(cache_control: &str) -> Option<Duration> {
    let mut found = None;
    for directive in cache_control.split(',').map(str::trim) {
        if directive.eq_ignore_ascii_case("no-store") || directive.eq_ignore_ascii_case("no-cache") {
            return Some(Duration::ZERO);
        }
        if let Some((name, seconds)) = directive.split_once('=')
            && name.trim().eq_ignore_ascii_case("max-age")
        {
            found = seconds.trim().trim_matches('"').parse().ok().map(Duration::from_secs);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_entries_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("issuers.toml");
        let entry = |more: &str| {
            std::fs::write(&path, format!("[[issuer]]\nissuer = \"https://a.example/\"\naudiences = [\"us\"]\n{more}"))
                .unwrap();
            read(&path)
        };
        let good = entry("jwks-url = \"https://a.example/jwks\"\ntenants = [\"acme\"]").unwrap();
        assert_eq!(good[0].tenants.as_ref().unwrap().len(), 1);
        assert_eq!(entry("jwks-url = \"https://a.example/jwks\"\ntenants = [\"*\"]").unwrap()[0].tenants, None);
        for (more, named) in [
            ("tenants = [\"acme\"]", "jwks-url or secret-file"),
            ("jwks-url = \"https://a.example/\"\ntenants = []", "`tenants`"),
            ("jwks-url = \"https://a.example/\"\ntenants = [\"*\", \"acme\"]", "`tenants`"),
            ("jwks-url = \"https://a.example/\"", "tenants"),
            ("jwks-url = \"https://a.example/\"\ntenant = \"a\"\ntenants = [\"b\"]", "`tenant`"),
            ("jwks-url = \"https://a.example/\"\ntenant = \"a\"\ntenant-claim = \"b\"", "`tenant`"),
            ("jwks-url = \"https://a.example/\"\ntenant = \"a\"\n[issuer.scopes]\n\"Use\" = \"root\"", "`Use`"),
            ("jwks-url = \"https://a.example/\"\ntenant = \"a\"\nuser-prefix = \"a\\u0000\"", "user-prefix"),
            ("secret-file = \"/no/such\"\ntenants = [\"acme\"]", "/no/such"),
            ("jwks-url = \"x\"\nsecret = \"y\"\ntenants = [\"acme\"]", "secret"),
        ] {
            let failure = entry(more).unwrap_err().to_string();
            assert!(failure.contains(named), "`{failure}` does not name {named}");
        }
    }

    #[test]
    fn the_age_of_a_key_set_is_read() {
        for (header, expected) in [
            ("max-age=60", Some(60)),
            ("public, Max-Age = \"3600\"", Some(3_600)),
            ("no-store, max-age=60", Some(0)),
            ("public", None),
            ("max-age=x", None),
        ] {
            assert_eq!(max_age(header), expected.map(Duration::from_secs), "{header}");
        }
    }
}
