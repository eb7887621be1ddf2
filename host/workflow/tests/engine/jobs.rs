//! Jobs: durable, once for each id, waiting for their time, cancelled, taken up again.

use std::time::Duration;

use openanalyst_domain::{JobId, JobStatus};
use openanalyst_workflow::{StartJob, WorkflowEngine as _};
use serde_json::json;

use crate::support::{Choices, Env, MONDAY_10_MS, PATIENCE, error, job};

/// Says that it runs, and goes on until it is stopped.
const ENDLESS: &str = "import { setProgress } from 'windmill-client';
    export async function main() {
        await setProgress(7);
        for (;;) await new Promise((resolve) => setTimeout(resolve, 100));
    }";

#[tokio::test]
async fn the_same_id_is_the_same_job() {
    let env = Env::new().await;
    let start = job("f/openanalyst/test/double", json!({ "n": 21 }));
    env.engine.start(&env.ada, start.clone()).await.unwrap();
    let again = StartJob { args: json!({ "n": 1 }), ..start.clone() };
    assert_eq!(env.engine.start(&env.ada, again.clone()).await.unwrap(), start.id);
    assert_eq!(env.ended(start.id).await.result, Some(json!(42)));
    env.engine.start(&env.ada, again).await.unwrap();
    assert_eq!(env.ended(start.id).await.result, Some(json!(42)));
    assert_eq!(env.jobs(&env.ada, "").await, [start.id]);
}

#[tokio::test]
async fn what_cannot_be_started() {
    let env = Env::new().await;
    let table = [
        (job("u/ada/nothing", json!({})), "not-found"),
        (job("no path", json!({})), "invalid"),
        (job("f/openanalyst/test/double", json!([1])), "invalid"),
        (job("f/openanalyst/test/double", json!({ "n": "x".repeat(2 << 20) })), "invalid"),
        (StartJob { is_flow: true, ..job("f/openanalyst/test/double", json!({})) }, "not-found"),
    ];
    for (start, code) in table {
        assert_eq!(env.engine.start(&env.ada, start).await.unwrap_err().code(), code);
    }
    assert_eq!(env.engine.state(&env.ada, JobId::new()).await.unwrap_err().code(), "not-found");
    assert!(env.jobs(&env.ada, "").await.is_empty());
}

#[tokio::test]
async fn a_job_waits_for_its_time() {
    let env = Env::new().await;
    let start = StartJob {
        scheduled_for_ms: Some(MONDAY_10_MS + 60_000),
        ..job("f/openanalyst/test/double", json!({ "n": 1 }))
    };
    let id = env.engine.start(&env.ada, start).await.unwrap();
    let early = env.engine.wait(&env.ada, id, Some(Duration::from_millis(20))).await.unwrap();
    assert_eq!(early.status, JobStatus::Queued);
    env.clock.advance(Duration::from_secs(60));
    let state = env.ended(id).await;
    assert_eq!((state.status, state.started_at_ms), (JobStatus::Done, Some(MONDAY_10_MS + 60_000)));
}

#[tokio::test]
async fn cancelling_reaches_the_running_script() {
    let env = Env::new().await;
    env.put("u/ada/endless", ENDLESS).await;
    let id = env.start("u/ada/endless", json!({})).await;
    env.reached(id, 7).await;
    let running = env.engine.state(&env.ada, id).await.unwrap();
    assert_eq!((running.status, running.percent), (JobStatus::Running, Some(7)));
    let state = env.engine.cancel(&env.ada, id, "enough").await.unwrap();
    assert_eq!(state.status, JobStatus::Cancelled);
    let error = &state.result.as_ref().unwrap()["error"];
    assert_eq!(
        (&error["name"], &error["reason"], &error["canceler"]),
        (&json!("Canceled"), &json!("enough"), &json!("ada"))
    );
    // A second time changes nothing.
    let again = env.engine.cancel(&env.ada, id, "more").await.unwrap();
    assert_eq!(again.result, state.result);
}

#[tokio::test]
async fn cancelling_ends_what_was_not_begun() {
    let env = Env::new().await;
    let start = StartJob { scheduled_for_ms: Some(i64::MAX), ..job("f/openanalyst/test/double", json!({})) };
    let id = env.engine.start(&env.ada, start).await.unwrap();
    let state = env.engine.cancel(&env.ada, id, "no").await.unwrap();
    assert_eq!((state.status, state.started_at_ms), (JobStatus::Cancelled, None));
}

