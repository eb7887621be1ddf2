//! The script runner by itself: programs and their results, imports, limits, and the module `windmill-client`, against a host that answers from a table.
//!
//! They run in the component, as in production: the runner is built for the sandbox only.

mod client;
mod imports;
mod limits;
mod paths;
mod programs;
mod sources;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use openanalyst_domain::Budget;
use openanalyst_runtime::{Interrupted, LogLevel, ScriptCall, ScriptCallError, ScriptError, ScriptHost, ScriptRunner};
use openanalyst_workflow::script_budget;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::support::{owner, sandbox};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static RUNNER: LazyLock<ScriptRunner> =
    LazyLock::new(|| sandbox().load_script_runner(openanalyst_workflow::script_runner_component()).unwrap());

/// An answer's JSON, or a status with its text.
type Answer = Result<&'static str, (u16, &'static str)>;

/// Answers to calls and imports, and what was asked.
#[derive(Default)]
struct FakeHost {
    /// The host cannot reach its record.
    interrupts: bool,
    scripts: BTreeMap<String, String>,
    answers: Mutex<BTreeMap<&'static str, Vec<Answer>>>,
    logs: Mutex<Vec<(LogLevel, String)>>,
    progress: Mutex<Vec<(u8, String)>>,
    calls: Mutex<Vec<(String, Value)>>,
}

impl FakeHost {
    /// A host that answers `operation` with each of `answers` in turn, the last one for ever.
    fn answer(self, operation: &'static str, answers: &[Answer]) -> Self {
        self.answers.lock().unwrap().insert(operation, answers.to_vec());
        self
    }

    /// A host that knows one more script.
    fn script(mut self, path: &str, source: &str) -> Self {
        self.scripts.insert(path.to_owned(), source.to_owned());
        self
    }

    fn logs(&self) -> Vec<(LogLevel, String)> {
        self.logs.lock().unwrap().clone()
    }

    fn calls(&self) -> Vec<(String, Value)> {
        self.calls.lock().unwrap().clone()
    }
}

#[async_trait]
impl ScriptHost for FakeHost {
    async fn call(&self, operation: &str, arguments: Value) -> Result<Result<Value, ScriptCallError>, Interrupted> {
        self.calls.lock().unwrap().push((operation.to_owned(), arguments));
        if self.interrupts {
            return Err(Interrupted("the database is gone".to_owned()));
        }
        let mut answers = self.answers.lock().unwrap();
        let Some(list) = answers.get_mut(operation) else {
            return Ok(Err(ScriptCallError { status: 404, message: format!("Not found: {operation}") }));
        };
        let answer = if list.len() > 1 { list.remove(0) } else { list[0] };
        Ok(answer.map(json).map_err(|(status, message)| ScriptCallError { status, message: message.to_owned() }))
    }

    async fn source(&self, path: &str) -> Result<Option<String>, Interrupted> {
        Ok(self.scripts.get(path).cloned())
    }

    fn waits(&self) {}

    async fn resumes(&self) {}

    fn progress(&self, percent: u8, message: &str) {
        self.progress.lock().unwrap().push((percent, message.to_owned()));
    }

    fn log(&self, level: LogLevel, message: &str) {
        self.logs.lock().unwrap().push((level, message.to_owned()));
    }
}

/// The path of the script that is run.
const PATH: &str = "f/test/folder/script";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn call(host: &Arc<FakeHost>, path: &str, source: &str, arguments: Value) -> ScriptCall {
    let environment = [("WM_WORKSPACE", "acme"), ("WM_JOB_ID", "job-1"), ("WM_USERNAME", "ada"), ("WM_TOKEN", "")];
    ScriptCall {
        owner: owner("acme", "ada"),
        // Lines of the log as long as the runner itself lets them be.
        budget: Budget { log_line_bytes: 64 << 10, ..script_budget(&Budget::default()) },
        path: path.to_owned(),
        source: source.to_owned(),
        arguments,
        environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        host: host.clone(),
        cancel: CancellationToken::new(),
    }
}

/// Runs a script with arguments, a JSON text, against a host.
fn run_on(host: &Arc<FakeHost>, source: &str, arguments: &str) -> Result<Value, ScriptError> {
    let script = call(host, PATH, source, json(arguments));
    RUNTIME.block_on(sandbox().run_script(&RUNNER, script)).result.unwrap_or_else(|error| panic!("{source}: {error}"))
}

/// Runs a script that needs nothing of the host.
fn run_alone(source: &str, arguments: &str) -> Result<Value, ScriptError> {
    run_on(&Arc::default(), source, arguments)
}

/// Reads a script without running it.
fn check(path: &str, source: &str) -> Result<(), ScriptError> {
    let script = call(&Arc::default(), path, source, Value::Null);
    RUNTIME.block_on(sandbox().check_script(&RUNNER, script)).result.unwrap_or_else(|error| panic!("{source}: {error}"))
}
