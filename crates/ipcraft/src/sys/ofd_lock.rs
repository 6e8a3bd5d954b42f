//! Locks of an open file description (`F_OFD_SETLK`, fcntl(2)). The kernel releases them when the
//! last descriptor of the description is closed, for example because its process died.

use std::ops::Range;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};

/// Locks the byte at `at` for the description of `fd`; false if another description holds the lock.
/// A description that already holds it keeps it.
pub(crate) fn try_lock(fd: BorrowedFd<'_>, at: u64) -> nix::Result<bool> {
    match fcntl(fd, FcntlArg::F_OFD_SETLK(&range(libc::F_WRLCK, at, 1))) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Releases the lock of the byte at `at`.
pub(crate) fn unlock(fd: BorrowedFd<'_>, at: u64) -> nix::Result<()> {
    fcntl(fd, FcntlArg::F_OFD_SETLK(&range(libc::F_UNLCK, at, 1))).map(drop)
}

/// Whether another description holds a lock on one of the bytes. It may change at any moment.
pub(crate) fn is_locked_by_others(fd: BorrowedFd<'_>, at: u64, count: u64) -> nix::Result<bool> {
    lock_of_others(fd, at, count).map(|lock| lock.is_some())
}

/// Returns one lock of another description on some of the bytes. It may change at any moment.
pub(crate) fn lock_of_others(fd: BorrowedFd<'_>, at: u64, count: u64) -> nix::Result<Option<Range<u64>>> {
    let mut found = range(libc::F_WRLCK, at, count);
    fcntl(fd, FcntlArg::F_OFD_GETLK(&mut found))?;
    if found.l_type == libc::F_UNLCK as libc::c_short {
        return Ok(None);
    }
    let start = found.l_start as u64;
    // A length of 0 extends to the end of all files.
    let end = if found.l_len == 0 { u64::MAX } else { start.saturating_add(found.l_len as u64) };
    Ok(Some(start..end))
}

fn range(kind: libc::c_int, at: u64, count: u64) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: at as libc::off_t,
        l_len: count as libc::off_t,
        // The kernel refuses any other number for these locks.
        l_pid: 0,
    }
}
