//! The module `windmill-client`, against a host that records what it is asked.

use std::sync::Arc;

use openanalyst_runtime::LogLevel;
use serde_json::Value;

use super::{FakeHost, json, run_on};

/// Runs `body` with `wmill` imported and gives the result with the calls that reached the host.
fn wmill(host: FakeHost, body: &str) -> (Value, Vec<(String, Value)>) {
    let host = Arc::new(host);
    let source = format!("import * as wmill from 'windmill-client';\nexport async function main() {{\n{body}\n}}");
    let result = run_on(&host, &source, "{}").unwrap_or_else(|error| panic!("{body}: {error:?}"));
    let calls = host.calls();
    (result, calls)
}

#[test]
fn services_pass_the_clients_own_arguments_and_the_workspace() {
    let host = FakeHost::default().answer("ScheduleService.createSchedule", &[Ok(r#""u/ada/s""#)]);
    let body = "return await wmill.ScheduleService.createSchedule({ workspace: process.env.WM_WORKSPACE!, requestBody: { path: 'u/ada/s', schedule: '0 0 9 * * *', timezone: 'UTC', script_path: 'f/a/b', is_flow: false, args: {}, gone: undefined } })";
    let (result, calls) = wmill(host, body);
    assert_eq!(result, json(r#""u/ada/s""#));
    let arguments = json(
        r#"{"workspace":"acme","requestBody":{"path":"u/ada/s","schedule":"0 0 9 * * *","timezone":"UTC","script_path":"f/a/b","is_flow":false,"args":{}}}"#,
    );
    assert_eq!(calls, [("ScheduleService.createSchedule".to_owned(), arguments)]);
    let host = FakeHost::default().answer("ScriptService.existsScriptByPath", &[Ok("true")]);
    let (_, calls) = wmill(host, "return wmill.ScriptService.existsScriptByPath({ path: 'f/a/b' })");
    assert_eq!(calls[0].1, json(r#"{"workspace":"acme","path":"f/a/b"}"#));
}

#[test]
fn a_refusal_becomes_an_error_with_status_and_body() {
    let host = FakeHost::default().answer("ScheduleService.getSchedule", &[Err((404, "Not found: schedule x"))]);
    let body = "try { await wmill.ScheduleService.getSchedule({ path: 'x' }) } catch (e: any) { return [e instanceof wmill.ApiError, e instanceof Error, e.name, e.status, e.statusText, e.body] }";
    let (result, _) = wmill(host, body);
    assert_eq!(result, json(r#"[true,true,"ApiError",404,"Not Found","Not found: schedule x"]"#));

    let host = Arc::new(FakeHost::default().answer("FlowService.createFlow", &[Err((400, "Bad request: no value"))]));
    let source = "import { FlowService } from 'windmill-client@1.600.0';\n\nexport async function main() {\n  await FlowService.createFlow({ requestBody: {} as any });\n}";
    let error = run_on(&host, source, "{}").unwrap_err();
    assert_eq!(error.name, "ApiError");
    assert_eq!(error.message, "FlowService.createFlow: 400 Bad Request: Bad request: no value");
    assert_eq!(error.line, Some(4), "{error:?}");
}

#[test]
fn a_method_that_is_not_there_is_named() {
    let body = "try { await (wmill.JobService as any).getEverything({}) } catch (e: any) { return e.message }";
    let (result, calls) = wmill(FakeHost::default(), body);
    assert!(
        result.to_string().contains("JobService.getEverything is not available")
            && result.to_string().contains("runScriptByPath"),
        "{result}"
    );
    assert_eq!(calls, []);
}

#[test]
fn variables_and_resources_behave_as_in_the_client() {
    let (result, _) = wmill(
        FakeHost::default().answer("VariableService.getVariableValue", &[Ok(r#""v""#)]),
        "return wmill.getVariable('u/ada/v')",
    );
    assert_eq!(result, json(r#""v""#));
    let (result, _) = wmill(FakeHost::default(), "return wmill.getVariable('u/ada/v').catch(e => e.message)");
    assert_eq!(
        result,
        json(r#""Variable not found at u/ada/v or not visible to you: Not found: VariableService.getVariableValue""#)
    );
    let (result, _) = wmill(FakeHost::default(), "return [await wmill.getResource('u/ada/r', true)]");
    assert_eq!(result, json("[null]"));

    let host = FakeHost::default()
        .answer("VariableService.existsVariable", &[Ok("false")])
        .answer("VariableService.createVariable", &[Ok("null")]);
    let (_, calls) = wmill(host, "await wmill.setVariable('u/ada/v', 'x', true)");
    assert_eq!(
        calls[1].1,
        json(r#"{"workspace":"acme","requestBody":{"path":"u/ada/v","value":"x","is_secret":true,"description":""}}"#)
    );
    let host = FakeHost::default()
        .answer("VariableService.existsVariable", &[Ok("true")])
        .answer("VariableService.updateVariable", &[Ok("null")]);
    let (_, calls) = wmill(host, "await wmill.setVariable('u/ada/v', 'x')");
    assert_eq!(
        calls[1],
        (
            "VariableService.updateVariable".to_owned(),
            json(r#"{"workspace":"acme","path":"u/ada/v","requestBody":{"value":"x"}}"#)
        )
    );
    let host = FakeHost::default().answer("ResourceService.existsResource", &[Ok("false")]);
    let (result, _) = wmill(host, "return wmill.setResource({}, 'u/ada/r').catch(e => e.message)");
    assert!(result.to_string().contains("no type was provided"), "{result}");
}

#[test]
fn state_is_read_and_written() {
    let host = FakeHost::default()
        .answer("wmill.getState", &[Ok("null"), Ok(r#"{"n":1}"#)])
        .answer("wmill.setState", &[Ok("null")]);
    let (result, calls) = wmill(
        host,
        "const before = await wmill.getState(); await wmill.setState({ n: 1 }); return [before === undefined, await wmill.getState()]",
    );
    assert_eq!(result, json(r#"[true,{"n":1}]"#));
    assert_eq!(calls[1], ("wmill.setState".to_owned(), json(r#"{"workspace":"acme","value":{"n":1}}"#)));
}

#[test]
fn jobs_are_started_awaited_and_asked_about() {
    let host = FakeHost::default().answer("JobService.runScriptByPath", &[Ok(r#""job-2""#)]).answer(
        "wmill.waitJob",
        &[Ok(r#"{"completed":false}"#), Ok(r#"{"completed":true,"success":true,"result":{"a":1}}"#)],
    );
    let (result, calls) = wmill(host, "return wmill.runScriptByPath('f/a/b', { x: 1 })");
    assert_eq!(result, json(r#"{"a":1}"#));
    assert_eq!(calls[0].1, json(r#"{"workspace":"acme","path":"f/a/b","requestBody":{"x":1},"parentJob":"job-1"}"#));
    assert_eq!(calls.len(), 3);

    let failed = r#"{"completed":true,"success":false,"result":{"error":{"name":"TypeError","message":"wrong"}}}"#;
    let (result, _) = wmill(
        FakeHost::default().answer("wmill.waitJob", &[Ok(failed)]),
        "return wmill.waitJob('job-2').catch(e => [e.message, e.cause.name])",
    );
    assert_eq!(result, json(r#"["Job job-2 was not successful: TypeError: wrong","TypeError"]"#));

    let host = FakeHost::default().answer("JobService.runFlowByPath", &[Ok(r#""job-3""#)]);
    let (_, calls) = wmill(host, "await wmill.runFlowAsync('f/a/flow', {}, 60)");
    assert_eq!(calls[0].1, json(r#"{"workspace":"acme","path":"f/a/flow","requestBody":{},"scheduledInSecs":60}"#));

    let host = FakeHost::default()
        .answer("JobService.getJob", &[Ok(r#"{"type":"QueuedJob","running":true}"#), Ok(r#"{"type":"CompletedJob"}"#)]);
    let (result, _) = wmill(host, "return [await wmill.getJobStatus('a'), await wmill.getJobStatus('a')]");
    assert_eq!(result, json(r#"["RUNNING","COMPLETED"]"#));

    let (result, calls) = wmill(FakeHost::default(), "return wmill.runScript('', 'abc', {}).catch(e => e.message)");
    assert!(result.to_string().contains("by path here"), "{result}");
    assert_eq!(calls, []);
}

#[test]
fn progress_and_logs_reach_the_host() {
    let host = Arc::new(FakeHost::default());
    let source = "import { setProgress, getProgress } from 'windmill-client';\nexport async function main() {\n  await setProgress(30.4); await setProgress(250, undefined, 'nearly'); await setProgress(-1);\n  console.log('n =', 5, { a: [1] }); console.debug('d'); console.info('i'); console.warn('w'); console.error(new Error('e').message);\n  try { await setProgress('x' as any) } catch (e: any) { return [e.name, await getProgress()] }\n}";
    assert_eq!(run_on(&host, source, "{}").unwrap(), json(r#"["RangeError",0]"#));
    let progress = host.progress.lock().unwrap();
    assert_eq!(*progress, [(30, String::new()), (100, "nearly".to_owned()), (0, String::new())]);
    let logs = host.logs();
    let levels: Vec<LogLevel> = logs.iter().map(|(level, _)| *level).collect();
    assert_eq!(levels, [LogLevel::Info, LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error]);
    assert!(logs[0].1.starts_with("n = 5 "), "{logs:?}");
}

#[test]
fn a_failure_that_nobody_awaits_is_in_the_log() {
    let host = Arc::new(FakeHost::default());
    let source = "import * as wmill from 'windmill-client';\nexport async function main() {\n  wmill.setState(1);\n  return 'ok';\n}";
    assert_eq!(run_on(&host, source, "{}").unwrap(), json(r#""ok""#));
    let logs = host.logs();
    assert_eq!(logs.len(), 1);
    assert!(
        logs[0].0 == LogLevel::Error && logs[0].1.contains("nothing awaited it: ApiError: wmill.setState: 404"),
        "{logs:?}"
    );
}

#[test]
fn the_error_that_ends_a_job_is_its_result_and_not_in_the_log() {
    for body in
        ["throw new Error('x')", "await Promise.reject(new Error('x'))", "return Promise.reject(new Error('x'))"]
    {
        let host = Arc::new(FakeHost::default());
        let source = format!("export async function main() {{ {body} }}");
        assert_eq!(run_on(&host, &source, "{}").unwrap_err().message, "x");
        assert_eq!(host.logs(), [], "{body}");
    }
    let host = Arc::new(FakeHost::default());
    assert_eq!(run_on(&host, "throw new Error('x'); export function main() {}", "{}").unwrap_err().message, "x");
    assert_eq!(host.logs(), []);
}

#[test]
fn bytes_become_base64_and_back() {
    let (result, _) = wmill(
        FakeHost::default(),
        "return [wmill.uint8ArrayToBase64(new Uint8Array([0, 255])), [...wmill.base64ToUint8Array('AP8=')]]",
    );
    assert_eq!(result, json(r#"["AP8=",[0,255]]"#));
}
