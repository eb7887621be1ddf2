//! Steps: what the host, or the skill itself, does for a request.

use serde_json::{Map, Value};

use crate::types::{Action, Expectation, ScriptCall, SkillCall, Step};

/// The argument that says so to the host (`wit/0.1.0/types.wit`, `script-call`).
const RETRYABLE: &str = "$retryable";

impl Step {
    /// A step that runs a script of the workflow engine, such as `f/openanalyst/social/create_post`.
    pub fn script(id: impl Into<String>, title: impl Into<String>, path: impl Into<String>) -> Self {
        Self::with_action(id, title, Action::Script(ScriptCall { path: path.into(), arguments: "{}".into() }))
    }

    /// A step that runs a flow of the workflow engine.
    pub fn flow(id: impl Into<String>, title: impl Into<String>, path: impl Into<String>) -> Self {
        Self::with_action(id, title, Action::Flow(ScriptCall { path: path.into(), arguments: "{}".into() }))
    }

    /// A step that asks another skill, in words.
    pub fn skill(
        id: impl Into<String>,
        title: impl Into<String>,
        skill: impl Into<String>,
        content: impl Into<String>,
    ) -> Self {
        let call = SkillCall { skill: skill.into(), content: content.into(), arguments: "{}".into() };
        Self::with_action(id, title, Action::Skill(call))
    }

    /// A step that calls this skill's own `run`.
    pub fn run(id: impl Into<String>, title: impl Into<String>) -> Self {
        Self::with_action(id, title, Action::Run("{}".into()))
    }

    fn with_action(id: impl Into<String>, title: impl Into<String>, action: Action) -> Self {
        Self { id: id.into(), title: title.into(), action, expects: Vec::new() }
    }

    /// Sets an argument.
    #[must_use]
    pub fn arg(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let arguments = self.arguments_text();
        // A step built by hand may hold something else than an object; naming an argument makes it one.
        let mut object: Map<String, Value> = serde_json::from_str(arguments).unwrap_or_default();
        object.insert(name.into(), value.into());
        *arguments = Value::Object(object).to_string();
        self
    }

    /// Sets an argument if there is a value for it.
    #[must_use]
    pub fn arg_if<T: Into<Value>>(self, name: impl Into<String>, value: Option<T>) -> Self {
        match value {
            Some(value) => self.arg(name, value),
            None => self,
        }
    }

    /// Sets an argument to a value in the result of an earlier step: `STEP-ID#POINTER`, for example `create#/post/content`. An
    /// empty pointer (`create#`) is the whole result.
    #[must_use]
    pub fn arg_from(self, name: impl Into<String>, reference: impl Into<String>) -> Self {
        let reference: String = reference.into();
        self.arg(name, serde_json::json!({ "$from": reference }))
    }

    /// Says of a script or flow that a retry may run it again although it ended well and only its result is not as expected: it changes nothing, or the same again
    /// changes nothing more. Without it the host asks the user instead. Has no meaning for other steps, which may always be run again.
    #[must_use]
    pub fn retryable(self) -> Self {
        match self.action {
            Action::Script(_) | Action::Flow(_) => self.arg(RETRYABLE, true),
            Action::Skill(_) | Action::Run(_) => self,
        }
    }

    /// Adds an expectation. All of them must hold; see [`expect`](crate::expect).
    #[must_use]
    pub fn expect(mut self, expectation: Expectation) -> Self {
        self.expects.push(expectation);
        self
    }

    /// The arguments of the action, as JSON. For tests, and for `run` before references are replaced.
    pub fn arguments(&self) -> Value {
        let text = match &self.action {
            Action::Script(call) | Action::Flow(call) => &call.arguments,
            Action::Skill(call) => &call.arguments,
            Action::Run(arguments) => arguments,
        };
        serde_json::from_str(text).unwrap_or_default()
    }

    fn arguments_text(&mut self) -> &mut String {
        match &mut self.action {
            Action::Script(call) | Action::Flow(call) => &mut call.arguments,
            Action::Skill(call) => &mut call.arguments,
            Action::Run(arguments) => arguments,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_and_references_become_one_object() {
        let step = Step::script("schedule", "Schedule it", "f/a/b")
            .arg("platform", "twitter")
            .arg("atMs", 5_u64)
            .arg_if("zone", None::<String>)
            .arg_from("content", "create#/post/content");
        let expected = json!({"platform": "twitter", "atMs": 5, "content": {"$from": "create#/post/content"}});
        assert_eq!(step.arguments(), expected);
        assert!(matches!(step.action, Action::Script(ScriptCall { ref path, .. }) if path == "f/a/b"));
        assert_eq!(Step::flow("a", "A", "f/a/b").retryable().arguments(), json!({"$retryable": true}));
        assert_eq!(Step::run("a", "A").retryable().arguments(), json!({}));
    }
}
