//! How a step goes on after a verdict: scripts that may not run twice, answers that reach the next attempt, failures that stay known.

use serde_json::{Value, json};

use crate::brain::{attempt, events_of, id, start};
use crate::support::{Client, kinds};

const CREATE_POST: &str = "f/openanalyst/social/create_post";

async fn answer(client: &Client, task: &Value, text: &str) -> Value {
    let answers = json!({ "answers": [{ "text": text }] });
    let (status, answered) = client.post(&format!("/v1/tasks/{}/answers", id(task)), &answers).await;
    assert!(status == 200 || status == 202, "{answered}");
    answered
}

/// Waits until a task rests, and gives it.
async fn rested(client: &Client, task: &Value, asked: usize) -> Value {
    let mut seen = 0;
    client
        .each_event(id(task), 0, |event| {
            seen += usize::from(event["kind"] == "asked");
            seen < asked && !matches!(event["kind"].as_str().unwrap(), "completed" | "failed")
        })
        .await;
    client.get(&format!("/v1/tasks/{}", id(task))).await.1
}

fn count(events: &[Value], kind: &str) -> usize {
    events.iter().filter(|event| event["kind"] == kind).count()
}

/// A script that ended well may have changed something: it runs again only if the plan says that it may, or the user does.
#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_ended_well_runs_again_only_where_the_plan_or_the_user_says_so() {
    let (_data, _server, client) = start(&[]).await;
    let step = |retryable: Option<bool>| {
        let mut arguments = json!({ "platform": "twitter", "topic": "AI" });
        if let Some(retryable) = retryable {
            arguments["$retryable"] = json!(retryable);
        }
        let expects =
            json!([{ "pointer": "/post/platform", "exact": "linkedin", "description": "it is for LinkedIn" }]);
        json!({ "steps": [{ "id": "a", "script": CREATE_POST, "arguments": arguments, "expects": expects }] })
    };
    for (session, retryable) in [("unsaid", None), ("no", Some(false))] {
        let task = attempt(&client, &step(retryable), session).await;
        assert_eq!(task["status"], "needs-clarification", "{task}");
        assert!(task["content"].as_str().unwrap().contains("may have changed something"), "{task}");
        answer(&client, &task, "try again").await;
        let again = rested(&client, &task, 2).await;
        assert_eq!(
            again["metadata"]["windmillJobs"].as_array().unwrap().len(),
            2,
            "the user let it run again: {again}"
        );
        answer(&client, &task, "take it as it is").await;
        let events = events_of(&client, &task).await;
        assert_eq!(
            (count(&events, "job-started"), count(&events, "retrying"), count(&events, "researched")),
            (2, 0, 0)
        );
        assert_eq!(kinds(&events).last(), Some(&"completed"));
    }
    let task = attempt(&client, &step(Some(true)), "yes").await;
    assert_eq!((&task["status"], &task["metadata"]["attempts"]), (&json!("needs-clarification"), &json!(5)), "{task}");
    // One that failed is another thing: this one stumbles over a number.
    let arguments = json!({ "platform": "twitter", "topic": "AI", "differences": 5 });
    let failing = json!({ "steps": [{ "id": "a", "script": CREATE_POST, "arguments": arguments }] });
    let task = attempt(&client, &failing, "failing").await;
    assert_eq!((&task["status"], &task["metadata"]["attempts"]), (&json!("needs-clarification"), &json!(5)), "{task}");
    let wrong = attempt(
        &client,
        &json!({ "steps": [{ "id": "a", "script": CREATE_POST,
        "arguments": { "$retryable": "yes" } }] }),
        "wrong",
    )
    .await;
    assert!(wrong["error"]["message"].as_str().unwrap().contains("it is true or false"), "{wrong}");
}

