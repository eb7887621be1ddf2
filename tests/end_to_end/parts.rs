//! Requests for several skills.

use axum::Json;
use axum::routing::post;
use serde_json::{Value, json};

use crate::brain::{FAST, events_of, id, serve};
use crate::support::{DataDir, Server, kinds};

/// The skills that the routing of a task chose, in order.
fn routed(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .filter(|event| event["kind"] == "routed")
        .map(|event| event["data"]["skill"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_two_skills_is_done_part_by_part() {
    let data = DataDir::new();
    let server = Server::start_with(&data, &FAST);
    let client = server.client(&data.token("acme", "ada"));
    let task = client.ask("Analyse my posts of last week and then create a Twitter post about AI trends", "s").await;
    assert_eq!(task["status"], "completed", "{task}");
    let events = events_of(&client, &task).await;
    assert_eq!(routed(&events), ["analytics", "social-media"], "{:?}", kinds(&events));
    let found = kinds(&events);
    assert_eq!(found.iter().filter(|kind| **kind == "planned").count(), 2, "{found:?}");
    assert_eq!(found.iter().filter(|kind| **kind == "replied").count(), 1, "one answer: {found:?}");
    let parts = task["data"]["parts"].as_array().unwrap();
    assert_eq!((&parts[0]["skill"], &parts[1]["skill"]), (&json!("analytics"), &json!("social-media")));
    assert!(task["content"].as_str().unwrap().contains("AI trends"), "{task}");
    // What one skill does alone stays whole.
    let task = client.ask("Create a Twitter post about cats and dogs", "t").await;
    assert_eq!(routed(&events_of(&client, &task).await), ["social-media"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_may_split_what_the_router_cannot() {
    async fn chat(Json(body): Json<Value>) -> Json<Value> {
        let asked = body["messages"].to_string();
        let content = if asked.contains("divide a user's request") {
            json!([
                { "skill": "analytics", "request": "Give me the numbers of last week" },
                { "skill": "social-media", "request": "Create a Twitter post about AI trends" },
            ])
            .to_string()
        } else {
            "I cannot help with that.".to_owned()
        };
        Json(json!({ "model": "m", "choices": [{ "message": { "content": content }, "finish_reason": "stop" }] }))
    }
    let url = serve(axum::Router::new().route("/v1/chat/completions", post(chat))).await;
    let data = DataDir::new();
    let flags = ["--llm", "openai", "--llm-model", "m", "--llm-url", &format!("{url}/v1")];
    let server = Server::start_with(&data, &[&FAST[..], &flags].concat());
    let client = server.client(&data.token("acme", "ada"));
    let task = client
        .ask("With the report of last week, and its analytics, a Twitter post about AI trends would be nice", "s")
        .await;
    let events = events_of(&client, &task).await;
    assert_eq!(routed(&events), ["analytics", "social-media"], "{task}");
    assert_eq!(task["data"]["parts"][1]["data"]["madeBy"], "rules", "what the model wrote broke the rules: {task}");
}

/// The sentence of the manual: the second part sums up what the first one found, on the platform that its user then names.
#[tokio::test(flavor = "multi_thread")]
async fn a_summary_is_one_of_what_the_part_before_it_found() {
    let data = DataDir::new();
    let server = Server::start_with(&data, &FAST);
    let client = server.client(&data.token("acme", "ada"));
    let task = client.ask("Analyse last week and post a summary", "s").await;
    assert_eq!(task["status"], "needs-clarification", "{task}");
    assert_eq!(routed(&events_until_asked(&client, &task).await), ["analytics", "social-media"], "{task}");
    let asked = task["content"].as_str().unwrap();
    assert!(
        asked.contains("# Analytics report") && asked.contains("platform"),
        "the report, and then the question: {asked}"
    );
    let answer = json!({ "answers": [{ "questionId": "platform", "text": "LinkedIn" }] });
    client.post(&format!("/v1/tasks/{}/answers", id(&task)), &answer).await;
    let events = events_of(&client, &task).await;
    assert_eq!(kinds(&events).last(), Some(&"completed"));
    let done = client.get(&format!("/v1/tasks/{}", id(&task))).await.1;
    let post = done["data"]["parts"][1]["data"]["post"]["content"].as_str().unwrap();
    // Without a table of figures, its sentences are summed up.
    assert!(
        post.starts_with("Analytics report: ") && post.contains("You have no posts on record in last week"),
        "{post}"
    );
}

/// What was done stays said, whatever becomes of the rest.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_fails_leaves_the_answer_before_it() {
    let data = DataDir::new();
    let server = Server::start_with(&data, &FAST);
    let client = server.client(&data.token("acme", "ada"));
    assert_eq!(client.put("/v1/skills/social-media/grants", &json!({})).await.0, 200);
    let task = client.ask("Analyse my posts of last week and then create a Twitter post about AI trends", "s").await;
    assert_eq!((&task["status"], &task["error"]["code"]), (&json!("failed"), &json!("denied")), "{task}");
    let content = task["content"].as_str().unwrap();
    assert!(content.contains("# Analytics report") && content.contains("That did not work"), "{content}");
}

async fn events_until_asked(client: &crate::support::Client, task: &Value) -> Vec<Value> {
    let mut events = Vec::new();
    client
        .each_event(id(task), 0, |event| {
            let asked = event["kind"] == "asked";
            events.push(event);
            !asked
        })
        .await;
    events
}
