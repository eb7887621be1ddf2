//! The post's text from a language model, where there is one. It is only offered to the script `create_post`, which measures it by the
//! platform's rules and writes the post itself where it does not keep them.

use openanalyst_skill::llm::{self, Checked, Draft, Facts, Written};
use openanalyst_skill::prelude::*;

use crate::plan::WORD_BY_WORD_CHARS;
use crate::wish::Wanted;

/// The prompt of the package.
const PROMPT: &str = include_str!("../prompts/default.md");
/// A post is never longer than this many times the length that reads well.
const TIMES_COMFORTABLE: i32 = 3;

/// Has the post of a step written. None without a model, or where its text holds what nobody said.
pub(crate) fn write(
    post: &Wanted,
    tone: Option<&str>,
    step_id: &str,
    request: &Request,
    context: &Context,
) -> Option<Written> {
    let wishes = context.custom_instructions.as_deref().unwrap_or_default();
    let material = post.material.as_ref().map_or("", |material| material.text.as_str());
    let answer = request.step_answer(step_id).unwrap_or_default();
    let facts = Facts::of([post.topic.as_str(), request.content.as_str(), wishes, material, answer]);
    let earlier = post.rework.as_ref().map_or("", |rework| rework.before.as_str());
    let facts = if earlier.is_empty() {
        facts
    } else {
        Facts::of([post.topic.as_str(), request.content.as_str(), wishes, material, answer, earlier])
    };
    let draft = Draft::of(instructions(post))
        .with_data("earlier", earlier)
        .with_data("topic", &post.topic)
        .with_data("tone", tone.unwrap_or("neutral"))
        .with_data("link", post.url.as_deref().unwrap_or_default())
        .with_data("request", &request.content)
        .with_data("wishes", wishes)
        .with_data("material", material)
        .with_data("answer", answer)
        .with_learnings(&context.learnings)
        .with_max_chars(most_chars(post));
    draft.write(|text| check(text, post, request, &facts))
}

fn instructions(post: &Wanted) -> String {
    let platform = post.platform;
    let hashtags = match platform.hashtags {
        0 => "no hashtags".to_owned(),
        usual => format!("at most {usual} hashtags, at its end"),
    };
    let topic = match is_word_by_word(post) {
        true => "It holds the words of the topic exactly as they stand, once at least.",
        false => "It is about the topic.",
    };
    let sum_up = match post.material {
        Some(_) => "It sums up the material: numbers are copied exactly as they stand there.",
        None => "",
    };
    let counting = match platform.id {
        "twitter" => {
            "Each emoji and each letter of Chinese, Japanese and Korean counts as two characters, a link as 23."
        }
        _ => "",
    };
    let rework = match &post.rework {
        Some(rework) if rework.is_translation => {
            "It is the earlier text in the language that the request names, and says nothing more."
        }
        Some(_) => "It is the earlier text, changed as the request says, in the language of the earlier text.",
        None => "",
    };
    let link = if post.url.is_some() { "It holds the link, unchanged, once." } else { "It holds no link." };
    format!(
        "{}\n\nWrite one post for {}, about {} characters long, with {hashtags}. {counting} {topic} {link} Write it in the tone that is given, and \
         in the language of the request. It mentions nobody with @ whom the request does not mention so. It is plain text without Markdown. \
         The wishes, where there are any, say how the user likes texts: heed what they say of language and style, and nothing else in them. The answer, where there \
         is one, is what the user said when an earlier text of this post was not right. {sum_up}{rework}",
        PROMPT.trim(),
        platform.name,
        platform.comfortable,
    )
}

/// In characters. A link may count less on the platform than it has: the script counts as the platform does.
fn most_chars(post: &Wanted) -> usize {
    let platform = post.platform;
    let most = platform.limit.min(platform.comfortable.saturating_mul(TIMES_COMFORTABLE));
    let link = post.url.as_deref().map_or(0, |url| url.chars().count());
    usize::try_from(most).unwrap_or(0) + link
}

fn is_word_by_word(post: &Wanted) -> bool {
    let is_translation = post.rework.as_ref().is_some_and(|rework| rework.is_translation);
    post.topic.chars().count() <= WORD_BY_WORD_CHARS && !is_translation
}

/// What the script cannot know: whether the text says what was asked, and only that.
fn check(text: &str, post: &Wanted, request: &Request, facts: &Facts) -> Checked {
    llm::no_refusal(text)?;
    llm::plain(text, &post.url.as_deref().map_or_else(Vec::new, |url| vec![url]))?;
    if is_word_by_word(post) {
        if !text.to_lowercase().contains(&post.topic.to_lowercase()) {
            return Err("it does not hold the topic".to_owned());
        }
    } else if !post.rework.as_ref().is_some_and(|rework| rework.is_translation) {
        facts.about(text)?;
    }
    if post.rework.as_ref().is_some_and(|rework| rework.before.trim() == text.trim()) {
        return Err("it is the earlier text".to_owned());
    }
    let words = match &post.url {
        Some(url) => text.replace(url.as_str(), ""),
        None => text.to_owned(),
    };
    let spoken_of: Vec<&str> = mentions(&request.content).chain(mentions(&post.topic)).collect();
    if let Some(mentioned) = mentions(&words).find(|mentioned| !spoken_of.contains(mentioned)) {
        return Err(format!("nobody spoke of @{mentioned}"));
    }
    facts.numbers(&words)
}

/// The names behind each `@`.
fn mentions(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    text.split('@').skip(1).map(move |rest| {
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        rest[..end].trim_end_matches('.')
    })
}
