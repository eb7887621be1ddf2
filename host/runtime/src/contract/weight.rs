//! How many bytes of text and data a value carries: what the limit on replies and the receipts count.
//!
//! Only strings and byte lists count. The rest of a value is bounded by what the engine lets the guest hand over.

use super::{
    Action, Answer, Attachment, Attempt, Check, Context, Expectation, Inputs, Intent, Learning, Message, Output, Plan,
    Question, Reply, Request, ScriptCall, SkillCall, Slot, Step, StepResult, TaskSummary, http, llm, windmill,
};

/// Something whose bytes can be counted.
pub(crate) trait Weight {
    /// Bytes of all strings and byte lists in it.
    fn weight(&self) -> usize;
}

impl Weight for str {
    fn weight(&self) -> usize {
        self.len()
    }
}

impl Weight for String {
    fn weight(&self) -> usize {
        self.len()
    }
}

impl Weight for [u8] {
    fn weight(&self) -> usize {
        self.len()
    }
}

impl<T: Weight + ?Sized> Weight for &T {
    fn weight(&self) -> usize {
        (**self).weight()
    }
}

impl<T: Weight> Weight for Option<T> {
    fn weight(&self) -> usize {
        self.as_ref().map_or(0, Weight::weight)
    }
}

impl<T: Weight> Weight for Vec<T> {
    fn weight(&self) -> usize {
        self.as_slice().weight()
    }
}

impl<T: Weight> Weight for [T] {
    fn weight(&self) -> usize {
        self.iter().map(Weight::weight).sum()
    }
}

impl<A: Weight, B: Weight> Weight for (A, B) {
    fn weight(&self) -> usize {
        self.0.weight() + self.1.weight()
    }
}

impl<A: Weight, B: Weight, C: Weight> Weight for (A, B, C) {
    fn weight(&self) -> usize {
        self.0.weight() + self.1.weight() + self.2.weight()
    }
}

macro_rules! weigh {
    ($($record:ty { $($field:ident),+ })+) => {
        $(impl Weight for $record {
            fn weight(&self) -> usize {
                0 $(+ self.$field.weight())+
            }
        })+
    };
}

weigh! {
    Slot { name, value, text }
    Intent { actions, slots }
    Answer { question_id, text }
    Request { task_id, session_id, content, intent, attachments, time_zone, user_folder, answers }
    Question { id, text, options }
    Message { content, data, skill }
    TaskSummary { id, content, skill, status }
    Learning { content, source }
    Context { display_name, preferences, custom_instructions, messages, recent_tasks, learnings, skills }
    ScriptCall { path, arguments }
    SkillCall { skill, content, arguments }
    Expectation { pointer, check, description }
    Step { id, title, action, expects }
    Plan { steps, questions }
    Attempt { differences, learning }
    StepResult { id, title, output, job_id, differences }
    Inputs { request, context, arguments, results }
    Output { result, summary }
    Reply { content, data, questions }
    windmill::RunOptions { idempotency_key }
    windmill::Script { path, summary, language, content }
    windmill::FlowDefinition { path, summary, value }
    windmill::App { path, summary, value }
    windmill::Schedule { path, summary, cron, time_zone, script_path, arguments }
    llm::Message { content }
    llm::Prompt { system, messages }
}

impl Weight for Attachment {
    fn weight(&self) -> usize {
        self.name.len() + self.media_type.len() + self.content.len()
    }
}

impl Weight for http::Request {
    fn weight(&self) -> usize {
        self.method.len() + self.url.len() + self.headers.weight() + self.body.as_ref().map_or(0, Vec::len)
    }
}

impl Weight for Action {
    fn weight(&self) -> usize {
        match self {
            Self::Script(call) | Self::Flow(call) => call.weight(),
            Self::Skill(call) => call.weight(),
            Self::Run(arguments) => arguments.len(),
        }
    }
}

impl Weight for Check {
    fn weight(&self) -> usize {
        match self {
            Self::Present | Self::Within(_) => 0,
            Self::Exact(text)
            | Self::Schema(text)
            | Self::Contains(text)
            | Self::Matches(text)
            | Self::BySkill(text) => text.len(),
            Self::Similar(similarity) => similarity.text.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_of_a_reply_counts() {
        let reply = Reply {
            content: "abc".into(),
            data: Some("{}".into()),
            questions: vec![Question { id: "q".into(), text: "why".into(), options: vec!["a".into(), "bc".into()] }],
        };
        assert_eq!(reply.weight(), 3 + 2 + 1 + 3 + 3);
    }
}
