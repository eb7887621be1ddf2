//! What a request asks, or what must be asked first.

use openanalyst_skill::When;
use openanalyst_skill::prelude::*;
use serde::Deserialize;

use crate::platform::{self, Platform};
use crate::summary;

/// Most characters of a topic.
const MAX_TOPIC_CHARS: usize = 300;

/// What is wanted.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Something must be known first.
    Ask(Vec<Question>),
    /// A new post, scheduled if there is a time.
    Create {
        /// What it shall be.
        post: Wanted,
        /// When it shall go out.
        when: Option<When>,
    },
    /// An earlier post at another time.
    Move {
        /// The earlier post.
        earlier: Earlier,
        /// When it shall go out now.
        when: When,
    },
    /// Numbers of engagement.
    Analyze,
}

/// A post that shall be written.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) platform: &'static Platform,
    pub(crate) topic: String,
    pub(crate) tone: Option<String>,
    pub(crate) url: Option<String>,
    /// What it sums up, where it sums something up.
    pub(crate) material: Option<Material>,
}

/// An answer of another skill that a post shall sum up.
#[derive(Debug, Clone)]
pub(crate) struct Material {
    /// In Markdown.
    pub(crate) text: String,
}

/// What an earlier reply of this skill said of its post.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Earlier {
    pub(crate) post: EarlierPost,
    /// Names the post's schedule.
    pub(crate) key: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct EarlierPost {
    pub(crate) platform: String,
    pub(crate) content: String,
}

/// Reads a request.
pub(crate) fn read(request: &Request, context: &Context) -> Wish {
    let words = request.content.to_lowercase();
    let speaks_of = |stems: &[&str]| stems.iter().any(|stem| words.contains(stem));
    let material = material(&words, request, context);
    let writes = request.has_action("create") || request.topic().is_some() || material.is_some();
    if !writes && (request.has_action("analyze") || speaks_of(&["engagement", "performance", "how did", "best time"])) {
        return Wish::Analyze;
    }
    let when = request.when();
    if !writes
        && (request.has_action("schedule")
            || request.has_action("move")
            || request.has_action("publish")
            || when.is_some())
        && let Some(earlier) = context.last_data::<Earlier>("social-media")
    {
        return match when {
            Some(when) if when.past => Wish::Ask(vec![past(&when)]),
            Some(when) => Wish::Move { earlier, when },
            None => Wish::Ask(vec![ask_when()]),
        };
    }
    create(request, when, material)
}

/// What "the summary" is the summary of: the last answer in this session, if another skill gave it, and the user names no other topic.
fn material(words: &str, request: &Request, context: &Context) -> Option<Material> {
    const SUMS_UP: &[&str] = &["summar", "the result", "the report", "the numbers", "the findings", "zusammenfass"];
    const BARE: &[&str] =
        &["it", "this", "that", "the", "report", "results", "result", "numbers", "findings", "analysis"];
    let is_bare = |topic: String| topic.to_lowercase().split_whitespace().all(|word| BARE.contains(&word));
    if !request.topic().is_none_or(is_bare) {
        return None;
    }
    let answer = context.last_answer()?;
    let of_another = answer.skill.as_deref().is_some_and(|skill| skill != "social-media");
    (of_another && SUMS_UP.iter().any(|stem| words.contains(stem))).then(|| Material { text: answer.content.clone() })
}

fn create(request: &Request, when: Option<When>, material: Option<Material>) -> Wish {
    let mut questions = Vec::new();
    let named = request.platform().or_else(|| request.answer("platform").map(str::to_owned));
    let platform = named.as_deref().and_then(platform::find);
    if platform.is_none() {
        let text = match request.unknown_platform().or(named) {
            Some(name) => format!("I do not know the platform \"{name}\". Which of these shall it be?"),
            None => "For which platform shall the post be?".to_owned(),
        };
        questions.push(Question::new("platform", text).options(platform::names()));
    }
    let topic =
        request.topic().or_else(|| request.answer("topic").map(str::to_owned)).map(|topic| topic.trim().to_owned());
    // A summary is about what it sums up, whatever else the words may seem to name.
    let topic = material.as_ref().map(summary::title).or(topic.filter(|topic| !topic.is_empty()));
    if topic.is_none() {
        questions.push(Question::new("topic", "What shall the post be about?"));
    }
    match &when {
        Some(when) if when.past => questions.push(past(when)),
        None if request.has_action("schedule") => questions.push(ask_when()),
        _ => {}
    }
    match (platform, topic) {
        (Some(platform), Some(topic)) if questions.is_empty() => Wish::Create {
            post: Wanted {
                platform,
                topic: topic.chars().take(MAX_TOPIC_CHARS).collect(),
                tone: request.slot("tone"),
                url: link(&request.content),
                material,
            },
            when,
        },
        _ => Wish::Ask(questions),
    }
}

fn past(when: &When) -> Question {
    let local = when.local.replace('T', " ");
    Question::new("when", format!("{local} has passed: that is in the past. When shall it be posted instead?"))
}

fn ask_when() -> Question {
    Question::new("when", "When shall it be posted?")
}

/// The first link in the words.
fn link(content: &str) -> Option<String> {
    let word = content.split_whitespace().find(|word| word.starts_with("https://") || word.starts_with("http://"))?;
    Some(word.trim_end_matches(['.', ',', '!', '?', ')', '"']).to_owned())
}
