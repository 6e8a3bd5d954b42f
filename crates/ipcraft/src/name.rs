//! Names of objects: unique ones, and the checks before the kernel sees one.
//!
//! FIFOs and Unix sockets live at paths, and such a path is visible to the whole machine. [`unique`] and [`unique_path`]
//! make names that no other running process makes, for tests, examples and objects whose name is passed on to the peer
//! (as an argument, through the environment). A service that clients must find needs a fixed name instead, in a directory
//! that only the right users may write to, such as its own below `/run`.
//!
//! ```
//! use ipcraft::name;
//!
//! let path = name::unique_path("jobs");
//! assert!(path.starts_with(name::runtime_dir()));
//! assert_ne!(path, name::unique_path("jobs"));
//! ```

use std::env;
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::error::{Error, ErrorKind, Limit, Result};

/// `prefix-PID-N`: differs from every other name made by this function in any running process of this pid namespace.
///
/// A process that died may have had the same pid and left an object of that name: create with `create_new`, which says so.
pub fn unique(prefix: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    format!("{prefix}-{}-{}", process::id(), COUNTER.fetch_add(1, Relaxed))
}

/// A [`unique`] name in the [`runtime_dir`].
pub fn unique_path(prefix: &str) -> PathBuf {
    runtime_dir().join(unique(prefix))
}

/// Where short-lived objects of this user belong: `$XDG_RUNTIME_DIR` if that is a directory, else the directory for temporary files.
///
/// The first is private to the user; in the second (usually `/tmp`) every user can see and make names, so check whom you talk to:
/// open with the type checks that this library makes, and ask a socket for its peer's credentials.
pub fn runtime_dir() -> PathBuf {
    match env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) {
        Some(dir) if dir.is_absolute() && dir.is_dir() => dir,
        _ => env::temp_dir(),
    }
}

/// How an error names a path.
pub(crate) fn display(path: &Path) -> String {
    path.display().to_string()
}

/// Refuses what no path can be; the kernel judges the rest.
pub(crate) fn check_path(operation: &'static str, path: &Path) -> Result<()> {
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes.is_empty() || bytes.contains(&0) {
        return Err(Error::new(operation, ErrorKind::InvalidName)
            .with_name(format!("{path:?}"))
            .with_hint("a path is not empty and has no NUL byte"));
    }
    Ok(())
}

/// The name of a POSIX object for the kernel: a slash and at most `longest` bytes without another (mq_overview(7), shm_overview(7),
/// sem_overview(7)).
///
/// C libraries differ in whether they accept a name without the slash, and in the errno for a bad one; here all mechanisms agree.
pub(crate) fn posix(operation: &'static str, name: &str, longest: usize) -> Result<CString> {
    let refused = || Error::new(operation, ErrorKind::InvalidName).with_name(format!("{name:?}"));
    let body = name.strip_prefix('/').unwrap_or_default();
    if body.is_empty() || body.contains(['/', '\0']) || body == "." || body == ".." {
        return Err(
            refused().with_hint("a name is a slash and one or more bytes that are neither slash nor NUL")
        );
    }
    if body.len() > longest {
        let limit =
            Limit { name: "the longest name", value: longest as u64, requested: Some(body.len() as u64) };
        return Err(refused().with_limit(Some(limit)));
    }
    CString::new(name).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_names_differ_and_carry_the_pid() {
        let (a, b) = (unique("x"), unique("x"));
        assert_ne!(a, b);
        assert!(a.starts_with(&format!("x-{}-", process::id())));
    }

    #[test]
    fn empty_and_nul_are_refused_with_the_name_shown() {
        for bad in ["", "a\0b"] {
            let error = check_path("mkfifo", Path::new(bad)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidName);
            assert_eq!(error.object(), Some(format!("{bad:?}").as_str()));
        }
        check_path("mkfifo", Path::new("a")).unwrap();
    }

    #[test]
    fn a_posix_name_is_a_slash_and_one_component() {
        for bad in ["", "/", "jobs", "//", "/a/b", "/a\0", "/.", "/..", "/123456"] {
            let error = posix("shm_open", bad, 5).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidName, "{bad:?}");
        }
        assert_eq!(posix("shm_open", "/12345", 5).unwrap().to_bytes(), b"/12345");
        assert_eq!(posix("shm_open", "/123456", 5).unwrap_err().limit().unwrap().value(), 5);
    }
}
