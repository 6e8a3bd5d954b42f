//! Growing a memory file with every page reserved.

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::stat::{FileStat, fstat};
use nix::sys::statvfs::fstatvfs;
use nix::unistd::ftruncate;

use super::limits;
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::sys::retry;

const FALLOCATE: &str = "fallocate";

/// fallocate(2): grows the file to `size` bytes and reserves all of them. No later access then
/// raises `SIGBUS` for lack of space.
///
/// Fails if the machine or the control group has less memory for the bytes that are missing. The
/// kernel would allocate page by page until it has to kill a process.
pub(crate) fn reserve(fd: BorrowedFd<'_>, size: usize) -> Result<()> {
    let reserved = fstat(fd).map_or(0, |stat| reserved_bytes(&stat));
    limits::check_memory(FALLOCATE, size.saturating_sub(reserved))?;
    reserve_huge(fd, size)
}

/// The same for a file of huge pages, which have a pool of their own.
pub(crate) fn reserve_huge(fd: BorrowedFd<'_>, size: usize) -> Result<()> {
    let length = checked_length(FALLOCATE, size)?;
    allocate(0, length, FallocateFlags::empty(), |flags, start, length| fallocate(fd, flags, start, length))
        .map_err(|e| refusal(fd, e, size))
}

/// fallocate(2) with `FALLOC_FL_KEEP_SIZE`: reserves a range within the file.
pub(crate) fn reserve_range(fd: BorrowedFd<'_>, offset: usize, length: usize) -> Result<()> {
    let stat = fstat(fd).map_err(|e| Error::from_errno("fstat", e))?;
    let (size, end) = (stat.st_size as usize, offset.saturating_add(length));
    if end > size {
        let limit = Limit { name: "its size", value: size as u64, requested: Some(end as u64) };
        return Err(Error::new(FALLOCATE, ErrorKind::Invalid).with_limit(Some(limit)));
    }
    limits::check_memory(FALLOCATE, length.min(size.saturating_sub(reserved_bytes(&stat))))?;
    let count = checked_length(FALLOCATE, length)?;
    let keep = FallocateFlags::FALLOC_FL_KEEP_SIZE;
    allocate(offset as libc::off_t, count, keep, |flags, start, length| fallocate(fd, flags, start, length))
        .map_err(|e| refusal(fd, e, length))
}

/// ftruncate(2): gives a new file its size and no memory.
pub(crate) fn extend(fd: BorrowedFd<'_>, size: usize) -> Result<()> {
    const FTRUNCATE: &str = "ftruncate";
    let length = checked_length(FTRUNCATE, size)?;
    retry(|| ftruncate(fd, length)).map_err(|e| match e {
        Errno::EFBIG | Errno::EINVAL => {
            Error::from_errno(FTRUNCATE, e).with_kind(ErrorKind::LimitReached).with_hint(SMALLER)
        }
        _ => Error::from_errno(FTRUNCATE, e),
    })
}

const SMALLER: &str = "pass a smaller size";

/// The size as the kernel takes it, if the process may make a file of that size.
fn checked_length(operation: &'static str, size: usize) -> Result<libc::off_t> {
    if size == 0 {
        return Err(Error::new(operation, ErrorKind::Invalid).with_hint("pass a size of at least 1"));
    }
    // Beyond this limit the kernel sends `SIGXFSZ`, which kills by default.
    within(operation, limits::file_size(size))?;
    libc::off_t::try_from(size).map_err(|_| Error::new(operation, ErrorKind::LimitReached).with_hint(SMALLER))
}

/// The bytes that one call reserves after a signal interrupted the first: some 100 us of work.
const PIECE_BYTES: libc::off_t = 1 << 20;

