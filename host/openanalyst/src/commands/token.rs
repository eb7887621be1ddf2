//! `token`: a JWT signed with the local key.

use std::process::ExitCode;
use std::time::Duration;

use openanalyst_domain::{Clock as _, SystemClock, TenantId, UserId};
use openanalyst_identity::{LocalKeys, Scope, TokenRequest};

use crate::cli::Token;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::output::say;
use crate::settings::Settings;

/// The longest life of a token.
const MAX_TTL: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Runs the command.
///
/// # Errors
/// A name or a scope is wrong; the key cannot be read or made.
pub fn run(token: &Token, settings: &Settings) -> Result<ExitCode, Failure> {
    let tenant = TenantId::parse(&token.tenant).map_err(|error| Failure::usage(format!("--tenant: {error}")))?;
    let user = UserId::parse(&token.user).map_err(|error| Failure::usage(format!("--user: {error}")))?;
    let scopes = if token.scopes.is_empty() {
        Scope::ALL.to_vec()
    } else {
        // `scope` is space-separated in the token, so it may be here too.
        let words = token.scopes.iter().flat_map(|scopes| scopes.split_whitespace());
        words.map(scope).collect::<Result<_, _>>()?
    };
    if token.ttl.as_secs() == 0 || token.ttl > MAX_TTL {
        return Err(Failure::usage("--ttl must be at least 1s and at most one year, for example 1h"));
    }
    let key = LocalKeys::open_or_create(&DataDir::existing(&settings.data_dir.value)?.keys())?;
    let request = TokenRequest { tenant, user, scopes, ttl: token.ttl, now_ms: SystemClock.now_ms() };
    say!("{}", key.sign(&request)?);
    Ok(ExitCode::SUCCESS)
}

fn scope(name: &str) -> Result<Scope, Failure> {
    name.parse().map_err(|_| {
        let all: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
        Failure::usage(format!("--scope `{name}` is none of {}", all.join(", ")))
    })
}