/// The attempt after the user's answer is told what had been wrong and what the user says, and so is a script.
#[tokio::test(flavor = "multi_thread")]
async fn the_users_words_reach_the_next_attempt() {
    let (_data, _server, client) = start(&["--retries", "0", "--research", "false"]).await;
    let expects =
        json!([{ "pointer": "/gave/0/1", "exact": "the user says: make it blue", "description": "it is blue" }]);
    let document =
        json!({ "steps": [{ "id": "a", "run": { "do": [{ "call": "differences" }] }, "expects": expects }] });
    let task = attempt(&client, &document, "s").await;
    assert_eq!(task["questions"].as_array().unwrap().len(), 1, "{task}");
    answer(&client, &task, "make it blue").await;
    let done = rested(&client, &task, 2).await;
    assert_eq!(done["status"], "completed", "{done}");
    let told = done["data"]["outputs"][0]["gave"][0].as_array().unwrap();
    assert!(told[0].as_str().unwrap().starts_with("before the question: it is blue"), "{told:?}");

    let expects = json!([{ "pointer": "/post/length", "within": [1, 120], "description": "it is short" }]);
    let arguments = json!({ "platform": "twitter", "topic": "a topic with quite a few words in it" });
    let document =
        json!({ "steps": [{ "id": "a", "script": CREATE_POST, "arguments": arguments, "expects": expects }] });
    let task = attempt(&client, &document, "t").await;
    assert_eq!(task["status"], "needs-clarification", "{task}");
    answer(&client, &task, "please make it shorter").await;
    let again = rested(&client, &task, 2).await;
    assert_eq!(again["status"], "completed", "the script heeds it: {again}");
}

/// "Take it as it is" is said of one step and of one question.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_for_the_question_that_was_asked() {
    let (_data, _server, client) = start(&["--retries", "0", "--research", "false"]).await;
    let expects = json!([{ "exact": "right" }]);
    let step = |id: &str| json!({ "id": id, "run": { "give": [format!("{id} is wrong")] }, "expects": expects });
    let task = attempt(&client, &json!({ "steps": [step("a"), step("b")] }), "s").await;
    let (status, refused) = client
        .post(
            &format!("/v1/tasks/{}/answers", id(&task)),
            &json!({ "answers": [{ "questionId": "step-z", "text": "x" }] }),
        )
        .await;
    assert_eq!(status, 400, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("`step-a`"), "it names what was asked: {refused}");
    answer(&client, &task, "take it as it is").await;
    let second = rested(&client, &task, 2).await;
    assert_eq!(second["questions"][0]["id"], "step-b", "{second}");
    answer(&client, &task, "try again").await;
    let third = rested(&client, &task, 3).await;
    assert_eq!(third["questions"][0]["id"], "step-b", "what was taken of a is not said of b: {third}");
    answer(&client, &task, "take it as it is").await;
    assert_eq!(kinds(&events_of(&client, &task).await).last(), Some(&"completed"));
    let done = client.get(&format!("/v1/tasks/{}", id(&task))).await.1;
    assert_eq!(done["data"]["outputs"], json!(["a is wrong", "b is wrong"]));
}

/// A check of the skill that is refused for good is not tried again.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_is_refused_ends_its_step() {
    let (_data, _server, client) = start(&[]).await;
    let expects = json!([{ "bySkill": "denied: no look at it", "description": "it was looked at" }]);
    let task =
        attempt(&client, &json!({ "steps": [{ "id": "a", "run": { "give": [1] }, "expects": expects }] }), "s").await;
    assert_eq!((&task["status"], &task["error"]["code"]), (&json!("failed"), &json!("denied")), "{task}");
    let events = events_of(&client, &task).await;
    assert_eq!(count(&events, "step-started"), 1);
    let evaluated = events.iter().find(|event| event["kind"] == "evaluated").unwrap();
    assert_eq!(evaluated["data"]["failure"], json!({ "code": "denied", "retryable": false }));
}

/// Nothing that went wrong is forgotten because something else went wrong later.
#[tokio::test(flavor = "multi_thread")]
async fn every_failure_of_a_task_stands_in_the_history() {
    let (_data, _server, client) = start(&["--retries", "1", "--research", "false"]).await;
    let document = json!({ "steps": [
        { "id": "a", "run": { "give": ["wrong"] }, "expects": [{ "exact": "right" }] },
        { "id": "b", "run": { "fail": ["invalid"] } },
    ]});
    let task = attempt(&client, &document, "s").await;
    answer(&client, &task, "take it as it is").await;
    assert_eq!(kinds(&events_of(&client, &task).await).last(), Some(&"failed"));
    let failures = client.get("/v1/history?kind=failure").await.1;
    let failures = failures["entries"].as_array().unwrap();
    assert_eq!(failures.len(), 2, "{failures:?}");
    assert!(failures[0]["content"].as_str().unwrap().contains("the input makes no sense"), "{failures:?}");
    assert!(failures[1]["content"].as_str().unwrap().contains("never gave what was expected"), "{failures:?}");
    let attempts = failures[1]["data"]["attempts"].as_array().unwrap();
    assert_eq!((attempts.len(), &attempts[1]["attempt"]), (2, &json!(2)), "{attempts:?}");
}

