//! `secrets`: whether a secret of the tenant exists. Needs `secrets` with its name. There is no function that reads one.

use async_trait::async_trait;
use openanalyst_domain::Failure;

use super::guard::{denied, unavailable};
use crate::call::Call;
use crate::contract::Failure as ContractFailure;
use crate::contract::v0_1_0::openanalyst::skill::secrets::Host;
use crate::state::State;
use crate::tape::taped;

/// The tenant's secrets, as far as a skill may know of them.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Whether the secret is set.
    ///
    /// # Errors
    /// As the contract says.
    async fn exists(&self, name: &str) -> Result<bool, Failure>;
}

async fn exists(call: &Call, name: &str) -> Result<bool, Failure> {
    if !call.grants.allows_secret(name) {
        return Err(denied("secrets", name));
    }
    let Some(secrets) = &call.capabilities.secrets else {
        return Err(unavailable("secrets", "its operator must configure a secret store"));
    };
    secrets.exists(name).await
}

impl Host for State {
    async fn exists(&mut self, name: String) -> wasmtime::Result<Result<bool, ContractFailure>> {
        self.host_call("secrets.exists", name.len())?;
        taped(&self.call.tape, "secrets.exists", &name, exists(&self.call, &name)).await
    }
}
