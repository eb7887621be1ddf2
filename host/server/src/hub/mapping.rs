//! Which messages an event of a task becomes. Pure.
//!
//! | event | messages |
//! |---|---|
//! | `preparing`, `step-started`, `job-started`, `progress`, `job-finished`, `evaluated`, `retrying`, `researched`, `parked`, `resumed` | `TASK_PROGRESS` |
//! | `part` | `ASSISTANT_RESPONSE` with `done: false` |
//! | `replied` | `ASSISTANT_RESPONSE` |
//! | `asked` | `ASSISTANT_RESPONSE` with questions, `TASK_COMPLETE` |
//! | `completed`, `cancelled` | `TASK_COMPLETE` |
//! | `failed` | `TASK_ERROR`, `TASK_COMPLETE` |
//! | the others | none |
//!
//! Only the last message of an event carries its `seq`, so that a client which resumes after the number it saw misses nothing.

use openanalyst_brain::TaskView;
use openanalyst_domain::{EventKind, TaskEvent, TaskStatus};
use serde_json::{Map, Value, json};

use super::envelope::Kind;

/// Whether the messages of such an event say more with the task beside it.
pub(super) fn wants_task(kind: EventKind) -> bool {
    matches!(kind, EventKind::Replied | EventKind::Asked)
}

/// The messages that an event becomes, in order.
pub(super) fn messages(event: &TaskEvent, task: Option<&TaskView>) -> Vec<(Kind, Value)> {
    use EventKind as E;
    match event.kind {
        E::Preparing
        | E::StepStarted
        | E::JobStarted
        | E::Progress
        | E::JobFinished
        | E::Evaluated
        | E::Retrying
        | E::Researched
        | E::Parked
        | E::Resumed => vec![(Kind::TaskProgress, progress(event))],
        E::Part => vec![(Kind::AssistantResponse, part(event))],
        E::Replied => vec![(Kind::AssistantResponse, response(event, task))],
        E::Asked => vec![
            (Kind::AssistantResponse, response(event, task)),
            (Kind::TaskComplete, complete(event, TaskStatus::NeedsClarification)),
        ],
        E::Completed => vec![(Kind::TaskComplete, complete(event, TaskStatus::Completed))],
        E::Cancelled => vec![(Kind::TaskComplete, complete(event, TaskStatus::Cancelled))],
        E::Failed => {
            let error = json!({
                "taskId": event.task_id, "code": event.data["code"], "message": event.data["message"],
                "retryable": event.data["retryable"].as_bool().unwrap_or_default(),
            });
            vec![(Kind::TaskError, error), (Kind::TaskComplete, complete(event, TaskStatus::Failed))]
        }
        E::Accepted
        | E::Started
        | E::ContextBuilt
        | E::Routed
        | E::Admitted
        | E::Planned
        | E::Recorded
        | E::Answered
        | E::Recovered => Vec::new(),
    }
}

/// A part of an answer that is still being written: the whole comes at the end, under the same message id.
fn part(event: &TaskEvent) -> Value {
    json!({
        "taskId": event.task_id, "seq": event.seq, "messageId": event.data["messageId"], "content": event.data["content"],
        "index": event.data["index"], "done": false,
    })
}

fn complete(event: &TaskEvent, status: TaskStatus) -> Value {
    json!({ "taskId": event.task_id, "seq": event.seq, "status": status, "receipt": event.data["receipt"] })
}

fn progress(event: &TaskEvent) -> Value {
    let data = &event.data;
    let mut payload = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            payload.insert(name.to_owned(), value);
        }
    };
    put("taskId", json!(event.task_id));
    put("seq", json!(event.seq));
    put("stage", json!(event.kind));
    for name in ["step", "steps", "title", "attempt", "percent"] {
        put(name, data[name].clone());
    }
    put("message", message(event).map_or(Value::Null, Value::String));
    put("windmillJob", data["jobId"].clone());
    Value::Object(payload)
}

/// One line for people, where the event has more to say than its step's title.
fn message(event: &TaskEvent) -> Option<String> {
    let data = &event.data;
    let text = |name: &str| data[name].as_str().map(str::to_owned);
    let differences = || -> String {
        let all = data["differences"].as_array().into_iter().flatten();
        all.map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect::<Vec<_>>().join("; ")
    };
    match event.kind {
        EventKind::Preparing | EventKind::Progress => text("message"),
        EventKind::JobStarted => text("path").map(|path| format!("runs {path}")),
        EventKind::JobFinished => text("path").map(|path| {
            let status = data["status"].as_str().unwrap_or("done");
            format!("{path}: {status}")
        }),
        EventKind::Evaluated if data["met"] == true => Some("as expected".to_owned()),
        EventKind::Evaluated => Some(format!("not as expected: {}", differences())),
        EventKind::Retrying => Some(format!("trying again: {}", differences())),
        EventKind::Researched => Some("looked up how it is done right".to_owned()),
        EventKind::Parked => Some("waits for a job".to_owned()),
        EventKind::Resumed => Some("the job has ended: going on".to_owned()),
        _ => None,
    }
}

