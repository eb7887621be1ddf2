//! What scripts call of Windmill's client: shapes and statuses as a Windmill server has them (its REST contract, sections 4 to 8).

use openanalyst_domain::JobStatus;
use serde_json::{Value, json};

use crate::support::{Env, MONDAY_10_MS};

/// Runs a body in which everything of the client is at hand, and gives what it returns.
async fn answers(env: &Env, body: &str) -> Value {
    let source = format!(
        "import * as wmill from 'windmill-client';
         const {{ JobService, ScheduleService, ScriptService, FlowService, VariableService, ResourceService }} = wmill;
         const fails = async (call: () => Promise<unknown>) => {{
             try {{ await call(); return 'no error'; }} catch (error) {{ return `${{error.status}} ${{error.body}}`; }}
         }};
         export async function main() {{ {body} }}"
    );
    let state = env.run_source(&source).await;
    assert_eq!(state.status, JobStatus::Done, "{state:?}");
    state.result.unwrap()
}

#[tokio::test]
async fn schedules() {
    let env = Env::new().await;
    let result = answers(
        &env,
        "const requestBody = {
            path: 'u/ada/daily', schedule: '0 0 9 * * 1', timezone: 'Europe/Berlin', script_path: 'f/openanalyst/test/double', is_flow: false,
            args: { n: 1 }, enabled: true, cron_version: 'v2',
        };
        const before = await ScheduleService.existsSchedule({ path: 'u/ada/daily' });
        const created = await ScheduleService.createSchedule({ requestBody });
        const again = await fails(() => ScheduleService.createSchedule({ requestBody }));
        await ScheduleService.updateSchedule({ path: 'u/ada/daily', requestBody: { schedule: '0 0 10 * * 1', timezone: 'Europe/Berlin', args: { n: 2 } } });
        const got = await ScheduleService.getSchedule({ path: 'u/ada/daily' });
        await ScheduleService.setScheduleEnabled({ path: 'u/ada/daily', requestBody: { enabled: false } });
        const listed = await ScheduleService.listSchedules({});
        return {
            before, created, again, got: [got.schedule, got.args, got.script_path, got.enabled], off: listed.map((one) => one.enabled),
            preview: await ScheduleService.previewSchedule({ requestBody: { schedule: '0 0 9 * * 1', timezone: 'Europe/Berlin' } }),
            deleted: await ScheduleService.deleteSchedule({ path: 'u/ada/daily' }),
            gone: await fails(() => ScheduleService.getSchedule({ path: 'u/ada/daily' })),
            cron: await fails(() => ScheduleService.createSchedule({ requestBody: { ...requestBody, schedule: '0 9 * * 1' } })),
            zone: await fails(() => ScheduleService.createSchedule({ requestBody: { ...requestBody, timezone: 'Mars' } })),
            script: await fails(() => ScheduleService.createSchedule({ requestBody: { ...requestBody, script_path: 'u/ada/none' } })),
        };",
    )
    .await;
    assert_eq!((&result["before"], &result["created"]), (&json!(false), &json!("u/ada/daily")));
    assert_eq!(result["got"], json!(["0 0 10 * * 1", { "n": 2 }, "f/openanalyst/test/double", true]));
    assert_eq!(result["off"], json!([false]));
    assert_eq!(result["preview"][0], "2026-11-30T08:00:00+00:00");
    assert_eq!(result["preview"].as_array().map(Vec::len), Some(5));
    for (name, begins) in [
        ("again", "400 Bad request: Schedule already exists"),
        ("gone", "404 Not found: "),
        ("cron", "400 Bad request: cron:"),
        ("zone", "400 Bad request: failed to parse timezone"),
        ("script", "404 Not found: "),
    ] {
        assert!(result[name].as_str().is_some_and(|text| text.starts_with(begins)), "{name}: {}", result[name]);
    }
}

