//! read(2) and write(2) with the per-call flags that pipes need.

#![allow(unsafe_code)]

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use nix::errno::Errno;

use super::sigpipe;

/// Fail with `EAGAIN` instead of waiting, for this call only (preadv2(2)). FIFOs, and pipes before Linux 6.4, refuse it with
/// `EOPNOTSUPP`.
pub(crate) const NOWAIT: libc::c_int = libc::RWF_NOWAIT;

/// Do not raise `SIGPIPE` (Linux 6.18; include/uapi/linux/fs.h).
const NOSIGNAL: libc::c_int = 0x100;

/// Cleared for good when the kernel first says that it does not know the flag.
static HAS_NOSIGNAL: AtomicBool = AtomicBool::new(true);

/// The offset that means "the current position", which is all that a pipe has (preadv2(2)).
const CURRENT: libc::off_t = -1;

/// read(2).
#[inline]
pub(crate) fn read(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> nix::Result<usize> {
    // SAFETY: because read(2) writes at most `len` bytes to the buffer, which is borrowed mutably for the call.
    let count = unsafe { libc::read(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
    length(count)
}

/// read(2) of structures that the kernel writes; with flags, preadv2(2).
#[inline]
pub(crate) fn read_into<T>(
    fd: BorrowedFd<'_>,
    room: &mut [MaybeUninit<T>],
    flags: libc::c_int,
) -> nix::Result<usize> {
    let (fd, start, size) = (fd.as_raw_fd(), room.as_mut_ptr().cast(), size_of_val(room));
    if flags == 0 {
        // SAFETY: because read(2) writes at most `size` bytes to the room, which is borrowed mutably for the call.
        return length(unsafe { libc::read(fd, start, size) });
    }
    let room = libc::iovec { iov_base: start, iov_len: size };
    // SAFETY: because preadv2(2) writes at most `size` bytes to the room, which is borrowed mutably for the call.
    length(unsafe { libc::preadv2(fd, &raw const room, 1, CURRENT, flags) })
}

/// preadv2(2).
pub(crate) fn readv(
    fd: BorrowedFd<'_>,
    buffers: &mut [IoSliceMut<'_>],
    flags: libc::c_int,
) -> nix::Result<usize> {
    let count = buffers.len() as libc::c_int;
    // SAFETY: because IoSliceMut has the layout of iovec (std's guarantee) and its buffers are borrowed mutably.
    let count = unsafe {
        libc::preadv2(fd.as_raw_fd(), buffers.as_mut_ptr().cast::<libc::iovec>(), count, CURRENT, flags)
    };
    length(count)
}

/// write(2) to a pipe, with an error but no signal if nobody reads; `flags` are those of pwritev2(2).
#[inline]
pub(crate) fn write(fd: BorrowedFd<'_>, bytes: &[u8], flags: libc::c_int) -> nix::Result<usize> {
    writev(fd, &[IoSlice::new(bytes)], flags)
}

/// writev(2) to a pipe, likewise.
#[inline]
pub(crate) fn writev(fd: BorrowedFd<'_>, parts: &[IoSlice<'_>], flags: libc::c_int) -> nix::Result<usize> {
    if HAS_NOSIGNAL.load(Relaxed) {
        match pwritev2(fd, parts, flags | NOSIGNAL) {
            Err(Errno::EOPNOTSUPP | Errno::ENOSYS) if flags == 0 => HAS_NOSIGNAL.store(false, Relaxed),
            other => return other,
        }
    }
    write_held(fd, parts, flags)
}

/// The same on a kernel that lacks the flag.
#[cold]
fn write_held(fd: BorrowedFd<'_>, parts: &[IoSlice<'_>], flags: libc::c_int) -> nix::Result<usize> {
    sigpipe::held(|| pwritev2(fd, parts, flags))
}

#[inline]
fn pwritev2(fd: BorrowedFd<'_>, parts: &[IoSlice<'_>], flags: libc::c_int) -> nix::Result<usize> {
    let count = parts.len() as libc::c_int;
    // SAFETY: because IoSlice has the layout of iovec (std's guarantee) and its bytes are borrowed for the call.
    let count = unsafe {
        libc::pwritev2(fd.as_raw_fd(), parts.as_ptr().cast::<libc::iovec>(), count, CURRENT, flags)
    };
    length(count)
}

#[inline]
fn length(count: libc::ssize_t) -> nix::Result<usize> {
    if count < 0 { Err(Errno::last()) } else { Ok(count as usize) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{ForkResult, fork};
    use std::os::fd::AsFd;

    /// Runs `check` in a child whose SIGPIPE is at its default; true if the child lived and `check` held.
    fn in_child_with_default_sigpipe(check: impl FnOnce() -> bool) -> bool {
        // SAFETY: because the child calls only system calls before it leaves by _exit(2).
        match unsafe { fork() }.unwrap() {
            ForkResult::Child => {
                // SAFETY: because the child is about to end: nobody else relies on the disposition.
                unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
                let status = i32::from(!check());
                // SAFETY: because _exit(2) runs no handlers or destructors of the parent's.
                unsafe { libc::_exit(status) }
            }
            ForkResult::Parent { child } => waitpid(child, None).unwrap() == WaitStatus::Exited(child, 0),
        }
    }

    #[test]
    fn a_write_nobody_reads_is_an_error_and_no_death() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert!(in_child_with_default_sigpipe(|| write(writer.as_fd(), b"x", 0) == Err(Errno::EPIPE)));
    }

    #[test]
    fn the_way_of_older_kernels_keeps_the_promise_too() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let parts = [IoSlice::new(b"x")];
        // Twice: a signal left pending by the first would kill at the second's restored mask.
        assert!(in_child_with_default_sigpipe(|| {
            write_held(writer.as_fd(), &parts, 0) == Err(Errno::EPIPE)
                && write_held(writer.as_fd(), &parts, 0) == Err(Errno::EPIPE)
        }));
    }

    #[test]
    fn an_unguarded_write_would_have_died() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert!(!in_child_with_default_sigpipe(|| nix::unistd::write(&writer, b"x") == Err(Errno::EPIPE)));
    }
}
