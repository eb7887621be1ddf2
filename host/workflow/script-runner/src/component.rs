//! Binds the runner to `wit/script.wit`.

use std::rc::Rc;

use crate::error::ScriptError;
use crate::host::{CallError, Host, Level};
use crate::run::{self, Script};

mod bindings {
    #![allow(missing_docs, reason = "generated; the WIT file holds the documentation")]
    wit_bindgen::generate!({ path: "wit", world: "script-runner" });
}

use bindings::exports::openanalyst::script::runner::{Guest, ScriptError as WitError};
use bindings::openanalyst::script::host;

struct Component;

impl Guest for Component {
    fn run(
        path: String,
        source: String,
        arguments: String,
        environment: Vec<(String, String)>,
    ) -> Result<String, WitError> {
        let script = Script { path: &path, source: &source, arguments: &arguments, environment: &environment };
        run::run(Rc::new(Sandbox), &script).map_err(WitError::from)
    }

    fn check(path: String, source: String) -> Result<(), WitError> {
        run::check(&path, &source).map_err(WitError::from)
    }
}

impl From<ScriptError> for WitError {
    fn from(error: ScriptError) -> Self {
        let ScriptError { name, message, stack, line } = error;
        Self { name, message, stack, line }
    }
}

/// The host at the other side of the component's border.
struct Sandbox;

impl Host for Sandbox {
    fn log(&self, level: Level, message: &str) {
        let level = match level {
            Level::Debug => host::Level::Debug,
            Level::Info => host::Level::Info,
            Level::Warn => host::Level::Warn,
            Level::Error => host::Level::Error,
        };
        host::log(level, message);
    }

    fn progress(&self, percent: u8, message: &str) {
        host::progress(percent, message);
    }

    fn call(&self, operation: &str, arguments: &str) -> Result<String, CallError> {
        host::call(operation, arguments).map_err(|error| CallError { status: error.status, message: error.message })
    }

    fn source(&self, path: &str) -> Option<String> {
        host::source(path)
    }
}

bindings::export!(Component with_types_in bindings);
