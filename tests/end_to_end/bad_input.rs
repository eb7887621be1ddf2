//! Wrong input gets an error that names the thing, and the process lives on.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::support::{DataDir, POST_AND_SCHEDULE, Server};

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_refused_and_the_next_one_is_served() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let client = server.client(&data.token("acme", "ada"));
    let megabyte = "x".repeat(1 << 20);
    let long_session = "s".repeat(10_000);
    let table = [
        (json!({"content": ""}).to_string().into_bytes(), 400, "invalid"),
        (json!({"content": " \n "}).to_string().into_bytes(), 400, "invalid"),
        (json!({"content": megabyte}).to_string().into_bytes(), 400, "invalid"),
        (json!({"content": "hello", "sessionId": long_session}).to_string().into_bytes(), 400, "invalid"),
        (b"{\"content\": \"\xff\xfe\"}".to_vec(), 400, "invalid"),
        (b"{\"content\": ".to_vec(), 400, "invalid"),
        (json!({"text": "hello"}).to_string().into_bytes(), 400, "invalid"),
        (vec![b' '; 3 << 20], 413, "payload-too-large"),
    ];
    for (body, status, code) in table {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let (got, problem) = client.post_bytes("/v1/requests", body).await;
        assert_eq!((got, &problem["code"]), (status, &json!(code)), "{shown}: {problem}");
        assert_eq!(problem["status"], status);
        assert!(!problem["detail"].as_str().unwrap().is_empty() && problem["requestId"].is_string(), "{problem}");
    }
    let (status, list) = client.get("/v1/tasks").await;
    assert_eq!((status, list["tasks"].as_array().unwrap().len()), (200, 0), "nothing of it became a task");
    assert_eq!(client.ask("hello", "s").await["status"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_as_said_is_asked() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let client = server.client(&data.token("acme", "ada"));
    let past = client.ask("Create a Twitter post about AI trends and schedule it for yesterday", "a").await;
    assert_eq!(past["status"], "needs-clarification", "{past}");
    assert!(
        past["questions"][0]["text"].as_str().unwrap().contains("past")
            || past["content"].as_str().unwrap().contains("pass"),
        "{past}"
    );
    let unknown = client.ask("Create a Frobster post about AI trends", "b").await;
    assert_eq!(unknown["status"], "needs-clarification", "{unknown}");
    assert!(unknown.to_string().contains("Frobster"), "{unknown}");

    // The answer continues the task.
    let id = unknown["taskId"].as_str().unwrap();
    let question = unknown["questions"][0]["id"].as_str().unwrap();
    let (status, answered) = client
        .post(
            &format!("/v1/tasks/{id}/answers?wait=60"),
            &json!({"answers": [{"questionId": question, "text": "LinkedIn"}]}),
        )
        .await;
    assert_eq!(status, 200, "{answered}");
    let (_, done) = client.get(&format!("/v1/tasks/{id}")).await;
    assert_eq!(done["status"], "completed", "{done}");
    assert!(done["content"].as_str().unwrap().contains("LinkedIn"), "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_place_to_work_in_is_named() {
    let data = DataDir::with_a_file();
    let stderr = |output: std::process::Output| {
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };

    std::fs::write(data.database(), vec![b'x'; 8192]).unwrap();
    let said = stderr(data.run(&["serve", "--listen", "127.0.0.1:0"]));
    assert!(said.contains("openanalyst.db") && said.contains("backup"), "{said}");
    assert_eq!(std::fs::read(data.database()).unwrap(), vec![b'x'; 8192], "the damaged file stays as it is");
    let said = stderr(data.run(&["ask", "hello"]));
    assert!(said.contains("backup"), "{said}");
    std::fs::remove_file(data.database()).unwrap();

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = stderr(data.run(&["serve", "--listen", &address]));
    assert!(said.contains(&address) && said.contains("--listen"), "{said}");

    let server = Server::start(&data);
    let said = stderr(data.run(&["serve", "--listen", "127.0.0.1:0"]));
    assert!(said.contains("another server") && said.contains("--data-dir"), "{said}");
    drop(server);

    std::fs::write(data.path().join("keys").join("signing.pem"), "no key").unwrap();
    let said = stderr(data.run(&["token", "--tenant", "a", "--user", "b"]));
    assert!(said.contains("signing.pem"), "{said}");
}

/// A full disk: a file system of a size of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_or_read_only_data_directory_loses_nothing() {
    let Some(disk) = SmallDisk::mount() else { return };
    let data = DataDir::on(disk.path());
    let server = Server::start(&data);
    let client = server.client(&data.token("acme", "ada"));
    let kept = client.ask(POST_AND_SCHEDULE, "s").await;
    assert_eq!(kept["status"], "completed", "{kept}");

    disk.fill();
    let mut refused = None;
    // What is still free within the database's own pages may take a few requests.
    for number in 0..200 {
        let body = json!({"content": format!("{number} {}", "x".repeat(60_000)), "sessionId": "full"});
        let (status, problem) = client.post("/v1/requests?wait=0", &body).await;
        if status >= 400 {
            refused = Some((status, problem));
            break;
        }
    }
    let (status, problem) = refused.expect("a full disk refuses");
    assert_eq!((status, &problem["code"]), (503, &json!("storage-unavailable")), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("full") && problem["retryAfterMs"].is_u64(), "{problem}");
    let (status, view) = client.get(&format!("/v1/tasks/{}", kept["taskId"].as_str().unwrap())).await;
    assert_eq!((status, &view["content"]), (200, &kept["content"]), "what was accepted is there");

    disk.free();
    assert_eq!(client.ask("hello", "after").await["status"], "completed", "the process goes on");
    server.kill();

    disk.remount_read_only();
    let output = data.run(&["ask", "hello"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("read-only") && said.contains("--data-dir"), "{said}");
}

/// A tmpfs of 24 MiB. Needs the right to mount; where that is missing the test says so, and fails under CI.
struct SmallDisk {
    dir: tempfile::TempDir,
}

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let this = Self { dir };
        let mounted = this.mount_with(&["-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs"]);
        if mounted {
            return Some(this);
        }
        assert!(std::env::var_os("CI").is_none(), "under CI this test must be able to mount a tmpfs");
        eprintln!("SKIPPED: a full disk needs the right to mount a tmpfs; run the tests as root to have it");
        None
    }

    fn mount_with(&self, arguments: &[&str]) -> bool {
        let mounted = std::process::Command::new("mount").args(arguments).arg(self.path()).output();
        mounted.is_ok_and(|output| output.status.success())
    }

    fn path(&self) -> &std::path::Path {
        self.dir.path()
    }

    fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.path().join("ballast")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.path().join("ballast")).unwrap();
    }

    fn remount_read_only(&self) {
        assert!(self.mount_with(&["-o", "remount,ro"]));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The folder of the test goes with it either way.
        let _ = std::process::Command::new("umount").arg("-l").arg(self.dir.path()).status();
    }
}

#[test]
fn wrong_usage_is_status_two() {
    let data = DataDir::new();
    for arguments in [
        &["frobnicate"] as &[&str],
        &["ask"],
        &["token", "--tenant", "a"],
        &["token", "--tenant", "a", "--user", "b", "--scope", "everything"],
        &["token", "--tenant", "a", "--user", "b", "--ttl", "soon"],
        &["token", "--tenant", "", "--user", "b"],
        &["ask", "hello", "--session", &"s".repeat(10_000)],
        &["serve", "--listen", "nowhere"],
        &["serve", "--config", "/no/such/file"],
    ] {
        let output = data.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn a_directory_without_write_permission_is_named() {
    // Root may write everywhere, so the probe is a file in the place of the directory.
    let data = DataDir::with_a_file();
    let blocked = data.path().join("blocked");
    std::fs::write(&blocked, "").unwrap();
    std::fs::set_permissions(&blocked, std::fs::Permissions::from_mode(0o400)).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_openanalyst"))
        .args(["migrate", "--data-dir", blocked.to_str().unwrap()])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("blocked") && said.contains("--data-dir"), "{said}");
}
