//! Which processes that work on one record are alive.
//!
//! | record | sign of life | who is gone |
//! |---|---|---|
//! | SQLite | an advisory lock on a file of the data directory; the operating system drops it with the process, however it ends | known at once; one machine, a local file system |
//! | PostgreSQL | a session of the server with a lock in the node's name, and a heartbeat on it (`db::sessions`) | known at once when it ended, after ten seconds when it is cut off |
//!
//! Nobody has to wait for a lease to run out: work of a node whose sign is gone can be taken up. What it may still write is refused by the number of
//! the task's lease.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use openanalyst_domain::NodeId;

use crate::StoreError;
use crate::db::sessions::{Heart, Seen};

/// Where the signs of life are.
#[derive(Debug, Clone)]
pub struct Nodes(Signs);

#[derive(Debug, Clone)]
enum Signs {
    Files(PathBuf),
    Sessions(Seen),
    Said(bool),
}

/// A node's sign of life. Dropping it says that the node is gone.
#[derive(Debug)]
pub struct AliveNode {
    node: NodeId,
    sign: Sign,
}

#[derive(Debug)]
enum Sign {
    File { path: PathBuf, _lock: File },
    Session { _heart: Heart },
}

impl AliveNode {
    pub(crate) fn of_session(node: NodeId, heart: Heart) -> Self {
        Self { node, sign: Sign::Session { _heart: heart } }
    }

    /// The node.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.node
    }
}

impl Drop for AliveNode {
    fn drop(&mut self) {
        if let Sign::File { path, .. } = &self.sign {
            // The file without its lock means the same as no file, so a failure here changes nothing.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Nodes {
    /// Uses a folder, which is made if it is not there.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn open(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        Ok(Self(Signs::Files(dir.to_owned())))
    }

    /// For tests: every other node lives, or none does.
    #[doc(hidden)]
    #[must_use]
    pub fn said(alive: bool) -> Self {
        Self(Signs::Said(alive))
    }

    pub(crate) fn of_sessions(seen: Seen) -> Self {
        Self(Signs::Sessions(seen))
    }

    /// Gives this process a node id and holds its sign of life.
    ///
    /// # Errors
    /// The lock file cannot be made or locked; the signs are no files.
    pub fn join(&self) -> io::Result<AliveNode> {
        let node = NodeId::new();
        let Some(path) = self.path_of(node) else {
            return Err(io::Error::other("the signs of life are sessions of a server: they begin with the store"));
        };
        let lock = OpenOptions::new().write(true).create_new(true).open(&path)?;
        lock.lock()?;
        Ok(AliveNode { node, sign: Sign::File { path, _lock: lock } })
    }

    /// Looks who is alive. Whoever reads what is open and then looks takes nothing from a node that lives.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub async fn look(&self) -> Result<(), StoreError> {
        match &self.0 {
            Signs::Files(_) | Signs::Said(_) => Ok(()),
            Signs::Sessions(seen) => seen.look().await,
        }
    }

    /// Whether the node with this id lives, as far as was seen. A lock that cannot be examined counts as held: work is rather left than done twice.
    #[must_use]
    pub fn is_alive(&self, node: &str) -> bool {
        let Ok(id) = node.parse::<NodeId>() else { return false };
        match &self.0 {
            Signs::Sessions(seen) => seen.is_alive(id),
            Signs::Said(alive) => *alive,
            Signs::Files(dir) => {
                let file = match File::open(dir.join(format!("{id}.lock"))) {
                    Ok(file) => file,
                    Err(error) => return error.kind() != io::ErrorKind::NotFound,
                };
                // A lock that was got here goes with the file handle.
                file.try_lock_shared().is_err()
            }
        }
    }

    /// Whether this node does the work that one node does for all: of those that live, the one with
    /// the smallest number. Two may think so for some seconds, so that work must bear that. With files
    /// there is one server only.
    #[must_use]
    pub fn is_first(&self) -> bool {
        match &self.0 {
            Signs::Sessions(seen) => seen.is_first(),
            Signs::Files(_) | Signs::Said(_) => true,
        }
    }

    fn path_of(&self, node: NodeId) -> Option<PathBuf> {
        match &self.0 {
            Signs::Files(dir) => Some(dir.join(format!("{node}.lock"))),
            Signs::Sessions(_) | Signs::Said(_) => None,
        }
    }
}

/// Takes a lock that only one process may have, for example the right to run the schedules of a data directory.
///
/// # Errors
/// `WouldBlock` where another process has it; otherwise what the file system says.
pub fn lock_exclusively(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_lives_until_its_sign_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let nodes = Nodes::open(dir.path()).unwrap();
        let node = nodes.join().unwrap();
        let id = node.id().to_string();
        assert!(nodes.is_alive(&id));
        assert!(nodes.is_alive(&id), "looking must not take the lock away");
        drop(node);
        assert!(!nodes.is_alive(&id));
    }

    #[test]
    fn a_file_that_nobody_holds_is_a_dead_node() {
        let dir = tempfile::tempdir().unwrap();
        let nodes = Nodes::open(dir.path()).unwrap();
        let id = NodeId::new().to_string();
        std::fs::write(dir.path().join(format!("{id}.lock")), "").unwrap();
        assert!(!nodes.is_alive(&id));
        assert!(!nodes.is_alive("../../etc/passwd"), "only ids name nodes");
    }

    #[test]
    fn an_exclusive_lock_is_had_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("serve.lock");
        let first = lock_exclusively(&path).unwrap();
        assert_eq!(lock_exclusively(&path).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(first);
        assert!(lock_exclusively(&path).is_ok());
    }
}
