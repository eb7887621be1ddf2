//! A large language model. Needs the capability `llm`. None configured is a normal state, answered with `unavailable`: write
//! skills so that they give a useful answer without a model.
//!
//! Where a text shall be written, begin at [`Draft`]: it keeps data apart from instructions, checks what comes back, and gives none
//! instead of failing. [`Facts`] and [`plain`] find what the model made up. [`Reply::made_by`](crate::Reply) tells the user who wrote. [`complete`]
//! and [`stream`] are the bare calls.
//!
//! ```no_run
//! # use openanalyst_skill::prelude::*;
//! # fn shorten(text: &str) -> Result<String> {
//! let prompt = llm::Prompt::ask(text).with_system("Shorten the text to one sentence.").with_max_tokens(200);
//! match llm::complete(&prompt) {
//!     Ok(completion) => Ok(completion.content),
//!     Err(Failure::Unavailable(_)) => Ok(text.chars().take(100).collect()),
//!     Err(failure) => Err(failure),
//! }
//! # }
//! ```

mod draft;
mod facts;
mod form;
mod tokens;

use crate::{Result, sys};

pub use draft::{Draft, MAX_LESSON_CHARS, MAX_LESSONS, Written};
pub use facts::{Checked, Facts};
pub use form::{no_refusal, one_paragraph, plain};

pub use crate::bindings::openanalyst::skill::llm::{Completion, Message, Prompt, Role, StopReason};

impl Prompt {
    /// A prompt with one message of the user.
    pub fn ask(content: impl Into<String>) -> Self {
        let message = Message { role: Role::User, content: content.into() };
        Self { system: None, messages: vec![message], max_tokens: None, temperature: None }
    }

    /// Sets the system prompt.
    #[must_use]
    pub fn with_system(mut self, system: impl Into<String>) -> Self {
        self.system = Some(system.into());
        self
    }

    /// Bounds the answer.
    #[must_use]
    pub fn with_max_tokens(mut self, max_tokens: u32) -> Self {
        self.max_tokens = Some(max_tokens);
        self
    }

    /// Sets the temperature, 0 to 1.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f32) -> Self {
        self.temperature = Some(temperature);
        self
    }
}

/// Asks and waits for the whole answer.
///
/// # Errors
/// [`Failure::Denied`](crate::Failure) without the grant, [`Failure::Unavailable`](crate::Failure) without a model.
pub fn complete(prompt: &Prompt) -> Result<Completion> {
    sys::llm::complete(prompt)
}

/// Asks, shows the answer to the user while it is written, and gives the whole answer at the end.
///
/// # Errors
/// As [`complete`].
pub fn stream(prompt: &Prompt) -> Result<Completion> {
    sys::llm::stream(prompt)
}
