//! What a job leaves behind for its user: messages and activities.
//!
//! A script gives them as the member `$openanalyst` of its result, so that the same script works on a Windmill server, where the host reads the result. They are taken
//! out of the result and written in the transaction that ends the job.

use openanalyst_domain::{JobId, Owner, TaskId};
use openanalyst_store::Tx;
use openanalyst_store::history::NewEntry;
use openanalyst_store::notifications::Notification;
use serde::Deserialize;
use serde_json::Value;

/// The member of a result.
const MEMBER: &str = "$openanalyst";
/// Most messages and most activities of one job; the rest is dropped and logged.
const MAX_EACH: usize = 20;
/// Most characters of a title, and of a content.
const MAX_TITLE_CHARS: usize = 200;
const MAX_CONTENT_CHARS: usize = 16_000;
/// Most bytes of an activity's particulars; larger ones are left out.
const MAX_DATA_BYTES: usize = 64 << 10;

/// The outbox of one job.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Outbox {
    messages: Vec<Message>,
    activities: Vec<Activity>,
}

#[derive(Debug, Deserialize)]
struct Message {
    #[serde(default)]
    title: String,
    content: String,
    #[serde(default)]
    level: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Activity {
    kind: String,
    content: String,
    #[serde(default)]
    data: Value,
}

impl Outbox {
    /// Takes the outbox out of a result.
    pub(crate) fn take(result: &mut Value) -> Self {
        let Some(member) = result.as_object_mut().and_then(|result| result.remove(MEMBER)) else {
            return Self::default();
        };
        let mut outbox: Self = serde_json::from_value(member).unwrap_or_else(|error| {
            tracing::warn!(%error, "the outbox of a job cannot be read: its messages are lost, its result is kept");
            Self::default()
        });
        for (what, length) in [("messages", outbox.messages.len()), ("activities", outbox.activities.len())] {
            if length > MAX_EACH {
                tracing::warn!(
                    what,
                    length,
                    limit = MAX_EACH,
                    "a job left too much in its outbox: the rest is dropped"
                );
            }
        }
        outbox.messages.truncate(MAX_EACH);
        outbox.activities.truncate(MAX_EACH);
        outbox
    }

    /// Puts another outbox behind this one.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.messages.append(&mut other.messages);
        self.activities.append(&mut other.activities);
        self.messages.truncate(MAX_EACH);
        self.activities.truncate(MAX_EACH);
    }

    /// Writes it; gives the notifications, to be announced after the commit.
    pub(crate) fn write(
        &self,
        tx: &mut Tx,
        owner: &Owner,
        job: JobId,
        task: Option<TaskId>,
        at_ms: i64,
    ) -> Vec<Notification> {
        let mut notifications = Vec::with_capacity(self.messages.len());
        for message in &self.messages {
            let known = |level: &&str| matches!(*level, "success" | "warning" | "error");
            let level = message.level.as_deref().filter(known).unwrap_or("info");
            let (title, content) = (cut(&message.title, MAX_TITLE_CHARS), cut(&message.content, MAX_CONTENT_CHARS));
            notifications.push(tx.notify(owner, &title, &content, level, Some(job), at_ms));
        }
        for activity in &self.activities {
            tx.remember(&NewEntry {
                place: "",
                owner,
                kinds: &["activity"],
                task,
                skill: None,
                title: &cut(&activity.kind, MAX_TITLE_CHARS),
                content: &cut(&activity.content, MAX_CONTENT_CHARS),
                data: if activity.data.to_string().len() > MAX_DATA_BYTES { &Value::Null } else { &activity.data },
                at_ms,
            });
        }
        notifications
    }
}

fn cut(text: &str, most_chars: usize) -> String {
    text.chars().take(most_chars).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_outbox_is_taken_out_of_the_result() {
        let mut result = json!({"a": 1, "$openanalyst": {"messages": [{"content": "hi"}], "activities": []}});
        let outbox = Outbox::take(&mut result);
        assert_eq!((outbox.messages.len(), outbox.activities.len()), (1, 0));
        assert_eq!(result, json!({"a": 1}));
    }

    #[test]
    fn what_is_wrong_or_too_much_is_dropped_and_the_result_stays() {
        let mut result = json!({"a": 1, "$openanalyst": "nonsense"});
        assert!(Outbox::take(&mut result).messages.is_empty());
        assert_eq!(result, json!({"a": 1}));
        let many: Vec<_> = (0..30).map(|_| json!({"content": "x"})).collect();
        assert_eq!(Outbox::take(&mut json!({"$openanalyst": {"messages": many}})).messages.len(), MAX_EACH);
        assert!(Outbox::take(&mut json!([1])).messages.is_empty());
    }
}
