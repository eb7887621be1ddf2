//! Language models.
//!
//! | [`Api`] | request | end of a stream |
//! |---|---|---|
//! | [`Api::Anthropic`] | `POST {base}/v1/messages`, version 2023-06-01 | `message_stop` |
//! | [`Api::OpenAi`] | `POST {base}/chat/completions` | `[DONE]` |
//!
//! No tools are ever offered to a model; kinds of content and events that are not known are passed over.

mod anthropic;
mod client;
mod openai;
mod options;
mod sse;
mod wire;

pub use client::LlmClient;
pub use options::LlmOptions;
pub use sse::{MAX_EVENT_BYTES, MAX_STREAM_BYTES};
pub use wire::estimated_tokens;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The person, or a program on their behalf.
    User,
    /// The model.
    Assistant,
}

/// One message of the conversation with the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// What to ask.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prompt {
    /// The system prompt. An empty one is none.
    pub system: Option<String>,
    /// The conversation, oldest first. There is at least one message.
    pub messages: Vec<Message>,
    /// How long the answer may be, in tokens, at least 1. None: what [`LlmOptions::max_tokens`] says.
    pub max_tokens: Option<u32>,
    /// How freely the model chooses its words; a finite number, usually from 0 to 1. None: the model's default.
    pub temperature: Option<f32>,
}

/// Why the model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It was done. Also every reason that is not known.
    End,
    /// The answer is as long as was allowed, or as the model's window.
    MaxTokens,
    /// The model, or a filter of its provider, refused.
    Refusal,
}

/// What came back.
///
/// Tokens are those that the provider counted. Where it counts none, they are estimated as a quarter of the characters, rounded up: of the system
/// prompt and all messages for what was read, of [`Self::content`] for what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The text.
    pub content: String,
    /// The model's name, as its provider gives it, or else as it was asked for.
    pub model: String,
    /// Why it stopped.
    pub stop: Stop,
    /// Tokens read, those from a cache included.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
}

/// Which protocol a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Anthropic's Messages API.
    Anthropic,
    /// The chat completions of OpenAI, which many servers speak.
    OpenAi,
}