fn response(event: &TaskEvent, task: Option<&TaskView>) -> Value {
    let data = &event.data;
    let known = task.map(|task| &task.metadata);
    // A question is followed by more work, so what the task used until then stands in the event and not in the task.
    let receipt = &data["receipt"];
    let or = |there: &Value, else_: Value| if there.is_null() { else_ } else { there.clone() };
    let jobs = or(&receipt["windmillJobs"], json!(known.map(|known| &known.windmill_jobs)));
    let last_job = jobs.as_array().and_then(|jobs| jobs.last()).cloned().unwrap_or_default();
    let mut payload = json!({
        "taskId": event.task_id,
        "messageId": data["messageId"],
        "content": data["content"],
        "done": true,
        "metadata": {
            "skill": known.and_then(|known| known.skill.as_deref()),
            "skillVersion": known.and_then(|known| known.skill_version.as_deref()),
            "confidence": known.and_then(|known| known.confidence),
            "duration": or(&receipt["durationMs"], json!(known.map(|known| known.duration_ms))),
            "attempts": or(&receipt["attempts"], json!(known.map(|known| known.attempts))),
            "windmillJob": last_job,
            "windmillJobs": jobs,
        },
    });
    for name in ["questions", "data"] {
        if !data[name].is_null() {
            payload[name] = data[name].clone();
        }
    }
    payload
}

#[cfg(test)]
mod tests {
    use openanalyst_brain::TaskMetadata;
    use openanalyst_domain::{SessionKey, TaskId};

    use super::*;

    fn event(kind: EventKind, data: Value) -> TaskEvent {
        TaskEvent { task_id: TaskId::new(), seq: 7, at_ms: 0, kind, data }
    }

    fn view() -> TaskView {
        TaskView {
            task_id: TaskId::new(),
            session_id: SessionKey::parse("s").unwrap(),
            status: TaskStatus::Completed,
            content: String::new(),
            done: true,
            questions: Vec::new(),
            data: None,
            error: None,
            metadata: TaskMetadata {
                skill: Some("social-media".to_owned()),
                skill_version: Some("1.0.0".to_owned()),
                confidence: Some(0.9),
                duration_ms: 120,
                attempts: 2,
                windmill_jobs: vec!["j1".to_owned(), "j2".to_owned()],
            },
            request: String::new(),
            accepted_at_ms: 0,
            ended_at_ms: None,
            last_seq: 9,
            correlation_id: None,
        }
    }

    #[test]
    fn an_answer_says_how_it_was_made() {
        let replied = event(EventKind::Replied, json!({"messageId": "m", "content": "Posted.", "data": {"x": 1}}));
        let (kind, payload) = messages(&replied, Some(&view())).remove(0);
        assert_eq!(
            (kind, &payload["content"], &payload["done"]),
            (Kind::AssistantResponse, &json!("Posted."), &json!(true))
        );
        assert_eq!(payload["data"], json!({"x": 1}));
        let metadata = &payload["metadata"];
        assert_eq!((&metadata["skill"], &metadata["duration"]), (&json!("social-media"), &json!(120)));
        assert_eq!((&metadata["windmillJob"], &metadata["attempts"]), (&json!("j2"), &json!(2)));
        assert!(payload.get("questions").is_none() && payload.get("seq").is_none());
        let (_, without) = messages(&replied, None).remove(0);
        assert!(without["metadata"]["skill"].is_null());
    }

    #[test]
    fn a_question_ends_the_round_with_the_numbers_of_its_own_time() {
        let data = json!({"content": "Where?", "questions": [{"id": "q"}], "receipt": {"durationMs": 5, "attempts": 1, "windmillJobs": []}});
        let all = messages(&event(EventKind::Asked, data), Some(&view()));
        assert_eq!(all[0].1["metadata"]["duration"], 5);
        assert_eq!(all[0].1["questions"][0]["id"], "q");
        assert_eq!(
            (all[1].0, &all[1].1["status"], &all[1].1["seq"]),
            (Kind::TaskComplete, &json!("needs-clarification"), &json!(7))
        );
    }

    #[test]
    fn a_failure_is_an_error_and_an_end() {
        let all = messages(
            &event(EventKind::Failed, json!({"code": "denied", "message": "no", "retryable": false, "receipt": {}})),
            None,
        );
        assert_eq!((all[0].0, &all[0].1["code"]), (Kind::TaskError, &json!("denied")));
        assert_eq!((all[1].0, &all[1].1["status"]), (Kind::TaskComplete, &json!("failed")));
        assert!(all[0].1.get("seq").is_none(), "who saw only the error resumes and gets the end");
    }

    #[test]
    fn progress_names_step_and_job() {
        let data = json!({"step": 1, "steps": 2, "id": "a", "title": "Write", "attempt": 1, "attempts": 4, "jobId": "j", "path": "f/x/y"});
        let (kind, payload) = messages(&event(EventKind::JobStarted, data), None).remove(0);
        assert_eq!(kind, Kind::TaskProgress);
        for (name, value) in [
            ("seq", json!(7)),
            ("step", json!(1)),
            ("steps", json!(2)),
            ("title", json!("Write")),
            ("attempt", json!(1)),
            ("windmillJob", json!("j")),
            ("message", json!("runs f/x/y")),
            ("stage", json!("job-started")),
        ] {
            assert_eq!(payload[name], value, "{name}");
        }
        assert!(payload.get("percent").is_none());
    }

    #[test]
    fn a_part_is_not_the_end() {
        let (kind, payload) =
            messages(&event(EventKind::Part, json!({"messageId": "m", "index": 1, "content": "Hel"})), None).remove(0);
        assert_eq!((kind, &payload["done"], &payload["seq"]), (Kind::AssistantResponse, &json!(false), &json!(7)));
        assert_eq!((&payload["content"], &payload["messageId"]), (&json!("Hel"), &json!("m")));
    }

    #[test]
    fn the_end_of_every_stream_is_told() {
        for kind in EventKind::ALL.iter().filter(|kind| kind.ends_stream()) {
            let all = messages(&event(*kind, json!({})), None);
            assert_eq!(all.last().unwrap().0, Kind::TaskComplete, "{kind:?}");
        }
    }
}
