//! Wakes those who follow a task. It carries no data: a follower reads the record, so it can be late, but never miss or double anything.

use std::collections::HashMap;
use std::sync::Mutex;

use openanalyst_domain::TaskId;
use tokio::sync::watch;

/// The wake-up calls of all tasks that this process works on or somebody follows.
#[derive(Debug, Default)]
pub(crate) struct Bus {
    tasks: Mutex<HashMap<TaskId, watch::Sender<(i64, bool)>>>,
}

impl Bus {
    /// Says that the record of `task` now reaches to `seq`, and whether the task has ended or rests with it.
    pub(crate) fn publish(&self, task: TaskId, seq: i64, rests: bool) {
        let mut tasks = self.lock();
        if let Some(sender) = tasks.get(&task) {
            if sender.receiver_count() == 0 {
                tasks.remove(&task);
            } else {
                sender.send_if_modified(|last| {
                    let later = seq > last.0;
                    if later {
                        *last = (seq, rests);
                    }
                    later
                });
            }
        }
    }

    /// Hears of what is published about `task` from now on. Read the record after this call, not before it.
    pub(crate) fn listen(&self, task: TaskId) -> watch::Receiver<(i64, bool)> {
        let mut tasks = self.lock();
        // Those whom nobody follows any more go here, so the table stays as large as its listeners.
        if tasks.len() >= 1024 {
            tasks.retain(|_, sender| sender.receiver_count() > 0);
        }
        tasks.entry(task).or_insert_with(|| watch::Sender::new((0, false))).subscribe()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TaskId, watch::Sender<(i64, bool)>>> {
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
        bus.publish(TaskId::new(), 9, false);
        bus.publish(task, 2, true);
        heard.changed().await.unwrap();
        assert_eq!(*heard.borrow_and_update(), (2, true));
        bus.publish(task, 1, false);
        assert!(!heard.has_changed().unwrap(), "an older number wakes nobody");
    }

    #[test]
    fn nobody_listening_costs_nothing() {
        let bus = Bus::default();
        let task = TaskId::new();
        drop(bus.listen(task));
        bus.publish(task, 1, false);
        assert!(bus.lock().is_empty());
    }
}
