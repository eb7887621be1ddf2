//! What both protocols have in common: the answer while it arrives.

use serde_json::Value;

use super::{Completion, Prompt, Stop};

/// The answer, as far as it has arrived.
#[derive(Debug, Default)]
pub(super) struct Partial {
    pub(super) content: String,
    pub(super) model: Option<String>,
    pub(super) stop: Option<Stop>,
    pub(super) input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
    /// Whether anything came that belongs to an answer.
    pub(super) begun: bool,
    /// Whether the protocol's last event came.
    pub(super) ended: bool,
}

/// Why an answer cannot be used.
#[derive(Debug)]
pub(super) enum Wrong {
    /// It is not what the protocol says.
    NotUnderstood(&'static str),
    /// It is an error; the object that holds `error`.
    Said(Value),
}

impl Partial {
    /// Takes a piece of text; gives it on if there is something in it.
    pub(super) fn add(&mut self, text: String) -> Option<String> {
        self.content.push_str(&text);
        Some(text).filter(|text| !text.is_empty())
    }

    /// A provider that does not count says 0, which no prompt has.
    pub(super) fn count(counted: Option<u64>, place: &mut Option<u64>) {
        if let Some(tokens) = counted.filter(|tokens| *tokens > 0) {
            *place = Some(tokens);
        }
    }

    /// The whole answer.
    pub(super) fn finish(self, prompt: &Prompt, model: &str) -> Completion {
        let input = self.input_tokens.unwrap_or_else(|| prompt.estimated_tokens());
        let output = self.output_tokens.unwrap_or_else(|| estimated_tokens(self.content.chars().count()));
        Completion {
            content: self.content,
            model: self.model.filter(|model| !model.is_empty()).unwrap_or_else(|| model.to_owned()),
            stop: self.stop.unwrap_or(Stop::End),
            input_tokens: input,
            output_tokens: output,
        }
    }
}

/// How many tokens a text of so many characters has, about: a quarter of them, rounded up.
#[must_use]
pub fn estimated_tokens(chars: usize) -> u64 {
    chars.div_ceil(4) as u64
}

impl Prompt {
    /// How many tokens it has, about: as [`estimated_tokens`] has it, of the system prompt and all messages.
    #[must_use]
    pub fn estimated_tokens(&self) -> u64 {
        let texts = self.system.iter().chain(self.messages.iter().map(|message| &message.content));
        estimated_tokens(texts.map(|text| text.chars().count()).sum())
    }
}
