//! Plans and questions.

use crate::types::{Plan, Question, Step};

impl Plan {
    /// Steps, run in this order. At most 32.
    pub fn of(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), questions: Vec::new() }
    }

    /// A question that must be answered first. The host calls `plan` again with the answer.
    pub fn ask(question: Question) -> Self {
        Self::ask_all([question])
    }

    /// Questions that must be answered first.
    pub fn ask_all(questions: impl IntoIterator<Item = Question>) -> Self {
        Self { steps: Vec::new(), questions: questions.into_iter().collect() }
    }

    /// No work: `reply` answers from the request alone.
    pub fn reply_only() -> Self {
        Self::of([])
    }

    /// Adds a step at the end.
    #[must_use]
    pub fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

impl Question {
    /// A question with a free answer. `id` is stable within the task.
    pub fn new(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self { id: id.into(), text: text.into(), options: Vec::new() }
    }

    /// Gives answers to choose from.
    #[must_use]
    pub fn options<T: Into<String>>(mut self, options: impl IntoIterator<Item = T>) -> Self {
        self.options = options.into_iter().map(Into::into).collect();
        self
    }
}
