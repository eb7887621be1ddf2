//! What a running job writes: only while its node runs it, and once, however often the job is run.
//!
//! A job may be run twice: again from its start after its process ended or its record could not be
//! reached, or on a second node while the first does not know yet that it lost the job. Two rules keep
//! its writes exact:
//!
//! - **Fence.** Each write holds the job's row ([`openanalyst_store::Tx::hold_job`]) in its own
//!   transaction, so a node that lost the job writes nothing.
//! - **Once.** What succeeds only once, such as making a schedule or removing a script, is recorded with
//!   its answer in the same transaction. A later run of the job gets this answer.
//!
//! An operation is named by its job, its kind, its path, and its number among the equal ones of the run.
//! So a repeated operation has the name that it had before, and a second equal one has another.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use openanalyst_domain::{JobId, Owner};
use openanalyst_store::{StoreError, Tx};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::embedded::Inner;

/// A write of a job.
#[derive(Debug, Clone)]
pub(crate) struct JobWrite {
    pub(crate) job: JobId,
    /// What it is recorded as, if it succeeds only once.
    pub(crate) once: Option<Operation>,
}

/// An operation that succeeds only once.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) answer: Value,
}

/// The operations of one run of a job, with all steps of a flow that run under its own job.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    /// What earlier runs did, by name, and the answers.
    done: HashMap<String, Value>,
    /// How often this run asked for each.
    asked: Mutex<HashMap<String, u32>>,
}

impl Operations {
    pub(crate) fn new(done: HashMap<String, Value>) -> Self {
        Self { done, asked: Mutex::default() }
    }

    /// Names an operation: the first of its kind in this run, the second, and so on. The next run gives
    /// the same names.
    pub(crate) fn name(&self, operation: &str) -> String {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let number = asked.entry(operation.to_owned()).or_default();
        *number += 1;
        format!("{operation} {number}")
    }

    /// The answer to an operation that an earlier run of the job did.
    pub(crate) fn answer(&self, name: &str) -> Option<&Value> {
        self.done.get(name)
    }

    /// The id of a job that this run starts. The next run gives the same one to the same path and
    /// arguments, also where a script starts several jobs at once, in any order.
    pub(crate) fn child(&self, job: JobId, path: &str, args: &Value) -> JobId {
        let mut digest = String::new();
        for byte in Sha256::digest(args.to_string()) {
            // Writing to a String cannot fail.
            let _ = write!(digest, "{byte:02x}");
        }
        child_id(job, &self.name(&format!("run {path} {digest}")))
    }
}

/// The id of a job that another one starts: the same for every run of that one, so that a job that is
/// run again finds the jobs that it started. It keeps the time of the other, and the form of a UUIDv7.
pub(crate) fn child_id(parent: JobId, name: &str) -> JobId {
    let name = Uuid::new_v5(&parent.0, name.as_bytes());
    let mut bytes = *parent.0.as_bytes();
    bytes[6..].copy_from_slice(&name.as_bytes()[6..]);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    JobId(Uuid::from_bytes(bytes))
}

impl Inner {
    /// Begins to write. With a job: what is written holds only if this node still runs it.
    pub(crate) async fn begin_writing(&self, owner: &Owner, write: Option<&JobWrite>) -> Result<Tx, StoreError> {
        let mut tx = self.store.begin(owner).await?;
        tx.hold("workflow").await?;
        if let Some(JobWrite { job, once }) = write {
            tx.hold_job(*job, &self.node.to_string()).await?;
            if let Some(Operation { name, answer }) = once {
                tx.record_operation_of_job(owner, *job, name, answer);
            }
        }
        Ok(tx)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_childs_id_is_the_same_in_every_run() {
        let flow = JobId::new();
        assert_eq!(child_id(flow, "a"), child_id(flow, "a"));
        assert_ne!(child_id(flow, "a"), child_id(flow, "b"));
        assert_ne!(child_id(flow, "a"), child_id(JobId::new(), "a"));
        assert_eq!(child_id(flow, "a").0.get_version_num(), 7);
        assert_eq!(child_id(flow, "a").to_string().parse::<JobId>().unwrap(), child_id(flow, "a"));
    }

    #[test]
    fn operations_of_two_runs_have_the_same_names_and_those_of_one_differ() {
        let names = || {
            let run = Operations::default();
            [run.name("create u/a/x"), run.name("create u/a/x"), run.name("create u/a/y")]
        };
        assert_eq!(names(), names());
        assert_eq!(HashSet::from(names()).len(), 3);
        let again = Operations::new(HashMap::from([(names()[0].clone(), json!("u/a/x"))]));
        assert_eq!(again.answer(&again.name("create u/a/x")), Some(&json!("u/a/x")));
        assert_eq!(again.answer(&again.name("create u/a/x")), None, "an earlier run did it once");
    }

    #[test]
    fn children_of_one_run_differ_by_path_arguments_and_number() {
        let (job, run) = (JobId::new(), Operations::default());
        let mut ids = HashSet::new();
        for (path, n) in [("u/a/x", 1), ("u/a/x", 2), ("u/a/y", 1), ("u/a/x", 1)] {
            assert!(ids.insert(run.child(job, path, &json!({ "n": n }))));
        }
        let again = Operations::default();
        assert!(ids.contains(&again.child(job, "u/a/x", &json!({ "n": 1 }))));
    }
}
