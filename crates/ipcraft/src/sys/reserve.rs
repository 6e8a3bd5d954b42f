//! Sizing a memory file so that every page of it is there.

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::statvfs::fstatvfs;

use super::{limits, retry};
use crate::error::{Error, ErrorKind, Limit, Result};

const FALLOCATE: &str = "fallocate";

/// fallocate(2): grows the file to `size` bytes and reserves all of them, so that no access is `SIGBUS` for want of
/// space later.
///
/// What is beyond the memory of the machine is refused here: the kernel would try page by page until it has to kill
/// somebody.
pub(crate) fn reserve(fd: BorrowedFd<'_>, size: usize) -> Result<()> {
    within(limits::available_memory(size))?;
    reserve_huge(fd, size)
}

/// The same for a file of huge pages, which are a pool of their own.
pub(crate) fn reserve_huge(fd: BorrowedFd<'_>, size: usize) -> Result<()> {
    if size == 0 {
        return Err(Error::refused(FALLOCATE, ErrorKind::Invalid).advise("a size is at least 1"));
    }
    // Beyond this limit the kernel sends a signal, which kills.
    within(limits::file_size(size))?;
    let length = libc::off_t::try_from(size)
        .map_err(|_| Error::refused(FALLOCATE, ErrorKind::LimitReached).advise("no file is that large"))?;
    retry(|| fallocate(fd, FallocateFlags::empty(), 0, length)).map_err(|e| refusal(fd, e, size))
}

fn within(limit: Option<Limit>) -> Result<()> {
    match limit {
        Some(exceeded) if exceeded.is_exceeded() => {
            Err(Error::refused(FALLOCATE, ErrorKind::LimitReached).with_limit(limit))
        }
        _ => Ok(()),
    }
}

fn refusal(fd: BorrowedFd<'_>, errno: Errno, size: usize) -> Error {
    let error = Error::system(FALLOCATE, errno);
    match errno {
        Errno::ENOSPC => error.with_limit(free_space(fd, size)),
        Errno::EFBIG => error.with_kind(ErrorKind::LimitReached),
        _ => error,
    }
}

fn free_space(fd: BorrowedFd<'_>, size: usize) -> Option<Limit> {
    let space = fstatvfs(fd).ok()?;
    let value = space.blocks_available() * space.fragment_size();
    Some(Limit { name: "free space", value, requested: Some(size as u64) })
}
