//! What an operator sees of a host: probes and the way out behind a load balancer, what `doctor` finds, backups, and what is shown and written.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use openanalyst_test_postgres::Server as Database;
use serde_json::{Value, json};

use crate::brain::{attempt, install};
use crate::support::{Client, DataDir, Server};

/// Asks `/ready` until it answers with this status.
async fn until_ready_says(client: &Client, status: u16) -> Value {
    let began = Instant::now();
    loop {
        let (found, body) = client.get("/ready").await;
        if found == status {
            return body;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "/ready stays {found}: {body}");
    }
}

fn doctor(data: &DataDir, more: &[&str]) -> String {
    let output = data.run(&[&["doctor", "--listen", "127.0.0.1:0"], more].concat());
    String::from_utf8(output.stdout).unwrap()
}

fn line<'a>(report: &'a str, name: &str) -> &'a str {
    report.lines().find(|line| line[6..].starts_with(name)).unwrap_or_else(|| panic!("no {name} in {report}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_says_that_it_leaves_while_it_still_serves() {
    let data = DataDir::new();
    let server = Server::start_with(&data, &["--shutdown-delay-s", "600"]);
    let client = server.client(&data.token("acme", "ada"));
    until_ready_says(&client, 200).await;
    server.ask_to_end();
    let body = until_ready_says(&client, 503).await;
    assert_eq!(body["code"], "not-ready", "{body}");
    assert_eq!(client.get("/health").await.0, 200);
    assert_eq!(client.get("/v1/tasks").await.0, 200, "everything is still served");
    // Whoever asks twice does not want to wait.
    server.ask_to_end();
    assert!(server.wait().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_packages_that_is_gone_is_not_ready() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let client = server.client(&data.token("acme", "ada"));
    until_ready_says(&client, 200).await;
    let (packages, away) = (data.path().join("packages"), data.path().join("away"));
    std::fs::rename(&packages, &away).unwrap();
    let body = until_ready_says(&client, 503).await;
    assert!(body["checks"].as_array().unwrap().contains(&json!({"name": "packages", "ok": false})), "{body}");
    std::fs::rename(&away, &packages).unwrap();
    until_ready_says(&client, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_database_is_not_ready_within_a_second() {
    let Some(database) = Database::start() else { return };
    let data = DataDir::on_postgres(database.database());
    let server = Server::start(&data);
    let client = server.client(&data.token("acme", "ada"));
    until_ready_says(&client, 200).await;
    database.stop().unwrap();
    until_ready_says(&client, 503).await;
    let began = Instant::now();
    let (status, body) = client.get("/ready").await;
    assert_eq!(status, 503, "{body}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    database.resume().unwrap();
    until_ready_says(&client, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_opens_a_secret_and_looks_for_the_packages() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let client = server.client(&data.token("acme", "ada"));
    install(&client).await;
    let secret = json!({ "value": "correct horse", "audience": ["api.test"] });
    let (status, answer) = client.put("/v1/skills/trier/secrets/x-api-key", &secret).await;
    assert!(status < 300, "{answer}");
    server.kill();

    let report = doctor(&data, &[]);
    assert!(line(&report, "secrets").starts_with("ok") && line(&report, "secrets").contains("opens"), "{report}");
    assert!(line(&report, "packages").starts_with("ok"), "{report}");
    let other = data.path().join("other.key");
    let report = doctor(&data, &["--secrets-key-file", other.to_str().unwrap()]);
    let found = line(&report, "secrets");
    assert!(found.starts_with("FAIL") && found.contains("trier") && found.contains("other.key"), "{found}");
    std::fs::rename(data.path().join("packages"), data.path().join("away")).unwrap();
    let report = doctor(&data, &[]);
    let found = line(&report, "packages");
    assert!(found.starts_with("FAIL") && found.contains("--packages-url"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_names_a_host_that_signs_with_another_key() {
    let Some(database) = openanalyst_test_postgres::shared() else { return };
    let url = database.database();
    let (here, there) = (DataDir::on_postgres(url.clone()), DataDir::on_postgres(url));
    let _server = Server::start(&there);
    assert!(line(&doctor(&there, &[]), "signing key").starts_with("ok"));
    let report = doctor(&here, &[]);
    let found = line(&report, "signing key");
    assert!(found.starts_with("FAIL") && found.contains("copy `keys/`"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_look_change_no_schema() {
    let data = match openanalyst_test_postgres::chosen() {
        Some(url) => DataDir::on_postgres(url),
        None => {
            let data = DataDir::with_a_file();
            std::fs::write(data.database(), "").unwrap();
            data
        }
    };
    let found = doctor(&data, &[]);
    let found = line(&found, "database");
    assert!(found.starts_with("FAIL") && found.contains("openanalyst migrate"), "{found}");
    let verified = data.run(&["audit", "verify", "--tenant", "acme"]);
    let said = String::from_utf8(verified.stderr).unwrap();
    assert!(!verified.status.success() && said.contains("openanalyst migrate"), "{said}");
    assert!(data.run(&["migrate"]).status.success());
    assert!(data.run(&["audit", "verify", "--tenant", "acme"]).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_a_data_directory() {
    let data = DataDir::with_a_file();
    let server = Server::start(&data);
    let token = data.token("acme", "ada");
    let client = server.client(&token);
    install(&client).await;
    let task = attempt(&client, &json!({ "steps": [{ "id": "a", "run": { "give": ["kept"] } }] }), "s").await;
    assert_eq!(task["status"], "completed", "{task}");
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copy");
    let output = data.run(&["backup", copy.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    assert!(!data.run(&["backup", copy.to_str().unwrap()]).status.success(), "never over another one");
    server.kill();
    for (path, mode) in [("", 0o700), ("openanalyst.db", 0o600), ("keys", 0o700), ("keys/signing.pem", 0o600)] {
        let found = std::fs::metadata(copy.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{path}");
    }
    let restored = DataDir::of(&copy);
    let server = Server::start(&restored);
    let (status, again) = server.client(&token).get(&format!("/v1/tasks/{}", task["taskId"].as_str().unwrap())).await;
    assert_eq!((status, &again["data"]), (200, &task["data"]), "the token is believed, and the task is there");
    let after =
        attempt(&server.client(&token), &json!({ "steps": [{ "id": "a", "run": { "give": ["x"] } }] }), "s").await;
    assert_eq!(after["status"], "completed", "the package is there: {after}");

    let exported = dir.path().join("history");
    let output = restored.run(&["history", "export", exported.to_str().unwrap(), "--tenant", "acme", "--user", "ada"]);
    assert!(output.status.success(), "{output:?}");
    let mut folders = vec![exported];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            if path.is_dir() {
                assert_eq!(mode, 0o700, "{}", path.display());
                folders.push(path);
            } else {
                assert_eq!(mode, 0o600, "{}", path.display());
                files += 1;
            }
        }
    }
    assert!(files > 0);
}

/// `… | head`: the reader goes away after its first lines.
#[test]
fn a_closed_pipe_ends_a_command_quietly() {
    let data = DataDir::with_a_file();
    for arguments in
        [&["serve", "--print-config"] as &[&str], &["token", "--tenant", "t", "--user", "u"], &["keys", "list"]]
    {
        let mut command: Command = data.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains("panicked") && !said.contains("pipe"), "{arguments:?}: {said}");
    }
}
