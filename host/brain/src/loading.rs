//! Loading the component of a skill for a task, which is told when that takes long.
//!
//! A component is compiled once and then comes from the cache within milliseconds. Compiling takes seconds: on the first start of a host, and after an upload to
//! another node. The user then sees what the task waits for.

use std::pin::pin;
use std::time::Duration;

use openanalyst_domain::{EventKind, Failure};
use openanalyst_registry::CatalogSkill;
use openanalyst_runtime::Skill;
use openanalyst_store::StoreError;
use openanalyst_store::tasks::NewEvent;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::record::Record;

/// How long a task waits for a component before it says so. No component in the cache takes that long.
const SAY_AFTER: Duration = Duration::from_millis(500);

/// Loads the component of a skill. A task that waits for it longer than [`SAY_AFTER`] has the event `preparing`. None: the task was cancelled first; the compiler
/// goes on, for the next request.
///
/// # Errors
/// The outer error is the database's; the inner one says why there is no component.
pub(crate) async fn load(
    record: &Record,
    skill: &CatalogSkill,
    cancel: &CancellationToken,
) -> Result<Option<Result<Skill, Failure>>, StoreError> {
    let mut loading = pin!(cancel.run_until_cancelled(skill.load(&record.brain().sandbox)));
    if let Ok(loaded) = record.during(tokio::time::timeout(SAY_AFTER, loading.as_mut())).await? {
        return Ok(loaded);
    }
    let name = &skill.manifest().name;
    let message = format!("the skill `{name}` is being compiled, which is done once");
    let said = NewEvent::new(EventKind::Preparing, json!({ "component": name, "message": message }));
    record.note(|unsaved| unsaved.events([said])).await;
    record.during(loading).await
}
