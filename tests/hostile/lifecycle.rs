//! Calls that end from outside: cancelled, panicked, crowded out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use openanalyst_domain::{Budget, LimitReason, Outcome};
use openanalyst_guest_fixtures::Core;
use openanalyst_runtime::{Call, CallError};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::doubles::{Double, grants};
use crate::lab::{Lab, call, context, failure, limit, owner, request, small, value};

fn with(double: &Arc<Double>) -> Call {
    let mut call = call(Budget::default());
    call.grants = grants(json!({ "memory": "user" }));
    call.capabilities = double.capabilities();
    call
}

/// While it waits in a host call, while it sleeps, while it computes, while it waits for a place, and before it began.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_reaches_a_guest_wherever_it_is() {
    let lab = Lab::with(|options| options.pool_instances = 2);
    let probe = lab.probe();
    let double = Arc::new(Double { hangs: true, ..Double::default() });
    for arguments in [
        json!({ "do": "memory-get", "text": "key" }),
        json!({ "do": "sleep", "n": 1_000_000 }),
        json!({ "do": "loop" }),
    ] {
        let cancel = CancellationToken::new();
        let call =
            Call { cancel: cancel.clone(), budget: Budget { cpu_ms: 20_000, ..Budget::default() }, ..with(&double) };
        let canceller = async {
            while lab.sandbox.stats().running == 0 {
                tokio::task::yield_now().await;
            }
            cancel.cancel();
        };
        let (invocation, ()) = tokio::join!(lab.run(&probe, call, &arguments), canceller);
        assert_eq!(invocation.result.unwrap_err(), CallError::Cancelled, "{arguments}");
        assert_eq!(invocation.receipt.outcome, Outcome::Cancelled);
        lab.assert_quiet();
    }
    let cancel = CancellationToken::new();
    cancel.cancel();
    let before = lab.run(&probe, Call { cancel, ..with(&double) }, &json!({ "do": "echo" })).await;
    assert_eq!(before.result.unwrap_err(), CallError::Cancelled);
}