#[tokio::test]
async fn cancelling_ends_what_a_job_started() {
    let env = Env::new().await;
    env.put("u/ada/endless", ENDLESS).await;
    let source = "import { runScriptByPathAsync, setProgress, waitJob } from 'windmill-client';
        export async function main() {
            const id = await runScriptByPathAsync('u/ada/endless', {});
            await setProgress(50);
            await waitJob(id);
        }";
    env.put("u/ada/parent", source).await;
    let id = env.start("u/ada/parent", json!({})).await;
    env.reached(id, 50).await;
    let child = env.jobs(&env.ada, "u/ada/endless").await[0];
    env.engine.cancel(&env.ada, id, "enough").await.unwrap();
    assert_eq!(env.ended(child).await.status, JobStatus::Cancelled);
}

#[tokio::test]
async fn a_script_waits_for_a_script_with_one_worker() {
    let env = Env::with(Choices { workers: 1, ..Choices::default() }).await;
    let source = "import { runScriptByPath } from 'windmill-client';
        export const main = async () => 1 + await runScriptByPath('f/openanalyst/test/double', { n: 20.5 });";
    assert_eq!(env.run_source(source).await.result, Some(json!(42)));
}

#[tokio::test]
async fn a_job_of_a_dead_process_is_run_again() {
    let mut env = Env::with(Choices { run_schedules: false, ..Choices::default() }).await;
    env.put("u/ada/endless", ENDLESS).await;
    let running = env.start("u/ada/endless", json!({})).await;
    env.reached(running, 7).await;
    let waiting = StartJob {
        scheduled_for_ms: Some(MONDAY_10_MS + 1_000),
        ..job("f/openanalyst/test/double", json!({ "n": 4 }))
    };
    let waiting = env.engine.start(&env.ada, waiting).await.unwrap();

    // Another process of which the first is told to be alive takes nothing.
    let visitor = env.another(&Choices { others_live: true, ..Choices::default() }).await;
    assert_eq!(visitor.state(&env.ada, running).await.unwrap().percent, None, "it does not run there");
    visitor.shutdown().await;

    // The next version of the script ends, so that a second run can be told from the first.
    env.put("u/ada/endless", "export const main = () => 'second run';").await;
    let next = env.another(&Choices::default()).await;
    let ended = tokio::time::timeout(PATIENCE, next.wait(&env.ada, running, None)).await.unwrap().unwrap();
    assert_eq!((ended.status, ended.result), (JobStatus::Done, Some(json!("second run"))));
    env.clock.advance(Duration::from_secs(1));
    let ended = tokio::time::timeout(PATIENCE, next.wait(&env.ada, waiting, None)).await.unwrap().unwrap();
    assert_eq!(ended.result, Some(json!(8)));
    env.engine = next;
}

#[tokio::test]
async fn a_job_that_ends_every_process_is_not_run_for_ever() {
    let mut env = Env::with(Choices { run_schedules: false, ..Choices::default() }).await;
    env.put("u/ada/endless", ENDLESS).await;
    let id = env.start("u/ada/endless", json!({})).await;
    env.reached(id, 7).await;
    for died in ["first", "second", "third"] {
        let seen = env.store.job(&env.ada, id).await.unwrap().unwrap().node;
        let mut tx = env.store.begin(&env.ada).await.unwrap();
        assert!(tx.start_job(id, died, seen.as_deref(), MONDAY_10_MS).await.unwrap());
        tx.commit().await.unwrap();
    }
    let next = env.another(&Choices::default()).await;
    let ended = tokio::time::timeout(PATIENCE, next.wait(&env.ada, id, None)).await.unwrap().unwrap();
    assert_eq!(ended.status, JobStatus::Failed);
    let (name, message) = error(&ended);
    assert_eq!(name, "HostEnded");
    assert!(message.starts_with("the host ended 4 times while it ran this job"), "{message}");
    env.engine = next;
}