#[tokio::test]
async fn jobs() {
    let env = Env::new().await;
    let result = answers(
        &env,
        "const id = await JobService.runScriptByPath({ path: 'f/openanalyst/test/double', requestBody: { n: 4 } });
        const value = await wmill.waitJob(id);
        const later = await JobService.runScriptByPath({ path: 'f/openanalyst/test/double', requestBody: {}, scheduledFor: '2030-01-01T00:00:00Z' });
        const waiting = await JobService.getJob({ id: later });
        await JobService.cancelQueuedJob({ id: later, requestBody: { reason: 'no' } });
        const cancelled = await JobService.getJob({ id: later });
        const done = await JobService.getJob({ id });
        return {
            value, maybe: await JobService.getCompletedJobResultMaybe({ id }), done: [done.type, done.success, done.script_path, done.job_kind],
            parent: done.parent_job === process.env.WM_JOB_ID,
            waiting: [waiting.type, waiting.running, waiting.scheduled_for], cancelled: [cancelled.type, cancelled.canceled, cancelled.canceled_reason],
            updates: (await JobService.getJobUpdates({ id })).completed,
            wait: await JobService.runWaitResultScriptByPath({ path: 'f/openanalyst/test/double', requestBody: { n: 5 } }),
            listed: (await JobService.listJobs({ scriptPathExact: 'f/openanalyst/test/double', success: true })).length,
            unknown: await fails(() => JobService.getJob({ id: '01a2063c-8c01-7000-8000-000000000000' })),
            bad: await fails(() => JobService.getJob({ id: 'x' })),
            missing: await fails(() => JobService.runScriptByPath({ path: 'u/ada/none', requestBody: {} })),
        };",
    )
    .await;
    assert_eq!((&result["value"], &result["wait"]), (&json!(8), &json!(10)));
    assert_eq!(result["maybe"], json!({ "completed": true, "success": true, "started": true, "result": 8 }));
    assert_eq!(
        (&result["done"], &result["parent"]),
        (&json!(["CompletedJob", true, "f/openanalyst/test/double", "script"]), &json!(true))
    );
    assert_eq!(result["waiting"], json!(["QueuedJob", false, "2030-01-01T00:00:00+00:00"]));
    assert_eq!(result["cancelled"], json!(["CompletedJob", true, "no"]));
    assert_eq!((&result["updates"], &result["listed"]), (&json!(true), &json!(2)));
    for (name, begins) in [("unknown", "404"), ("bad", "400"), ("missing", "404")] {
        assert!(result[name].as_str().is_some_and(|text| text.starts_with(begins)), "{name}: {}", result[name]);
    }
}

#[tokio::test]
async fn scripts_and_flows() {
    let env = Env::new().await;
    let result = answers(
        &env,
        "const one = { path: 'u/ada/made', summary: '', language: 'bun', content: 'export const main = () => 1;' };
        const two = { ...one, content: 'export const main = () => 2;' };
        const hash = await ScriptService.createScript({ requestBody: one });
        const got = await ScriptService.getScriptByPath({ path: 'u/ada/made' });
        const conflict = await fails(() => ScriptService.createScript({ requestBody: two }));
        const stale = await fails(() => ScriptService.createScript({ requestBody: { ...two, parent_hash: '0000000000000000' } }));
        await ScriptService.createScript({ requestBody: { ...two, parent_hash: hash } });
        await ScriptService.createScript({ requestBody: { ...one, auto_parent: true } });
        const value = { modules: [{ id: 'a', value: { type: 'script', path: 'u/ada/made' } }] };
        await FlowService.createFlow({ requestBody: { path: 'u/ada/flow', summary: 'f', value } });
        return {
            hash, same: got.hash === hash && got.content === one.content, conflict, stale,
            runs: await wmill.runScriptByPath('u/ada/made'), flow: await wmill.runFlow('u/ada/flow'),
            flowAgain: await fails(() => FlowService.createFlow({ requestBody: { path: 'u/ada/flow', summary: 'f', value } })),
            syntax: await fails(() => ScriptService.createScript({ requestBody: { ...one, path: 'u/ada/y', content: 'export function main( {' } })),
            language: await fails(() => ScriptService.createScript({ requestBody: { ...one, path: 'u/ada/y', language: 'python3' } })),
            deleted: await ScriptService.deleteScriptByPath({ path: 'u/ada/made' }),
            exists: await ScriptService.existsScriptByPath({ path: 'u/ada/made' }),
        };",
    )
    .await;
    assert!(
        result["hash"]
            .as_str()
            .is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
    );
    assert_eq!((&result["same"], &result["runs"], &result["flow"]), (&json!(true), &json!(1), &json!(1)));
    assert_eq!(result["exists"], false);
    for (name, begins) in [
        ("conflict", "400 Bad request: Path conflict for u/ada/made with non-archived hash"),
        ("stale", "400 Bad request: the lineage must be linear"),
        ("flowAgain", "400 Bad request: Flow u/ada/flow already exists"),
        ("syntax", "400"),
        ("language", "400"),
    ] {
        assert!(result[name].as_str().is_some_and(|text| text.starts_with(begins)), "{name}: {}", result[name]);
    }
}

