//! Other skills of the tenant. Needs the capability `skills` with their names. At most 4 deep and 32 calls a task.

use serde::Serialize;

use crate::output::to_json;
use crate::types::Output;
use crate::{Result, sys};

/// Calls another skill: what it is asked, in words, and arguments that serialize to a JSON object. Read the answer with
/// [`Output::read`].
///
/// # Errors
/// The other skill's failure, [`Failure::Denied`](crate::Failure) without the grant, [`Failure::NotFound`](crate::Failure) for a
/// name that the tenant has no active skill of.
pub fn call<T: Serialize + ?Sized>(skill: &str, content: &str, arguments: &T) -> Result<Output> {
    sys::skills::call(skill, content, &to_json(arguments)?)
}
