//! Who calls, with which budget, grants and capabilities: everything one invocation is given.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Instant;

use openanalyst_domain::{Budget, Owner};
use openanalyst_package::Capabilities;
use tokio_util::sync::CancellationToken;

use crate::Scrubber;
use crate::Tape;
use crate::capabilities::{Http, Llm, Memory, Progress, Secrets, Skills, WebSearch, Workflows};

/// What one invocation is given.
#[derive(Clone)]
pub struct Call {
    /// For whom it runs. The tenant's share of the slots is counted by it.
    pub owner: Owner,
    /// Every limit.
    pub budget: Budget,
    /// What the skill may use: requested ∩ granted.
    pub grants: Arc<Capabilities>,
    /// The user's own folder in the workflow engine, such as `u/ada`. Open to every skill with any `windmill` grant.
    pub user_folder: String,
    /// What the host offers.
    pub capabilities: HostCapabilities,
    /// Records the host calls, and plays those that were recorded before.
    pub tape: Tape,
    /// Takes the skill's secrets out of whatever leaves it.
    pub scrubber: Scrubber,
    /// Ends the invocation wherever it waits, and within some milliseconds where it computes.
    pub cancel: CancellationToken,
    /// How deep in calls of skills by skills: 0 for the skill that the task began with.
    pub depth: u32,
    /// Calls of other skills that the task has left; shared by all invocations of the task.
    pub nested_calls_left: Arc<AtomicU32>,
    /// The moment at which it must have ended, if that is sooner than the budget's wall time allows.
    pub deadline: Option<Instant>,
}

impl Call {
    /// A call with the default budget, no grants and no capabilities: what the rest is added to.
    #[must_use]
    pub fn new(owner: Owner) -> Self {
        let budget = Budget::default();
        Self {
            user_folder: owner.user.folder(),
            owner,
            grants: Arc::new(Capabilities::none()),
            capabilities: HostCapabilities::default(),
            tape: Tape::off(),
            scrubber: Scrubber::none(),
            cancel: CancellationToken::new(),
            depth: 0,
            nested_calls_left: Arc::new(AtomicU32::new(budget.nested_calls)),
            deadline: None,
            budget,
        }
    }

    /// The moment at which it must have ended.
    pub(crate) fn deadline_or_far(&self) -> Instant {
        self.deadline.unwrap_or_else(|| Instant::now() + self.budget.wall())
    }
}

/// What the host offers to a skill. `None` is a normal state: the skill is told `unavailable`, without a retry hint.
#[derive(Clone, Default)]
pub struct HostCapabilities {
    /// Values that outlive the task.
    pub memory: Option<Arc<dyn Memory>>,
    /// The workflow engine.
    pub workflows: Option<Arc<dyn Workflows>>,
    /// Search of the public web.
    pub web_search: Option<Arc<dyn WebSearch>>,
    /// Language models.
    pub llm: Option<Arc<dyn Llm>>,
    /// Requests to granted hosts.
    pub http: Option<Arc<dyn Http>>,
    /// Calls of other skills.
    pub skills: Option<Arc<dyn Skills>>,
    /// Whether secrets exist.
    pub secrets: Option<Arc<dyn Secrets>>,
    /// Live progress for the user. Without it reports go nowhere.
    pub progress: Option<Arc<dyn Progress>>,
}
