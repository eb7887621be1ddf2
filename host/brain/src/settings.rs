//! What can be set of the brain.

use std::time::Duration;

/// What can be set. All of it has a default.
#[derive(Debug, Clone)]
pub struct BrainSettings {
    /// How often a step, a plan or a reply is tried again after its first run.
    pub retries: u32,
    /// The pause before the first retry; it doubles with each one.
    pub retry_pause: Duration,
    /// How long a guest or a step waits for a job in memory; then the task is put aside until the job ends.
    pub park_after: Duration,
    /// Whether what keeps a step from its result is looked up once the retries are used up.
    pub research: bool,
    /// Most open tasks of one user.
    pub max_open_tasks: usize,
    /// Most tasks at work at the same time on this node; the others wait.
    pub max_tasks_at_work: usize,
    /// The time zone of users who have not said theirs, an IANA name.
    pub default_time_zone: String,
    /// Whether this node takes up open tasks of nodes that are gone, and does the upkeep of the record.
    pub take_over: bool,
    /// How often it is looked for what is not kept any more.
    pub prune_every: Duration,
}

impl Default for BrainSettings {
    fn default() -> Self {
        Self {
            retries: 3,
            retry_pause: Duration::from_millis(200),
            park_after: Duration::from_secs(5),
            research: true,
            max_open_tasks: 100,
            max_tasks_at_work: 256,
            default_time_zone: "UTC".to_owned(),
            take_over: true,
            prune_every: Duration::from_secs(60),
        }
    }
}