#[tokio::test]
async fn values_and_state() {
    let env = Env::new().await;
    let result = answers(
        &env,
        "await wmill.setVariable('u/ada/name', 'Ada');
        await wmill.setVariable('u/ada/name', 'Ada L.');
        await wmill.setResource({ greeting: '$var:u/ada/name', list: ['$res:u/ada/inner'] }, 'u/ada/res', 'any');
        await wmill.setResource({ deep: true }, 'u/ada/inner', 'any');
        await wmill.setResource({ again: '$res:u/ada/loop' }, 'u/ada/loop', 'any');
        await wmill.setState({ runs: 1 });
        return {
            name: await wmill.getVariable('u/ada/name'), res: await wmill.getResource('u/ada/res'), state: await wmill.getState(),
            raw: await ResourceService.getResourceValue({ path: 'u/ada/res' }),
            listed: (await VariableService.listVariable({})).map((one) => one.path),
            loop: await fails(() => ResourceService.getResourceValueInterpolated({ path: 'u/ada/loop' })),
            secret: await fails(() => wmill.setVariable('u/ada/key', 'k', true)),
            missing: await fails(() => VariableService.getVariableValue({ path: 'u/ada/none' })),
            large: await fails(() => VariableService.createVariable({ requestBody: { path: 'u/ada/large', value: 'x'.repeat(300_000) } })),
            deleted: await VariableService.deleteVariable({ path: 'u/ada/name' }),
            gone: await VariableService.existsVariable({ path: 'u/ada/name' }),
        };",
    )
    .await;
    assert_eq!((&result["name"], &result["state"]), (&json!("Ada L."), &json!({ "runs": 1 })));
    assert_eq!(result["res"], json!({ "greeting": "Ada L.", "list": [{ "deep": true }] }));
    assert_eq!(result["raw"]["greeting"], "$var:u/ada/name");
    assert_eq!((&result["listed"], &result["gone"]), (&json!(["u/ada/name"]), &json!(false)));
    for (name, begins) in [("loop", "400"), ("secret", "400"), ("missing", "404"), ("large", "400")] {
        assert!(result[name].as_str().is_some_and(|text| text.starts_with(begins)), "{name}: {}", result[name]);
    }
    // What was remembered is there in the next run.
    let next = answers(&env, "return (await wmill.getState()).runs + 1;").await;
    assert_eq!(next, json!(2));
}

#[tokio::test]
async fn a_script_knows_where_it_runs() {
    let env = Env::new().await;
    let result = answers(&env, "const { WM_WORKSPACE, WM_USERNAME, WM_JOB_PATH, WM_TOKEN } = process.env; return [WM_WORKSPACE, WM_USERNAME, WM_JOB_PATH, WM_TOKEN];").await;
    assert_eq!(result, json!(["acme", "ada", "u/ada/test", ""]));
    assert_eq!(MONDAY_10_MS % 86_400_000, 36_000_000, "the tests begin at ten o'clock");
}
