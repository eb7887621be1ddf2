//! `windmill`, from the workflow engine.

use std::time::Duration;

use async_trait::async_trait;
use openanalyst_domain::{Failure, JobId, JobStatus};
use openanalyst_runtime::capabilities::Workflows;
use openanalyst_runtime::contract::windmill::{
    App, FlowDefinition, Item, JobState, JobStatus as WitStatus, Kind, Page, RunOptions, Schedule, Script,
};
use openanalyst_workflow::{ItemKind, NewItem, NewSchedule, StartJob};
use serde_json::{Value, json};

use super::{Supply, store_failure};
use crate::numbers::{signed, unsigned};

fn job_id(text: &str) -> Result<JobId, Failure> {
    text.parse().map_err(|_| Failure::not_found("there is no such job of yours"))
}

fn state(state: openanalyst_workflow::JobState) -> JobState {
    JobState {
        status: match state.status {
            JobStatus::Queued => WitStatus::Queued,
            JobStatus::Running => WitStatus::Running,
            JobStatus::Done => WitStatus::Done,
            JobStatus::Failed => WitStatus::Failed,
            JobStatus::Cancelled => WitStatus::Cancelled,
        },
        percent: state.percent,
        last_log: state.last_log,
        result: state.result.map(|result| result.to_string()),
    }
}

fn kind(kind: Kind) -> ItemKind {
    match kind {
        Kind::Script => ItemKind::Script,
        Kind::Flow => ItemKind::Flow,
        Kind::App => ItemKind::App,
        Kind::Schedule => ItemKind::Schedule,
        Kind::Job => ItemKind::Job,
    }
}

fn wit_kind(kind: ItemKind) -> Kind {
    match kind {
        ItemKind::Script => Kind::Script,
        ItemKind::Flow => Kind::Flow,
        ItemKind::App => Kind::App,
        ItemKind::Schedule => Kind::Schedule,
        ItemKind::Job => Kind::Job,
    }
}

impl Supply {
    /// The id of a job that a skill starts: written down before the start, so that a replay awaits the same job.
    async fn journaled_job(&self, place: &str, path: &str) -> Result<JobId, Failure> {
        let fresh = json!({ "job": JobId::new(), "path": path });
        let intended = async {
            let mut tx = self.brain.store.begin(&self.owner).await?;
            let earlier = tx.intend(&self.key(place), "windmill.start", &fresh, self.brain.clock.now_ms()).await?;
            tx.commit().await?;
            Ok(earlier.map_or(fresh, |effect| effect.intent))
        };
        let intent = intended.await.map_err(|error| store_failure(&error))?;
        job_id(intent.get("job").and_then(Value::as_str).unwrap_or_default())
    }
}

#[async_trait]
impl Workflows for Supply {
    async fn start(&self, path: &str, is_flow: bool, arguments: Value, options: RunOptions) -> Result<String, Failure> {
        // With a key of the skill's own, the place is the same wherever in the task the start stands.
        let place = match &options.idempotency_key {
            Some(key) => format!("job-key/{key}"),
            None => self.next_place("windmill.start", &format!("{path} {arguments}")),
        };
        let id = self.journaled_job(&place, path).await?;
        let start = StartJob {
            id,
            is_flow,
            path: path.to_owned(),
            args: arguments,
            scheduled_for_ms: options.scheduled_for_ms.map(signed),
            task: Some(self.task),
        };
        Ok(self.brain.workflow.start(&self.owner, start).await?.to_string())
    }

    async fn state(&self, job: &str) -> Result<JobState, Failure> {
        Ok(state(self.brain.workflow.state(&self.owner, job_id(job)?).await?))
    }

    async fn wait(&self, job: &str, timeout: Duration) -> Result<JobState, Failure> {
        Ok(state(self.brain.workflow.wait(&self.owner, job_id(job)?, Some(timeout)).await?))
    }

    async fn cancel(&self, job: &str, reason: &str) -> Result<JobState, Failure> {
        Ok(state(self.brain.workflow.cancel(&self.owner, job_id(job)?, reason).await?))
    }

    // What is stored by path is stored again by a replay, with the same outcome: it needs no journal.

    async fn put_script(&self, script: Script) -> Result<(), Failure> {
        let Script { path, summary, language, content } = script;
        let item = NewItem { path, summary, language: Some(language), value: content };
        self.brain.workflow.put_script(&self.owner, item).await
    }

    async fn put_flow(&self, flow: FlowDefinition) -> Result<(), Failure> {
        let FlowDefinition { path, summary, value } = flow;
        self.brain.workflow.put_flow(&self.owner, NewItem { path, summary, language: None, value }).await
    }

    async fn put_app(&self, app: App) -> Result<(), Failure> {
        let App { path, summary, value } = app;
        self.brain.workflow.put_app(&self.owner, NewItem { path, summary, language: None, value }).await
    }

    async fn put_schedule(&self, schedule: Schedule) -> Result<(), Failure> {
        let args = serde_json::from_str(&schedule.arguments).map_err(|error| {
            Failure::invalid(format!("the arguments of the schedule `{}` are no JSON: {error}", schedule.path))
        })?;
        let new = NewSchedule {
            path: schedule.path,
            summary: schedule.summary,
            cron: schedule.cron,
            time_zone: schedule.time_zone,
            script_path: schedule.script_path,
            is_flow: schedule.is_flow,
            args,
            enabled: schedule.enabled,
        };
        self.brain.workflow.put_schedule(&self.owner, new).await
    }

    async fn list(&self, of: Kind, prefix: &str, limit: u32, cursor: Option<&str>) -> Result<Page, Failure> {
        let page = self.brain.workflow.list(&self.owner, kind(of), prefix, limit, cursor).await?;
        let items = page.items.into_iter().map(|item| Item {
            kind: wit_kind(item.kind),
            path: item.path,
            summary: item.summary,
            details: item.details.to_string(),
            updated_at_ms: unsigned(item.updated_at_ms),
        });
        Ok(Page { items: items.collect(), cursor: page.cursor })
    }

    async fn delete(&self, of: Kind, path: &str) -> Result<bool, Failure> {
        // A replay finds nothing left to delete, and must still say what the first run was told.
        let place = self.next_place("windmill.delete", &format!("{of:?} {path}"));
        let earlier = self.brain.store.effect(&self.key(&place)).await.map_err(|error| store_failure(&error))?;
        if let Some(done) = earlier.as_ref().and_then(|effect| effect.result.as_ref()).and_then(Value::as_bool) {
            return Ok(done);
        }
        let journal = async |result: Option<bool>| {
            let now_ms = self.brain.clock.now_ms();
            let mut tx = self.brain.store.begin(&self.owner).await?;
            tx.intend(&self.key(&place), "windmill.delete", &json!({ "path": path }), now_ms).await?;
            if let Some(result) = result {
                tx.settle(&self.key(&place), &json!(result), now_ms).await?;
            }
            tx.commit().await
        };
        journal(None).await.map_err(|error: openanalyst_store::StoreError| store_failure(&error))?;
        let removed = self.brain.workflow.delete(&self.owner, kind(of), path).await?;
        // An intent without a result means that the first run was cut off here: it removed it, or there was nothing.
        let removed = removed || earlier.is_some();
        journal(Some(removed)).await.map_err(|error: openanalyst_store::StoreError| store_failure(&error))?;
        Ok(removed)
    }
}
