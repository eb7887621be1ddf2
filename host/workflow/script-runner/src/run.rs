//! Runs one script from source to result.

use std::rc::Rc;

use boa_engine::builtins::promise::PromiseState;
use boa_engine::object::builtins::{JsArray, JsFunction, JsPromise};
use boa_engine::{Context, JsResult, JsString, JsValue, js_error, js_string};

use crate::bridge::CurrentHost;
use crate::compile::compile;
use crate::error::ScriptError;
use crate::globals::{self, Hooks};
use crate::host::{Host, Level};
use crate::jobs::EventLoop;
use crate::loader::Loader;
use crate::path::without_extension;
use crate::signature::Parameter;
use crate::trace;

/// Deepest nesting of calls within a script, calls of and from built-in functions counted. Callbacks (`replace`, `sort`, getters, …) use
/// the WebAssembly stack, of which wasmtime gives 512 KiB by default; there the hungriest of them, `replace`, trapped between 700
/// and 1,000. A sandbox with a smaller stack would end such scripts without an error to show.
const MAX_RECURSION: usize = 700;

/// One script to run.
#[derive(Debug, Clone, Copy)]
pub struct Script<'a> {
    /// Its path, without leading slash; relative imports start here.
    pub path: &'a str,
    /// Its TypeScript source, at most 512 KiB.
    pub source: &'a str,
    /// A JSON object: the arguments of `main` by name.
    pub arguments: &'a str,
    /// The members of `process.env`.
    pub environment: &'a [(String, String)],
}

/// Reads a script without running it: its syntax, its imports' names, and that it has a `main`.
///
/// # Errors
/// `SyntaxError`, `ImportError`, `SourceTooLarge` or `MissingMain`.
pub fn check(path: &str, source: &str) -> Result<(), ScriptError> {
    let path = name_of(path);
    match compile(path, source)?.main {
        Some(_) => Ok(()),
        None => Err(missing_main(path)),
    }
}

/// Runs the `main` of a script and gives its result as JSON.
///
/// # Errors
/// What the script threw, or why it could not run; see `script-error` in `wit/script.wit` for the names.
pub fn run(host: Rc<dyn Host>, script: &Script<'_>) -> Result<String, ScriptError> {
    let path = name_of(script.path);
    let mut compiled = compile(path, script.source)?;
    let parameters = compiled.main.take().ok_or_else(|| missing_main(path))?;

    let events = Rc::new(EventLoop::default());
    let hooks = globals::hooks();
    let loader = Rc::new(Loader::new(Rc::clone(&host), script.environment.to_vec()));
    let mut context = Context::builder()
        .job_executor(Rc::clone(&events))
        .host_hooks(Rc::clone(&hooks) as Rc<Hooks>)
        .module_loader(Rc::clone(&loader))
        .build()
        .map_err(|error| ScriptError::new("Error", format!("the interpreter did not start: {error}")))?;
    context.runtime_limits_mut().set_recursion_limit(MAX_RECURSION);
    context.insert_data(CurrentHost(host));

    let mut run = Run { path, events, hooks, loader, context, thrown: None };
    let result = run.perform(compiled, &parameters, script);
    run.report_unhandled();
    result
}

/// The script's path as the host knows it, so that a script which imports itself is recognised.
fn name_of(path: &str) -> &str {
    without_extension(path.trim_start_matches('/'))
}

fn missing_main(path: &str) -> ScriptError {
    let message = format!(
        "{path} has no `main`: a script declares and exports the function that is run, such as \
         `export async function main(name: string) {{ … }}`"
    );
    ScriptError::new("MissingMain", message)
}

struct Run<'a> {
    path: &'a str,
    events: Rc<EventLoop>,
    hooks: Rc<Hooks>,
    loader: Rc<Loader>,
    context: Context,
    /// What ended the run, once it has: it is the result, and not unhandled.
    thrown: Option<JsValue>,
}

