//! What a command says when it cannot do its work, and the exit status that goes with it.

use std::fmt;
use std::process::ExitCode;

/// A failure with its exit status.
#[derive(Debug)]
pub struct Failure {
    message: String,
    status: u8,
}

impl Failure {
    /// The work failed: status 1.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { message: message.into(), status: 1 }
    }

    /// The command was used wrongly: status 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), status: 2 }
    }

    /// The exit status.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.status)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

macro_rules! failed_from {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::failed(error.to_string())
            }
        })+
    };
}

failed_from!(
    openanalyst_brain::BrainError,
    openanalyst_egress::EgressError,
    openanalyst_identity::IssuerError,
    openanalyst_identity::KeyError,
    openanalyst_registry::PackageStoreError,
    openanalyst_registry::RegistryError,
    openanalyst_registry::S3OptionsError,
    openanalyst_runtime::SandboxError,
    openanalyst_runtime::LoadError,
    openanalyst_store::StoreError,
    std::io::Error,
);
