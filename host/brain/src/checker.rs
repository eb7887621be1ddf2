//! The checker: schemas, patterns and similarities are evaluated in the sandbox, under limits of time
//! and memory.
//!
//! They come from skills, and a small schema can take for ever. [`Checker`] loads the component
//! `checker/` and asks it; what is said here about the limits is what the skill's author reads.
//! All checks of a plan, or of a step's result, are one invocation.

use std::sync::Arc;

use openanalyst_domain::{Budget, Failure, LimitReason, Owner, Receipt};
use openanalyst_runtime::contract::{Check, Expectation, Plan, Step};
use openanalyst_runtime::{
    Call, CallError, CheckOf, CheckOutcome, CheckQuestion, Checked, Checker as LoadedChecker, CostlyCheck, LogLine,
    Sandbox, WantedSimilarity,
};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::context::shorten;
use crate::loading;
use crate::plan;
use crate::work::{Interrupt, TaskExecution};

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

/// CPU time of all checks of a plan, or of a step's result, together.
const CPU_MS: u64 = 1_000;
/// Memory for them, the result that is tested included.
const MEMORY_BYTES: usize = 64 << 20;
/// Wall time, in which other work of the machine counts.
const WALL_MS: u64 = 30_000;
/// Most characters of an expectation's description in the failure of a step.
const DESCRIPTION_CHARS: usize = 200;

/// In a static: each crate into which the function below is inlined would have a copy of a constant.
static COMPONENT: &[u8] = include_bytes!(env!("CHECKER_WASM"));

/// The component that tests expectations, loaded when it is first needed. Cheap to clone; all clones
/// are the same one.
#[derive(Debug, Clone)]
pub struct Checker {
    loaded: Arc<OnceCell<LoadedChecker>>,
}

/// What one invocation gave.
pub(crate) struct CheckReply {
    /// One outcome for each check, or why there is none.
    pub(crate) result: Result<Vec<CheckOutcome>, CheckError>,
    pub(crate) receipt: Receipt,
    pub(crate) logs: Vec<LogLine>,
}

/// Why checks have no outcome.
#[derive(Debug)]
pub(crate) struct CheckError {
    /// The check that was at work, from 0. None: the first had not begun.
    pub(crate) at: Option<usize>,
    /// The reason, without the name of the expectation.
    pub(crate) failure: Failure,
}

impl Checker {
    pub(crate) fn new() -> Self {
        Self { loaded: Arc::default() }
    }

    /// Whether the component is in memory: no task waits for it.
    #[must_use]
    pub fn is_warm(&self) -> bool {
        self.loaded.initialized()
    }

    /// Loads the component, so that no task waits for a compiler.
    ///
    /// # Errors
    /// It cannot be loaded.
    pub async fn warm(&self, sandbox: &Sandbox) -> Result<(), Failure> {
        self.load(sandbox).await.map(drop)
    }

    /// The component, once it is loaded.
    ///
    /// # Errors
    /// See [`Self::warm`].
    pub(crate) async fn load(&self, sandbox: &Sandbox) -> Result<&LoadedChecker, Failure> {
        let cannot = |why: &dyn std::fmt::Display| {
            Failure::failed(format!("the checker of expectations cannot be loaded: {why}"))
        };
        let load = async || {
            let sandbox = sandbox.clone();
            let loading = tokio::task::spawn_blocking(move || sandbox.load_checker(COMPONENT));
            loading.await.map_err(|error| cannot(&error))?.map_err(|error| cannot(&error))
        };
        self.loaded.get_or_try_init(load).await
    }
}

/// Asks about checks in one invocation, in the owner's name.
pub(crate) async fn ask(
    sandbox: &Sandbox,
    checker: &LoadedChecker,
    owner: &Owner,
    cancel: &CancellationToken,
    question: CheckQuestion<'_>,
    checks: &[CheckOf],
) -> CheckReply {
    let call = Call { budget: budget(), cancel: cancel.clone(), ..Call::new(owner.clone()) };
    let Checked { invocation, at } = sandbox.check(checker, call, question, checks).await;
    let result = invocation.result.map_err(|error| {
        let check = at.and_then(|at| checks.get(at)).map(|of| &of.check);
        CheckError { at, failure: failure_of(&error, check, at.unwrap_or(0)) }
    });
    CheckReply { result, receipt: invocation.receipt, logs: invocation.logs }
}

/// Every limit of an invocation of the checker.
fn budget() -> Budget {
    Budget { cpu_ms: CPU_MS, memory_bytes: MEMORY_BYTES, wall_ms: WALL_MS, ..Budget::default() }
}

