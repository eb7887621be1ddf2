//! What a step gives and what the user gets: outputs and replies.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Result;
use crate::types::{Inputs, Output, Question, Reply};

/// The JSON text of a value, as the contract carries it.
///
/// # Errors
/// [`Failure::Invalid`](crate::Failure) for what JSON cannot hold, such as a map with keys that are not text.
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}

/// A value as JSON, for [`Step::arg`](crate::Step::arg) and the like.
///
/// # Errors
/// As [`to_json`].
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<serde_json::Value> {
    Ok(serde_json::to_value(value)?)
}

impl Output {
    /// The result of a step.
    ///
    /// # Errors
    /// As [`to_json`].
    pub fn of<T: Serialize + ?Sized>(result: &T) -> Result<Self> {
        Ok(Self { result: to_json(result)?, summary: None })
    }

    /// Adds one line about the result for the user.
    #[must_use]
    pub fn summary(mut self, line: impl Into<String>) -> Self {
        self.summary = Some(line.into());
        self
    }

    /// Reads the result, for example of a call of another skill.
    ///
    /// # Errors
    /// [`Failure::Invalid`](crate::Failure) if it has another shape.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_str(&self.result)?)
    }
}

impl Reply {
    /// An answer in Markdown.
    pub fn text(content: impl Into<String>) -> Self {
        Self { content: content.into(), data: None, questions: Vec::new() }
    }

    /// Adds the answer for programs; the next request of the session finds it in its context.
    ///
    /// # Errors
    /// As [`to_json`].
    pub fn with_data<T: Serialize + ?Sized>(mut self, data: &T) -> Result<Self> {
        self.data = Some(to_json(data)?);
        Ok(self)
    }

    /// Says how the answer was made: in its data as `"madeBy": "language-model"` with `"model"`, or as `"madeBy": "rules"`; and in a
    /// last line of the content where a model wrote something. Call it last, with the [`Written::model`](crate::llm::Written).
    ///
    /// # Errors
    /// [`Failure::Invalid`](crate::Failure) where the data is not an object.
    pub fn made_by(mut self, model: Option<&str>) -> Result<Self> {
        let data = self.data.as_deref().unwrap_or("{}");
        let mut data: serde_json::Map<String, serde_json::Value> = serde_json::from_str(data)?;
        data.insert("madeBy".into(), if model.is_some() { "language-model" } else { "rules" }.into());
        if let Some(model) = model {
            data.insert("model".into(), model.into());
            self.content.truncate(self.content.trim_end().len());
            self.content.push_str(&format!("\n\n_Written with {model}._"));
        }
        self.data = Some(to_json(&data)?);
        Ok(self)
    }

    /// Adds a question: the task waits for the answer.
    #[must_use]
    pub fn ask(mut self, question: Question) -> Self {
        self.questions.push(question);
        self
    }
}

impl Inputs {
    /// Reads all arguments of the action.
    ///
    /// # Errors
    /// [`Failure::Invalid`](crate::Failure) if they have another shape.
    pub fn arguments<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_str(&self.arguments)?)
    }

    /// Reads one argument. An argument that is not there reads as `null`, so `Option` makes it optional.
    ///
    /// # Errors
    /// [`Failure::Invalid`](crate::Failure), naming the argument, if it is missing or has another shape.
    pub fn argument<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let mut arguments: serde_json::Value = serde_json::from_str(&self.arguments)?;
        let value = arguments.get_mut(name).map(serde_json::Value::take).unwrap_or_default();
        serde_json::from_value(value)
            .map_err(|error| crate::Failure::invalid(format!("the argument `{name}` does not fit: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing;
    use crate::types::{Reply, Step};

    #[test]
    fn an_argument_is_read_by_name_and_its_name_is_in_the_error() {
        let step = Step::run("a", "A").arg("count", 3);
        let inputs = testing::inputs(&testing::request("x"), &step);
        assert_eq!(inputs.argument::<u8>("count"), Ok(3));
        assert_eq!(inputs.argument::<Option<u8>>("other"), Ok(None));
        assert!(inputs.argument::<String>("count").unwrap_err().detail().contains("`count`"));
    }

    #[test]
    fn an_answer_says_how_it_was_made() {
        let reply = Reply::text("Hello.").made_by(None).unwrap();
        assert_eq!((reply.content.as_str(), reply.data.as_deref()), ("Hello.", Some(r#"{"madeBy":"rules"}"#)));
        let reply =
            Reply::text("Hello.\n").with_data(&serde_json::json!({"n": 1})).unwrap().made_by(Some("m-1")).unwrap();
        assert_eq!(reply.content, "Hello.\n\n_Written with m-1._");
        assert_eq!(reply.data.as_deref(), Some(r#"{"madeBy":"language-model","model":"m-1","n":1}"#));
        assert!(Reply::text("x").with_data(&1).unwrap().made_by(None).is_err());
    }
}
