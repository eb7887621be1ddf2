//! The request of the README, over a real WebSocket and over HTTP.

use serde_json::{Value, json};

use crate::support::{DataDir, POST_AND_SCHEDULE, Server, assert_gapless, kinds};

/// The seventeen stages of a request with two script steps (docs/architecture.md).
const STAGES: [&str; 17] = [
    "accepted",
    "started",
    "context-built",
    "routed",
    "admitted",
    "planned",
    "step-started",
    "job-started",
    "job-finished",
    "evaluated",
    "step-started",
    "job-started",
    "job-finished",
    "evaluated",
    "replied",
    "recorded",
    "completed",
];

#[tokio::test(flavor = "multi_thread")]
async fn one_question_over_the_websocket_goes_through_all_stages() {
    let data = DataDir::new();
    let token = data.token("acme", "ada");
    let server = Server::start(&data);
    let mut hub = server.hub(&token).await;

    let asked = hub.send("USER_REQUEST", "s1", json!({"content": POST_AND_SCHEDULE})).await;
    let messages = hub.until("TASK_COMPLETE").await;

    for message in &messages {
        assert_eq!(message["userId"], "ada", "the token says who it is, not the message");
        assert_eq!(message["sessionId"], "s1");
        assert_eq!(message["correlationId"], json!(asked), "{message}");
        assert!(message["timestamp"].as_i64().unwrap() > 1_600_000_000_000);
        assert!(message["messageId"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    }
    let types: Vec<&str> = messages.iter().map(|message| message["type"].as_str().unwrap()).collect();
    assert_eq!(types[0], "ASSISTANT_TYPING");
    assert_eq!(types[types.len() - 2..], ["ASSISTANT_RESPONSE", "TASK_COMPLETE"]);
    let progress: Vec<&Value> = messages.iter().filter(|message| message["type"] == "TASK_PROGRESS").collect();
    for step in [1, 2] {
        let of_step = progress.iter().find(|message| message["payload"]["step"] == step).unwrap();
        assert_eq!(of_step["payload"]["steps"], 2);
        assert_eq!(of_step["payload"]["attempt"], 1);
    }

    let response = &messages[messages.len() - 2]["payload"];
    let content = response["content"].as_str().unwrap();
    assert!(content.contains("AI trends") && content.contains("09:00"), "the post and its time: {content}");
    assert_eq!(response["metadata"]["skill"], "social-media");
    assert!(response["metadata"]["confidence"].as_f64().unwrap() > 0.5);
    assert_eq!(response["done"], true);
    let complete = &messages[messages.len() - 1]["payload"];
    assert_eq!(complete["status"], "completed");

    let task = complete["taskId"].as_str().unwrap();
    let events = server.client(&token).events(task).await;
    assert_gapless(&events);
    assert_eq!(kinds(&events), STAGES);
    let routed = &events[3]["data"];
    assert_eq!(routed["skill"], "social-media");
    assert_eq!(routed["actions"], json!(["create", "schedule"]));
    assert!(!routed["reasons"].as_array().unwrap().is_empty());
    let slot = |name: &str| {
        let slots = routed["slots"].as_array().unwrap();
        slots.iter().find(|slot| slot["name"] == name).map(|slot| slot["value"].clone()).unwrap_or_default()
    };
    assert_eq!(slot("platform"), "twitter");
    assert_eq!(slot("topic"), "AI trends");
    assert_eq!(slot("when")["timeZone"], crate::support::ZONE);
    assert_eq!(slot("when")["past"], false);
    let paths: Vec<&str> = [7, 11].iter().map(|index| events[*index]["data"]["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["f/openanalyst/social/create_post", "f/openanalyst/social/schedule_post"]);
    for index in [9, 13] {
        assert_eq!(events[index]["data"]["met"], true);
    }
    // The answer names the jobs that did it.
    for index in [7, 11] {
        let job = events[index]["data"]["jobId"].as_str().unwrap();
        assert!(content.contains(job), "{content} does not name the job {job}");
    }

    let store = open_store(&data).await;
    let owner = owner("acme", "ada");
    let schedules = store.schedules(&owner.tenant, "u/ada/", None, 10).await.unwrap().rows;
    assert_eq!(schedules.len(), 1, "a real schedule");
    assert_eq!(schedules[0].next_at_ms, slot("when")["atMs"].as_i64());
    let kinds: Vec<String> =
        store.history(&owner, None, 10).await.unwrap().into_iter().map(|entry| entry.kind).collect();
    assert!(kinds.contains(&"session".to_owned()) && kinds.contains(&"success".to_owned()), "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_request_of_the_session_takes_up_the_earlier_one() {
    let data = DataDir::new();
    let token = data.token("acme", "ada");
    let server = Server::start(&data);
    let client = server.client(&token);
    let first = client.ask(POST_AND_SCHEDULE, "s").await;
    assert_eq!(first["status"], "completed", "{first}");
    let second = client.ask("schedule it for Friday instead", "s").await;
    assert_eq!(second["status"], "completed", "{second}");
    assert_eq!(second["metadata"]["skill"], "social-media");

    let store = open_store(&data).await;
    let schedules = store.schedules(&owner("acme", "ada").tenant, "u/ada/", None, 10).await.unwrap().rows;
    assert_eq!(schedules.len(), 1, "the schedule was moved, not doubled: {schedules:?}");
    let at = chrono::DateTime::from_timestamp_millis(schedules[0].next_at_ms.unwrap()).unwrap();
    let local = at.with_timezone(&chrono_tz::Europe::Berlin);
    assert_eq!(local.format("%a").to_string(), "Fri", "{local}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_user_said_is_remembered() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let client = server.client(&data.token("acme", "ada"));
    let named = client.ask("call me Countess", "s").await;
    assert_eq!(named["status"], "completed", "{named}");
    let greeted = client.ask("hello", "another session").await;
    assert!(greeted["content"].as_str().unwrap().contains("Countess"), "{greeted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_idempotency_key_is_the_same_task() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let client = server.client(&data.token("acme", "ada"));
    let http = openanalyst_egress::client(std::time::Duration::from_secs(60)).unwrap();
    let post = |content: &str| {
        let request = http
            .post(format!("http://{}/v1/requests?wait=60", server.address))
            .header("idempotency-key", "k1")
            .json(&json!({"content": content, "sessionId": "s"}));
        client.send(request)
    };
    let (_, first) = post("hello").await;
    let (status, again) = post("hello").await;
    assert_eq!((status, &again["taskId"]), (200, &first["taskId"]));
    let (status, other) = post("help").await;
    assert_eq!((status, &other["code"]), (409, &json!("idempotency-key-reused")));
    assert_eq!(client.ask("hello", "s").await["status"], "completed", "what was refused leaves the session as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bundled_skill_answers_without_a_language_model() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let client = server.client(&data.token("acme", "ada"));
    let csv = "day,likes,clicks\n2026-11-01,10,3\n2026-11-02,30,5\n";
    let table = [
        ("what can you do?", "core", "social"),
        ("every Monday at 9 run the analytics report", "workflow-builder", "Monday"),
    ];
    for (content, skill, expected) in table {
        let task = client.ask(content, content).await;
        assert_eq!(task["status"], "completed", "{task}");
        assert_eq!(task["metadata"]["skill"], skill, "{task}");
        assert!(task["content"].as_str().unwrap().contains(expected), "{task}");
    }
    let body = json!({
        "content": "make an analytics report of the attached numbers", "sessionId": "report",
        "attachments": [{"name": "numbers.csv", "content": csv}],
    });
    let (status, report) = client.post("/v1/requests?wait=60", &body).await;
    assert_eq!((status, &report["status"]), (200, &json!("completed")), "{report}");
    assert_eq!(report["metadata"]["skill"], "analytics");
    let text = report["content"].as_str().unwrap();
    assert!(text.contains("numbers.csv") && text.contains("40") && text.contains('|'), "{text}");
}

/// What a disabled skill is meant for is not given to another one in silence.
#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_skills_requests_are_not_taken_by_others_in_silence() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let client = server.client(&data.token("acme", "ada"));
    let (status, answer) = client.post("/v1/skills/social-media/disable", &json!({})).await;
    assert_eq!(status, 200, "{answer}");
    for content in ["Create a Twitter post about AI trends", "Analyze the engagement of my posts"] {
        let task = client.ask(content, content).await;
        assert!(task["status"] == "failed" || task["status"] == "needs-clarification", "{task}");
        assert!(task["metadata"]["windmillJobs"].as_array().is_none_or(Vec::is_empty), "{task}");
        let said = format!("{} {}", task["content"], task["error"]["message"]);
        assert!(said.contains("`social-media`") && said.contains("disabled"), "{task}");
    }
    let (_, route) = client.post("/v1/route", &json!({ "content": "Create a Twitter post about AI trends" })).await;
    assert!(route["reasons"].to_string().contains("it is disabled"), "{route}");
    // Nor is a part of a request.
    let both = "Analyse my posts of last week and then create a Twitter post about AI trends";
    let task = client.ask(both, "parts").await;
    assert_eq!(task["status"], "failed", "{task}");
    let said = task["error"]["message"].as_str().unwrap();
    assert!(said.contains("`social-media`") && said.contains("“create a Twitter post about AI trends”"), "{said}");
    assert!(task["metadata"]["windmillJobs"].as_array().is_none_or(Vec::is_empty), "{task}");
    assert_eq!(client.ask("hello", "s").await["status"], "completed", "the others answer as before");
}

pub async fn open_store(data: &DataDir) -> openanalyst_store::Store {
    openanalyst_store::Store::open(&data.record()).await.unwrap()
}

pub fn owner(tenant: &str, user: &str) -> openanalyst_domain::Owner {
    openanalyst_domain::Owner::new(tenant.try_into().unwrap(), user.try_into().unwrap())
}
