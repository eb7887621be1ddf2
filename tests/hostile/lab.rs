//! The place where hostile skills are let loose: a sandbox of its own, a canary, and what must hold afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use openanalyst_domain::{Budget, Digest, LimitReason, Outcome, Owner, TenantId, UserId};
use openanalyst_guest_fixtures::{Core, PROBE};
use openanalyst_runtime::contract::{Action, Attempt, Context, Inputs, Intent, Output, Request, Step};
use openanalyst_runtime::{Call, CallError, Invocation, LoadError, Sandbox, SandboxOptions, Skill};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A budget that ends a hostile guest soon: 50 ms of CPU time, 2 s of wall time.
pub fn small() -> Budget {
    Budget { cpu_ms: 50, wall_ms: 2_000, memory_bytes: 4 << 20, ..Budget::default() }
}

/// A user of a tenant.
pub fn owner(tenant: &str) -> Owner {
    Owner::new(TenantId::parse(tenant).unwrap(), UserId::parse("ada").unwrap())
}

/// A call of the hostile tenant.
pub fn call(budget: Budget) -> Call {
    Call { budget, ..Call::new(owner("hostile")) }
}

/// A sandbox for one test.
pub struct Lab {
    pub sandbox: Sandbox,
    canary: Skill,
    _cache: TempDir,
}

impl Lab {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut SandboxOptions)) -> Self {
        let cache = tempfile::tempdir().unwrap();
        let mut options = SandboxOptions::new(cache.path().join("cache"), [7; 32]);
        options.pool_instances = 8;
        options.per_tenant = 6;
        change(&mut options);
        let sandbox = Sandbox::new(options).unwrap();
        let canary = load(&sandbox, &Core::default().component()).unwrap();
        Self { sandbox, canary, _cache: cache }
    }

    pub fn load(&self, component: &[u8]) -> Result<Skill, LoadError> {
        load(&self.sandbox, component)
    }

    pub fn probe(&self) -> Skill {
        self.load(PROBE).unwrap()
    }

    /// Calls `run` with these arguments.
    pub async fn run(&self, skill: &Skill, call: Call, arguments: &Value) -> Invocation<Output> {
        run_in(&self.sandbox, skill, call, arguments).await
    }

    /// Lets a guest loose, with the canary beside it, and checks that nothing is left of it.
    pub async fn attack(&self, skill: &Skill, call: Call, arguments: &Value) -> Invocation<Output> {
        let over = Arc::new(AtomicBool::new(false));
        let canary = tokio::spawn({
            let (sandbox, skill, over) = (self.sandbox.clone(), self.canary.clone(), over.clone());
            async move {
                let mut calls = Vec::new();
                // At least once after the attack, too: the sandbox must work on.
                loop {
                    let last = over.load(Ordering::Acquire);
                    let call = Call::new(owner("canary"));
                    let began = Instant::now();
                    run_in(&sandbox, &skill, call, &Value::Null).await.result.expect("the canary notices nothing");
                    calls.push(began.elapsed());
                    if last {
                        return calls;
                    }
                    tokio::task::yield_now().await;
                }
            }
        });
        let invocation = self.run(skill, call, arguments).await;
        over.store(true, Ordering::Release);
        print_times(canary.await.unwrap());
        self.assert_quiet();
        if let Err(error) = &invocation.result {
            assert_eq!(outcome(error), invocation.receipt.outcome, "the receipt says how it ended");
        } else {
            assert_eq!(invocation.receipt.outcome, Outcome::Ok);
        }
        invocation
    }

    /// Lets a core module loose under the small budget.
    pub async fn attack_core(&self, core: &Core) -> Invocation<Output> {
        let skill = self.load(&core.component()).unwrap();
        self.attack(&skill, call(small()), &Value::Null).await
    }

    /// Nothing runs, nothing waits, no memory is in use.
    pub fn assert_quiet(&self) {
        let stats = self.sandbox.stats();
        assert_eq!((stats.running, stats.waiting, stats.memories), (0, 0, 0), "{stats:?}");
    }
}

