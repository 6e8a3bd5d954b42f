//! The file system that holds the named objects.
//!
//! An object is a file in /dev/shm, on every C library (shm_overview(7)). It is created without a
//! name, so that it can be sized and filled in private. Linking it then succeeds for exactly one of
//! several racing processes.

use std::ffi::{OsStr, OsString};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, open};
use nix::sys::stat::fchmod;
use nix::unistd::linkat;

use crate::error::{Error, ErrorKind, Result};
use crate::support::mode::CreationMode;
use crate::support::{limits, proc_fd};
use crate::sys::retry;

pub(super) const SHM_OPEN: &str = "shm_open";

const DIRECTORY: &str = "/dev/shm";

/// Returns the path of an object; `name` starts with a slash.
pub(super) fn path(name: &OsStr) -> PathBuf {
    let mut path = OsString::from(DIRECTORY);
    path.push(name);
    path.into()
}

/// open(2) with `O_TMPFILE`: creates a file that lives as long as its descriptors, unless it is
/// linked.
pub(super) fn create_unnamed(mode: CreationMode) -> Result<OwnedFd> {
    let bits = mode.checked(SHM_OPEN)?;
    let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    let fd = retry(|| open(DIRECTORY, flags, bits)).map_err(|e| match e {
        Errno::ENOENT | Errno::EISDIR | Errno::EOPNOTSUPP => unsupported(e, "mount a tmpfs on /dev/shm"),
        _ => Error::from_errno(SHM_OPEN, e).with_limit(limits::descriptors(e)),
    })?;
    if mode.is_exact() {
        fchmod(&fd, bits).map_err(|e| Error::from_errno("fchmod", e))?;
    }
    Ok(fd)
}

/// linkat(2): links the file at `path`, unless that exists.
///
/// Without /proc this needs Linux 6.10, or the right to read all files.
pub(super) fn link(fd: BorrowedFd<'_>, path: &Path) -> Result<()> {
    let file = proc_fd::path(fd);
    let linked = match linkat(AT_FDCWD, file.as_str(), AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW) {
        Err(Errno::ENOENT) => linkat(fd, "", AT_FDCWD, path, AtFlags::AT_EMPTY_PATH),
        other => other,
    };
    linked.map_err(|e| match e {
        Errno::ENOENT => unsupported(e, "mount /proc"),
        _ => Error::from_errno(SHM_OPEN, e),
    })
}

fn unsupported(errno: Errno, hint: &'static str) -> Error {
    Error::from_errno(SHM_OPEN, errno).with_kind(ErrorKind::Unsupported).with_hint(hint)
}
