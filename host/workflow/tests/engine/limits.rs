//! Scripts that loop, flood and grow are stopped with their reason, and the next one runs as if nothing had been.

use openanalyst_domain::{Budget, JobStatus};
use openanalyst_workflow::{NewSchedule, WorkflowEngine as _, script_budget};
use serde_json::json;

use crate::support::{Choices, Env, error, owner, schedule, script};

/// A budget that is used up quickly.
fn small() -> Choices {
    let budget = Budget {
        cpu_ms: 1_000,
        wall_ms: 20_000,
        host_calls: 200,
        workflow_starts: 5,
        ..script_budget(&Budget::default())
    };
    Choices { budget, ..Choices::default() }
}

#[tokio::test]
async fn each_limit_gives_its_reason() {
    let env = Env::with(small()).await;
    let table = [
        ("for (;;) {}", "cpu-exceeded"),
        ("const all = []; for (;;) all.push(new Uint8Array(1 << 20));", "memory-exceeded"),
        ("for (;;) await wmill.getState();", "hostcalls-exceeded"),
        ("return 'x'.repeat(3 << 20);", "output-too-large"),
    ];
    for (body, reason) in table {
        let source = format!("import * as wmill from 'windmill-client'; export async function main() {{ {body} }}");
        let state = env.run_source(&source).await;
        assert_eq!(error(&state).0, reason, "{body}: {state:?}");
        let next = env.run("f/openanalyst/test/double", json!({ "n": 2 })).await;
        assert_eq!((next.status, next.result), (JobStatus::Done, Some(json!(4))), "after {body}");
    }
}

#[tokio::test]
async fn waiting_for_ever_ends_at_the_deadline() {
    let budget = Budget { wall_ms: 500, ..script_budget(&Budget::default()) };
    let env = Env::with(Choices { budget, ..Choices::default() }).await;
    let state =
        env.run_source("export const main = () => new Promise((resolve) => setTimeout(resolve, 20_000));").await;
    assert_eq!(error(&state).0, "deadline-exceeded");
}

#[tokio::test]
async fn a_flood_of_logs_is_cut_and_no_error() {
    let env = Env::new().await;
    let state = env
        .run_source(
            "export function main() { for (let i = 0; i < 5000; i++) console.log('x'.repeat(1000)); return 1; }",
        )
        .await;
    assert_eq!(state.result, Some(json!(1)));
    let row = env.store.job(&env.ada, state.id).await.unwrap().unwrap();
    assert!(row.logs.len() <= (256 << 10) + 100, "{} bytes", row.logs.len());
    assert!(row.logs.contains("dropped"));
}

#[tokio::test]
async fn a_job_starts_only_so_many_others() {
    let env = Env::with(small()).await;
    let source = "import { runScriptByPathAsync } from 'windmill-client';
        export async function main() {
            let started = 0;
            try {
                for (;;) { await runScriptByPathAsync('f/openanalyst/test/double', { n: 1 }); started++; }
            } catch (error) { return { started, status: error.status, body: error.body }; }
        }";
    let result = env.run_source(source).await.result.unwrap();
    assert_eq!((&result["started"], &result["status"]), (&json!(5), &json!(429)), "{result}");
}

#[tokio::test]
async fn a_job_that_starts_itself_ends() {
    let env = Env::with(small()).await;
    let source = "import { runScriptByPath } from 'windmill-client';
        export const main = async (depth = 0) => runScriptByPath('u/ada/test', { depth: depth + 1 });";
    let state = env.run_source(source).await;
    let (_, message) = error(&state);
    assert!(message.contains("levels deep"), "{message}");
    // Itself, and the four that a budget's nesting depth allows below it.
    assert_eq!(env.jobs(&env.ada, "u/ada/test").await.len(), 5);
}

#[tokio::test]
async fn a_job_has_only_so_many_open_jobs_and_schedules() {
    let env = Env::new().await;
    let waiting = |at| openanalyst_workflow::StartJob {
        scheduled_for_ms: Some(i64::MAX),
        ..crate::support::job("f/openanalyst/test/double", json!({ "n": at }))
    };
    for at in 0..1_000 {
        env.engine.start(&env.ada, waiting(at)).await.unwrap();
    }
    let refused = env.engine.start(&env.ada, waiting(1_000)).await.unwrap_err();
    assert!(refused.is_retryable() && refused.to_string().contains("1000"), "{refused}");
    let bob = owner("acme", "bob");
    let other =
        env.engine.start(&bob, crate::support::job("f/openanalyst/test/double", json!({ "n": 2 }))).await.unwrap();
    assert_eq!(
        env.engine.wait(&bob, other, None).await.unwrap().result,
        Some(json!(4)),
        "another user notices nothing"
    );
}

#[tokio::test]
async fn a_user_keeps_only_so_many_schedules() {
    let env = Env::new().await;
    for at in 0..500 {
        env.engine
            .put_schedule(&env.ada, schedule(&format!("u/ada/s{at}"), "f/openanalyst/test/double"))
            .await
            .unwrap();
    }
    let one_more = schedule("u/ada/one_more", "f/openanalyst/test/double");
    let refused = env.engine.put_schedule(&env.ada, one_more).await.unwrap_err();
    assert!(refused.to_string().contains("500"), "{refused}");
    let changed = NewSchedule { summary: "new".into(), ..schedule("u/ada/s7", "f/openanalyst/test/double") };
    env.engine.put_schedule(&env.ada, changed).await.unwrap();
    env.engine.put_script(&env.ada, script("u/ada/x", "export function main() {}")).await.unwrap();
}
