//! `windmill`, from the workflow engine.

use std::time::Duration;

use async_trait::async_trait;
use openanalyst_domain::{Failure, JobId, JobStatus};
use openanalyst_runtime::Waits;
use openanalyst_runtime::capabilities::{Waited, Workflows};
use openanalyst_runtime::contract::windmill::{
    App, FlowDefinition, Item, JobState, JobStatus as WitStatus, Kind, Page, RunOptions, Schedule, Script,
};
use openanalyst_store::StoreError;
use openanalyst_store::effects::Effect;
use openanalyst_workflow::{ItemKind, NewItem, NewSchedule, StartJob};
use serde_json::{Value, json};

use super::journal::{EffectId, EffectState};
use super::{HostContext, store_failure};
use crate::loading;
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

impl HostContext {
    /// The id of a job that a skill starts: written down before the start, so that a replay awaits the same job. Where an earlier attempt's job did not
    /// end well, it is another one.
    async fn journaled_job(&self, change: &mut EffectId, path: &str) -> Result<JobId, Failure> {
        let fresh = json!({ "job": JobId::new(), "path": path });
        let mut next = change.again();
        let written = async {
            let (mut batch, effect) = self.begin_for(change).await?;
            let intent = match effect {
                Some(effect) => self.earlier_job(effect),
                None => self.intended_job(&mut batch, change, &fresh).await?,
            };
            batch.commit().await?;
            Ok(intent)
        };
        let mut journaled: (Value, bool) = written.await.map_err(|error: StoreError| store_failure(&error))?;
        loop {
            let (intent, is_earlier) = journaled;
            let job = job_id(intent.get("job").and_then(Value::as_str).unwrap_or_default())?;
            if !is_earlier || !self.did_not_end_well(job).await? {
                return Ok(job);
            }
            change.key = next();
            let written = async {
                let mut batch = self.record.begin().await?;
                let journaled = self.intended_job(&mut batch, change, &fresh).await?;
                batch.commit().await?;
                Ok(journaled)
            };
            journaled = written.await.map_err(|error: StoreError| store_failure(&error))?;
        }
    }

    /// The journaled intent, and whether it is an earlier attempt's.
    async fn intended_job(
        &self,
        tx: &mut openanalyst_store::Tx,
        change: &mut EffectId,
        fresh: &Value,
    ) -> Result<(Value, bool), StoreError> {
        let mut intent = fresh.clone();
        intent["attempt"] = json!(self.attempt);
        let now_ms = self.brain.clock.now_ms();
        let before = tx.intend(&self.key(&change.key), "windmill.start", &intent, now_ms).await?;
        Ok(match before {
            None => (intent, false),
            Some(effect) => self.earlier_job(effect),
        })
    }

    fn earlier_job(&self, effect: Effect) -> (Value, bool) {
        let attempt = effect.intent.get("attempt").and_then(Value::as_u64).unwrap_or(0);
        (effect.intent, attempt < u64::from(self.attempt))
    }

    /// Waits for as long as the guest may stay in memory, and says whether it is to be put aside then.
    async fn wait_here(&self, id: JobId, until_ms: Option<i64>, left: Duration) -> Result<Waited, Failure> {
        // A little of the guest's time is kept for what it does afterwards.
        let stay = self.brain.settings.park_after.min(left / 2);
        let own = until_ms.map(|until| Duration::from_millis(unsigned(until - self.brain.clock.now_ms())));
        let here = own.map_or(stay, |own| own.min(stay));
        let now = self.brain.workflow.wait(&self.owner, id, Some(here)).await?;
        let over = until_ms.is_some_and(|until| self.brain.clock.now_ms() >= until);
        if now.status.is_final() || over || own.is_some_and(|own| own <= stay) {
            return Ok(Waited::State(state(now)));
        }
        if !self.tape.can_wait() {
            // The recording is full, so the guest could not be brought back here: it stays, as long as its budget lasts.
            let here = own.map_or(left, |own| own.min(left)).saturating_sub(here);
            return Ok(Waited::State(state(self.brain.workflow.wait(&self.owner, id, Some(here)).await?)));
        }
        Ok(Waited::Waits(Waits { job: id.to_string(), until_ms }))
    }

