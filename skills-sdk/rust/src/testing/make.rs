//! Requests, contexts and results to try a skill with. All of them are plain data: change any field.

use serde_json::Value;

use crate::types::{
    Action, Answer, Attachment, Attempt, Context, Inputs, Intent, Message, Output, Request, Role, Slot, Step,
    StepResult, StepStatus,
};

/// Monday, 23 November 2026, 12:00 UTC.
const NOW_MS: u64 = 1_795_435_200_000;

/// A request of the user `ada` in UTC, made on Monday, 23 November 2026, at noon.
pub fn request(content: &str) -> Request {
    Request {
        task_id: "01939c5e-0000-7000-8000-000000000001".into(),
        session_id: "session".into(),
        content: content.into(),
        intent: Intent { actions: Vec::new(), confidence: 1.0, slots: Vec::new() },
        attachments: Vec::new(),
        received_at_ms: NOW_MS,
        time_zone: "UTC".into(),
        user_folder: "u/ada".into(),
        answers: Vec::new(),
    }
}

/// An empty context at the time of [`request`].
pub fn context() -> Context {
    Context {
        now_ms: NOW_MS,
        display_name: None,
        preferences: Vec::new(),
        custom_instructions: None,
        messages: Vec::new(),
        recent_tasks: Vec::new(),
        learnings: Vec::new(),
        skills: Vec::new(),
        omitted: 0,
    }
}

/// What `run` gets for a step, with an empty context and no earlier results.
pub fn inputs(request: &Request, step: &Step) -> Inputs {
    let arguments = match &step.action {
        Action::Script(call) | Action::Flow(call) => call.arguments.clone(),
        Action::Skill(call) => call.arguments.clone(),
        Action::Run(arguments) => arguments.clone(),
    };
    Inputs { request: request.clone(), context: context(), arguments, results: Vec::new() }
}

/// An attempt without differences.
pub fn attempt(number: u32) -> Attempt {
    Attempt { number, max: 4, differences: Vec::new(), learning: None }
}

/// The result of a step that gave this and met its expectation.
pub fn result(step: &Step, output: &Output) -> StepResult {
    StepResult {
        id: step.id.clone(),
        title: step.title.clone(),
        status: StepStatus::Met,
        output: output.result.clone(),
        attempts: 1,
        job_id: None,
        differences: Vec::new(),
    }
}

/// For tests: what the router and the user add to a request.
impl Request {
    /// Adds a slot. Not there on WebAssembly.
    #[must_use]
    pub fn with_slot(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into().to_string();
        self.intent.slots.push(Slot { name: name.into(), value, text: String::new() });
        self
    }

    /// Adds a verb. Not there on WebAssembly.
    #[must_use]
    pub fn with_action(mut self, action: &str) -> Self {
        self.intent.actions.push(action.into());
        self
    }

    /// Adds an answer of the user. Not there on WebAssembly.
    #[must_use]
    pub fn with_answer(mut self, question_id: &str, text: &str) -> Self {
        self.answers.push(Answer { question_id: question_id.into(), text: text.into() });
        self
    }

    /// Adds a file. Not there on WebAssembly.
    #[must_use]
    pub fn with_attachment(mut self, name: &str, media_type: &str, content: impl Into<Vec<u8>>) -> Self {
        self.attachments.push(Attachment { name: name.into(), media_type: media_type.into(), content: content.into() });
        self
    }
}

/// For tests: what the host knows.
impl Context {
    /// Adds an earlier answer of a skill with its data. Not there on WebAssembly.
    #[must_use]
    pub fn with_answer(mut self, skill: &str, content: &str, data: impl Into<Value>) -> Self {
        self.messages.push(Message {
            role: Role::Assistant,
            content: content.into(),
            data: Some(data.into().to_string()),
            skill: Some(skill.into()),
            at_ms: NOW_MS,
        });
        self
    }

    /// Adds a preference. Not there on WebAssembly.
    #[must_use]
    pub fn with_preference(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.preferences.push((key.into(), value.into().to_string()));
        self
    }
}