/// Reserves `length` bytes from `start` in one call or, if a signal interrupts it, in pieces. The
/// `flags` are those of the whole call.
///
/// Many kernels stop at a signal and free what the call has reserved. A timer that ticks faster
/// than the whole call would otherwise make it start over forever.
fn allocate(
    start: libc::off_t,
    length: libc::off_t,
    flags: FallocateFlags,
    fallocate: impl Fn(FallocateFlags, libc::off_t, libc::off_t) -> nix::Result<()>,
) -> nix::Result<()> {
    match fallocate(flags, start, length) {
        Err(Errno::EINTR) => {}
        other => return other,
    }
    // Only the last piece sets the file's final length, so an incomplete file is always too short.
    let last = (length - 1) / PIECE_BYTES * PIECE_BYTES;
    for piece in (0..last).step_by(PIECE_BYTES as usize) {
        retry(|| fallocate(FallocateFlags::FALLOC_FL_KEEP_SIZE, start + piece, PIECE_BYTES))?;
    }
    retry(|| fallocate(flags, start + last, length - last))
}

/// The bytes for which a file has memory (stat(3type)).
pub(crate) fn reserved_bytes(stat: &FileStat) -> usize {
    const BLOCK_BYTES: usize = 512;
    usize::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(BLOCK_BYTES)
}

fn within(operation: &'static str, limit: Option<Limit>) -> Result<()> {
    match limit {
        Some(exceeded) if exceeded.is_exceeded() => {
            Err(Error::new(operation, ErrorKind::LimitReached).with_limit(limit))
        }
        _ => Ok(()),
    }
}

fn refusal(fd: BorrowedFd<'_>, errno: Errno, size: usize) -> Error {
    let error = Error::from_errno(FALLOCATE, errno);
    match errno {
        Errno::ENOSPC => error.with_limit(free_space(fd, size)),
        Errno::ENOMEM => error.with_limit(limits::available_memory(size).filter(Limit::is_exceeded)),
        Errno::EFBIG => error.with_kind(ErrorKind::LimitReached),
        _ => error,
    }
}

fn free_space(fd: BorrowedFd<'_>, size: usize) -> Option<Limit> {
    let space = fstatvfs(fd).ok()?;
    let value = space.blocks_available() * space.fragment_size();
    Some(Limit { name: "free space", value, requested: Some(size as u64) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// Reserves on a simulated kernel that is interrupted in every call longer than a piece, and in
    /// every third call. Returns the reserved ranges and the length of the file.
    fn interrupted(length: libc::off_t) -> (Vec<(libc::off_t, libc::off_t)>, libc::off_t) {
        let (reserved, size, mut calls) = (RefCell::new(Vec::new()), RefCell::new(0), RefCell::new(0));
        allocate(0, length, FallocateFlags::empty(), |flags, start, length| {
            *calls.borrow_mut() += 1;
            if length > PIECE_BYTES || *calls.borrow() % 3 == 0 {
                return Err(Errno::EINTR);
            }
            reserved.borrow_mut().push((start, start + length));
            if flags.is_empty() {
                size.replace(start + length);
            }
            Ok(())
        })
        .unwrap();
        assert!(*calls.get_mut() < 100);
        (reserved.into_inner(), size.into_inner())
    }

    #[test]
    fn allocate_with_frequent_signals_completes_in_pieces() {
        assert_eq!(interrupted(PIECE_BYTES), (vec![(0, PIECE_BYTES)], PIECE_BYTES));
        assert_eq!(
            interrupted(PIECE_BYTES + 1),
            (vec![(0, PIECE_BYTES), (PIECE_BYTES, PIECE_BYTES + 1)], PIECE_BYTES + 1)
        );
        let (pieces, size) = interrupted(9 * PIECE_BYTES);
        assert!(pieces.windows(2).all(|two| two[0].1 == two[1].0), "no gap: {pieces:?}");
        assert_eq!((pieces[0].0, pieces[8].1, size), (0, 9 * PIECE_BYTES, 9 * PIECE_BYTES));
    }

    #[test]
    fn allocate_returns_another_errno() {
        assert_eq!(
            allocate(0, 5 * PIECE_BYTES, FallocateFlags::empty(), |_, _, _| Err(Errno::ENOSPC)),
            Err(Errno::ENOSPC)
        );
        let full_after_a_signal = |_, start, length| match start {
            0 if length > PIECE_BYTES => Err(Errno::EINTR),
            0 => Ok(()),
            _ => Err(Errno::ENOSPC),
        };
        assert_eq!(
            allocate(0, 5 * PIECE_BYTES, FallocateFlags::empty(), full_after_a_signal),
            Err(Errno::ENOSPC)
        );
    }
}
