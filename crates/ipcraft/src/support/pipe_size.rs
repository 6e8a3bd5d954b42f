//! The capacity of a pipe or FIFO, which both ends can query and set (fcntl(2)).

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};

use super::limits;
use crate::error::{Error, ErrorKind, Limit, Result};

const PIPE_MAX_SIZE: &str = "/proc/sys/fs/pipe-max-size";
const PIPE_USER_PAGES: &str = "/proc/sys/fs/pipe-user-pages-soft";

/// `F_GETPIPE_SZ`: the total room in bytes, used or not.
pub(crate) fn get(fd: BorrowedFd<'_>) -> Result<usize> {
    match fcntl(fd, FcntlArg::F_GETPIPE_SZ) {
        Ok(bytes) => Ok(bytes as usize),
        Err(errno) => Err(Error::from_errno("fcntl(F_GETPIPE_SZ)", errno)),
    }
}

/// `F_SETPIPE_SZ`: requests room for at least `bytes` and returns the room that the kernel gave.
pub(crate) fn set(fd: BorrowedFd<'_>, bytes: usize) -> Result<usize> {
    // A size beyond the kernel's int is above every limit.
    let requested = libc::c_int::try_from(bytes).map_err(|_| set_error(Errno::EPERM, bytes))?;
    match fcntl(fd, FcntlArg::F_SETPIPE_SZ(requested)) {
        Ok(granted) => Ok(granted as usize),
        Err(errno) => Err(set_error(errno, bytes)),
    }
}

fn set_error(errno: Errno, bytes: usize) -> Error {
    let error = Error::from_errno("fcntl(F_SETPIPE_SZ)", errno);
    match errno {
        Errno::EPERM => error
            .with_kind(ErrorKind::LimitReached)
            .with_limit(exceeded(bytes))
            .with_hint("request a smaller capacity, or raise the limit"),
        Errno::EBUSY => error.with_hint("drain the pipe before shrinking it"),
        _ => error,
    }
}

/// The size limit; the user's page quota if the size limit alone would have allowed it.
fn exceeded(bytes: usize) -> Option<Limit> {
    let size = limits::sysctl(PIPE_MAX_SIZE, Some(bytes as u64));
    match size {
        Some(limit) if bytes as u64 <= limit.value => limits::sysctl(PIPE_USER_PAGES, None),
        other => other,
    }
}
