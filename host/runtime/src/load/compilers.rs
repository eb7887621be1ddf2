//! At most one compilation for each core: a compiler takes all the processor and memory that it is given.

use std::sync::{Condvar, Mutex, PoisonError};

use wasmtime::{Engine, Precompiled};

use super::child::ChildCompiler;
use crate::error::LoadError;

/// Hands out turns to compile. For threads that may block.
#[derive(Debug)]
pub(crate) struct Compilers {
    free: Mutex<usize>,
    freed: Condvar,
    /// None: in this process.
    child: Option<ChildCompiler>,
}

/// A turn. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Turn<'a>(&'a Compilers);

impl Compilers {
    pub(crate) fn new(child: Option<ChildCompiler>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { free: Mutex::new(cores), freed: Condvar::new(), child }
    }

    /// Compiles a component that was scanned. Whoever calls has a turn.
    pub(crate) fn compile(&self, engine: &Engine, component: &[u8]) -> Result<Vec<u8>, LoadError> {
        match &self.child {
            Some(child) => {
                let artifact = child.compile(component)?;
                // What is no component would be kept, and refused at each start.
                match Engine::detect_precompiled(&artifact) {
                    Some(Precompiled::Component) => Ok(artifact),
                    _ => Err(LoadError::Unavailable("the compiler's process gave no component".to_owned())),
                }
            }
            None => engine.precompile_component(component).map_err(|error| {
                LoadError::refused("invalid-component", format!("the component cannot be compiled: {error:#}"))
            }),
        }
    }

    /// Waits for a turn.
    pub(crate) fn enter(&self) -> Turn<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
