//! Loading a component for a task: the task's record says so where that takes long.
//!
//! A component is fetched and compiled once, and then comes from the cache within milliseconds. Compiling takes seconds: after the first start of a host, and for a skill that was
//! uploaded to another node. The user then sees the component that the task waits for.

use std::pin::pin;
use std::time::Duration;

use openanalyst_domain::{EventKind, Failure};
use openanalyst_registry::CatalogSkill;
use openanalyst_runtime::{Checker, Skill};
use openanalyst_store::StoreError;
use openanalyst_store::tasks::NewEvent;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::record::TaskJournal;

/// How long a task waits for a component before its record says so: many times what the cache takes.
const SAY_AFTER: Duration = Duration::from_millis(500);

/// Loads the component of a skill. None: the task was cancelled first; the compiler goes on, for the next request.
///
/// # Errors
/// The outer error is the database's; the inner one says why there is no component.
pub(crate) async fn skill(
    record: &TaskJournal,
    skill: &CatalogSkill,
    cancel: &CancellationToken,
) -> Result<Option<Result<Skill, Failure>>, StoreError> {
    let name = &skill.manifest().name;
    let loading = cancel.run_until_cancelled(skill.load(&record.brain().sandbox));
    component(record, name, &format!("the skill `{name}`"), loading).await
}

/// Waits until the workflow engine can read and run scripts.
///
/// # Errors
/// As [`skill`].
pub(crate) async fn script_runner(record: &TaskJournal) -> Result<Result<(), Failure>, StoreError> {
    component(record, "script-runner", "the script runner", record.brain().workflow.prepared()).await
}

/// Loads the checker of expectations. None: the task was cancelled first.
///
/// # Errors
/// As [`skill`].
pub(crate) async fn checker(
    record: &TaskJournal,
    cancel: &CancellationToken,
) -> Result<Option<Result<Checker, Failure>>, StoreError> {
    let brain = record.brain();
    let loading = cancel.run_until_cancelled(brain.checker.load(&brain.sandbox));
    let loaded = component(record, "checker", "the checker of expectations", loading).await?;
    Ok(loaded.map(|loaded| loaded.cloned()))
}

/// Awaits the loading of a component. After [`SAY_AFTER`] the task gets the event `preparing`.
async fn component<T>(
    record: &TaskJournal,
    name: &str,
    title: &str,
    loading: impl Future<Output = T>,
) -> Result<T, StoreError> {
    let mut loading = pin!(loading);
    if let Ok(loaded) = record.during(tokio::time::timeout(SAY_AFTER, loading.as_mut())).await? {
        return Ok(loaded);
    }
    let message = format!("preparing {title}, which is compiled once and then kept");
    let said = NewEvent::new(EventKind::Preparing, json!({ "component": name, "message": message }));
    record.stage(|pending| pending.events([said])).await;
    record.during(loading).await
}