/// Says how long the canary's calls took. `--nocapture` shows it.
fn print_times(mut calls: Vec<Duration>) {
    calls.sort_unstable();
    let at = |percent: usize| calls[(calls.len() * percent / 100).min(calls.len() - 1)];
    let test = std::thread::current().name().unwrap_or("a thread").to_owned();
    println!("{test}: {} calls of the canary, p50 {:?}, p99 {:?}", calls.len(), at(50), at(99));
}

pub fn load(sandbox: &Sandbox, component: &[u8]) -> Result<Skill, LoadError> {
    sandbox.load_skill("guest", Digest::from_sha256([9; 32]), component)
}

pub async fn run_in(sandbox: &Sandbox, skill: &Skill, call: Call, arguments: &Value) -> Invocation<Output> {
    let step = Step {
        id: "step".to_owned(),
        title: "A step".to_owned(),
        action: Action::Run("{}".to_owned()),
        expects: Vec::new(),
    };
    let inputs =
        Inputs { request: request(), context: context(), arguments: arguments.to_string(), results: Vec::new() };
    let attempt = Attempt { number: 1, max: 1, differences: Vec::new(), learning: None };
    sandbox.run(skill, call, &step, &inputs, &attempt).await
}

pub fn request() -> Request {
    Request {
        task_id: "task".to_owned(),
        session_id: "session".to_owned(),
        content: "Do it".to_owned(),
        intent: Intent { actions: Vec::new(), confidence: 1.0, slots: Vec::new() },
        attachments: Vec::new(),
        received_at_ms: 1,
        time_zone: "UTC".to_owned(),
        user_folder: "u/ada".to_owned(),
        answers: Vec::new(),
    }
}

pub fn context() -> Context {
    Context {
        now_ms: 1,
        display_name: None,
        preferences: Vec::new(),
        custom_instructions: None,
        messages: Vec::new(),
        recent_tasks: Vec::new(),
        learnings: Vec::new(),
        skills: Vec::new(),
        omitted: 0,
    }
}

fn outcome(error: &CallError) -> Outcome {
    match error {
        CallError::Failure(failure) => Outcome::Failure { code: failure.code().to_owned() },
        CallError::Limit { reason, .. } => Outcome::Limit { reason: *reason },
        CallError::Trap { detail } => Outcome::Trap { detail: detail.clone() },
        CallError::Diverged(diverged) => Outcome::Trap { detail: diverged.to_string() },
        CallError::Waits(_) => Outcome::PutAside,
        CallError::Interrupted(interrupted) => Outcome::Host { detail: interrupted.to_string() },
        CallError::Cancelled => Outcome::Cancelled,
        CallError::Host(detail) => Outcome::Host { detail: detail.clone() },
    }
}

/// The limit that ended a call.
#[track_caller]
pub fn limit(invocation: &Invocation<Output>) -> LimitReason {
    match &invocation.result {
        Err(CallError::Limit { reason, detail }) => {
            assert!(!detail.is_empty());
            *reason
        }
        other => panic!("expected a limit: {other:?}"),
    }
}

/// The trap that ended a call.
#[track_caller]
pub fn trap(invocation: &Invocation<Output>) -> &str {
    match &invocation.result {
        Err(CallError::Trap { detail }) => detail,
        other => panic!("expected a trap: {other:?}"),
    }
}

/// The code of the failure that the guest handed on.
#[track_caller]
pub fn failure(invocation: &Invocation<Output>) -> (&str, String) {
    match &invocation.result {
        Err(CallError::Failure(failure)) => (failure.code(), failure.to_string()),
        other => panic!("expected a failure: {other:?}"),
    }
}

/// The JSON that a call gave.
#[track_caller]
pub fn value(invocation: &Invocation<Output>) -> Value {
    match &invocation.result {
        Ok(output) => serde_json::from_str(&output.result).unwrap_or(json!(output.result)),
        Err(error) => panic!("expected a result: {error:?}"),
    }
}
