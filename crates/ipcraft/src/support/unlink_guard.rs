//! Removing a file on drop, if this process created it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::support::process_identity::ProcessIdentity;

/// A file that is removed on drop, by the process that created it, and only if the path still leads
/// to it.
///
/// A forked child has a copy of the value and must not remove its parent's file. Another process
/// may have put its own file at the path.
#[derive(Debug)]
pub(crate) struct UnlinkGuard {
    path: PathBuf,
    device: u64,
    inode: u64,
    /// `None` once the file is to be kept.
    owner: Option<ProcessIdentity>,
}

impl UnlinkGuard {
    /// Guards the file that this process has just created at `path`.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let meta = fs::symlink_metadata(path)?;
        // The working directory may have changed by the time of the drop.
        let path = std::path::absolute(path)?;
        Ok(UnlinkGuard {
            path,
            device: meta.dev(),
            inode: meta.ino(),
            owner: Some(ProcessIdentity::current()),
        })
    }

    /// Keeps the file.
    pub(crate) fn disarm(mut self) {
        self.owner = None;
    }

    fn is_still_ours(&self) -> bool {
        self.owner.is_some_and(ProcessIdentity::is_current)
            && fs::symlink_metadata(&self.path)
                .is_ok_and(|meta| meta.dev() == self.device && meta.ino() == self.inode)
    }
}

impl Drop for UnlinkGuard {
    fn drop(&mut self) {
        if self.is_still_ours() {
            // A drop cannot report a failure. The next owner of the name can reclaim the file.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drop_removes_its_own_file_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("object");
        fs::write(&path, "").unwrap();
        drop(UnlinkGuard::new(&path).unwrap());
        assert!(!path.exists());

        fs::write(&path, "").unwrap();
        let removal = UnlinkGuard::new(&path).unwrap();
        // Both files exist at the same time, so they have different inode numbers.
        fs::write(dir.path().join("other"), "").unwrap();
        fs::rename(dir.path().join("other"), &path).unwrap();
        drop(removal);
        assert!(path.exists(), "the path leads to another process's file");
    }

    #[test]
    fn drop_in_another_process_removes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("object");
        fs::write(&path, "").unwrap();
        let mut removal = UnlinkGuard::new(&path).unwrap();
        removal.owner = Some(ProcessIdentity::OTHER);
        drop(removal);
        assert!(path.exists());
    }
}
