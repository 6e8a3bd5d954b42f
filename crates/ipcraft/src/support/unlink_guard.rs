//! Removing a file on drop, if this process created it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use super::directory_entry::DirectoryEntry;
use super::process_identity::ProcessIdentity;

/// A file that is removed on drop, by the process that created it, and only while the name leads to
/// that same file.
///
/// The file and its directory are held by descriptors: the inode number cannot be given to another
/// file, and the removal needs neither a free descriptor nor the former working directory. A forked
/// child has a copy of the value and must not remove its parent's file.
#[derive(Debug)]
pub(crate) struct UnlinkGuard {
    entry: DirectoryEntry,
    held: OwnedFd,
    /// The process that removes the file; `None` if none does.
    owner: Option<ProcessIdentity>,
}

impl UnlinkGuard {
    /// Guards the file behind `held`, which this process made and gave the name of `entry`, or will
    /// give it.
    pub(crate) fn new(entry: DirectoryEntry, held: OwnedFd) -> Self {
        UnlinkGuard { entry, held, owner: Some(ProcessIdentity::current()) }
    }

    /// Guards the file behind `file`, of which it keeps a duplicate, at `path`.
    ///
    /// The path need not lead to the file yet: what cannot be guarded need not be made.
    pub(crate) fn of(path: &Path, file: BorrowedFd<'_>) -> nix::Result<Self> {
        let held = file.try_clone_to_owned().map_err(|e| super::errno(&e))?;
        Ok(UnlinkGuard::new(DirectoryEntry::of(path)?, held))
    }

    /// Only holds the file, which stays on drop.
    pub(crate) fn without_removal(entry: DirectoryEntry, held: OwnedFd) -> Self {
        UnlinkGuard { entry, held, owner: None }
    }

    /// Returns the descriptor that holds the file.
    pub(crate) fn held(&self) -> BorrowedFd<'_> {
        self.held.as_fd()
    }

    /// Keeps the file.
    pub(crate) fn disarm(mut self) {
        self.owner = None;
    }

    /// Returns whether a drop removes the file.
    pub(crate) fn removes_on_drop(&self) -> bool {
        self.owner.is_some()
    }

    /// Removes the file now, whatever process made it; fails with `ESTALE` if the name leads to
    /// another file.
    pub(crate) fn remove(&self) -> nix::Result<()> {
        self.entry.remove(self.held.as_fd())
    }
}

impl Drop for UnlinkGuard {
    fn drop(&mut self) {
        if self.owner.is_some_and(ProcessIdentity::is_current) {
            // A drop cannot report a failure. The next owner of the name can reclaim the file.
            let _ = self.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};

    fn made(path: &Path) -> UnlinkGuard {
        UnlinkGuard::of(path, File::create(path).unwrap().as_fd()).unwrap()
    }

    #[test]
    fn drop_removes_its_own_file_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("object");
        drop(made(&path));
        assert!(!path.exists());

        let removal = made(&path);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        drop(removal);
        assert!(path.exists(), "the path leads to another process's file");
    }

    #[test]
    fn drop_after_disarm_or_in_another_process_removes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("object");
        made(&path).disarm();
        let mut removal = made(&path);
        removal.owner = Some(ProcessIdentity::OTHER);
        drop(removal);
        assert!(path.exists());
    }
}
