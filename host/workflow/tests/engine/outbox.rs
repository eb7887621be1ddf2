//! What a job leaves behind for its user.

use openanalyst_domain::JobStatus;
use openanalyst_workflow::{StartJob, WorkflowEngine as _};
use serde_json::json;

use crate::support::{Env, flow, job, owner};

#[tokio::test]
async fn messages_and_activities_are_kept_and_taken_out_of_the_result() {
    let mut env = Env::new().await;
    let source = "export const main = () => ({ a: 1, $openanalyst: {
        messages: [{ title: 'T', content: 'C', level: 'warning' }, { content: 'plain' }],
        activities: [{ kind: 'post-due', content: 'a post is due', data: { n: 1 } }],
    } });";
    let state = env.run_source(source).await;
    assert_eq!(state.result, Some(json!({ "a": 1 })));
    let (first, second) = (env.note().await, env.note().await);
    assert_eq!((first.title.as_str(), first.content.as_str(), first.level.as_str()), ("T", "C", "warning"));
    assert_eq!((second.title.as_str(), second.content.as_str(), second.level.as_str()), ("", "plain", "info"));
    assert_eq!(first.job_id, Some(state.id.to_string()));
    assert_eq!(env.store.waiting_notifications(&env.ada, 10).await.unwrap(), [first, second]);
    assert!(env.store.waiting_notifications(&owner("acme", "bob"), 10).await.unwrap().is_empty());
    let history = env.store.history(&env.ada, Some("activity"), 10).await.unwrap();
    assert_eq!((history.len(), history[0].title.as_str(), &history[0].data), (1, "post-due", &json!({ "n": 1 })));
}

#[tokio::test]
async fn an_outbox_out_of_shape_does_not_harm_the_result() {
    let env = Env::new().await;
    let state = env.run_source("export const main = () => ({ a: 1, $openanalyst: 'nonsense' });").await;
    assert_eq!((state.status, state.result), (JobStatus::Done, Some(json!({ "a": 1 }))));
    let state = env
        .run_source("export const main = () => ({ $openanalyst: { messages: Array(50).fill({ content: 'x' }) } });")
        .await;
    assert_eq!(state.result, Some(json!({})));
    assert_eq!(env.store.waiting_notifications(&env.ada, 100).await.unwrap().len(), 20);
}

#[tokio::test]
async fn a_job_that_fails_leaves_nothing() {
    let env = Env::new().await;
    let state = env
        .run_source(
            "export function main() { const $openanalyst = { messages: [{ content: 'x' }] }; throw $openanalyst; }",
        )
        .await;
    assert_eq!(state.status, JobStatus::Failed);
    assert!(env.store.waiting_notifications(&env.ada, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn scripts_inside_a_flow_leave_theirs_with_the_flow() {
    let mut env = Env::new().await;
    let content =
        "export const main = () => ({ n: 1, $openanalyst: { messages: [{ content: 'from the first step' }] } });";
    let modules = json!([
        { "id": "a", "value": { "type": "rawscript", "content": content } },
        { "id": "b", "value": { "type": "identity", "input_transforms": { "all": { "type": "javascript", "expr": "results" } } } },
    ]);
    env.engine.put_flow(&env.ada, flow("u/ada/flow", &json!({ "modules": modules }))).await.unwrap();
    let id = env.engine.start(&env.ada, StartJob { is_flow: true, ..job("u/ada/flow", json!({})) }).await.unwrap();
    assert_eq!(env.ended(id).await.result, Some(json!({ "all": { "a": { "n": 1 } } })));
    assert_eq!(env.note().await.content, "from the first step");
}
