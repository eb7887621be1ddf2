//! The first start of a host: it listens at once, while what comes with it is still compiled. A request waits for the component that it needs, and says so.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{DataDir, Server};

/// Within what time the host answers after its very first start.
const AT_ONCE: Duration = Duration::from_secs(2);
/// How often the time is measured at most: the first runs of a busy machine may miss it.
const TRIES: u32 = 3;

fn preparing(ready: &Value) -> Vec<&str> {
    ready["preparing"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_first_start_answers_at_once_and_then_the_first_hello() {
    let mut took = Vec::new();
    for _ in 0..TRIES {
        let (data, cache) = (DataDir::with_a_file(), tempfile::tempdir().unwrap());
        let began = Instant::now();
        let server = Server::start_with_cache(&data, cache.path());
        let nobody = server.client("");
        let (status, health) = nobody.get("/health").await;
        took.push(began.elapsed());
        assert_eq!((status, &health["status"]), (200, &json!("ok")));

        let (status, ready) = nobody.get("/ready").await;
        assert_eq!((status, &ready["status"]), (200, &json!("ready")), "{ready}");
        assert!(
            preparing(&ready).contains(&"script-runner"),
            "it was answered while components were compiled: {ready}"
        );

        let task = server.client(&data.token("demo", "demo")).ask("hello", "s").await;
        assert_eq!((&task["status"], &task["metadata"]["skill"]), (&json!("completed"), &json!("core")), "{task}");
        if took.iter().any(|took| *took < AT_ONCE) {
            return;
        }
    }
    panic!("/health was answered after {took:?}");
}

/// The compilers that a server runs, stopped until this is dropped.
struct StoppedCompilers(Vec<u32>);

impl StoppedCompilers {
    /// Waits for the server's first compiler, and stops it.
    fn of(server: &Server) -> Self {
        let mut stopped = Vec::new();
        while stopped.is_empty() {
            std::thread::yield_now();
            stopped = children(server.id(), "compile-component");
            stopped.retain(|id| signal(*id, "-STOP"));
        }
        Self(stopped)
    }
}

impl Drop for StoppedCompilers {
    fn drop(&mut self) {
        for id in &self.0 {
            // One that was killed is gone.
            signal(*id, "-CONT");
        }
    }
}

/// The processes that a process started with this word among their arguments, and that have not ended.
fn children(parent: u32, word: &str) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_child = |id: &u32| {
        let folder = Path::new("/proc").join(id.to_string());
        let status = fs::read_to_string(folder.join("status")).unwrap_or_default();
        let arguments = fs::read_to_string(folder.join("cmdline")).unwrap_or_default();
        status.lines().any(|line| line.split_whitespace().eq(["PPid:", &parent.to_string()]))
            && arguments.split('\0').any(|argument| argument == word)
    };
    processes.filter(is_child).collect()
}

fn signal(id: u32, signal: &str) -> bool {
    Command::new("kill").args([signal, &id.to_string()]).output().unwrap().status.success()
}

#[tokio::test]
async fn a_request_that_waits_for_a_compiler_says_so_and_can_be_cancelled() {
    let (data, cache) = (DataDir::new(), tempfile::tempdir().unwrap());
    let server = Server::start_with_cache(&data, cache.path());
    let stopped = StoppedCompilers::of(&server);
    let token = data.token("acme", "ada");
    let (_, ready) = server.client("").get("/ready").await;
    assert_eq!(preparing(&ready)[0], "core", "{ready}");

    let mut hub = server.hub(&token).await;
    hub.send("USER_REQUEST", "first", json!({"content": "hello"})).await;
    let progress = hub.until("TASK_PROGRESS").await.pop().unwrap();
    assert_eq!(progress["payload"]["stage"], "preparing", "{progress}");
    assert_eq!(progress["payload"]["message"], "the skill `core` is being compiled, which is done once");

    let mut other = server.hub(&token).await;
    other.send("USER_REQUEST", "second", json!({"content": "hello"})).await;
    let progress = other.until("TASK_PROGRESS").await.pop().unwrap();
    other.send("TASK_CANCEL", "second", json!({"taskId": progress["payload"]["taskId"]})).await;
    let complete = other.until("TASK_COMPLETE").await.pop().unwrap();
    assert_eq!(complete["payload"]["status"], "cancelled", "{complete}");

    drop(stopped);
    let complete = hub.until("TASK_COMPLETE").await.pop().unwrap();
    assert_eq!(complete["payload"]["status"], "completed", "{complete}");
}

#[tokio::test]
async fn a_host_that_is_asked_to_end_does_not_wait_for_its_compilers() {
    let (data, cache) = (DataDir::new(), tempfile::tempdir().unwrap());
    let server = Server::start_with_cache(&data, cache.path());
    let stopped = StoppedCompilers::of(&server);
    let id = server.id();
    server.ask_to_end();
    assert!(server.wait().success());
    assert!(stopped.0.iter().all(|compiler| !children(id, "compile-component").contains(compiler)));
}