/// Why a check was not done, and what its author can do about it. Limits are final: the same checks
/// would meet them again.
fn failure_of(error: &CallError, check: Option<&CostlyCheck>, before: usize) -> Failure {
    let (doing, next) = match check {
        Some(CostlyCheck::Schema(_)) => ("evaluating the schema", "simplify the schema"),
        Some(CostlyCheck::Matches(_)) => ("matching the pattern", "simplify the pattern"),
        Some(CostlyCheck::Similar(_)) => ("comparing the texts", "compare shorter texts"),
        None => ("reading the result", "return less"),
    };
    let doing = match before {
        0 => doing.to_owned(),
        1 => format!("{doing} after the one before it"),
        _ => format!("{doing} after the {before} before it"),
    };
    let (reason, much) = match error {
        CallError::Limit { reason: reason @ LimitReason::CpuExceeded, .. } => {
            (*reason, format!("{} s of CPU time", CPU_MS / 1_000))
        }
        CallError::Limit { reason: reason @ LimitReason::MemoryExceeded, .. } => {
            (*reason, format!("{} MiB of memory", MEMORY_BYTES >> 20))
        }
        CallError::Limit { reason: reason @ LimitReason::DeadlineExceeded, .. } => {
            (*reason, format!("{} s", WALL_MS / 1_000))
        }
        CallError::Trap { detail } => {
            tracing::info!(detail, "an expectation makes the checker crash");
            return Failure::invalid(format!("{doing} makes the checker crash: {next}"));
        }
        other => return other.as_failure(),
    };
    Failure::limit(reason, format!("{doing} takes more than {much}: {next}"))
}

/// What the checker tests of an expectation. None: the check is cheap, or the skill's own.
fn check_of(expectation: &Expectation) -> Option<CheckOf> {
    let check = match &expectation.check {
        Check::Schema(schema) => CostlyCheck::Schema(schema.clone()),
        Check::Matches(pattern) => CostlyCheck::Matches(pattern.clone()),
        Check::Similar(wanted) => {
            let (text, threshold) = (wanted.text.clone(), wanted.threshold);
            CostlyCheck::Similar(WantedSimilarity { text, threshold })
        }
        Check::Present | Check::Exact(_) | Check::Contains(_) | Check::Within(_) | Check::BySkill(_) => return None,
    };
    Some(CheckOf { pointer: expectation.pointer.clone(), check })
}

/// The checks of a plan with which perhaps nothing can be tested, each with the id of its step.
fn doubtful(plan: &Plan) -> (Vec<&str>, Vec<CheckOf>) {
    plan.steps
        .iter()
        .flat_map(|step| step.expects.iter().map(move |expectation| (step, expectation)))
        .filter(|(_, of)| matches!(of.check, Check::Schema(_) | Check::Matches(_)))
        .filter_map(|(step, expectation)| Some((step.id.as_str(), check_of(expectation)?)))
        .unzip()
}

/// Tests a schema in the sandbox, for `doctor`.
///
/// # Errors
/// What does not work.
pub async fn self_check(sandbox: &Sandbox) -> Result<String, String> {
    let checker = Checker::new();
    let loaded = checker.load(sandbox).await.map_err(|failure| failure.to_string())?;
    let (tenant, user) = ("doctor".try_into(), "doctor".try_into());
    let owner = Owner::new(tenant.map_err(|_| "no tenant")?, user.map_err(|_| "no user")?);
    let schema = json!({ "required": ["answer"] }).to_string();
    let check = CheckOf { pointer: String::new(), check: CostlyCheck::Schema(schema) };
    let document = json!({ "answer": 42 }).to_string();
    let (never, question) = (CancellationToken::new(), CheckQuestion::Holds(&document));
    let asked = ask(sandbox, loaded, &owner, &never, question, &[check]).await;
    match asked.result {
        Ok(outcomes) if outcomes.iter().all(|outcome| outcome.difference.is_none()) => {
            Ok("expectations are tested in the sandbox".to_owned())
        }
        Ok(outcomes) => Err(format!("a schema that holds gave {outcomes:?}")),
        Err(unanswered) => Err(unanswered.failure.to_string()),
    }
}

