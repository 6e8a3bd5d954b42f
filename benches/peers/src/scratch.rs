//! Where the objects of one connection live, so that all of them can be found and removed, whoever died.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ipcraft::name;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// Where glibc keeps shared memory.
const SHM: &str = "/dev/shm";

/// A directory, and a prefix of names in shared memory, that nothing else uses.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Scratch {
    directory: PathBuf,
    prefix: String,
}

impl Scratch {
    /// A path in the directory.
    pub(crate) fn path(&self, what: &str) -> PathBuf {
        self.directory.join(what)
    }

    /// The directory itself.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// What all names begin with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The name of a shared-memory object.
    pub(crate) fn name(&self, what: &str) -> String {
        format!("/{}-{what}", self.prefix)
    }

    /// The path of a file in shared memory.
    pub(crate) fn shm_path(&self, what: &str) -> PathBuf {
        Path::new(SHM).join(format!("{}-{what}", self.prefix))
    }
}

/// A file to be removed when this is dropped.
pub(crate) struct Removed(pub(crate) PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        // The owner of the directory removes what stays.
        let _ = fs::remove_file(&self.0);
    }
}

/// Makes the directory, and removes it and everything that bears the prefix when it is dropped.
pub(crate) struct Owner {
    scratch: Scratch,
    /// Removed with all that is in it.
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
        // What is gone by then, or cannot be listed, is nobody's to report.
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
    fn what_bears_the_prefix_goes_and_nothing_else() {
        let (one, other) = (Owner::new().unwrap(), Owner::new().unwrap());
        let mine = [one.scratch().shm_path("a"), one.scratch().path("b")];
        let foreign = other.scratch().shm_path("a");
        for path in mine.iter().chain([&foreign]) {
            fs::write(path, "x").unwrap();
        }
        drop(one);
        assert!(mine.iter().all(|path| !path.exists()));
        assert!(foreign.exists());
        drop(other);
        assert!(!foreign.exists());
    }
}
