//! What one user has, another one of the same tenant does not see, and another tenant even less.

use openanalyst_domain::JobStatus;
use openanalyst_workflow::{ItemKind, WorkflowEngine as _};
use serde_json::json;

use crate::support::{Env, flow, job, owner, schedule, script};

const NOTHING: &str = "export function main() {}";

#[tokio::test]
async fn others_see_nothing_of_a_user() {
    let env = Env::new().await;
    env.put("u/ada/secret", "export const main = () => 'mine';").await;
    env.put("f/team/report", "export const main = () => 'ours';").await;
    env.engine.put_schedule(&env.ada, schedule("u/ada/daily", "u/ada/secret")).await.unwrap();
    let id = env.start("u/ada/secret", json!({})).await;
    env.ended(id).await;

    for other in [owner("acme", "bob"), owner("globex", "ada")] {
        assert_eq!(env.engine.state(&other, id).await.unwrap_err().code(), "not-found");
        assert_eq!(env.engine.wait(&other, id, None).await.unwrap_err().code(), "not-found");
        assert_eq!(env.engine.cancel(&other, id, "no").await.unwrap_err().code(), "not-found");
        assert!(env.jobs(&other, "").await.is_empty());
        assert_eq!(env.engine.start(&other, job("u/ada/secret", json!({}))).await.unwrap_err().code(), "not-found");
        // The id of another user's job is not theirs, and not free.
        let theirs = openanalyst_workflow::StartJob { id, ..job("f/openanalyst/test/double", json!({})) };
        assert_eq!(env.engine.start(&other, theirs).await.unwrap_err().code(), "not-found");
        for kind in [ItemKind::Script, ItemKind::Schedule] {
            let page = env.engine.list(&other, kind, "u/", 100, None).await.unwrap();
            assert!(page.items.is_empty(), "{other}: {page:?}");
        }
    }
    assert_eq!(env.engine.state(&env.ada, id).await.unwrap().status, JobStatus::Done);

    let bob = owner("acme", "bob");
    for refused in [
        env.try_put(&bob, "u/ada/secret", NOTHING).await.map(|()| true),
        env.engine.delete(&bob, ItemKind::Script, "u/ada/secret").await,
        env.engine.delete(&bob, ItemKind::Schedule, "u/ada/daily").await,
        env.engine.put_schedule(&bob, schedule("u/bob/x", "u/ada/secret")).await.map(|()| true),
        env.engine.put_schedule(&bob, schedule("u/ada/daily", "f/openanalyst/test/double")).await.map(|()| true),
    ] {
        assert_eq!(refused.unwrap_err().code(), "not-found");
    }
}

#[tokio::test]
async fn a_shared_path_belongs_to_who_was_first() {
    let env = Env::new().await;
    let (bob, stranger) = (owner("acme", "bob"), owner("globex", "ada"));
    env.put("f/team/report", "export const main = () => 'ours';").await;
    env.engine.put_schedule(&env.ada, schedule("f/team/daily", "f/team/report")).await.unwrap();

    let id = env.engine.start(&bob, job("f/team/report", json!({}))).await.unwrap();
    assert_eq!(
        env.engine.wait(&bob, id, None).await.unwrap().result,
        Some(json!("ours")),
        "everybody in the tenant runs it"
    );
    assert_eq!(env.engine.start(&stranger, job("f/team/report", json!({}))).await.unwrap_err().code(), "not-found");

    for refused in [
        env.try_put(&bob, "f/team/report", NOTHING).await.map(|()| true),
        env.engine.delete(&bob, ItemKind::Script, "f/team/report").await,
        env.engine.delete(&bob, ItemKind::Schedule, "f/team/daily").await,
        env.engine.put_schedule(&bob, schedule("f/team/daily", "f/openanalyst/test/double")).await.map(|()| true),
    ] {
        assert_eq!(refused.unwrap_err().code(), "denied");
    }
    env.put("f/team/report", NOTHING).await;
    assert!(env.engine.delete(&env.ada, ItemKind::Script, "f/team/report").await.unwrap());
    env.try_put(&bob, "f/team/report", NOTHING).await.unwrap();
}

#[tokio::test]
async fn what_comes_with_the_host_cannot_be_changed() {
    let env = Env::new().await;
    let identity = json!({ "modules": [{ "id": "a", "value": { "type": "identity" } }] });
    for refused in [
        env.try_put(&env.ada, "f/openanalyst/test/double", NOTHING).await.map(|()| true),
        env.try_put(&env.ada, "f/openanalyst/test/new", NOTHING).await.map(|()| true),
        env.engine.put_flow(&env.ada, flow("f/openanalyst/test/flow", &identity)).await.map(|()| true),
        env.engine
            .put_schedule(&env.ada, schedule("f/openanalyst/x/y", "f/openanalyst/test/double"))
            .await
            .map(|()| true),
        env.engine.delete(&env.ada, ItemKind::Script, "f/openanalyst/test/double").await,
    ] {
        assert_eq!(refused.unwrap_err().code(), "denied");
    }
    assert_eq!(env.run("f/openanalyst/test/double", json!({ "n": 3 })).await.result, Some(json!(6)));
}

