//! The order of work: the tasks of one session run one after the other, those of different sessions at the same time.
//!
//! A later request of a session may mean what an earlier one made ("schedule it for Friday instead"), so it waits for it.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use openanalyst_domain::{Owner, SessionKey, TaskId};

type Key = (Owner, SessionKey);

/// The tasks that wait behind another one of their session.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    waiting: Mutex<HashMap<Key, VecDeque<TaskId>>>,
}

impl Sessions {
    /// Puts a task into its session, behind those that were accepted before it. True: nothing runs in it, so the caller has to start with this task.
    pub(crate) fn enter(&self, owner: &Owner, session: &SessionKey, task: TaskId) -> bool {
        let mut waiting = self.lock();
        match waiting.get_mut(&(owner.clone(), session.clone())) {
            Some(queue) => {
                // In the order of their ids, which is that of their acceptance on every node: who waits for whom is the same everywhere.
                let at = queue.partition_point(|waiting| *waiting < task);
                queue.insert(at, task);
                false
            }
            None => {
                waiting.insert((owner.clone(), session.clone()), VecDeque::new());
                true
            }
        }
    }

    /// The next task of the session after one ended. None: the session rests, and the next [`Self::enter`] starts it again.
    pub(crate) fn next(&self, owner: &Owner, session: &SessionKey) -> Option<TaskId> {
        let mut waiting = self.lock();
        let key = (owner.clone(), session.clone());
        let next = waiting.get_mut(&key).and_then(VecDeque::pop_front);
        if next.is_none() {
            waiting.remove(&key);
        }
        next
    }

    /// Where a task that has not begun stands behind another one of its session that was accepted before it and came later: gives that one, and lets the task wait
    /// behind it.
    pub(crate) fn give_way(&self, owner: &Owner, session: &SessionKey, task: TaskId) -> Option<TaskId> {
        let mut waiting = self.lock();
        let queue = waiting.get_mut(&(owner.clone(), session.clone()))?;
        let first = queue.pop_front_if(|first| *first < task)?;
        let at = queue.partition_point(|waiting| *waiting < task);
        queue.insert(at, task);
        Some(first)
    }

    /// Takes out a task that came to nothing. Some: it was the one that runs (`first`), and this is the one behind it.
    pub(crate) fn leave(&self, owner: &Owner, session: &SessionKey, task: TaskId, first: bool) -> Option<TaskId> {
        if first {
            return self.next(owner, session);
        }
        if let Some(queue) = self.lock().get_mut(&(owner.clone(), session.clone())) {
            queue.retain(|waiting| *waiting != task);
        }
        None
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, VecDeque<TaskId>>> {
        self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use openanalyst_domain::{TenantId, UserId};

    use super::*;

    #[test]
    fn one_after_the_other_in_a_session_and_side_by_side_otherwise() {
        let sessions = Sessions::default();
        let owner = |user: &str| Owner::new(TenantId::parse("t").unwrap(), UserId::parse(user).unwrap());
        let key = SessionKey::parse("s").unwrap();
        let (a, b, c) = (TaskId::new(), TaskId::new(), TaskId::new());
        assert!(sessions.enter(&owner("ada"), &key, a));
        assert!(!sessions.enter(&owner("ada"), &key, b));
        assert!(sessions.enter(&owner("bob"), &key, c), "another user's session of the same name is another session");
        assert_eq!(sessions.next(&owner("ada"), &key), Some(b));
        assert_eq!(sessions.next(&owner("ada"), &key), None);
        assert!(sessions.enter(&owner("ada"), &key, a), "a resting session starts again");
        assert!(!sessions.enter(&owner("ada"), &key, b));
        assert!(!sessions.enter(&owner("ada"), &key, c));
        assert_eq!(sessions.leave(&owner("ada"), &key, b, false), None, "who waits goes, and nobody is woken");
        assert_eq!(sessions.leave(&owner("ada"), &key, a, true), Some(c), "who runs goes, and the next one runs");
        assert_eq!(sessions.leave(&owner("ada"), &key, c, true), None);
        assert!(sessions.enter(&owner("ada"), &key, a));
    }

    #[test]
    fn who_was_accepted_first_goes_first() {
        let sessions = Sessions::default();
        let ada = Owner::new(TenantId::parse("t").unwrap(), UserId::parse("ada").unwrap());
        let key = SessionKey::parse("s").unwrap();
        let mut ids = [TaskId::new(), TaskId::new(), TaskId::new()];
        ids.sort_unstable();
        let [first, second, third] = ids;
        assert!(sessions.enter(&ada, &key, second));
        assert!(!sessions.enter(&ada, &key, third));
        assert_eq!(sessions.give_way(&ada, &key, second), None);
        // An earlier task that asked is answered while the second has not begun.
        assert!(!sessions.enter(&ada, &key, first));
        assert_eq!(sessions.give_way(&ada, &key, second), Some(first));
        assert_eq!(sessions.next(&ada, &key), Some(second));
        assert_eq!(sessions.next(&ada, &key), Some(third));
        assert_eq!(sessions.next(&ada, &key), None);
    }
}
