//! A directory for the names of one test, and the removal of names that killed tests left behind.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ipcraft::name;
use nix::unistd::geteuid;
use tempfile::TempDir;

/// A new directory that is removed on drop, under a [unique](name::unique) name that the leak check
/// knows.
///
/// # Panics
///
/// If there is no room for it.
pub fn directory() -> TempDir {
    let prefix = name::unique("ipcraft-tests");
    tempfile::Builder::new().prefix(&format!("{prefix}-")).tempdir().expect("a directory for temporary files")
}

/// Removes what killed tests of this user left behind.
///
/// These are files and directories with [unique](name::unique) names of tests, whose process is
/// dead.
pub fn sweep() {
    for directory in [env::temp_dir(), name::runtime_dir(), "/dev/shm".into()] {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if is_left_behind(&entry.file_name().to_string_lossy()) && is_mine(&entry.path()) {
                let _ = fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path()));
            }
        }
    }
}

/// `ipcraft-tests-PID-…`, or a POSIX semaphore's `sem.ipcraft-tests-PID-…`.
fn is_left_behind(file: &str) -> bool {
    let name = file.strip_prefix("sem.").unwrap_or(file);
    let maker = name
        .strip_prefix("ipcraft-")
        .and_then(|rest| rest.split('-').find(|part| part.parse::<u32>().is_ok()));
    maker.is_some_and(|pid| !Path::new("/proc").join(pid).exists())
}

fn is_mine(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.uid() == geteuid().as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_dead_processes_are_recognised() {
        let mine = name::unique("ipcraft-tests");
        assert!(!is_left_behind(&mine));
        // Above the largest process id that Linux gives.
        for dead in ["ipcraft-tests-4194305-0", "ipcraft-tests-4194305-3-x7Yz", "sem.ipcraft-shm-4194305-1"] {
            assert!(is_left_behind(dead), "{dead}");
        }
        for other in ["ipcraft", "tests-4194305-0", "ipcraft-tests", "sem.other-4194305-0"] {
            assert!(!is_left_behind(other), "{other}");
        }
    }
}