#[tokio::test]
async fn others_items_do_not_fill_the_pages() {
    let env = Env::new().await;
    let aaa = owner("acme", "aaa");
    for at in 0..5 {
        env.try_put(&aaa, &format!("u/aaa/x{at}"), NOTHING).await.unwrap();
    }
    env.put("u/ada/mine", NOTHING).await;
    let page = env.engine.list(&env.ada, ItemKind::Script, "u/", 2, None).await.unwrap();
    assert_eq!(page.items.iter().map(|item| item.path.as_str()).collect::<Vec<_>>(), ["u/ada/mine"]);
    assert_eq!(page.cursor, None);
}

#[tokio::test]
async fn a_script_has_no_more_rights_than_its_owner() {
    let env = Env::new().await;
    let bob = owner("acme", "bob");
    env.engine
        .put_script(&bob, script("u/bob/lib", "export const x = 'stolen'; export function main() {}"))
        .await
        .unwrap();
    env.put("u/ada/hers", NOTHING).await;
    let state = env.run_source("import { x } from '/u/bob/lib'; export const main = () => x;").await;
    assert_eq!(crate::support::error(&state).0, "ImportError");
    let source = "import * as wmill from 'windmill-client';
        const status = async (call: () => Promise<unknown>) => { try { return await call(); } catch (error) { return error.status; } };
        export const main = async () => [
            await status(() => wmill.ScriptService.getScriptByPath({ path: 'u/bob/lib' })),
            await status(() => wmill.VariableService.createVariable({ requestBody: { path: 'u/bob/x', value: '1' } })),
            await status(() => wmill.setState(1, 'u/bob/state')),
            await status(() => wmill.JobService.getJob({ id: '01a2063c-8c01-7000-8000-000000000000' })),
            await status(() => wmill.JobService.runScriptByPath({ workspace: 'globex', path: 'u/bob/lib', requestBody: {} })),
            await status(() => wmill.ScheduleService.deleteSchedule({ path: 'f/openanalyst/x/y' })),
        ];";
    assert_eq!(env.run_source(source).await.result, Some(json!([404, 404, 404, 404, 404, 403])));
}

#[tokio::test]
async fn a_shared_value_is_changed_and_removed_only_by_who_stored_it() {
    let env = Env::new().await;
    let bob = owner("acme", "bob");
    let stored = "import * as wmill from 'windmill-client';
        export async function main() {
            await wmill.setVariable('f/team/rate', '7');
            await wmill.setVariable('f/team/rate/longer', '8');
            await wmill.setResource({ url: 'x' }, 'f/team/api', 'any');
        }";
    assert_eq!(env.run_source(stored).await.status, JobStatus::Done);
    let taken = "import * as wmill from 'windmill-client';
        const fails = async (call: () => Promise<unknown>) => {
            try { await call(); return 'no error'; } catch (error) { return `${error.status} ${error.body}`; }
        };
        export async function main() {
            return {
                refused: [
                    await fails(() => wmill.VariableService.deleteVariable({ path: 'f/team/rate' })),
                    await fails(() => wmill.ResourceService.deleteResource({ path: 'f/team/api' })),
                    await fails(() => wmill.setVariable('f/team/rate', '9')),
                    await fails(() => wmill.setResource({ url: 'y' }, 'f/team/api', 'any')),
                ],
                read: await wmill.getVariable('f/team/rate'),
            };
        }";
    env.try_put(&bob, "u/bob/take", taken).await.unwrap();
    let id = env.engine.start(&bob, job("u/bob/take", json!({}))).await.unwrap();
    let result = env.engine.wait(&bob, id, None).await.unwrap().result.unwrap();
    assert_eq!(result["read"], "7", "everybody in the tenant reads it");
    for refused in result["refused"].as_array().unwrap() {
        let refused = refused.as_str().unwrap();
        assert!(refused.starts_with("403") && refused.contains("another user stored `f/team/"), "{refused}");
        assert!(refused.contains("ask them, or use another path"), "{refused}");
    }
    let removed = "import * as wmill from 'windmill-client';
        export const main = async () => [
            await wmill.VariableService.deleteVariable({ path: 'f/team/rate' }),
            await wmill.getVariable('f/team/rate/longer'),
        ];";
    assert_eq!(env.run_source(removed).await.result, Some(json!(["f/team/rate", "8"])));
}
