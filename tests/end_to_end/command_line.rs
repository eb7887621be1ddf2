//! The command line, as a newcomer meets it.

use serde_json::Value;

use crate::support::{DataDir, POST_AND_SCHEDULE};

#[test]
fn one_command_does_the_main_job() {
    let data = DataDir::new();
    let output = data.run(&["ask", POST_AND_SCHEDULE]);
    let (answer, progress) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0), "{progress}");
    assert!(answer.contains("AI trends") && answer.contains("09:00"), "{answer}");
    for said in ["social-media", "[1/2]", "[2/2]", "f/openanalyst/social/schedule_post"] {
        assert!(progress.contains(said), "`{said}` is not in {progress}");
    }

    let output = data.run(&["ask", "schedule it for Friday instead", "--json"]);
    let task: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(task["status"], "completed", "{task}");
    assert_eq!(task["metadata"]["skill"], "social-media");
}

#[test]
fn a_question_is_answered_with_the_tasks_id() {
    let data = DataDir::new();
    let output = data.run(&["ask", "Create a post about AI trends", "--json"]);
    assert_eq!(output.status.code(), Some(1), "a question is no answer");
    let task: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(task["status"], "needs-clarification");
    let output = data.run(&["ask", "Twitter", "--task", task["taskId"].as_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn the_doctor_names_every_part() {
    let data = DataDir::with_a_file();
    assert_eq!(data.run(&["migrate"]).status.code(), Some(0));
    let output = data.run(&["doctor", "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    for part in ["data directory", "database", "signing key", "sandbox", "bundled skills", "checker", "script runner"] {
        assert!(said.contains(&format!("ok    {part}")), "`{part}` is not in {said}");
    }

    std::fs::write(data.database(), vec![b'x'; 8192]).unwrap();
    let output = data.run(&["doctor", "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("FAIL  database") && said.contains("backup"), "{said}");
    assert!(said.contains("ok    bundled skills"), "one failure hides no other check: {said}");
}

#[test]
fn an_open_data_directory_is_named_once_and_only_where_the_host_starts() {
    use std::os::unix::fs::PermissionsExt as _;
    let data = DataDir::with_a_file();
    std::fs::write(data.path().join("letter.txt"), "somebody else's").unwrap();
    std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let said = |arguments: &[&str]| {
        let output = data.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        let said = [output.stdout, output.stderr].concat();
        String::from_utf8(said).unwrap().matches("is open to other users").count()
    };
    // What is written to stderr here is JSON lines, as it is no terminal.
    assert_eq!(said(&["ask", "hello", "--json"]), 1);
    assert_eq!(said(&["doctor", "--listen", "127.0.0.1:0"]), 1);
    for arguments in [&["token", "--tenant", "acme", "--user", "ada"][..], &["skill", "list"], &["migrate"], &["usage"]]
    {
        assert_eq!(said(arguments), 0, "{arguments:?}");
    }
}

#[test]
fn the_configuration_is_shown_with_its_sources() {
    let data = DataDir::with_a_file();
    std::fs::write(data.path().join("openanalyst.toml"), "script-workers = 2\n").unwrap();
    let output = data
        .command(&["serve", "--print-config", "--pool-instances", "16"])
        .env("OPENANALYST_MAX_OPEN_TASKS", "5")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    for line in [
        "script-workers = 2 # file",
        "pool-instances = 16 # flag",
        "max-open-tasks = 5 # environment",
        "budget-cpu-ms = 1000 # default",
    ] {
        assert!(said.contains(line), "`{line}` is not in {said}");
    }
}
