//! A workflow engine for a host without skills: nothing asks it for anything.

use std::time::Duration;

use openanalyst_domain::{Failure, JobId, Owner};
use openanalyst_workflow::{ItemKind, JobProgress, JobState, NewItem, NewSchedule, Page, StartJob, WorkflowEngine};
use tokio::sync::{broadcast, watch};

pub struct NoWorkflows;

fn none<T>() -> Result<T, Failure> {
    Err(Failure::unavailable("there is no workflow engine in this test"))
}

#[async_trait::async_trait]
impl WorkflowEngine for NoWorkflows {
    async fn start(&self, _: &Owner, _: StartJob) -> Result<JobId, Failure> {
        none()
    }

    async fn state(&self, _: &Owner, _: JobId) -> Result<JobState, Failure> {
        none()
    }

    async fn wait(&self, _: &Owner, _: JobId, _: Option<Duration>) -> Result<JobState, Failure> {
        none()
    }

    async fn cancel(&self, _: &Owner, _: JobId, _: &str) -> Result<JobState, Failure> {
        none()
    }

    fn ended(&self) -> broadcast::Receiver<JobId> {
        broadcast::channel(1).1
    }

    async fn ended_among(&self, jobs: &[JobId]) -> Result<Vec<JobId>, Failure> {
        Ok(jobs.to_vec())
    }

    fn watch(&self, _: JobId) -> watch::Receiver<JobProgress> {
        watch::channel(JobProgress::default()).1
    }

    async fn put_script(&self, _: &Owner, _: NewItem) -> Result<(), Failure> {
        none()
    }

    async fn put_flow(&self, _: &Owner, _: NewItem) -> Result<(), Failure> {
        none()
    }

    async fn put_app(&self, _: &Owner, _: NewItem) -> Result<(), Failure> {
        none()
    }

    async fn put_schedule(&self, _: &Owner, _: NewSchedule) -> Result<(), Failure> {
        none()
    }

    async fn list(&self, _: &Owner, _: ItemKind, _: &str, _: u32, _: Option<&str>) -> Result<Page, Failure> {
        none()
    }

    async fn delete(&self, _: &Owner, _: ItemKind, _: &str) -> Result<bool, Failure> {
        none()
    }
}
