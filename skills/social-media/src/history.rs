//! What this skill answered before in the conversation: the posts, when they go out, and what was done with them last. A turn that goes on from
//! there ("make it funnier", "undo that") reads it here and guesses nothing.

use openanalyst_skill::prelude::*;
use serde::{Deserialize, Serialize};

/// The identifier of this skill.
pub(crate) const NAME: &str = "social-media";

/// One post of an earlier answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) post: Post,
    #[serde(default)]
    pub(crate) schedule: Option<Scheduled>,
    /// Names its schedule and its place in memory.
    pub(crate) key: String,
}

/// A post as an answer tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Post {
    pub(crate) platform: String,
    pub(crate) content: String,
    #[serde(default)]
    pub(crate) topic: Option<String>,
    #[serde(default)]
    pub(crate) tone: Option<String>,
}

/// When a post goes out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Scheduled {
    pub(crate) path: String,
    pub(crate) at_ms: u64,
    /// `2026-11-24T09:00`.
    pub(crate) local: String,
    pub(crate) time_zone: String,
}

/// A schedule that was taken away, with all that is needed to store it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stored {
    pub(crate) path: String,
    pub(crate) summary: String,
    pub(crate) cron: String,
    pub(crate) time_zone: String,
    pub(crate) script_path: String,
    pub(crate) arguments: Value,
    pub(crate) enabled: bool,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Answer {
    /// The posts that it is about.
    pub(crate) posts: Vec<Known>,
    /// The schedules that it took away.
    pub(crate) cancelled: Vec<Stored>,
    /// Whether it took back what was done before.
    pub(crate) is_undone: bool,
    /// Whether it published something.
    pub(crate) is_published: bool,
    /// How often the text has been put in other words.
    pub(crate) wording: usize,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    post: Value,
    #[serde(default)]
    schedule: Value,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    posts: Vec<Value>,
    #[serde(default)]
    cancelled: Vec<Stored>,
    #[serde(default)]
    undone: bool,
    #[serde(default)]
    published: bool,
    #[serde(default)]
    wording: usize,
}

/// The answers of this skill that did something, newest first. Answers to questions about posts are none.
pub(crate) fn answers(context: &Context) -> Vec<Answer> {
    let own = context
        .messages
        .iter()
        .rev()
        .filter(|message| message.role == Role::Assistant && message.skill.as_deref() == Some(NAME));
    own.filter_map(|message| {
        let data: Data = Output { result: message.data.clone()?, summary: None }.read().ok()?;
        let known = |value: &Value| Output::of(value).ok()?.read::<Known>().ok();
        let mut posts: Vec<Known> = data.posts.iter().filter_map(known).collect();
        if posts.is_empty() {
            let one = json!({ "post": data.post, "schedule": lenient(&data.schedule), "key": data.key });
            posts.extend(known(&one));
        }
        let did = !posts.is_empty() || !data.cancelled.is_empty() || data.undone || data.published;
        did.then_some(Answer {
            posts,
            cancelled: data.cancelled,
            is_undone: data.undone,
            is_published: data.published,
            wording: data.wording,
        })
    })
    .collect()
}

/// A schedule without a path or time is none.
fn lenient(schedule: &Value) -> Value {
    if schedule["path"].is_string() && schedule["atMs"].is_u64() { schedule.clone() } else { Value::Null }
}

/// The posts of the newest answer, and how often their text has been put in other words.
pub(crate) fn last(context: &Context) -> Option<Answer> {
    answers(context).into_iter().find(|answer| !answer.posts.is_empty())
}

/// The newest state of a post before the newest answer, by its key.
pub(crate) fn before<'a>(answers: &'a [Answer], key: &str) -> Option<&'a Known> {
    answers.iter().skip(1).find_map(|answer| answer.posts.iter().find(|known| known.key == key))
}
