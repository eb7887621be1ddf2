//! Acceptance: checks a request, and makes it a task in one transaction.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openanalyst_runtime::contract;
use openanalyst_store::StoreError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::BrainError;
use crate::api::{
    Answer, Attachment, MAX_ATTACHMENTS, MAX_ATTACHMENTS_BYTES, MAX_CONTENT_BYTES, MAX_IDEMPOTENCY_KEY_CHARS,
    NewRequest, Question,
};
use crate::asked::decode_document;
use crate::context::shorten;
use crate::plan::MAX_QUESTIONS;

/// Most characters of an answer to a question.
const MAX_ANSWER_CHARS: usize = 4_000;
/// Most characters of an attachment's name, and of a correlation id.
const MAX_NAME_CHARS: usize = 255;
/// From so many bytes of attachments on, a request is large.
const LARGE_BYTES: usize = 32 << 10;

/// An attachment as it is stored: always in base64.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    name: String,
    media_type: String,
    base64: String,
}

/// A request that was checked.
pub(crate) struct Checked {
    /// The attachments as they are stored.
    pub(crate) attachments: Value,
    /// Tells whether another request with the same idempotency key is the same request. Empty where
    /// there is no key.
    pub(crate) digest: String,
}

/// Whether checking a request takes so long that it is done in the turns of its user, on the threads for work: decoding and hashing a large file takes milliseconds.
pub(crate) fn is_large(request: &NewRequest) -> bool {
    let of = |attachment: &Attachment| {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        text(&attachment.content).max(text(&attachment.base64))
    };
    request.attachments.iter().map(of).sum::<usize>() > LARGE_BYTES
}

/// Checks a request from the edge.
///
/// # Errors
/// [`BrainError::Invalid`], naming what is wrong.
pub(crate) fn check(request: &NewRequest) -> Result<Checked, BrainError> {
    let invalid = |what: String| Err(BrainError::Invalid(what));
    if request.content.trim().is_empty() {
        return invalid("`content` is empty: write what you want done".to_owned());
    }
    if request.content.len() > MAX_CONTENT_BYTES {
        return invalid(format!(
            "`content` has {} bytes and {MAX_CONTENT_BYTES} is the limit: shorten it, or attach the long part as a file",
            request.content.len()
        ));
    }
    for (what, text, most) in [
        ("the idempotency key", &request.idempotency_key, MAX_IDEMPOTENCY_KEY_CHARS),
        ("the correlation id", &request.correlation_id, MAX_NAME_CHARS),
    ] {
        if text.as_ref().is_some_and(|text| text.is_empty() || text.chars().count() > most) {
            return invalid(format!("{what} must have 1 to {most} characters"));
        }
    }
    let attachments = attachments(&request.attachments)?;
    if request.idempotency_key.is_none() {
        return Ok(Checked { attachments, digest: String::new() });
    }
    let mut hash = Sha256::new();
    for part in [&request.content, request.session.as_str(), &attachments.to_string()] {
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Checked { attachments, digest })
}

fn attachments(attachments: &[Attachment]) -> Result<Value, BrainError> {
    let invalid = |what: String| Err(BrainError::Invalid(what));
    if attachments.len() > MAX_ATTACHMENTS {
        return invalid(format!("there are {} attachments and {MAX_ATTACHMENTS} is the limit", attachments.len()));
    }
    let mut room = MAX_ATTACHMENTS_BYTES;
    let mut stored = Vec::with_capacity(attachments.len());
    for attachment in attachments {
        let name = &attachment.name;
        let bad = |c: char| c.is_control() || c == '/' || c == '\\';
        if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.contains(bad) {
            return invalid(format!(
                "an attachment's `name` must have 1 to {MAX_NAME_CHARS} characters, without path separators and control characters"
            ));
        }
        let bytes = match (&attachment.content, &attachment.base64) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(text)) => match STANDARD.decode(text) {
                Ok(bytes) => bytes,
                Err(error) => return invalid(format!("the attachment `{name}` is no base64 (RFC 4648): {error}")),
            },
            _ => return invalid(format!("the attachment `{name}` needs either `content` or `base64`")),
        };
        if bytes.len() > room {
            return invalid(format!(
                "the attachments have more than {MAX_ATTACHMENTS_BYTES} bytes together: send less"
            ));
        }
        room -= bytes.len();
        let media_type = match &attachment.media_type {
            Some(given) if is_media_type(given) => given.clone(),
            Some(given) => {
                return invalid(format!("`{given}` of the attachment `{name}` is no media type such as text/csv"));
            }
            None => media_type_of(name).to_owned(),
        };
        stored.push(Stored { name: name.clone(), media_type, base64: STANDARD.encode(bytes) });
    }
    Ok(json!(stored))
}

fn is_media_type(text: &str) -> bool {
    let part =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c));
    let essence = text.split(';').next().unwrap_or_default().trim();
    text.len() <= MAX_NAME_CHARS
        && !text.contains(char::is_control)
        && essence.split_once('/').is_some_and(|(kind, subtype)| part(kind) && part(subtype))
}

fn media_type_of(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    match ending.as_deref() {
        Some("csv") => "text/csv",
        Some("tsv") => "text/tab-separated-values",
        Some("json") => "application/json",
        Some("md") => "text/markdown",
        Some("txt" | "log") => "text/plain",
        _ => "application/octet-stream",
    }
}

