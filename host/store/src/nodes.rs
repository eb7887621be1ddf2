//! Which processes that share a data directory are alive.
//!
//! Each process holds an advisory lock on a file of its own for as long as it lives; the operating system drops the lock
//! with the process, however it ends. Nobody has to wait for a lease to run out: work of a node whose lock is free can be taken up.
//! Works on one machine and a local file system.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use openanalyst_domain::NodeId;

/// The folder with the lock files.
#[derive(Debug, Clone)]
pub struct Nodes {
    dir: PathBuf,
}

/// A node's sign of life. Dropping it says that the node is gone.
#[derive(Debug)]
pub struct AliveNode {
    node: NodeId,
    path: PathBuf,
    _lock: File,
}

impl AliveNode {
    /// The node.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.node
    }
}

impl Drop for AliveNode {
    fn drop(&mut self) {
        // The file without its lock means the same as no file, so a failure here changes nothing.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Nodes {
    /// Uses a folder, which is made if it is not there.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn open(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// Gives this process a node id and holds its sign of life.
    ///
    /// # Errors
    /// The lock file cannot be made or locked.
    pub fn join(&self) -> io::Result<AliveNode> {
        let node = NodeId::new();
        let path = self.path_of(&node.to_string());
        let lock = OpenOptions::new().write(true).create_new(true).open(&path)?;
        lock.lock()?;
        Ok(AliveNode { node, path, _lock: lock })
    }

    /// Whether the node with this id lives. A lock that cannot be examined counts as held: work is rather left than done twice.
    #[must_use]
    pub fn is_alive(&self, node: &str) -> bool {
        let Ok(id) = node.parse::<NodeId>() else { return false };
        let file = match File::open(self.path_of(&id.to_string())) {
            Ok(file) => file,
            Err(error) => return error.kind() != io::ErrorKind::NotFound,
        };
        // A lock that was got here goes with the file handle.
        file.try_lock_shared().is_err()
    }

    fn path_of(&self, node: &str) -> PathBuf {
        self.dir.join(format!("{node}.lock"))
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