    /// A job that is not there yet counts as one that may still do its work.
    ///
    /// # Errors
    /// The engine's record cannot be reached.
    async fn did_not_end_well(&self, job: JobId) -> Result<bool, Failure> {
        match self.brain.workflow.state(&self.owner, job).await {
            Ok(state) => Ok(matches!(state.status, JobStatus::Failed | JobStatus::Cancelled)),
            Err(interrupted @ Failure::Interrupted { .. }) => Err(interrupted),
            Err(_) => Ok(false),
        }
    }
}

#[async_trait]
impl Workflows for HostContext {
    async fn start(&self, path: &str, is_flow: bool, arguments: Value, options: RunOptions) -> Result<String, Failure> {
        let mut change = self.change();
        if let Some(key) = &options.idempotency_key {
            // With a key of the skill's own, it is the same start wherever in the task it stands.
            let key = format!("job-key/{key}");
            change = EffectId { identity: key.clone(), key };
        }
        let id = self.journaled_job(&mut change, path).await?;
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

    async fn wait(&self, job: &str, timeout: Option<Duration>, left: Duration) -> Result<Waited, Failure> {
        let id = job_id(job)?;
        let until_ms = self.waits_until(timeout);
        // Who cancels the task now cancels the job too.
        let awaited = self.record.awaits(id);
        let waited = self.wait_here(id, until_ms, left).await;
        awaited.over();
        waited
    }

    async fn cancel(&self, job: &str, reason: &str) -> Result<JobState, Failure> {
        let id = job_id(job)?;
        let cancel = async { Ok(state(self.brain.workflow.cancel(&self.owner, id, reason).await?)) };
        self.once("windmill.cancel", &json!({ "job": job }), cancel).await
    }

    async fn put_script(&self, script: Script) -> Result<(), Failure> {
        let Script { path, summary, language, content } = script;
        let intent = json!({ "path": path });
        let item = NewItem { path, summary, language: Some(language), value: content };
        loading::script_runner(&self.record).await.map_err(|error| store_failure(&error))??;
        self.once("windmill.create-script", &intent, self.brain.workflow.put_script(&self.owner, item)).await
    }

    async fn put_flow(&self, flow: FlowDefinition) -> Result<(), Failure> {
        let FlowDefinition { path, summary, value } = flow;
        let intent = json!({ "path": path });
        let item = NewItem { path, summary, language: None, value };
        self.once("windmill.create-flow", &intent, self.brain.workflow.put_flow(&self.owner, item)).await
    }

    async fn put_app(&self, app: App) -> Result<(), Failure> {
        let App { path, summary, value } = app;
        let intent = json!({ "path": path });
        let item = NewItem { path, summary, language: None, value };
        self.once("windmill.create-app", &intent, self.brain.workflow.put_app(&self.owner, item)).await
    }

    async fn put_schedule(&self, schedule: Schedule) -> Result<(), Failure> {
        let args = serde_json::from_str(&schedule.arguments).map_err(|error| {
            Failure::invalid(format!("the arguments of the schedule `{}` are no JSON: {error}", schedule.path))
        })?;
        let intent = json!({ "path": schedule.path });
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
        self.once("windmill.create-schedule", &intent, self.brain.workflow.put_schedule(&self.owner, new)).await
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
        let mut change = self.change();
        // An intent without a result means that the first run was cut off here: it removed it, or there was nothing.
        let removed_before = match self.intend(&mut change, "windmill.delete", &json!({ "path": path })).await? {
            EffectState::Settled(result) => return result,
            EffectState::Pending => true,
            EffectState::New => false,
        };
        let removed = self.brain.workflow.delete(&self.owner, kind(of), path).await;
        let removed = removed.map(|removed| removed || removed_before);
        self.settle(&change, &removed).await?;
        removed
    }
}
