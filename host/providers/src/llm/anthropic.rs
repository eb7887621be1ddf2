//! Anthropic's Messages API, version 2023-06-01. Source: <https://docs.anthropic.com/en/api/messages> and `…/messages-streaming`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire::{Partial, Wrong};
use super::{Prompt, Role, Stop};

/// The header that names the version, and its value.
pub(super) const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");
/// Every event of a stream that is looked at.
const EVENTS: &[&str] = &[
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "ping",
    "error",
];

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<&'a str>,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

/// The body of a request.
pub(super) fn request(
    prompt: &Prompt,
    model: &str,
    max_tokens: u32,
    stream: bool,
) -> Result<Vec<u8>, serde_json::Error> {
    let messages = prompt.messages.iter().map(|message| Message {
        role: match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        },
        content: &message.content,
    });
    serde_json::to_vec(&Request {
        model,
        max_tokens,
        system: prompt.system.as_deref().filter(|system| !system.is_empty()),
        messages: messages.collect(),
        temperature: prompt.temperature,
        stream,
    })
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Started,
    },
    ContentBlockStart {
        content_block: Block,
    },
    ContentBlockDelta {
        delta: Delta,
    },
    MessageDelta {
        delta: Ended,
        usage: Option<Usage>,
    },
    MessageStop,
    Error,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Started {
    model: Option<String>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        #[serde(default)]
        text: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Delta {
    TextDelta {
        text: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Ended {
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Whole {
    content: Vec<Block>,
    model: Option<String>,
    stop_reason: Option<String>,
    usage: Option<Usage>,
}

impl Usage {
    /// The counts of a stream are those so far, so the last ones hold.
    fn note(self, partial: &mut Partial) {
        let parts = [self.input_tokens, self.cache_creation_input_tokens, self.cache_read_input_tokens];
        let input = parts.into_iter().flatten().fold(0, u64::saturating_add);
        // The last event of some servers repeats only a part of what was read.
        Partial::count(Some(input.max(partial.input_tokens.unwrap_or(0))), &mut partial.input_tokens);
        Partial::count(self.output_tokens, &mut partial.output_tokens);
    }
}

fn stop(reason: &str) -> Stop {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => Stop::MaxTokens,
        "refusal" => Stop::Refusal,
        _ => Stop::End,
    }
}

/// Reads one event of a stream. Gives the text in it.
pub(super) fn event(partial: &mut Partial, name: Option<&str>, data: &str) -> Result<Option<String>, Wrong> {
    if name.is_some_and(|name| !name.is_empty() && !EVENTS.contains(&name)) {
        return Ok(None);
    }
    let event: Event = serde_json::from_str(data)
        .map_err(|_| Wrong::NotUnderstood("an event of the stream is not of the Messages API"))?;
    match event {
        Event::MessageStart { message } => {
            partial.begun = true;
            partial.model = message.model;
            if let Some(usage) = message.usage {
                usage.note(partial);
            }
        }
        Event::ContentBlockStart { content_block: Block::Text { text } }
        | Event::ContentBlockDelta { delta: Delta::TextDelta { text } } => return Ok(partial.add(text)),
        Event::MessageDelta { delta, usage } => {
            if let Some(reason) = delta.stop_reason {
                partial.stop = Some(stop(&reason));
            }
            if let Some(usage) = usage {
                usage.note(partial);
            }
        }
        Event::MessageStop if !partial.begun => return Err(Wrong::NotUnderstood("the stream ends before it began")),
        Event::MessageStop => partial.ended = true,
        Event::Error => return Err(Wrong::Said(serde_json::from_str(data).unwrap_or_default())),
        Event::ContentBlockStart { .. } | Event::ContentBlockDelta { .. } | Event::Other => {}
    }
    Ok(None)
}

/// Reads an answer that came at once.
pub(super) fn whole(body: Value) -> Result<Partial, Wrong> {
    let whole: Whole =
        serde_json::from_value(body).map_err(|_| Wrong::NotUnderstood("it is no answer of the Messages API"))?;
    let mut partial = Partial { model: whole.model, begun: true, ended: true, ..Partial::default() };
    for block in whole.content {
        if let Block::Text { text } = block {
            partial.add(text);
        }
    }
    partial.stop = whole.stop_reason.as_deref().map(stop);
    if let Some(usage) = whole.usage {
        usage.note(&mut partial);
    }
    Ok(partial)
}
