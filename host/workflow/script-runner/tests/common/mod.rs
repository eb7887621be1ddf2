//! A host for tests: answers from a table and remembers everything it was asked.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use openanalyst_script_runner::{CallError, Host, Level, Script, ScriptError, run};

/// An answer's JSON, or a status with its text.
pub type Answer = Result<&'static str, (u16, &'static str)>;

/// Answers to calls and imports, and what was asked.
#[derive(Default)]
pub struct FakeHost {
    pub scripts: BTreeMap<&'static str, String>,
    pub answers: RefCell<BTreeMap<&'static str, Vec<Answer>>>,
    pub logs: RefCell<Vec<(Level, String)>>,
    pub progress: RefCell<Vec<(u8, String)>>,
    pub calls: RefCell<Vec<(String, String)>>,
}

impl FakeHost {
    /// A host that answers `operation` with each of `answers` in turn, the last one for ever.
    pub fn answer(self, operation: &'static str, answers: &[Answer]) -> Self {
        self.answers.borrow_mut().insert(operation, answers.to_vec());
        self
    }

    /// A host that knows one more script.
    pub fn script(mut self, path: &'static str, source: &str) -> Self {
        self.scripts.insert(path, source.to_owned());
        self
    }
}

impl Host for FakeHost {
    fn log(&self, level: Level, message: &str) {
        self.logs.borrow_mut().push((level, message.to_owned()));
    }
    fn progress(&self, percent: u8, message: &str) {
        self.progress.borrow_mut().push((percent, message.to_owned()));
    }
    fn call(&self, operation: &str, arguments: &str) -> Result<String, CallError> {
        self.calls.borrow_mut().push((operation.to_owned(), arguments.to_owned()));
        let mut answers = self.answers.borrow_mut();
        let Some(list) = answers.get_mut(operation) else {
            return Err(CallError { status: 404, message: format!("Not found: {operation}") });
        };
        let answer = if list.len() > 1 { list.remove(0) } else { list[0] };
        answer.map(str::to_owned).map_err(|(status, message)| CallError { status, message: message.to_owned() })
    }
    fn source(&self, path: &str) -> Option<String> {
        self.scripts.get(path).cloned()
    }
}

pub const PATH: &str = "f/test/folder/script";

/// Runs a script with arguments against a host.
pub fn run_on(host: &Rc<FakeHost>, source: &str, arguments: &str) -> Result<String, ScriptError> {
    let environment = [("WM_WORKSPACE", "acme"), ("WM_JOB_ID", "job-1"), ("WM_USERNAME", "ada"), ("WM_TOKEN", "")];
    let environment: Vec<(String, String)> =
        environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let host: Rc<dyn Host> = Rc::clone(host) as Rc<dyn Host>;
    run(host, &Script { path: PATH, source, arguments, environment: &environment })
}

/// Runs a script that needs nothing of the host.
pub fn run_alone(source: &str, arguments: &str) -> Result<String, ScriptError> {
    run_on(&Rc::default(), source, arguments)
}
