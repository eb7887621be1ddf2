//! Reading the results of steps.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Result;
use crate::types::{Failure, StepResult, StepStatus};

/// Finds values in the results of a plan. Implemented for slices and vectors of [`StepResult`].
pub trait Results {
    /// The result of a step. None where the plan had no such step.
    fn step(&self, id: &str) -> Option<&StepResult>;

    /// The document that a step gave.
    ///
    /// # Errors
    /// [`Failure::NotFound`] if there was no such step.
    fn output(&self, id: &str) -> Result<Value> {
        let result = self.step(id).ok_or_else(|| Failure::not_found(format!("there is no result of a step `{id}`")))?;
        Ok(serde_json::from_str(&result.output)?)
    }

    /// A value in what a step gave; `pointer` is a JSON pointer. A value that is not there reads as `null`, so `Option` makes it
    /// optional.
    ///
    /// # Errors
    /// [`Failure::NotFound`] if there was no such step, [`Failure::Invalid`] if the value is missing or has another shape.
    fn value<T: DeserializeOwned>(&self, id: &str, pointer: &str) -> Result<T> {
        let mut output = self.output(id)?;
        let value = output.pointer_mut(pointer).map(Value::take).unwrap_or_default();
        serde_json::from_value(value).map_err(|error| {
            Failure::invalid(format!("the result of the step `{id}` at `{pointer}` does not fit: {error}"))
        })
    }

    /// Whether the step ended and its result met the expectation.
    fn met(&self, id: &str) -> bool {
        self.step(id).is_some_and(|result| result.status == StepStatus::Met)
    }
}

impl Results for [StepResult] {
    fn step(&self, id: &str) -> Option<&StepResult> {
        self.iter().find(|result| result.id == id)
    }
}

impl Results for Vec<StepResult> {
    fn step(&self, id: &str) -> Option<&StepResult> {
        self.as_slice().step(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use crate::types::{Output, Step};
    use serde_json::json;

    #[test]
    fn values_are_found_by_step_and_pointer() {
        let step = Step::run("create", "Create");
        let results = vec![testing::result(&step, &Output::of(&json!({"post": {"length": 7}})).unwrap())];
        assert_eq!(results.value::<u32>("create", "/post/length"), Ok(7));
        assert_eq!(results.value::<Option<u32>>("create", "/post/none"), Ok(None));
        assert!(matches!(results.value::<u32>("other", ""), Err(Failure::NotFound(_))));
        assert!(results.met("create") && !results.met("other"));
    }
}
