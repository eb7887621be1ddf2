//! Wakes those who follow a task. It carries no events: a follower reads the record, so it can be late, but never miss or double anything.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use openanalyst_domain::TaskId;
use openanalyst_store::tasks::TaskRow;
use tokio::sync::watch;

/// What is heard of a task.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signal {
    /// The number of the newest event.
    pub(crate) seq: i64,
    /// With that event the task ended, or rests: this is what stands in the record then.
    pub(crate) stopped: Option<Arc<TaskRow>>,
}

/// The wake-up calls of all tasks that somebody follows. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventBus {
    tasks: Arc<Mutex<HashMap<TaskId, watch::Sender<Signal>>>>,
}

/// One who hears of a task. With the last of them goes what was heard.
#[derive(Debug)]
pub(crate) struct Listener {
    heard: watch::Receiver<Signal>,
    task: TaskId,
    bus: EventBus,
}

impl Listener {
    /// Waits until something new is heard.
    pub(crate) async fn changed(&mut self) {
        if self.heard.changed().await.is_err() {
            // The sender stays as long as somebody listens.
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the task has ended or rests with an event after number `seq`, and gives it as it is then.
    pub(crate) async fn stopped_after(&mut self, seq: i64) -> Option<Arc<TaskRow>> {
        self.heard.wait_for(|heard| heard.seq > seq && heard.stopped.is_some()).await.ok()?.stopped.clone()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut tasks = self.bus.lock();
        if tasks.get(&self.task).is_some_and(|sender| sender.receiver_count() <= 1) {
            tasks.remove(&self.task);
        }
    }
}

impl EventBus {
    /// Says that the record of `task` now reaches to `seq`, and what it is if it has ended or rests with that.
    pub(crate) fn publish(&self, task: TaskId, seq: i64, stopped: Option<TaskRow>) {
        let tasks = self.lock();
        if let Some(sender) = tasks.get(&task) {
            sender.send_if_modified(|last| {
                let later = seq > last.seq;
                if later {
                    *last = Signal { seq, stopped: stopped.map(Arc::new) };
                }
                later
            });
        }
    }

    /// Hears of what is published about `task` from now on. Read the record after this call, not before it.
    pub(crate) fn listen(&self, task: TaskId) -> Listener {
        let heard = self.lock().entry(task).or_insert_with(|| watch::Sender::new(Signal::default())).subscribe();
        Listener { heard, task, bus: self.clone() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TaskId, watch::Sender<Signal>>> {
        self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_listener_hears_what_comes_after() {
        let bus = EventBus::default();
        let task = TaskId::new();
        let mut heard = bus.listen(task);
        bus.publish(TaskId::new(), 9, None);
        bus.publish(task, 2, None);
        heard.changed().await;
        assert_eq!(heard.heard.borrow_and_update().seq, 2);
        bus.publish(task, 1, None);
        assert!(!heard.heard.has_changed().unwrap(), "an older number wakes nobody");
    }

    #[test]
    fn nobody_listening_costs_nothing() {
        let bus = EventBus::default();
        let task = TaskId::new();
        let (one, other) = (bus.listen(task), bus.listen(task));
        drop(one);
        assert_eq!(bus.lock().len(), 1);
        drop(other);
        bus.publish(task, 1, None);
        assert!(bus.lock().is_empty());
    }
}
