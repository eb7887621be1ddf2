//! The form of every message, in and out: `{type, userId, sessionId, payload, timestamp, messageId, correlationId?}`.
//!
//! What a client writes into `userId` and `timestamp` is ignored: the token says who it is, and the host's clock says when. Unknown
//! members of the envelope are ignored too, unknown members of a payload are errors.

use openanalyst_brain::Attachment;
use openanalyst_domain::{MessageId, SessionKey, TaskId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most characters of a client's message id or correlation id.
const MAX_ID_CHARS: usize = 128;

/// An incoming message.
#[derive(Debug, PartialEq)]
pub(super) struct Incoming {
    pub(super) header: Header,
    pub(super) command: Command,
}

/// What is known of a message, even of a wrong one, so that the answer can name it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) session: Option<SessionKey>,
    /// The client's own id of the message.
    pub(super) message_id: Option<String>,
    /// The client's own id of what the message belongs to.
    pub(super) correlation_id: Option<String>,
}

impl Header {
    /// What answers to this message carry.
    pub(super) fn correlation(&self) -> Option<&str> {
        self.correlation_id.as_deref().or(self.message_id.as_deref())
    }
}

/// What a message asks for.
#[derive(Debug, PartialEq)]
pub(super) enum Command {
    Request(Request),
    Cancel(Cancel),
    Resume(Resume),
    Ping,
    /// A `PONG` needs no answer.
    Pong,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Request {
    pub(super) content: String,
    #[serde(default)]
    pub(super) attachments: Vec<Attachment>,
    /// The task whose questions the content answers.
    #[serde(default)]
    pub(super) task_id: Option<TaskId>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Cancel {
    pub(super) task_id: TaskId,
    #[serde(default)]
    pub(super) reason: String,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Resume {
    pub(super) task_id: TaskId,
    /// The number of the last event that the client has.
    #[serde(default)]
    pub(super) after: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    session_id: Option<String>,
    #[serde(default)]
    payload: Value,
    #[serde(default)]
    message_id: Option<String>,
    #[serde(default)]
    correlation_id: Option<String>,
}

/// Reads a message.
///
/// # Errors
/// Why it cannot be understood, in a sentence for its sender, with what is known of it.
pub(super) fn read(text: &str) -> Result<Incoming, (Header, String)> {
    let no_message = |why: &str| {
        (Header::default(), format!("this is no message of the form {{type, sessionId, payload, messageId}}: {why}"))
    };
    // Without this a list of the members' values would pass too.
    if !text.trim_start().starts_with('{') {
        return Err(no_message("it is no JSON object"));
    }
    let raw: Raw = serde_json::from_str(text).map_err(|error| no_message(&error.to_string()))?;
    let Raw { kind, session_id, payload, message_id, correlation_id } = raw;
    let mut header = Header::default();
    let mut wrong = None;
    for (what, id, into) in [
        ("messageId", message_id, &mut header.message_id),
        ("correlationId", correlation_id, &mut header.correlation_id),
    ] {
        match checked_id(what, id) {
            Ok(id) => *into = id,
            Err(why) => wrong = Some(why),
        }
    }
    match session_id.filter(|session| !session.is_empty()).map(SessionKey::parse).transpose() {
        Ok(session) => header.session = session,
        Err(error) => wrong = Some(error.to_string()),
    }
    match (wrong, command(&kind, payload)) {
        (None, Ok(command)) => Ok(Incoming { header, command }),
        (Some(why), _) | (None, Err(why)) => Err((header, why)),
    }
}

/// An id of the client's own. An empty one is none.
fn checked_id(what: &str, id: Option<String>) -> Result<Option<String>, String> {
    let id = id.filter(|id| !id.is_empty());
    if id.as_ref().is_some_and(|id| id.chars().count() > MAX_ID_CHARS || id.contains(char::is_control)) {
        return Err(format!("`{what}` must have at most {MAX_ID_CHARS} characters and no control characters"));
    }
    Ok(id)
}

fn command(kind: &str, payload: Value) -> Result<Command, String> {
    Ok(match kind {
        "USER_REQUEST" => Command::Request(typed(kind, payload)?),
        "TASK_CANCEL" => Command::Cancel(typed(kind, payload)?),
        "RESUME" => Command::Resume(typed(kind, payload)?),
        "PING" => Command::Ping,
        "PONG" => Command::Pong,
        other => {
            let shown: String = other.chars().take(40).collect();
            return Err(format!("`{shown}` is no type of message: send USER_REQUEST, TASK_CANCEL, RESUME or PING"));
        }
    })
}

fn typed<T: DeserializeOwned>(kind: &str, payload: Value) -> Result<T, String> {
    if !payload.is_object() {
        return Err(format!("the payload of {kind} is wrong: it is no JSON object"));
    }
    serde_json::from_value(payload).map_err(|error| format!("the payload of {kind} is wrong: {error}"))
}

/// The types of outgoing messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Kind {
    AssistantTyping,
    AssistantResponse,
    TaskProgress,
    TaskComplete,
    TaskError,
    Pong,
}

/// An outgoing message.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outgoing<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    pub(super) user_id: &'a str,
    /// Empty where a message belongs to no session.
    pub(super) session_id: &'a str,
    pub(super) payload: &'a Value,
    /// UTC milliseconds.
    pub(super) timestamp: i64,
    pub(super) message_id: MessageId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) correlation_id: Option<&'a str>,
}

