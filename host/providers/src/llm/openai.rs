//! The chat completions of OpenAI, as they and compatible servers speak them. Source: <https://platform.openai.com/docs/api-reference/chat>.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire::{Partial, Wrong};
use super::{Prompt, Role, Stop};

/// The data of a stream's last event.
const DONE: &str = "[DONE]";

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

/// The body of a request. `openai`: it goes to OpenAI itself, whose newer models know the limit only by its new name; other servers know the old one.
pub(super) fn request(
    prompt: &Prompt,
    model: &str,
    max_tokens: u32,
    stream: bool,
    openai: bool,
) -> Result<Vec<u8>, serde_json::Error> {
    let system = prompt.system.as_deref().filter(|system| !system.is_empty());
    let system = system.map(|content| Message { role: "system", content });
    let messages = prompt.messages.iter().map(|message| Message {
        role: match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        },
        content: &message.content,
    });
    serde_json::to_vec(&Request {
        model,
        messages: system.into_iter().chain(messages).collect(),
        max_tokens: (!openai).then_some(max_tokens),
        max_completion_tokens: openai.then_some(max_tokens),
        temperature: prompt.temperature,
        stream,
        stream_options: stream.then_some(StreamOptions { include_usage: true }),
    })
}

/// A chunk of a stream, or an answer that came at once.
#[derive(Deserialize)]
struct Chunk {
    model: Option<String>,
    choices: Option<Vec<Choice>>,
    usage: Option<Usage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    /// In a chunk.
    delta: Option<Said>,
    /// In an answer that came at once.
    message: Option<Said>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    content: Value,
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

fn stop(reason: &str) -> Stop {
    match reason {
        "length" => Stop::MaxTokens,
        "content_filter" => Stop::Refusal,
        _ => Stop::End,
    }
}

/// A text; or parts, of which those that are text; or nothing.
fn text(content: Value) -> String {
    match content {
        Value::String(text) => text,
        Value::Array(parts) => parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect(),
        _ => String::new(),
    }
}

/// Notes what is in a chunk. Gives its text.
fn note(partial: &mut Partial, chunk: Chunk) -> Option<String> {
    if partial.model.is_none() {
        partial.model = chunk.model.filter(|model| !model.is_empty());
    }
    if let Some(usage) = chunk.usage {
        Partial::count(usage.prompt_tokens, &mut partial.input_tokens);
        Partial::count(usage.completion_tokens, &mut partial.output_tokens);
    }
    let choice = chunk.choices?.into_iter().next()?;
    partial.begun = true;
    let refused = partial.stop == Some(Stop::Refusal);
    if let Some(reason) = choice.finish_reason.filter(|_| !refused) {
        partial.stop = Some(stop(&reason));
    }
    let said = choice.delta.or(choice.message)?;
    let mut piece = text(said.content);
    // A refusal comes in a place of its own.
    if let Some(refusal) = said.refusal.filter(|refusal| !refusal.is_empty()) {
        partial.stop = Some(Stop::Refusal);
        piece.push_str(&refusal);
    }
    partial.add(piece)
}

/// Reads one event of a stream. Gives the text in it.
pub(super) fn event(partial: &mut Partial, data: &str) -> Result<Option<String>, Wrong> {
    if data.trim() == DONE {
        if !partial.begun {
            return Err(Wrong::NotUnderstood("the stream ends before it began"));
        }
        partial.ended = true;
        return Ok(None);
    }
    let chunk: Chunk = serde_json::from_str(data)
        .map_err(|_| Wrong::NotUnderstood("an event of the stream is no chunk of a chat completion"))?;
    if chunk.error.as_ref().is_some_and(|error| !error.is_null()) {
        return Err(Wrong::Said(serde_json::from_str(data).unwrap_or_default()));
    }
    Ok(note(partial, chunk))
}

/// Reads an answer that came at once.
pub(super) fn whole(body: Value) -> Result<Partial, Wrong> {
    let chunk: Chunk = serde_json::from_value(body).map_err(|_| Wrong::NotUnderstood("it is no chat completion"))?;
    let mut partial = Partial::default();
    note(&mut partial, chunk);
    if !partial.begun {
        return Err(Wrong::NotUnderstood("it holds no choice"));
    }
    partial.ended = true;
    Ok(partial)
}
