//! Wakes those who follow a task. It carries no events: a follower reads the record, so it can be late, but never miss or double anything.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use openanalyst_domain::TaskId;
use openanalyst_store::tasks::TaskRow;
use tokio::sync::watch;

/// What is heard of a task.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard {
    /// The number of the newest event.
    pub(crate) seq: i64,
    /// With that event the task ended, or rests: this is what stands in the record then.
    pub(crate) rests: Option<Arc<TaskRow>>,
}

/// The wake-up calls of all tasks that this process works on or somebody follows.
#[derive(Debug, Default)]
pub(crate) struct Bus {
    tasks: Mutex<HashMap<TaskId, watch::Sender<Heard>>>,
}

impl Bus {
    /// Says that the record of `task` now reaches to `seq`, and what it is if it has ended or rests with that.
    pub(crate) fn publish(&self, task: TaskId, seq: i64, rests: Option<TaskRow>) {
        let mut tasks = self.lock();
        if let Some(sender) = tasks.get(&task) {
            if sender.receiver_count() == 0 {
                tasks.remove(&task);
            } else {
                sender.send_if_modified(|last| {
                    let later = seq > last.seq;
                    if later {
                        *last = Heard { seq, rests: rests.map(Arc::new) };
                    }
                    later
                });
            }
        }
    }

    /// Hears of what is published about `task` from now on. Read the record after this call, not before it.
    pub(crate) fn listen(&self, task: TaskId) -> watch::Receiver<Heard> {
        let mut tasks = self.lock();
        // Those whom nobody follows any more go here, so the table stays as large as its listeners.
        if tasks.len() >= 1024 {
            tasks.retain(|_, sender| sender.receiver_count() > 0);
        }
        tasks.entry(task).or_insert_with(|| watch::Sender::new(Heard::default())).subscribe()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TaskId, watch::Sender<Heard>>> {
        self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_listener_hears_what_comes_after() {
        let bus = Bus::default();
        let task = TaskId::new();
        let mut heard = bus.listen(task);
        bus.publish(TaskId::new(), 9, None);
        bus.publish(task, 2, None);
        heard.changed().await.unwrap();
        assert_eq!(heard.borrow_and_update().seq, 2);
        bus.publish(task, 1, None);
        assert!(!heard.has_changed().unwrap(), "an older number wakes nobody");
    }

    #[test]
    fn nobody_listening_costs_nothing() {
        let bus = Bus::default();
        let task = TaskId::new();
        drop(bus.listen(task));
        bus.publish(task, 1, None);
        assert!(bus.lock().is_empty());
    }
}