/// Dropping the call's own future is a cancellation, too: the client is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_nobody_awaits_any_more_leaves_nothing() {
    let lab = Lab::new();
    let probe = lab.probe();
    let double = Arc::new(Double { hangs: true, ..Double::default() });
    let arguments = json!({ "do": "memory-get", "text": "key" });
    let call = lab.run(&probe, with(&double), &arguments);
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
    assert_eq!((double.seen().len() as u32, double.dropped()), (1, 1), "the host call was dropped");
    lab.assert_quiet();
    assert!(lab.run(&probe, with(&double), &json!({ "do": "echo" })).await.result.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_call_has_the_time_that_is_left() {
    let lab = Lab::new();
    let probe = lab.probe();
    let double = Arc::new(Double { hangs: true, ..Double::default() });
    let mut call = with(&double);
    call.deadline = Some(Instant::now() + Duration::from_millis(50));
    let invocation = lab.attack(&probe, call, &json!({ "do": "memory-get", "text": "key" })).await;
    assert_eq!(limit(&invocation), LimitReason::DeadlineExceeded);
    assert_eq!(double.dropped(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_of_the_host_ends_one_call() {
    let lab = Lab::new();
    let probe = lab.probe();
    let double = Arc::new(Double { panics: true, ..Double::default() });
    for _ in 0..20 {
        let invocation = lab.attack(&probe, with(&double), &json!({ "do": "memory-get", "text": "key" })).await;
        let Err(CallError::Host(detail)) = &invocation.result else { panic!("{invocation:?}") };
        assert!(detail.contains("a bug of the host"), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_panics_or_exits_ends_one_call() {
    let lab = Lab::new();
    let probe = lab.probe();
    let panicked = lab.attack(&probe, call(small()), &json!({ "do": "panic", "text": "I give up" })).await;
    assert!(matches!(&panicked.result, Err(CallError::Trap { .. })), "{panicked:?}");
    assert!(panicked.logs.iter().any(|line| line.message.contains("I give up")), "its last words: {:?}", panicked.logs);
    let exited = lab.attack(&probe, call(small()), &json!({ "do": "exit" })).await;
    assert!(matches!(&exited.result, Err(CallError::Trap { .. })), "{exited:?}");
    let failed = lab.attack(&probe, call(small()), &json!({ "do": "fail", "text": "not-found" })).await;
    assert_eq!(failure(&failed), ("not-found", "gone".to_owned()));
}

/// A tenant that fills its share is told `busy`; another tenant gets its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_one_tenant_does_not_crowd_out_another() {
    let lab = Lab::with(|options| {
        options.pool_instances = 4;
        options.per_tenant = 2;
        options.admission_wait = Duration::from_millis(50);
    });
    let probe = lab.probe();
    let double = Arc::new(Double { hangs: true, ..Double::default() });
    let arguments = json!({ "do": "memory-get", "text": "key" });
    let mut crowd = tokio::task::JoinSet::new();
    let cancel = CancellationToken::new();
    for _ in 0..2 {
        let (sandbox, probe, call) =
            (lab.sandbox.clone(), probe.clone(), Call { cancel: cancel.clone(), ..with(&double) });
        let arguments = arguments.clone();
        crowd.spawn(async move { crate::lab::run_in(&sandbox, &probe, call, &arguments).await.result.is_err() });
    }
    while double.seen().len() < 2 {
        tokio::task::yield_now().await;
    }
    let third = lab.run(&probe, with(&double), &json!({ "do": "echo" })).await;
    assert_eq!(limit(&third), LimitReason::Busy);
    assert!(third.result.as_ref().unwrap_err().as_failure().is_retryable());
    assert!(third.receipt.queued_us >= 50_000 && third.receipt.wall_us == 0, "{:?}", third.receipt);
    let other = lab.run(&probe, Call::new(owner("other")), &json!({ "do": "echo" })).await;
    assert!(other.result.is_ok());
    cancel.cancel();
    while let Some(ended) = crowd.join_next().await {
        assert!(ended.unwrap());
    }
    lab.assert_quiet();
    assert!(lab.run(&probe, with(&double), &json!({ "do": "echo" })).await.result.is_ok());
}

/// Many more calls than places: each of them has its turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_is_never_lost() {
    let lab = Lab::with(|options| {
        options.pool_instances = 3;
        options.per_tenant = 2;
    });
    let skills = [
        lab.load(&Core::default().component()).unwrap(),
        lab.load(&Core::run("unreachable").component()).unwrap(),
        lab.load(&Core { memory: "65".to_owned(), ..Core::default() }.component()).unwrap(),
    ];
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..300_usize {
        let (sandbox, skill) = (lab.sandbox.clone(), skills[number % 3].clone());
        let call = Call { budget: small(), ..Call::new(owner(["a", "b", "c"][number % 3])) };
        calls.spawn(async move {
            let result = crate::lab::run_in(&sandbox, &skill, call, &Value::Null).await.result;
            assert_eq!(result.is_ok(), number % 3 == 0);
        });
    }
    while let Some(ended) = calls.join_next().await {
        ended.unwrap();
    }
    lab.assert_quiet();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_well_behaved_skill_plans_runs_and_replies() {
    let lab = Lab::new();
    let probe = lab.probe();
    let plan = lab.sandbox.plan(&probe, call(small()), &request(), &context()).await;
    let receipt = plan.receipt;
    let plan = plan.result.unwrap();
    assert_eq!((plan.steps.len(), plan.steps[0].title.as_str()), (1, "Do it"));
    assert_eq!((receipt.export.as_str(), receipt.skill.as_str()), ("plan", "guest"));
    assert!(
        receipt.input_bytes > 0 && receipt.output_bytes > 0 && receipt.wall_us > 0 && receipt.peak_memory_bytes > 0
    );
    let recorded = serde_json::to_value(&plan).unwrap();
    assert_eq!(serde_json::from_value::<openanalyst_runtime::contract::Plan>(recorded).unwrap(), plan);
    let echoed = value(&lab.run(&probe, call(small()), &json!({ "do": "echo" })).await);
    assert_eq!(echoed["step"], "step");
    let reply = lab.sandbox.reply(&probe, call(small()), &request(), &[]).await;
    assert_eq!(reply.result.unwrap().content, "Do it: ");
}