/// Failures of a plan and a reply are seen, and told.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_or_a_reply_that_fails_says_so() {
    let (_data, _server, client) = start(&[]).await;
    for (stage, document) in
        [("plan", json!({ "failPlan": 2, "steps": [] })), ("reply", json!({ "failReply": 2, "steps": [] }))]
    {
        let task = attempt(&client, &document, stage).await;
        assert_eq!(task["status"], "completed", "{task}");
        let events = events_of(&client, &task).await;
        let retrying: Vec<&Value> =
            events.iter().filter(|event| event["kind"] == "retrying").map(|event| &event["data"]).collect();
        assert_eq!(retrying.len(), 2, "{stage}: {:?}", kinds(&events));
        assert_eq!((&retrying[0]["stage"], &retrying[0]["attempt"]), (&json!(stage), &json!(2)));
        assert_eq!(retrying[0]["failure"], json!({ "code": "failed", "retryable": true }));
        assert!(retrying[1]["differences"][0].as_str().unwrap().contains("number 2"), "{retrying:?}");
    }
    let kept = client.get("/v1/history?kind=success").await.1;
    assert_eq!(kept["entries"][0]["data"]["attempts"].as_array().unwrap().len(), 2, "{kept}");
}

/// What a step is given by the context says what was left out.
#[tokio::test(flavor = "multi_thread")]
async fn the_context_says_what_it_left_out() {
    let (_data, _server, client) = start(&[]).await;
    let mut last = Value::Null;
    for _ in 0..12 {
        last = attempt(&client, &json!({ "steps": [] }), "long").await;
    }
    let events = events_of(&client, &last).await;
    let built = &events.iter().find(|event| event["kind"] == "context-built").unwrap()["data"];
    assert_eq!(
        (&built["messages"], &built["omitted"], &built["leftOut"]),
        (&json!(20), &json!(2), &json!({ "messages": 2, "preferences": 0, "learnings": 0, "shortened": 0 })),
        "{built}"
    );
}

/// A task that asked and is answered while later ones of its session wait: it goes first, and nobody waits for ever.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_finds_its_place_in_the_session() {
    let (_data, _server, client) = start(&["--retries", "0", "--research", "false"]).await;
    let asks = json!({ "steps": [{ "id": "a", "run": { "give": ["wrong"] }, "expects": [{ "exact": "right" }] }] });
    let asked = attempt(&client, &asks, "s").await;
    let request = |run: Value| {
        let document = json!({ "steps": [{ "id": "a", "run": run }] });
        json!({ "content": format!("trier document {document}"), "sessionId": "s" })
    };
    let mut tasks = vec![asked.clone()];
    for run in
        [json!({ "do": [{ "call": "work", "ms": 300 }] }), json!({ "give": ["third"] }), json!({ "give": ["fourth"] })]
    {
        tasks.push(client.post("/v1/requests?wait=0", &request(run)).await.1);
    }
    answer(&client, &asked, "take it as it is").await;
    for task in &tasks {
        assert_eq!(kinds(&events_of(&client, task).await).last(), Some(&"completed"), "{task}");
    }
}

/// What was met in a round stays met, also where the round after it did not get so far.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_met_is_kept_over_several_rounds() {
    let (_data, _server, client) = start(&["--retries", "0", "--research", "false"]).await;
    let wrong = |id: &str| json!({ "id": id, "run": { "give": ["wrong"] }, "expects": [{ "exact": "right" }] });
    let script =
        json!({ "id": "script", "script": CREATE_POST, "arguments": { "platform": "twitter", "topic": "AI" } });
    let document = json!({ "steps": [script, wrong("b"), wrong("c")] });
    let task = attempt(&client, &document, "s").await;
    for (round, said) in ["try again", "take it as it is", "try again", "take it as it is"].into_iter().enumerate() {
        answer(&client, &task, said).await;
        rested(&client, &task, round + 2).await;
    }
    let events = events_of(&client, &task).await;
    assert_eq!((count(&events, "job-started"), kinds(&events).last()), (1, Some(&"completed")), "{:?}", kinds(&events));
}
