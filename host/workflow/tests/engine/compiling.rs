//! Jobs that come before the script runner is compiled.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::Command;

use openanalyst_domain::{JobId, JobStatus};
use openanalyst_runtime::{ChildCompiler, CompileLimits, Sandbox, SandboxOptions};
use openanalyst_workflow::WorkflowEngine as _;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Choices, Env, PATIENCE, error};

/// A script of the host, which is there without having been stored.
const DOUBLE: &str = "f/openanalyst/test/double";

/// A sandbox whose compiler waits until somebody opens the pipe, and then refuses the component.
fn refusing_sandbox(dir: &TempDir, pipe: &Path) -> Sandbox {
    assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    let mut options = SandboxOptions::new(dir.path().join("cache"), [7; 32]);
    let program = format!("exec 3< {}; echo 'no, thank you' >&2; exit 3", pipe.display());
    options.compiler = Some(ChildCompiler {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), program.into()],
        limits: CompileLimits::default(),
    });
    Sandbox::new(options).unwrap()
}

/// Waits until the job says that it waits for the compiler.
async fn says_that_it_waits(env: &Env, id: JobId) {
    let waits = |said: &Option<String>| said.as_ref().is_some_and(|said| said.contains("compiled once"));
    let said = async {
        // A job that was started a moment ago may not be taken yet.
        while env.engine.watch(id).wait_for(|progress| waits(&progress.message)).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, said).await.expect("the job says what it waits for");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_for_the_script_runner_says_so_and_what_came_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    let env = Env::with(Choices { sandbox: refusing_sandbox(&dir, &pipe), ..Choices::default() }).await;
    assert!(!env.engine.is_warm());
    let id = env.start(DOUBLE, json!({ "n": 21 })).await;
    says_that_it_waits(&env, id).await;
    drop(OpenOptions::new().write(true).open(&pipe).unwrap());
    let (name, message) = error(&env.ended(id).await);
    assert_eq!(name, "InternalError");
    assert!(message.contains("no, thank you"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_for_the_script_runner_can_be_cancelled() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    let env = Env::with(Choices { sandbox: refusing_sandbox(&dir, &pipe), ..Choices::default() }).await;
    let id = env.start(DOUBLE, json!({ "n": 21 })).await;
    says_that_it_waits(&env, id).await;
    env.engine.cancel(&env.ada, id, "not needed").await.unwrap();
    assert_eq!(env.ended(id).await.status, JobStatus::Cancelled);
    drop(OpenOptions::new().write(true).open(&pipe).unwrap());
}