impl TaskExecution {
    /// Makes sure that something can be tested with the schemas and patterns of a plan. A plan without
    /// any costs nothing here.
    ///
    /// # Errors
    /// [`Failure::Invalid`], naming the step and what is wrong; a failure of the sandbox that stays.
    pub(crate) async fn check_expectations(&mut self, plan: &Plan) -> Result<(), Interrupt> {
        let (steps, checks) = doubtful(plan);
        if checks.is_empty() {
            return Ok(());
        }
        let step_of = |at: usize| steps.get(at).copied().unwrap_or_default();
        match self.ask_checker(CheckQuestion::Usable, &checks).await? {
            Ok(outcomes) => {
                let mut outcomes = outcomes.into_iter().enumerate();
                let unusable = outcomes.find_map(|(at, of)| Some((at, of.difference?)));
                match unusable {
                    Some((at, why)) => Err(plan::untestable(step_of(at), &why).into()),
                    None => Ok(()),
                }
            }
            Err(CheckError { failure, .. }) if failure.is_retryable() => Err(failure.into()),
            Err(CheckError { at, failure }) => {
                let step = step_of(at.unwrap_or(0));
                Err(plan::untestable(step, &failure.to_string()).into())
            }
        }
    }

    /// Tests these expectations of a step in its result. Err: one of them could not be tested.
    pub(crate) async fn test_expectations(
        &mut self,
        step: &Step,
        expectations: &[&Expectation],
        result: &Value,
    ) -> Result<Result<Vec<CheckOutcome>, Failure>, Interrupt> {
        let checks: Vec<CheckOf> = expectations.iter().filter_map(|of| check_of(of)).collect();
        if checks.is_empty() {
            return Ok(Ok(Vec::new()));
        }
        let document = result.to_string();
        let asked = self.ask_checker(CheckQuestion::Holds(&document), &checks).await?;
        Ok(asked.map_err(|CheckError { at, failure }| {
            let expectation = at.and_then(|at| expectations.get(at)).or(expectations.first());
            let description = expectation.map_or("", |of| of.description.as_str());
            let description = shorten(description, DESCRIPTION_CHARS);
            let what = format!("the expectation \"{description}\" of step `{}`", step.id);
            with_detail(failure, |why| format!("{what} cannot be tested: {why}"))
        }))
    }

    /// Asks the checker, and again after a failure that may pass.
    async fn ask_checker(
        &mut self,
        question: CheckQuestion<'_>,
        checks: &[CheckOf],
    ) -> Result<Result<Vec<CheckOutcome>, CheckError>, Interrupt> {
        let brain = self.brain.clone();
        let checker = match self.loaded_checker().await? {
            Ok(checker) => checker,
            Err(failure) => return Ok(Err(CheckError { at: None, failure })),
        };
        let mut number = 1;
        loop {
            self.check_cancelled()?;
            let (owner, cancel) = (self.owner(), &self.cancel);
            let asking = ask(&brain.sandbox, &checker, owner, cancel, question, checks);
            let asked = self.record.during(Box::pin(asking)).await?;
            self.record.receipts().take(&asked.receipt, &asked.logs, None);
            self.check_cancelled()?;
            let unanswered = match asked.result {
                Ok(outcomes) => return Ok(Ok(outcomes)),
                Err(unanswered) => unanswered,
            };
            if !unanswered.failure.is_retryable() || number > self.retry.retries {
                return Ok(Err(unanswered));
            }
            let delay = self.retry.delay_after(number, Some(&unanswered.failure));
            self.record.during(self.back_off(delay)).await??;
            number += 1;
        }
    }

    async fn loaded_checker(&self) -> Result<Result<LoadedChecker, Failure>, Interrupt> {
        // A host that shuts down lets tasks end, but waits for no compiler.
        if let Some(checker) = self.brain.checker.loaded.get() {
            return Ok(Ok(checker.clone()));
        }
        let loading = loading::checker(&self.record, &self.cancel);
        let loading = self.brain.closing.run_until_cancelled(Box::pin(loading));
        let loaded = loading.await.ok_or(Interrupt::ShuttingDown)??;
        loaded.ok_or_else(|| Interrupt::Finished(self.cancelled()))
    }
}

/// The same failure in other words.
fn with_detail(failure: Failure, say: impl FnOnce(String) -> String) -> Failure {
    match failure {
        Failure::Invalid { detail } => Failure::invalid(say(detail)),
        Failure::Denied { detail } => Failure::denied(say(detail)),
        Failure::NotFound { detail } => Failure::not_found(say(detail)),
        Failure::Unavailable { detail, retry_after_ms } => Failure::Unavailable { detail: say(detail), retry_after_ms },
        Failure::Limit { reason, detail } => Failure::Limit { reason, detail: say(detail) },
        Failure::Failed { detail } => Failure::failed(say(detail)),
        Failure::Interrupted { detail } => Failure::interrupted(say(detail)),
    }
}