/// The stored attachments as a skill gets them.
///
/// # Errors
/// [`StoreError::Damaged`]: they cannot be read. An empty file in the place of one would be answered as if it were the user's.
pub(crate) fn for_skill(stored: &Value) -> Result<Vec<contract::Attachment>, StoreError> {
    let stored: Vec<Stored> = if stored.is_null() { Vec::new() } else { decode_document("attachments", stored)? };
    stored
        .into_iter()
        .map(|attachment| {
            let content = STANDARD.decode(attachment.base64).map_err(|error| StoreError::Damaged {
                what: "attachments",
                reason: format!("the content of `{}` is no base64: {error}", attachment.name),
            })?;
            Ok(contract::Attachment { name: attachment.name, media_type: attachment.media_type, content })
        })
        .collect()
}

/// Checks that the answers are about what a task asked. A free answer to a single question is an answer to that question.
///
/// # Errors
/// [`BrainError::Invalid`], naming the questions that there are.
pub(crate) fn check_questions(answers: &mut [Answer], asked: &[Question]) -> Result<(), BrainError> {
    if let [question] = asked {
        for answer in answers.iter_mut().filter(|answer| answer.question_id == "*") {
            answer.question_id.clone_from(&question.id);
        }
    }
    let known = |answer: &&Answer| answer.question_id == "*" || asked.iter().any(|one| one.id == answer.question_id);
    match answers.iter().find(|answer| !known(answer)) {
        None => Ok(()),
        Some(Answer { question_id, .. }) => {
            let asked = asked.iter().map(|one| format!("`{}`", one.id)).collect::<Vec<_>>().join(", ");
            Err(BrainError::Invalid(format!(
                "the task did not ask `{}`: it asks {asked}; leave `questionId` out for an answer to all of it",
                shorten(question_id, 100)
            )))
        }
    }
}

/// Checks the answers to a task's questions.
///
/// # Errors
/// [`BrainError::Invalid`], naming what is wrong.
pub(crate) fn check_answers(answers: &[Answer]) -> Result<(), BrainError> {
    if answers.is_empty() || answers.len() > MAX_QUESTIONS {
        return Err(BrainError::Invalid(format!("give 1 to {MAX_QUESTIONS} answers")));
    }
    for answer in answers {
        let length = answer.text.chars().count();
        if answer.text.trim().is_empty() || length > MAX_ANSWER_CHARS {
            return Err(BrainError::Invalid(format!(
                "the answer to `{}` has {length} characters: give 1 to {MAX_ANSWER_CHARS}",
                answer.question_id
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use openanalyst_domain::SessionKey;

    use super::*;

    fn request(content: &str) -> NewRequest {
        NewRequest {
            content: content.to_owned(),
            session: SessionKey::parse("s").unwrap(),
            attachments: Vec::new(),
            idempotency_key: None,
            correlation_id: None,
        }
    }

    fn file(name: &str, content: Option<&str>, base64: Option<&str>) -> Attachment {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Attachment { name: name.to_owned(), media_type: None, content: own(content), base64: own(base64) }
    }

    #[test]
    fn bad_requests_are_named() {
        let with = |attachment| NewRequest { attachments: vec![attachment], ..request("x") };
        let long = "x".repeat(MAX_CONTENT_BYTES + 1);
        let big = "x".repeat(MAX_ATTACHMENTS_BYTES + 1);
        let table = [
            (request(""), "empty"),
            (request(" \n\t"), "empty"),
            (request(&long), "65536"),
            (with(file("../x", Some(""), None)), "separators"),
            (with(file("x", None, None)), "either"),
            (with(file("x", Some(""), Some(""))), "either"),
            (with(file("x", None, Some("no base64!"))), "base64"),
            (with(file("x", Some(&big), None)), "together"),
            (NewRequest { idempotency_key: Some(String::new()), ..request("x") }, "idempotency"),
            (NewRequest { attachments: vec![file("x", Some(""), None); 17], ..request("x") }, "17"),
        ];
        for (request, expected) in table {
            let error = check(&request).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(expected), "`{error}` does not say {expected}");
        }
        assert!(check(&request(&"x".repeat(MAX_CONTENT_BYTES))).is_ok(), "the limit itself is allowed");
    }

    #[test]
    fn attachments_reach_the_skill_as_they_were() {
        let both = NewRequest {
            attachments: vec![file("a.csv", Some("x,y\n1,2"), None), file("b.bin", None, Some("AP8="))],
            ..request("x")
        };
        let given = for_skill(&check(&both).unwrap().attachments).unwrap();
        assert_eq!((given[0].media_type.as_str(), given[0].content.as_slice()), ("text/csv", b"x,y\n1,2".as_slice()));
        assert_eq!(
            (given[1].media_type.as_str(), given[1].content.as_slice()),
            ("application/octet-stream", [0, 255].as_slice())
        );
    }

    #[test]
    fn the_digest_tells_requests_apart() {
        let digest = |request: &NewRequest| check(request).unwrap().digest;
        let with_key = |content: &str| NewRequest { idempotency_key: Some("k".to_owned()), ..request(content) };
        assert_eq!(digest(&with_key("a")), digest(&with_key("a")));
        assert_ne!(digest(&with_key("a")), digest(&with_key("b")));
        let attachments = vec![file("x", Some("1"), None)];
        let with_file = NewRequest { attachments, ..with_key("a") };
        assert_ne!(digest(&with_key("a")), digest(&with_file));
        assert_eq!(digest(&request("a")), "", "nothing is compared with it");
    }
}
