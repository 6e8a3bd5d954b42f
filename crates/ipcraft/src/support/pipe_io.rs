//! Writing to a pipe without raising `SIGPIPE`.

use std::io::IoSlice;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use nix::errno::Errno;

use super::sigpipe;
use crate::sys::readv::{NOSIGNAL, pwritev2};

/// Cleared when the kernel first refuses [`NOSIGNAL`], and never set again.
static KERNEL_HAS_NOSIGNAL: AtomicBool = AtomicBool::new(true);

/// write(2) to a pipe that fails with `EPIPE`, without the signal, if no reader is left. `flags`
/// are those of pwritev2(2).
#[inline]
pub(crate) fn write(fd: BorrowedFd<'_>, bytes: &[u8], flags: libc::c_int) -> nix::Result<usize> {
    let parts = [IoSlice::new(bytes)];
    if KERNEL_HAS_NOSIGNAL.load(Relaxed) {
        match pwritev2(fd, &parts, flags | NOSIGNAL) {
            Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => {}
            other => return other,
        }
    }
    write_slow(fd, &parts, flags)
}

/// The same without the flag, for a kernel that lacks it.
#[cold]
fn write_slow(fd: BorrowedFd<'_>, parts: &[IoSlice<'_>], flags: libc::c_int) -> nix::Result<usize> {
    let written = sigpipe::suppress(|| pwritev2(fd, parts, flags));
    // If this is refused too, one of the caller's flags was the reason.
    if !matches!(written, Err(Errno::EOPNOTSUPP | Errno::ENOSYS)) {
        KERNEL_HAS_NOSIGNAL.store(false, Relaxed);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::signal::testing::in_child_with_default_sigpipe;
    use std::os::fd::AsFd;

    #[test]
    fn write_without_reader_returns_epipe_and_raises_no_signal() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert!(in_child_with_default_sigpipe(|| write(writer.as_fd(), b"x", 0) == Err(Errno::EPIPE)));
    }

    #[test]
    fn write_slow_without_reader_returns_epipe_and_leaves_no_signal_pending() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let parts = [IoSlice::new(b"x")];
        // Twice: a signal that the first call left pending would kill when its mask is restored.
        assert!(in_child_with_default_sigpipe(|| {
            write_slow(writer.as_fd(), &parts, 0) == Err(Errno::EPIPE)
                && write_slow(writer.as_fd(), &parts, 0) == Err(Errno::EPIPE)
        }));
    }

    #[test]
    fn plain_write_without_reader_kills_the_child() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert!(!in_child_with_default_sigpipe(|| nix::unistd::write(&writer, b"x") == Err(Errno::EPIPE)));
    }
}
