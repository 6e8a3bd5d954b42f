//! Object names: unique names and name checks.
//!
//! FIFOs and Unix sockets have paths, which every process of the machine can see. [`unique`] and
//! [`unique_path`] return names that no other running process generates. Use them for tests,
//! examples, and objects whose name is passed to the peer as an argument or environment variable.
//!
//! A service needs a fixed name that its clients know. Put it in a directory that only the intended
//! users may write to, such as a directory of its own below `/run`.
//!
//! ```
//! use ipcraft::name;
//!
//! let path = name::unique_path("jobs");
//! assert!(path.starts_with(name::runtime_dir()));
//! assert_ne!(path, name::unique_path("jobs"));
//! ```

use std::env;
use std::ffi::{CString, OsStr};
use std::hash::{BuildHasher, RandomState};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Instant;

use crate::error::{Error, ErrorKind, Limit, Result};

/// Returns `prefix-PID-N-RANDOM`, a name that differs from all others that this function returns.
///
/// The number differs within a process, and the pid between the processes of a pid namespace. The
/// 32 random bits are for processes of other containers that share a directory, and for names that
/// a dead process with the same pid left behind. Create the object with `create_new`: another
/// program may have chosen the name.
pub fn unique(prefix: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    format!("{prefix}-{}-{}-{:08x}", process::id(), COUNTER.fetch_add(1, Relaxed), random_bits())
}

/// Returns bits that differ between processes. The keys of the hash are random and shared with
/// forked children, which call this at another time.
fn random_bits() -> u32 {
    RandomState::new().hash_one(Instant::now()) as u32
}

/// Returns a [`unique`] in the [`runtime_dir`].
pub fn unique_path(prefix: &str) -> PathBuf {
    runtime_dir().join(unique(prefix))
}

/// Returns the directory for short-lived objects of this user: `$XDG_RUNTIME_DIR` if it is an
/// absolute directory, otherwise the directory for temporary files.
///
/// The first is private to the user. In the second (usually `/tmp`) every user can see and create
/// names. Check the peer there, for example by the credentials of its socket.
pub fn runtime_dir() -> PathBuf {
    match env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) {
        Some(dir) if dir.is_absolute() && dir.is_dir() => dir,
        _ => env::temp_dir(),
    }
}

/// Formats a path for an error.
pub(crate) fn display(path: &Path) -> String {
    path.display().to_string()
}

/// Fails with [`InvalidName`](ErrorKind::InvalidName) for an empty path or one with a NUL byte. The
/// kernel checks the rest.
pub(crate) fn check_path(operation: &'static str, path: &Path) -> Result<()> {
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes.is_empty() || bytes.contains(&0) {
        return Err(Error::new(operation, ErrorKind::InvalidName)
            .with_name(format!("{path:?}"))
            .with_hint("pass a path that is not empty and has no NUL byte"));
    }
    Ok(())
}

/// Checks the name of a POSIX object: a slash and at most `max_len` bytes without another slash
/// (mq_overview(7), shm_overview(7), sem_overview(7)).
///
/// C libraries differ in whether they accept a name without the slash, and in the errno for a bad
/// name. Here all mechanisms behave alike. The kernel takes the bytes as they are, so they need not
/// be UTF-8.
pub(crate) fn posix(operation: &'static str, name: impl AsRef<OsStr>, max_len: usize) -> Result<CString> {
    let name = name.as_ref();
    let invalid = || Error::new(operation, ErrorKind::InvalidName).with_name(format!("{name:?}"));
    let body = name.as_bytes().strip_prefix(b"/").unwrap_or_default();
    if body.is_empty() || body.iter().any(|byte| b"/\0".contains(byte)) || body == b"." || body == b".." {
        return Err(invalid().with_hint("start with one slash; use no further slash or NUL byte"));
    }
    if body.len() > max_len {
        let limit = Limit {
            name: "the maximum name length",
            value: max_len as u64,
            requested: Some(body.len() as u64),
        };
        return Err(invalid().with_limit(Some(limit)));
    }
    CString::new(name.as_bytes()).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_contains_the_pid_and_differs() {
        let (a, b) = (unique("x"), unique("x"));
        assert_ne!(a, b);
        assert!(a.starts_with(&format!("x-{}-", process::id())));
    }

    #[test]
    fn check_path_with_empty_or_nul_names_the_path() {
        for bad in ["", "a\0b"] {
            let error = check_path("mkfifo", Path::new(bad)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidName);
            assert_eq!(error.object(), Some(format!("{bad:?}").as_str()));
        }
        check_path("mkfifo", Path::new("a")).unwrap();
    }

    #[test]
    fn posix_with_other_than_one_component_returns_invalid_name() {
        for bad in ["", "/", "jobs", "//", "/a/b", "/a\0", "/.", "/..", "/123456"] {
            let error = posix("shm_open", bad, 5).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidName, "{bad:?}");
        }
        assert_eq!(posix("shm_open", "/12345", 5).unwrap().to_bytes(), b"/12345");
        assert_eq!(posix("mq_open", OsStr::from_bytes(b"/\xff"), 5).unwrap().to_bytes(), b"/\xff");
        assert_eq!(posix("shm_open", "/123456", 5).unwrap_err().limit().unwrap().value(), 5);
    }
}
