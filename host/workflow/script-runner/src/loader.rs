//! Loads the modules that a script imports: other scripts through the host, and the Windmill client.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use boa_engine::module::{ModuleLoader, ModuleRequest, Referrer};
use boa_engine::{Context, JsError, JsNativeError, JsResult, Module, Source};

use crate::bridge;
use crate::compile::{Compiled, compile};
use crate::error::ScriptError;
use crate::host::Host;
use crate::path::{BRIDGE, CLIENT, Import, resolve};
use crate::trace::Positions;

/// Most scripts in one run, the first one included.
pub(crate) const MAX_SCRIPTS: usize = 32;

const CLIENT_SOURCE: &str = include_str!("../shim/windmill-client.js");

/// All modules of one run, each loaded once, so that scripts may import each other in circles.
pub(crate) struct Loader {
    host: Rc<dyn Host>,
    environment: Vec<(String, String)>,
    modules: RefCell<BTreeMap<String, Module>>,
    positions: Rc<RefCell<Positions>>,
    failure: RefCell<Option<ScriptError>>,
}

impl Loader {
    pub(crate) fn new(host: Rc<dyn Host>, environment: Vec<(String, String)>) -> Self {
        Self { host, environment, modules: RefCell::default(), positions: Rc::default(), failure: RefCell::default() }
    }

    /// Where each piece of the loaded scripts came from.
    pub(crate) fn positions(&self) -> Rc<RefCell<Positions>> {
        Rc::clone(&self.positions)
    }

    /// Why loading failed, with its line; the interpreter's own error only carries the text.
    pub(crate) fn take_failure(&self) -> Option<ScriptError> {
        self.failure.borrow_mut().take()
    }

    /// Adds a compiled script as a module called `script_path`.
    pub(crate) fn add(&self, script_path: &str, compiled: Compiled, context: &mut Context) -> JsResult<Module> {
        let module = parse(script_path, &compiled.code, context)?;
        self.positions.borrow_mut().add(script_path, compiled.positions);
        self.modules.borrow_mut().insert(script_path.to_owned(), module.clone());
        Ok(module)
    }

    fn load(&self, specifier: &str, importer: &str, context: &mut Context) -> JsResult<Module> {
        if importer == CLIENT && specifier == BRIDGE {
            return bridge::module(&self.environment, context);
        }
        let import =
            resolve(specifier, importer).map_err(|message| self.fail(ScriptError::new("ImportError", message)))?;
        let script_path = match &import {
            Import::Client => CLIENT,
            Import::Script(path) => path,
        };
        let loaded = self.modules.borrow().get(script_path).cloned();
        if let Some(module) = loaded {
            return Ok(module);
        }
        if import == Import::Client {
            let module = parse(CLIENT, CLIENT_SOURCE, context)?;
            self.modules.borrow_mut().insert(CLIENT.to_owned(), module.clone());
            return Ok(module);
        }
        self.check_count(script_path)?;
        let source = self.host.source(script_path).ok_or_else(|| {
            let message = format!(
                "cannot import \"{specifier}\": there is no script {script_path}, or its owner has not shared it"
            );
            self.fail(ScriptError::new("ImportError", message))
        })?;
        let compiled = compile(script_path, &source).map_err(|error| self.fail(error))?;
        self.add(script_path, compiled, context)
    }

    fn check_count(&self, script_path: &str) -> JsResult<()> {
        let scripts = self.modules.borrow().keys().filter(|name| *name != CLIENT).count();
        if scripts < MAX_SCRIPTS {
            return Ok(());
        }
        let message = format!("cannot import {script_path}: a run may load at most {MAX_SCRIPTS} scripts");
        Err(self.fail(ScriptError::new("ImportError", message)))
    }

    /// Keeps the first failure and turns it into what a script would catch around a dynamic `import()`.
    fn fail(&self, error: ScriptError) -> JsError {
        let text = error.to_string();
        self.failure.borrow_mut().get_or_insert(error);
        JsNativeError::typ().with_message(text).into()
    }
}

fn parse(name: &str, code: &str, context: &mut Context) -> JsResult<Module> {
    Module::parse(Source::from_bytes(code).with_path(Path::new(name)), None, context)
}

impl ModuleLoader for Loader {
    async fn load_imported_module(
        self: Rc<Self>,
        referrer: Referrer,
        request: ModuleRequest,
        context: &RefCell<&mut Context>,
    ) -> JsResult<Module> {
        let importer = referrer.path().and_then(Path::to_str).unwrap_or_default().to_owned();
        let specifier = request.specifier().to_std_string_lossy();
        self.load(&specifier, &importer, &mut context.borrow_mut())
    }
}
