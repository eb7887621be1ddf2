//! The checker for tests: the component in a sandbox, as production has it.

use std::path::Path;
use std::sync::LazyLock;

use openanalyst_domain::{Owner, TenantId, UserId};
use openanalyst_runtime::contract::Expectation;
use openanalyst_runtime::{CheckOf, CheckQuestion, Checker, Sandbox, SandboxOptions};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{COMPONENT, CheckReply, ask, check_of};

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
    let dir = Path::new(env!("OUT_DIR")).join("components-for-tests");
    Sandbox::new(SandboxOptions::new(dir, [7; 32])).unwrap()
});
static CHECKER: LazyLock<Checker> = LazyLock::new(|| SANDBOX.load_checker(COMPONENT).unwrap());

/// Asks about checks until they are done, or the token is cancelled.
pub(crate) async fn ask_until(
    cancel: &CancellationToken,
    question: CheckQuestion<'_>,
    checks: &[CheckOf],
) -> CheckReply {
    let owner = Owner::new(TenantId::parse("acme").unwrap(), UserId::parse("ada").unwrap());
    ask(&SANDBOX, &CHECKER, &owner, cancel, question, checks).await
}

/// Tests expectations, all of which are the checker's, in a result.
pub(crate) async fn test(expectations: &[Expectation], result: &Value) -> CheckReply {
    let checks: Vec<CheckOf> = expectations.iter().map(|of| check_of(of).unwrap()).collect();
    let document = result.to_string();
    ask_until(&CancellationToken::new(), CheckQuestion::Holds(&document), &checks).await
}