impl Run<'_> {
    fn perform(
        &mut self,
        compiled: crate::compile::Compiled,
        parameters: &[Parameter],
        script: &Script<'_>,
    ) -> Result<String, ScriptError> {
        globals::register(script.environment, &mut self.context).map_err(|error| self.describe(&error))?;
        // Taken before the script can replace it.
        let json = Json::of(&mut self.context).map_err(|error| self.describe(&error))?;
        let arguments = self.parse_arguments(&json, script.arguments)?;

        let loader = Rc::clone(&self.loader);
        let module = loader.add(self.path, compiled, &mut self.context).map_err(|error| self.describe(&error))?;
        let loaded = module.load_link_evaluate(&mut self.context);
        self.settle(&loaded, "the script's top level")?;

        let main = module.get_value(js_string!("main"), &mut self.context).map_err(|error| self.describe(&error))?;
        let main = main.as_object().and_then(JsFunction::from_object).ok_or_else(|| missing_main(self.path))?;
        let values = self.positional(parameters, &arguments).map_err(|error| self.describe(&error))?;
        let returned =
            main.call(&JsValue::undefined(), &values, &mut self.context).map_err(|error| self.describe(&error))?;
        // As `await` does: a promise or any other thenable is followed, everything else is the value itself.
        let promise = JsPromise::resolve(returned, &mut self.context).map_err(|error| self.describe(&error))?;
        let result = self.settle(&promise, "`main`")?;
        json.stringify(&result, &mut self.context).map_err(|error| {
            let reason = self.describe(&error);
            ScriptError {
                name: "InvalidResult".to_owned(),
                message: format!("the result is no JSON: {reason}"),
                ..reason
            }
        })
    }

    fn parse_arguments(&mut self, json: &Json, text: &str) -> Result<JsValue, ScriptError> {
        let parsed = json.parse(text, &mut self.context).map_err(|error| {
            let reason = self.describe(&error);
            ScriptError::new("InvalidArguments", format!("the arguments are no JSON: {}", reason.message))
        })?;
        let is_object = parsed.as_object().is_some_and(|object| !object.is_array());
        if is_object {
            return Ok(parsed);
        }
        let message =
            "the arguments must be a JSON object with the names of `main`'s parameters, such as {\"name\": \"Ada\"}";
        Err(ScriptError::new("InvalidArguments", message))
    }

    /// Puts named arguments in the order of the parameters. A name that is absent gives `undefined`, so that the default applies;
    /// names that `main` does not have are ignored, both as on Windmill.
    fn positional(&mut self, parameters: &[Parameter], arguments: &JsValue) -> JsResult<Vec<JsValue>> {
        let Some(object) = arguments.as_object() else { return Ok(Vec::new()) };
        let context = &mut self.context;
        // Only own members: a parameter may be called `constructor`.
        let mut own = |name: &str| -> JsResult<JsValue> {
            let key = JsString::from(name);
            if object.has_own_property(key.clone(), context)? {
                object.get(key, context)
            } else {
                Ok(JsValue::undefined())
            }
        };
        let mut values = Vec::with_capacity(parameters.len());
        let mut rest = None;
        for parameter in parameters {
            match parameter {
                Parameter::Named(name) => values.push(own(name)?),
                Parameter::Destructured => values.push(arguments.clone()),
                Parameter::Rest(name) => rest = Some(own(name)?),
            }
        }
        if let Some(list) = rest.as_ref().and_then(JsValue::as_object).and_then(|list| JsArray::from_object(list).ok())
        {
            for index in 0..list.length(context)? {
                values.push(list.get(index, context)?);
            }
        }
        Ok(values)
    }

    /// Runs the event loop until `promise` has settled, and gives its value.
    fn settle(&mut self, promise: &JsPromise, what: &str) -> Result<JsValue, ScriptError> {
        let events = Rc::clone(&self.events);
        let is_settled = || !matches!(promise.state(), PromiseState::Pending);
        if let Err(error) = events.run_until(&mut self.context, is_settled) {
            return Err(self.describe(&error));
        }
        match promise.state() {
            PromiseState::Fulfilled(value) => Ok(value),
            PromiseState::Rejected(reason) => {
                self.thrown = Some(reason.clone());
                let failure = self.loader.take_failure();
                let positions = self.loader.positions();
                let described = trace::describe_value(&reason, self.path, &positions.borrow(), &mut self.context);
                Err(match failure {
                    // The same error, but with its line; a script that caught an import's failure and threw another keeps its own.
                    Some(failure) if described.message.contains(&failure.message) => failure,
                    _ => described,
                })
            }
            PromiseState::Pending => {
                let message =
                    format!("{what} waits for a promise that nothing will settle: no timer and no other work is left");
                Err(ScriptError::new("NeverSettled", message))
            }
        }
    }

    fn describe(&mut self, error: &boa_engine::JsError) -> ScriptError {
        let positions = self.loader.positions();
        trace::describe(error, self.path, &positions.borrow(), &mut self.context)
    }

    /// Says in the log what failed without anybody noticing, such as a call that was not awaited.
    fn report_unhandled(&mut self) {
        for promise in self.hooks.take_unhandled() {
            let PromiseState::Rejected(reason) = JsPromise::from(promise).state() else { continue };
            if self.thrown.as_ref().is_some_and(|thrown| thrown.strict_equals(&reason)) {
                continue;
            }
            let positions = self.loader.positions();
            let error = trace::describe_value(&reason, self.path, &positions.borrow(), &mut self.context);
            let stack = error.stack.as_deref().map(|stack| format!("\n{stack}")).unwrap_or_default();
            let message = format!("a promise failed and nothing awaited it: {error}{stack}");
            // Without a host there is no log to write to either.
            let _ = globals::write(Level::Error, &message, &self.context);
        }
    }
}

/// `JSON.parse` and `JSON.stringify` as they were before the script ran.
struct Json {
    parse: JsFunction,
    stringify: JsFunction,
}

impl Json {
    fn of(context: &mut Context) -> JsResult<Self> {
        let object = context.global_object().get(js_string!("JSON"), context)?;
        let mut function = |name: JsString| {
            let found = object.as_object().map(|object| object.get(name, context)).transpose()?;
            let function = found.and_then(|value| value.as_object()).and_then(JsFunction::from_object);
            function.ok_or_else(|| js_error!(TypeError: "the interpreter has no JSON"))
        };
        JsResult::Ok(Self { parse: function(js_string!("parse"))?, stringify: function(js_string!("stringify"))? })
    }

    fn parse(&self, text: &str, context: &mut Context) -> JsResult<JsValue> {
        self.parse.call(&JsValue::undefined(), &[JsString::from(text).into()], context)
    }

    /// `undefined` and functions have no JSON and become `null`.
    fn stringify(&self, value: &JsValue, context: &mut Context) -> JsResult<String> {
        let text = self.stringify.call(&JsValue::undefined(), std::slice::from_ref(value), context)?;
        Ok(text.as_string().map_or_else(|| "null".to_owned(), |text| text.to_std_string_lossy()))
    }
}
