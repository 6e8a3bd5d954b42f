//! The names of one connection's objects, so that all of them are removed even after a crash.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ipcraft::name;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// The directory of shared memory.
const SHM: &str = "/dev/shm";

/// A directory and a prefix of shared-memory names, exclusive to one connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Scratch {
    directory: PathBuf,
    prefix: String,
}

impl Scratch {
    /// Returns a path in the directory.
    pub(crate) fn path(&self, what: &str) -> PathBuf {
        self.directory.join(what)
    }

    /// Returns the directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the prefix of all names.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the name of a shared-memory object.
    pub(crate) fn name(&self, what: &str) -> String {
        format!("/{}-{what}", self.prefix)
    }

    /// Returns the path of a file in shared memory.
    pub(crate) fn shm_path(&self, what: &str) -> PathBuf {
        Path::new(SHM).join(format!("{}-{what}", self.prefix))
    }
}

/// A file that is removed when this is dropped.
pub(crate) struct RemoveOnDrop(pub(crate) PathBuf);

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        // The owner of the directory removes what remains.
        let _ = fs::remove_file(&self.0);
    }
}

/// Creates the directory. Dropping it removes the directory and everything with the prefix.
pub(crate) struct Owner {
    scratch: Scratch,
    /// Removed with its contents.
    _directory: TempDir,
}

impl Owner {
    pub(crate) fn new() -> io::Result<Owner> {
        let directory = tempfile::Builder::new().prefix("ipcraft-peers-").tempdir()?;
        let scratch =
            Scratch { directory: directory.path().into(), prefix: name::unique("ipcraft-peers") + "-" };
        Ok(Owner { scratch, _directory: directory })
    }

    pub(crate) fn scratch(&self) -> &Scratch {
        &self.scratch
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // Errors are ignored: an object may have been removed already.
        for entry in fs::read_dir(SHM).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&self.scratch.prefix) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drop_removes_only_objects_with_the_prefix() {
        let (one, other) = (Owner::new().unwrap(), Owner::new().unwrap());
        let own = [one.scratch().shm_path("a"), one.scratch().path("b")];
        let foreign = other.scratch().shm_path("a");
        for path in own.iter().chain([&foreign]) {
            fs::write(path, "x").unwrap();
        }
        drop(one);
        assert!(own.iter().all(|path| !path.exists()));
        assert!(foreign.exists());
        drop(other);
        assert!(!foreign.exists());
    }
}