/// Waits until there is `u/ada/go`, and writes then.
const WRITES_LATE: &str = "import * as wmill from 'windmill-client';
    const { ScheduleService, VariableService } = wmill;
    export async function main() {
        await wmill.setProgress(7);
        while (!await VariableService.existsVariable({ path: 'u/ada/go' })) {
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
        const schedule = { path: 'u/ada/late', schedule: '0 0 9 * * *', timezone: 'UTC', script_path: 'u/ada/go', is_flow: false };
        await ScheduleService.createSchedule({ requestBody: schedule });
        return 'written';
    }";

#[tokio::test]
async fn a_job_that_another_node_took_over_writes_nothing_here() {
    let env = Env::new().await;
    env.put("u/ada/late", WRITES_LATE).await;
    env.put(
        "u/ada/go",
        "import { setVariable } from 'windmill-client';
         export const main = () => setVariable('u/ada/go', 'yes');",
    )
    .await;
    let id = env.start("u/ada/late", json!({})).await;
    env.reached(id, 7).await;
    let seen = env.store.job(&env.ada, id).await.unwrap().unwrap().node;
    let mut tx = env.store.begin(&env.ada).await.unwrap();
    assert!(tx.start_job(id, "other", seen.as_deref(), MONDAY_10_MS).await.unwrap());
    tx.commit().await.unwrap();
    let mut run = env.engine.watch(id);
    let go = env.start("u/ada/go", json!({})).await;
    assert_eq!(env.ended(go).await.status, JobStatus::Done);
    // It fails when the run is over.
    let over = tokio::time::timeout(PATIENCE, run.wait_for(|_| false)).await;
    assert!(over.expect("the run ends in time").is_err());
    assert!(env.store.schedule(&env.ada.tenant, "u/ada/late").await.unwrap().is_none());
    let row = env.store.job(&env.ada, id).await.unwrap().unwrap();
    assert_eq!((row.status, row.node.as_deref()), (JobStatus::Running, Some("other")));
}

/// Does what can be done only once, starts a job, and goes on until there is `u/ada/go`.
const ONCE: &str = "import * as wmill from 'windmill-client';
    const { FlowService, JobService, ScheduleService, ScriptService, VariableService } = wmill;
    const timer = { schedule: '0 0 9 * * *', timezone: 'UTC', script_path: 'f/openanalyst/test/double', is_flow: false };
    const module = { id: 'a', value: { type: 'script', path: 'f/openanalyst/test/double' } };
    export async function main() {
        const script = { path: 'u/ada/made', summary: '', language: 'bun', content: 'export const main = () => 1;' };
        const did = [
            await ScheduleService.createSchedule({ requestBody: { path: 'u/ada/made', ...timer } }),
            await VariableService.createVariable({ requestBody: { path: 'u/ada/made', value: 'v' } }),
            await ScriptService.createScript({ requestBody: script }),
            await FlowService.createFlow({ requestBody: { path: 'u/ada/flow', summary: '', value: { modules: [module] } } }),
            await VariableService.deleteVariable({ path: 'u/ada/old' }),
            await ScheduleService.createSchedule({ requestBody: { path: 'u/ada/brief', ...timer } }),
            await ScheduleService.deleteSchedule({ path: 'u/ada/brief' }),
        ];
        did.push(await JobService.runWaitResultScriptByPath({ path: 'f/openanalyst/test/double', requestBody: { n: 4 } }));
        did.push(await JobService.runWaitResultScriptByPath({ path: 'f/openanalyst/test/double', requestBody: { n: 4 } }));
        await wmill.setProgress(7);
        while (!await VariableService.existsVariable({ path: 'u/ada/go' })) {
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
        return did;
    }";

#[tokio::test]
async fn a_job_that_is_run_again_meets_its_own_work_as_done() {
    let mut env = Env::with(Choices { run_schedules: false, ..Choices::default() }).await;
    env.put("u/ada/once", ONCE).await;
    let set = |path: &str| {
        format!(
            "import {{ setVariable }} from 'windmill-client'; export const main = () => setVariable('{path}', 'x');"
        )
    };
    assert_eq!(env.run_source(&set("u/ada/old")).await.status, JobStatus::Done);
    let id = env.start("u/ada/once", json!({})).await;
    env.reached(id, 7).await;
    // It did all its work and has not ended. Another process runs it from its start.
    let next = env.another(&Choices::default()).await;
    env.put("u/ada/go", &set("u/ada/go")).await;
    let mut run = next.watch(id);
    let again = tokio::time::timeout(PATIENCE, run.wait_for(|progress| progress.percent == Some(7))).await;
    again.expect("it comes as far again in time").expect("it does not fail");
    let go = next.start(&env.ada, job("u/ada/go", json!({}))).await.unwrap();
    tokio::time::timeout(PATIENCE, next.wait(&env.ada, go, None)).await.unwrap().unwrap();
    let ended = tokio::time::timeout(PATIENCE, next.wait(&env.ada, id, None)).await.unwrap().unwrap();
    let did = ended.result.unwrap_or_default();
    assert_eq!(ended.status, JobStatus::Done, "{did}");
    assert_eq!((&did[0], &did[4], &did[7], &did[8]), (&json!("u/ada/made"), &json!("u/ada/old"), &json!(8), &json!(8)));
    assert_eq!(env.jobs(&env.ada, "f/openanalyst/test/double").await.len(), 2, "each job is started once");
    let mut tx = env.store.begin(&env.ada).await.unwrap();
    assert!(tx.operations_of_job(id).await.unwrap().is_empty(), "the record goes with the job's end");
    env.engine = next;
}

/// A third node has the job again: what a node that lost it says of its end does not count.
#[tokio::test]
async fn a_node_ends_a_job_only_while_it_runs_it() {
    let mut env = Env::with(Choices { run_schedules: false, ..Choices::default() }).await;
    env.put("u/ada/late", WRITES_LATE).await;
    let id = env.start("u/ada/late", json!({})).await;
    env.reached(id, 7).await;
    let first = env.store.job(&env.ada, id).await.unwrap().unwrap().node.unwrap();
    // A second process takes it over and runs it, and the first one gets it back.
    let next = env.another(&Choices::default()).await;
    let mut run = next.watch(id);
    run.wait_for(|progress| progress.percent == Some(7)).await.unwrap();
    let second = env.store.job(&env.ada, id).await.unwrap().unwrap().node.unwrap();
    let mut tx = env.store.begin(&env.ada).await.unwrap();
    assert!(tx.start_job(id, &first, Some(&second), MONDAY_10_MS).await.unwrap());
    tx.commit().await.unwrap();
    let (cancels, ada) = (next.clone(), env.ada.clone());
    let cancelling = tokio::spawn(async move { cancels.cancel(&ada, id, "it ends here").await });
    // It fails when the run is over.
    let over = tokio::time::timeout(PATIENCE, run.wait_for(|_| false)).await;
    assert!(over.expect("the run ends in time").is_err());
    cancelling.abort();
    let row = env.store.job(&env.ada, id).await.unwrap().unwrap();
    assert_eq!((row.status, row.node), (JobStatus::Running, Some(first)));
    env.engine = next;
}

#[tokio::test]
async fn a_job_that_is_left_at_shutdown_ended_no_process() {
    let mut env = Env::new().await;
    env.put("u/ada/endless", ENDLESS).await;
    let id = env.start("u/ada/endless", json!({})).await;
    env.reached(id, 7).await;
    env.restart().await;
    env.reached(id, 7).await;
    assert_eq!(env.store.job(&env.ada, id).await.unwrap().unwrap().take_ups, 0);
}

#[tokio::test]
async fn shutdown_leaves_what_waits_to_the_next_start() {
    let mut env = Env::new().await;
    let start = StartJob {
        scheduled_for_ms: Some(MONDAY_10_MS + 1_000),
        ..job("f/openanalyst/test/double", json!({ "n": 4 }))
    };
    let id = env.engine.start(&env.ada, start).await.unwrap();
    let old = env.engine.clone();
    let ada = env.ada.clone();
    let waiting = tokio::spawn(async move { old.wait(&ada, id, None).await });
    let old = env.engine.clone();
    env.restart().await;
    assert_eq!(waiting.await.unwrap().unwrap_err().code(), "unavailable", "who waits is told");
    let refused = old.start(&env.ada, job("f/openanalyst/test/double", json!({}))).await.unwrap_err();
    assert!(refused.is_retryable());
    env.clock.advance(Duration::from_secs(1));
    assert_eq!(env.ended(id).await.result, Some(json!(8)));
}
