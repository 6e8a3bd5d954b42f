//! Removing the file that this process made, and no other.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process;

/// A file that is removed on drop: by the process that made it, and only if the path still leads to it.
///
/// A forked child has a copy of the value and must not remove its parent's file; and a path may have been taken over by
/// somebody else's file in the meantime.
#[derive(Debug)]
pub(crate) struct UnlinkGuard {
    path: PathBuf,
    device: u64,
    inode: u64,
    owner: u32,
}

impl UnlinkGuard {
    /// Takes charge of the file that this process has just created at `path`.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let meta = fs::symlink_metadata(path)?;
        // The working directory may have changed by the time of the drop.
        let path = std::path::absolute(path)?;
        Ok(UnlinkGuard { path, device: meta.dev(), inode: meta.ino(), owner: process::id() })
    }

    /// Leaves the file to whoever takes over what it leads to.
    pub(crate) fn disarm(mut self) {
        // No process has this id.
        self.owner = 0;
    }

    fn is_still_ours(&self) -> bool {
        self.owner == process::id()
            && fs::symlink_metadata(&self.path)
                .is_ok_and(|meta| meta.dev() == self.device && meta.ino() == self.inode)
    }
}

impl Drop for UnlinkGuard {
    fn drop(&mut self) {
        if self.is_still_ours() {
            // Nobody is left to tell if it fails, and the next owner of the name can reclaim it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_its_own_file_and_spares_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("object");
        fs::write(&path, "").unwrap();
        drop(UnlinkGuard::new(&path).unwrap());
        assert!(!path.exists());

        fs::write(&path, "").unwrap();
        let removal = UnlinkGuard::new(&path).unwrap();
        // Both files exist at once, so that the second cannot get the first one's inode number.
        fs::write(dir.path().join("other"), "").unwrap();
        fs::rename(dir.path().join("other"), &path).unwrap();
        drop(removal);
        assert!(path.exists(), "the path leads to somebody else's file now");
    }

    #[test]
    fn a_copy_in_another_process_removes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("object");
        fs::write(&path, "").unwrap();
        let mut removal = UnlinkGuard::new(&path).unwrap();
        removal.owner += 1;
        drop(removal);
        assert!(path.exists());
    }
}
