//! How much a pipe holds, and how much it could: the questions both ends answer.

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};

use super::limits;
use crate::error::{Error, ErrorKind, Limit, Result};

const PIPE_MAX_SIZE: &str = "/proc/sys/fs/pipe-max-size";
const PIPE_USER_PAGES: &str = "/proc/sys/fs/pipe-user-pages-soft";

/// Bytes of room in all, used or not.
pub(crate) fn get(fd: BorrowedFd<'_>) -> Result<usize> {
    match fcntl(fd, FcntlArg::F_GETPIPE_SZ) {
        Ok(bytes) => Ok(bytes as usize),
        Err(errno) => Err(Error::from_errno("fcntl(F_GETPIPE_SZ)", errno)),
    }
}

/// Asks for at least `bytes` of room and returns what the kernel made of it.
pub(crate) fn set(fd: BorrowedFd<'_>, bytes: usize) -> Result<usize> {
    // What the call cannot express is beyond every limit that the kernel could have.
    let asked = libc::c_int::try_from(bytes).map_err(|_| refusal(Errno::EPERM, bytes))?;
    match fcntl(fd, FcntlArg::F_SETPIPE_SZ(asked)) {
        Ok(granted) => Ok(granted as usize),
        Err(errno) => Err(refusal(errno, bytes)),
    }
}

fn refusal(errno: Errno, bytes: usize) -> Error {
    let error = Error::from_errno("fcntl(F_SETPIPE_SZ)", errno);
    match errno {
        Errno::EPERM => {
            error.with_kind(ErrorKind::LimitReached).with_limit(exceeded(bytes)).with_hint("ask for less")
        }
        Errno::EBUSY => error.with_hint("the pipe holds more than that now: drain it first"),
        _ => error,
    }
}

/// The size limit, or the user's page quota if the size alone would have been allowed.
fn exceeded(bytes: usize) -> Option<Limit> {
    let size = limits::sysctl(PIPE_MAX_SIZE, Some(bytes as u64));
    match size {
        Some(limit) if bytes as u64 <= limit.value => limits::sysctl(PIPE_USER_PAGES, None),
        other => other,
    }
}
