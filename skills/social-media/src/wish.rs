//! What a request asks, or what must be asked first.

use openanalyst_skill::When;
use openanalyst_skill::prelude::*;
use serde::Deserialize;

use crate::platform::{self, Platform};
use crate::summary;

/// Most characters of a topic. What does not fit the platform the script cuts, and says so; beyond this it is no topic.
const MAX_TOPIC_CHARS: usize = 5_000;

/// What is wanted.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Something must be known first.
    Ask(Vec<Question>),
    /// A new post for each platform, scheduled if there is a time.
    Create {
        /// What they shall be, at least one.
        posts: Vec<Wanted>,
        /// When they shall go out.
        when: Option<When>,
    },
    /// Earlier posts at another time.
    Move {
        /// The earlier posts, at least one.
        earlier: Vec<Earlier>,
        /// When they shall go out now.
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
    /// How an earlier text of it shall be changed, where it is one.
    pub(crate) rework: Option<Rework>,
}

/// A change of an earlier text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rework {
    /// The earlier text.
    pub(crate) before: String,
    /// Whether it shall be in another language.
    pub(crate) is_translation: bool,
    /// What the script is told of the earlier text.
    pub(crate) differences: Vec<String>,
    /// A text made from the earlier one without a model.
    pub(crate) offered: Option<String>,
    /// A text that a model has written already.
    pub(crate) written: Option<Value>,
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

/// What an earlier reply of this skill said of its posts: of one, or of the first and of all.
#[derive(Debug, Deserialize)]
struct EarlierAnswer {
    #[serde(flatten)]
    first: Earlier,
    #[serde(default)]
    posts: Vec<Earlier>,
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
        && let Some(earlier) = earlier(request, context)
    {
        return match when {
            Some(when) if when.past => Wish::Ask(vec![past(&when)]),
            Some(when) => Wish::Move { earlier, when },
            None => Wish::Ask(vec![ask_when()]),
        };
    }
    create(request, when, material)
}

/// The posts of the last answer; of several, those for the platforms that the request names.
fn earlier(request: &Request, context: &Context) -> Option<Vec<Earlier>> {
    let EarlierAnswer { first, mut posts } = context.last_data("social-media")?;
    if posts.len() < 2 {
        return Some(vec![first]);
    }
    let (named, excluded) = (request.platforms(), request.excluded_platforms());
    posts.retain(|Earlier { post, .. }| {
        !excluded.contains(&post.platform) && (named.is_empty() || named.contains(&post.platform))
    });
    (!posts.is_empty()).then_some(posts)
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
    let excluded = request.excluded_platforms();
    let mut platforms: Vec<&Platform> = request.platforms().iter().filter_map(|name| platform::find(name)).collect();
    if platforms.is_empty() {
        let answer = request.answer("platform");
        platforms = answer.map(platform::named_in).unwrap_or_default();
        platforms.retain(|platform| !excluded.iter().any(|id| id == platform.id));
        if platforms.is_empty() {
            let unknown = request.unknown_platform().or_else(|| request.platform());
            let text = match unknown.or_else(|| answer.map(str::to_owned)) {
                Some(name) => format!("I do not know the platform \"{name}\". Which of these shall it be?"),
                None => "For which platform shall the post be?".to_owned(),
            };
            questions.push(Question::new("platform", text).options(platform::names_without(&excluded)));
        }
    }
    let topic = match &material {
        // A summary is about what it sums up, whatever else the words may seem to name.
        Some(material) => Some(summary::title(material)),
        None => topic(request, &mut questions),
    };
    match &when {
        Some(when) if when.past => questions.push(past(when)),
        None if request.has_action("schedule") => questions.push(ask_when()),
        _ => {}
    }
    let Some(topic) = topic.filter(|_| questions.is_empty()) else { return Wish::Ask(questions) };
    let (tone, url) = (request.slot("tone"), link(&request.content));
    let wanted = |platform| Wanted {
        platform,
        topic: topic.clone(),
        tone: tone.clone(),
        url: url.clone(),
        material: material.clone(),
        rework: None,
    };
    Wish::Create { posts: platforms.into_iter().map(wanted).collect(), when }
}

/// What the post shall be about, or the question for it. A topic is never shortened here.
fn topic(request: &Request, questions: &mut Vec<Question>) -> Option<String> {
    let told = [request.topic(), request.answer("topic").map(str::to_owned)];
    // The script takes white space as one space too, and the post must hold the topic.
    let is_space = |letter: char| letter.is_whitespace() || letter == '\u{feff}';
    let plain = |text: String| text.split(is_space).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let told: Vec<String> = told.into_iter().flatten().map(plain).filter(|topic| !topic.is_empty()).collect();
    let fitting = told.iter().find(|topic| topic.chars().count() <= MAX_TOPIC_CHARS);
    if fitting.is_none() {
        let text = match told.first() {
            Some(long) => format!(
                "The topic has {} characters, and {MAX_TOPIC_CHARS} are the most. What shall the post be about, in short?",
                long.chars().count()
            ),
            None => "What shall the post be about?".to_owned(),
        };
        questions.push(Question::new("topic", text));
    }
    fitting.cloned()
}

pub(crate) fn past(when: &When) -> Question {
    let local = when.local.replace('T', " ");
    Question::new("when", format!("{local} has passed: that is in the past. When shall it be posted instead?"))
}

pub(crate) fn ask_when() -> Question {
    Question::new("when", "When shall it be posted?")
}

/// The first link in the words, without the sentence's punctuation and brackets around it: `(https://example.com/a).`
pub(crate) fn link(content: &str) -> Option<String> {
    let lower = content.to_ascii_lowercase();
    let start = ["https://", "http://"].iter().filter_map(|scheme| lower.find(scheme)).min()?;
    let ends = |letter: char| letter.is_whitespace() || matches!(letter, '<' | '>' | '"' | '“' | '”' | '「' | '」');
    let word = content[start..].split(ends).next()?;
    let mut open = 0_usize;
    let mut end = word.len();
    for (at, letter) in word.char_indices() {
        match letter {
            '(' | '[' => open += 1,
            ')' | ']' if open == 0 => {
                end = at;
                break;
            }
            ')' | ']' => open -= 1,
            _ => {}
        }
    }
    let link = word[..end].trim_end_matches(|letter: char| ".,;:!?'’»…*_([".contains(letter));
    let host = link.split_once("://")?.1;
    (!host.is_empty()).then(|| link.to_owned())
}

#[cfg(test)]
mod tests {
    use super::link;

    #[test]
    fn a_link_is_found_without_what_stands_around_it() {
        for (content, expected) in [
            ("see https://example.com/a.", Some("https://example.com/a")),
            ("(https://example.com/a).", Some("https://example.com/a")),
            ("[this](https://example.com/a) and more", Some("https://example.com/a")),
            ("<https://example.com/a>", Some("https://example.com/a")),
            ("https://en.wikipedia.org/wiki/Foo_(bar)!", Some("https://en.wikipedia.org/wiki/Foo_(bar)")),
            ("“http://example.com”, he said", Some("http://example.com")),
            ("HTTPS://EXAMPLE.COM/A, then https://example.com/b", Some("HTTPS://EXAMPLE.COM/A")),
            ("https:// is a scheme", None),
            ("example.com", None),
            ("", None),
        ] {
            assert_eq!(link(content).as_deref(), expected, "{content}");
        }
    }
}