impl Outgoing<'_> {
    /// The message as it goes over the wire.
    pub(super) fn text(&self) -> String {
        // Strings, numbers and JSON values: nothing here can fail to become JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_command_is_read() {
        let task = TaskId::new();
        let command = |kind: &str, payload: Value| {
            read(&json!({"type": kind, "payload": payload, "sessionId": "s"}).to_string()).unwrap().command
        };
        assert_eq!(
            command("USER_REQUEST", json!({"content": "x", "taskId": task})),
            Command::Request(Request { content: "x".to_owned(), attachments: Vec::new(), task_id: Some(task) })
        );
        assert_eq!(
            command("TASK_CANCEL", json!({"taskId": task})),
            Command::Cancel(Cancel { task_id: task, reason: String::new() })
        );
        assert_eq!(
            command("RESUME", json!({"taskId": task, "after": 7})),
            Command::Resume(Resume { task_id: task, after: 7 })
        );
        assert_eq!((command("PING", json!({})), command("PONG", json!({}))), (Command::Ping, Command::Pong));
    }

    #[test]
    fn broken_messages_are_named() {
        let long = "x".repeat(129);
        let request = |more: Value| {
            let mut message = json!({"type": "USER_REQUEST", "payload": {"content": "x"}, "messageId": "m"});
            message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            message.to_string()
        };
        for (text, expected) in [
            ("no json".to_owned(), "no message"),
            ("[]".to_owned(), "no message"),
            ("null".to_owned(), "no message"),
            ("{\"payload\": {}}".to_owned(), "type"),
            ("[\"PING\", \"s\"]".to_owned(), "no message"),
            (format!("{{\"type\": \"PING\", \"payload\": {}", "[".repeat(10_000)), "recursion"),
            (request(json!({"payload": ["x"]})), "USER_REQUEST"),
            (request(json!({"type": "FROB\u{7}NICATE"})), "no type"),
            (request(json!({"payload": {"text": 1}})), "USER_REQUEST"),
            (request(json!({"payload": 1})), "USER_REQUEST"),
            (request(json!({"payload": {"content": "x", "taskId": "x"}})), "UUID"),
            (request(json!({"type": "RESUME", "payload": {"taskId": TaskId::new(), "after": -1}})), "RESUME"),
            (request(json!({"messageId": long})), "messageId"),
            (request(json!({"correlationId": long})), "correlationId"),
            (request(json!({"sessionId": long})), "sessionId"),
        ] {
            let (_, why) = read(&text).unwrap_err();
            assert!(why.contains(expected), "{why}");
        }
    }

    #[test]
    fn an_error_still_names_the_message() {
        let wrong = json!({"type": "X", "messageId": "m", "sessionId": "s", "userId": 7, "timestamp": "now"});
        let (header, _) = read(&wrong.to_string()).unwrap_err();
        assert_eq!((header.correlation(), header.session.as_ref().unwrap().as_str()), (Some("m"), "s"));
    }

    #[test]
    fn the_clients_correlation_id_goes_before_its_message_id() {
        let header = |message: Value| read(&message.to_string()).unwrap().header;
        assert_eq!(header(json!({"type": "PING", "messageId": "m", "correlationId": "c"})).correlation(), Some("c"));
        assert_eq!(header(json!({"type": "PING", "messageId": "m", "correlationId": ""})).correlation(), Some("m"));
        assert_eq!(header(json!({"type": "PING"})).correlation(), None);
    }

    #[test]
    fn an_outgoing_message_has_its_members() {
        let payload = json!({});
        let message = Outgoing {
            kind: Kind::TaskProgress,
            user_id: "ada",
            session_id: "s",
            payload: &payload,
            timestamp: 7,
            message_id: MessageId::new(),
            correlation_id: None,
        };
        let json: Value = serde_json::from_str(&message.text()).unwrap();
        assert_eq!(
            (&json["type"], &json["userId"], &json["timestamp"]),
            (&json!("TASK_PROGRESS"), &json!("ada"), &json!(7))
        );
        assert!(json.get("correlationId").is_none());
    }
}
