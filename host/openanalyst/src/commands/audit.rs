//! `audit verify`: computes the chain of the audit log again.

use std::process::ExitCode;

use openanalyst_domain::TenantId;

use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::host::open_store_as_it_is;
use crate::output::say;
use crate::settings::Settings;

/// Runs the command.
///
/// # Errors
/// The log was changed; the message names the first row that does not fit.
pub async fn verify(tenant: &str, settings: &Settings) -> Result<ExitCode, Failure> {
    let tenant = TenantId::parse(tenant).map_err(|error| Failure::usage(format!("--tenant: {error}")))?;
    DataDir::existing(&settings.data_dir.value)?;
    let store = open_store_as_it_is(settings).await?;
    let verified = store.verify_audit(&tenant).await;
    store.close().await;
    let (rows, hash) = verified?;
    let last = if hash.is_empty() { "-" } else { &hash };
    say!("{rows} rows of tenant {tenant} fit together; the last has the hash {last}");
    Ok(ExitCode::SUCCESS)
}
