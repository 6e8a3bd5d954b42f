//! Sizing a memory file so that every page of it is there.

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::statvfs::fstatvfs;

use super::limits;
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::sys::retry;

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
        return Err(Error::new(FALLOCATE, ErrorKind::Invalid).with_hint("a size is at least 1"));
    }
    // Beyond this limit the kernel sends a signal, which kills.
    within(limits::file_size(size))?;
    let length = libc::off_t::try_from(size)
        .map_err(|_| Error::new(FALLOCATE, ErrorKind::LimitReached).with_hint("no file is that large"))?;
    allocate(length, |flags, start, length| fallocate(fd, flags, start, length))
        .map_err(|e| refusal(fd, e, size))
}

/// What is reserved between two looks for signals, once one has come: some hundred microseconds' worth.
const PIECE: libc::off_t = 1 << 20;

/// Reserves the first `length` bytes at once or, if a signal comes meanwhile, in pieces.
///
/// Many kernels stop at a signal then and free again what this call has reserved. A timer that ticks faster than all of
/// it takes would so make it begin anew for ever.
fn allocate(
    length: libc::off_t,
    fallocate: impl Fn(FallocateFlags, libc::off_t, libc::off_t) -> nix::Result<()>,
) -> nix::Result<()> {
    match fallocate(FallocateFlags::empty(), 0, length) {
        Err(Errno::EINTR) => {}
        other => return other,
    }
    // Only the last piece makes the file as long as it is to be: so it never seems done before it is.
    let last = (length - 1) / PIECE * PIECE;
    for start in (0..last).step_by(PIECE as usize) {
        retry(|| fallocate(FallocateFlags::FALLOC_FL_KEEP_SIZE, start, PIECE))?;
    }
    retry(|| fallocate(FallocateFlags::empty(), last, length - last))
}

fn within(limit: Option<Limit>) -> Result<()> {
    match limit {
        Some(exceeded) if exceeded.is_exceeded() => {
            Err(Error::new(FALLOCATE, ErrorKind::LimitReached).with_limit(limit))
        }
        _ => Ok(()),
    }
}

fn refusal(fd: BorrowedFd<'_>, errno: Errno, size: usize) -> Error {
    let error = Error::from_errno(FALLOCATE, errno);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// Reserves under a kernel that is interrupted in everything that takes longer than a piece, and now and then in
    /// that too; returns what is reserved in the end, and how long the file is.
    fn interrupted(length: libc::off_t) -> (Vec<(libc::off_t, libc::off_t)>, libc::off_t) {
        let (reserved, size, mut calls) = (RefCell::new(Vec::new()), RefCell::new(0), RefCell::new(0));
        allocate(length, |flags, start, length| {
            *calls.borrow_mut() += 1;
            if length > PIECE || *calls.borrow() % 3 == 0 {
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
    fn signals_do_not_keep_it_from_ending() {
        assert_eq!(interrupted(PIECE), (vec![(0, PIECE)], PIECE));
        assert_eq!(interrupted(PIECE + 1), (vec![(0, PIECE), (PIECE, PIECE + 1)], PIECE + 1));
        let (pieces, size) = interrupted(9 * PIECE);
        assert!(pieces.windows(2).all(|two| two[0].1 == two[1].0), "no gap: {pieces:?}");
        assert_eq!((pieces[0].0, pieces[8].1, size), (0, 9 * PIECE, 9 * PIECE));
    }

    #[test]
    fn another_failure_is_reported() {
        assert_eq!(allocate(5 * PIECE, |_, _, _| Err(Errno::ENOSPC)), Err(Errno::ENOSPC));
        let full_after_a_signal = |_, start, length| match start {
            0 if length > PIECE => Err(Errno::EINTR),
            0 => Ok(()),
            _ => Err(Errno::ENOSPC),
        };
        assert_eq!(allocate(5 * PIECE, full_after_a_signal), Err(Errno::ENOSPC));
    }
}
