//! Flows: steps one after the other, each with its inputs.

use openanalyst_domain::JobStatus;
use openanalyst_workflow::{JobState, StartJob, WorkflowEngine as _};
use serde_json::{Value, json};

use crate::support::{Choices, Env, error, flow, job};

fn double(id: &str, expr: &str) -> Value {
    json!({ "id": id, "value": {
        "type": "script", "path": "f/openanalyst/test/double", "input_transforms": { "n": { "type": "javascript", "expr": expr } },
    }})
}

fn raw(id: &str, content: &str, inputs: Value) -> Value {
    json!({ "id": id, "value": { "type": "rawscript", "language": "bun", "content": content, "input_transforms": inputs } })
}

async fn start(env: &Env, modules: Value, args: Value) -> openanalyst_domain::JobId {
    env.engine.put_flow(&env.ada, flow("u/ada/flow", &json!({ "modules": modules }))).await.unwrap();
    env.engine.start(&env.ada, StartJob { is_flow: true, ..job("u/ada/flow", args) }).await.unwrap()
}

async fn run(env: &Env, modules: Value, args: Value) -> JobState {
    let id = start(env, modules, args).await;
    env.ended(id).await
}

#[tokio::test]
async fn each_step_reads_what_came_before() {
    // One worker: neither the flow nor an expression may hold it while a step needs it.
    let env = Env::with(Choices { workers: 1, ..Choices::default() }).await;
    let sum = raw(
        "sum",
        "export const main = (x: number, y: number, name: string) => { console.log('raw'); return { [name]: x + y }; }",
        json!({
            "x": { "type": "javascript", "expr": "results.a" },
            "y": { "type": "javascript", "expr": "previous_result" },
            "name": { "type": "static", "value": "total" },
        }),
    );
    let modules = json!([double("a", "flow_input.start + 1"), double("b", "results.a * 10"), sum]);
    let state = run(&env, modules, json!({ "start": 2 })).await;
    assert_eq!((state.status, state.result), (JobStatus::Done, Some(json!({ "total": 126 }))));
    assert_eq!(state.last_log.as_deref(), Some("raw"));
    let steps = env.jobs(&env.ada, "f/openanalyst/test/double").await;
    assert_eq!(steps.len(), 2, "a step by path is a job of its own");
    let step = env.store.job(&env.ada, steps[0]).await.unwrap().unwrap();
    assert_eq!(step.parent, Some(state.id));
}

#[tokio::test]
async fn a_step_that_fails_ends_the_flow_and_is_named() {
    let env = Env::new().await;
    let modules =
        json!([raw("bad", "export function main() { throw new RangeError('no'); }", json!({})), double("never", "1"),]);
    let state = run(&env, modules, json!({})).await;
    assert_eq!(error(&state), ("RangeError".into(), "no".into()));
    assert_eq!(state.result.unwrap()["error"]["step_id"], "bad");
    assert!(env.jobs(&env.ada, "f/openanalyst/test/double").await.is_empty());

    let state = run(&env, json!([double("a", "results.nothing.at.all")]), json!({})).await;
    assert_eq!((error(&state).0, state.result.unwrap()["error"]["step_id"].clone()), ("TypeError".into(), json!("a")));
}

#[tokio::test]
async fn a_flow_is_checked_before_it_is_stored() {
    let env = Env::new().await;
    let missing = json!({ "id": "a", "value": { "type": "script", "path": "u/ada/nothing" } });
    let table = [
        (json!({ "modules": [missing] }), "u/ada/nothing"),
        (json!({ "modules": [double("a", "1 +")] }), "inputs of flow step a"),
        (json!({ "modules": [raw("a", "export function main( {", json!({}))] }), "flow step a"),
        (json!({ "modules": [{ "id": "a", "value": { "type": "forloopflow" } }] }), "forloopflow"),
        (json!({ "steps": [] }), "modules"),
    ];
    for (value, expected) in table {
        let failure = env.engine.put_flow(&env.ada, flow("u/ada/flow", &value)).await.unwrap_err().to_string();
        assert!(failure.contains(expected), "{failure} does not say {expected}");
    }
    let start = StartJob { is_flow: true, ..job("u/ada/flow", json!({})) };
    assert_eq!(env.engine.start(&env.ada, start).await.unwrap_err().code(), "not-found");
}

#[tokio::test]
async fn cancelling_a_flow_ends_its_step() {
    let env = Env::new().await;
    let source =
        "export const main = async () => { for (;;) await new Promise((resolve) => setTimeout(resolve, 50)); };";
    env.put("u/ada/endless", source).await;
    let id =
        start(&env, json!([{ "id": "a", "value": { "type": "script", "path": "u/ada/endless" } }]), json!({})).await;
    let step = loop {
        if let Some(step) = env.jobs(&env.ada, "u/ada/endless").await.pop() {
            break step;
        }
        tokio::task::yield_now().await;
    };
    let state = env.engine.cancel(&env.ada, id, "enough").await.unwrap();
    assert_eq!(state.status, JobStatus::Cancelled);
    assert_eq!(state.result.unwrap()["error"]["reason"], "enough");
    assert_eq!(env.ended(step).await.status, JobStatus::Cancelled);
}

#[tokio::test]
async fn a_flow_that_is_taken_up_again_does_not_repeat_its_steps() {
    let env = Env::with(Choices { run_schedules: false, ..Choices::default() }).await;
    let source = "import { setProgress } from 'windmill-client';
        export async function main() { await setProgress(9); await new Promise((resolve) => setTimeout(resolve, 20_000)); }";
    env.put("u/ada/slow", source).await;
    let modules = json!([double("a", "4"), { "id": "b", "value": { "type": "script", "path": "u/ada/slow" } }]);
    let id = start(&env, modules, json!({})).await;
    let step = loop {
        if let Some(step) = env.jobs(&env.ada, "u/ada/slow").await.pop() {
            break step;
        }
        tokio::task::yield_now().await;
    };
    env.reached(step, 9).await;
    let first = env.jobs(&env.ada, "f/openanalyst/test/double").await;
    env.put("u/ada/slow", "export const main = () => 'second run';").await;
    let next = env.another(&Choices::default()).await;
    let ended = tokio::time::timeout(crate::support::PATIENCE, next.wait(&env.ada, id, None)).await.unwrap().unwrap();
    assert_eq!((ended.status, ended.result), (JobStatus::Done, Some(json!("second run"))));
    assert_eq!(env.jobs(&env.ada, "f/openanalyst/test/double").await, first);
    assert_eq!(env.jobs(&env.ada, "u/ada/slow").await, [step]);
}
