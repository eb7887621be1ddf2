//! `compile-component`: one component from standard input to an artifact on standard output, in a process with limits. The host starts it for itself.

use crate::output::note;
use std::path::PathBuf;
use std::process::ExitCode;

use openanalyst_runtime::{ChildCompiler, CompileLimits, compile_child};

/// The command's name.
const NAME: &str = "compile-component";

/// Runs the command, if the arguments of this process call it. Before anything else is done: the child needs no settings, log or threads.
#[must_use]
pub fn called() -> Option<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next()? != NAME {
        return None;
    }
    let mut number = || arguments.next()?.parse().ok();
    match (number(), number()) {
        (Some(memory_bytes), Some(cpu_s)) => Some(compile_child(memory_bytes, cpu_s)),
        _ => {
            note!("openanalyst: `{NAME}` needs bytes of memory and seconds of CPU time; the host calls it for itself");
            Some(ExitCode::from(2))
        }
    }
}

/// A compiler in a child of this program, with limits.
#[must_use]
pub fn in_a_child() -> ChildCompiler {
    ChildCompiler {
        // The program that runs, also where its file was replaced since.
        program: PathBuf::from("/proc/self/exe"),
        arguments: vec![NAME.into()],
        limits: CompileLimits::default(),
    }
}
