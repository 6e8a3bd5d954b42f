//! Reading signals from a descriptor.

use std::fmt;
use std::fs;
use std::iter::FusedIterator;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::time::TimeSpec;

use super::{SignalInfo, SignalMaskGuard, SignalSet};
use crate::error::{Error, ErrorKind, Result};
use crate::support::process_identity::ProcessIdentity;
use crate::support::{limits, wait};
use crate::sys::{dup, readv, retry, signal};

const OPEN: &str = "signalfd";
const READ: &str = "read from signalfd";

/// The maximum number of signals that one call takes.
pub const MAX_BATCH: usize = 32;

/// `signalfd(2)`: a descriptor from which blocked signals are read.
///
/// The descriptor holds no signals. A read takes signals that are pending for the **reading**
/// thread and its process, and poll(2) reports those of the polling thread. So a child that
/// inherits the descriptor reads its own signals. (An epoll set uses the process that added the
/// descriptor.)
///
/// On older kernels, 6.1 among them, reads that do not wait use `sigtimedwait(2)`. They read the
/// set from `/proc`, or use the set that this handle was given.
#[derive(Debug)]
pub struct SignalFd {
    fd: OwnedFd,
    /// The set that this handle was given last; 0 for an adopted descriptor.
    given: AtomicU64,
    /// The process that made the open file; `None` for an adopted descriptor.
    maker: Option<ProcessIdentity>,
}

impl SignalFd {
    /// `signalfd(2)`: creates a descriptor for the signals that the guard blocks.
    ///
    /// Keep the guard while the descriptor is used, and block the signals in all threads. If a
    /// thread does not block a signal, the signal is delivered there and never read.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if a descriptor table is full.
    #[doc(alias = "signalfd")]
    pub fn new(blocked: &SignalMaskGuard) -> Result<SignalFd> {
        match signal::open(blocked.signals().bits()) {
            Ok(fd) => Ok(SignalFd {
                fd,
                given: AtomicU64::new(blocked.signals().bits()),
                maker: Some(ProcessIdentity::current()),
            }),
            Err(e) => Err(Error::from_errno(OPEN, e).with_limit(limits::descriptors(e))),
        }
    }

    /// `signalfd(2)`: replaces the set of signals that are read by those of this guard.
    ///
    /// The set belongs to the open file. So it changes for everything that shares the file: clones
    /// of the descriptor, and processes that inherited or received it.
    ///
    /// **In a forked child**, the call leaves the file to the parent, and gives this handle a new
    /// one under the same number. An epoll set of the child no longer contains it: add it again. A
    /// handle that was converted from a descriptor does not know its maker, and changes the file.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if the underlying descriptor is not a signalfd.
    /// [`LimitReached`](ErrorKind::LimitReached) in a forked child with a full descriptor table.
    #[doc(alias = "signalfd")]
    pub fn set_signals(&self, blocked: &SignalMaskGuard) -> Result<()> {
        let set = blocked.signals().bits();
        let replaced = if self.maker.is_none_or(ProcessIdentity::is_current) {
            signal::replace(self.fd.as_fd(), set)
        } else {
            signal::open(set).and_then(|new| dup::replace_file(self.fd.as_fd(), &new))
        };
        replaced.map_err(|e| match e {
            Errno::EINVAL => not_a_signalfd(OPEN),
            e => Error::from_errno(OPEN, e).with_limit(limits::descriptors(e)),
        })?;
        self.given.store(set, Relaxed);
        Ok(())
    }

    /// Returns the signals that are read, from proc_pid_fdinfo(5). If that cannot be read, the set
    /// that this handle was given.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if the underlying descriptor is not a signalfd.
    pub fn signals(&self) -> Result<SignalSet> {
        self.read_set().map_err(|e| read_error(e).with_operation("fdinfo"))
    }

    /// `read(2)`: takes one pending signal, and blocks until there is one.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if the underlying descriptor is not a signalfd.
    #[inline]
    pub fn read(&self) -> Result<SignalInfo> {
        self.take(0).map_err(read_error)
    }

    /// As [`read`](SignalFd::read), but fails with [`Empty`](ErrorKind::Empty) instead of blocking.
    pub fn try_read(&self) -> Result<SignalInfo> {
        self.try_take().map_err(read_error)
    }

    /// As [`read`](SignalFd::read), but fails with [`TimedOut`](ErrorKind::TimedOut) if no signal
    /// arrives within `timeout`.
    pub fn read_timeout(&self, timeout: Duration) -> Result<SignalInfo> {
        wait::attempt_until(timeout, &self.readable(), || self.try_take()).map_err(read_error)
    }

    /// `read(2)`: takes all pending signals, at most [`MAX_BATCH`], and blocks until there is one.
    ///
    /// The lowest numbers come first, and each number in the order of sending.
    pub fn read_many(&self) -> Result<Batch> {
        retry(|| self.fill(0)).map_err(read_error)
    }

    /// As [`read_many`](SignalFd::read_many), but fails with [`Empty`](ErrorKind::Empty) instead of
    /// blocking.
    pub fn try_read_many(&self) -> Result<Batch> {
        self.try_fill().map_err(read_error)
    }

    /// As [`read_many`](SignalFd::read_many), but fails with [`TimedOut`](ErrorKind::TimedOut) if
    /// no signal arrives within `timeout`.
    pub fn read_many_timeout(&self, timeout: Duration) -> Result<Batch> {
        wait::attempt_until(timeout, &self.readable(), || self.try_fill()).map_err(read_error)
    }

    fn readable(&self) -> [(BorrowedFd<'_>, PollFlags); 1] {
        [(self.fd.as_fd(), PollFlags::POLLIN)]
    }

    #[inline]
    fn take(&self, flags: libc::c_int) -> nix::Result<SignalInfo> {
        let received = retry(|| signal::read_one(self.fd.as_fd(), flags))?;
        received.and_then(SignalInfo::from_received).ok_or(NOT_A_SIGNALFD)
    }

    fn try_take(&self) -> nix::Result<SignalInfo> {
        match self.take(readv::NOWAIT) {
            Err(Errno::EOPNOTSUPP) => self.take_by_sigtimedwait(),
            taken => taken,
        }
    }

    /// Takes a signal of the set with sigtimedwait(2), from the queue that a read would use. Older
    /// kernels have no non-blocking read of a signalfd.
    #[cold]
    fn take_by_sigtimedwait(&self) -> nix::Result<SignalInfo> {
        let set = self.read_set()?.bits();
        let received = retry(|| signal::wait(set, Some(TimeSpec::new(0, 0))))?;
        SignalInfo::from_received(received).ok_or(NOT_A_SIGNALFD)
    }

    fn fill(&self, flags: libc::c_int) -> nix::Result<Batch> {
        let mut batch = Batch::EMPTY;
        let each =
            |received| SignalInfo::from_received(received).into_iter().for_each(|info| batch.push(info));
        let length = signal::read::<MAX_BATCH>(self.fd.as_fd(), flags, each)?;
        if length > 0 && length == batch.len() * signal::RECORD { Ok(batch) } else { Err(NOT_A_SIGNALFD) }
    }

    fn try_fill(&self) -> nix::Result<Batch> {
        match retry(|| self.fill(readv::NOWAIT)) {
            Err(Errno::EOPNOTSUPP) => self.fill_by_sigtimedwait(),
            filled => filled,
        }
    }

    #[cold]
    fn fill_by_sigtimedwait(&self) -> nix::Result<Batch> {
        let mut batch = Batch::EMPTY;
        while batch.len() < MAX_BATCH {
            match self.take_by_sigtimedwait() {
                Err(Errno::EAGAIN) if batch.len() > 0 => break,
                taken => batch.push(taken?),
            }
        }
        Ok(batch)
    }

    fn given_set(&self) -> Option<SignalSet> {
        let bits = self.given.load(Relaxed);
        (bits != 0).then(|| SignalSet::from_bits(bits))
    }

    fn read_set(&self) -> nix::Result<SignalSet> {
        let path = format!("/proc/self/fdinfo/{}", self.fd.as_raw_fd());
        let Ok(text) = fs::read_to_string(path) else {
            // There is no /proc, or the process changed its user before Linux 5.14.
            return self.given_set().ok_or(Errno::ENOSYS);
        };
        let mask = text.lines().find_map(|line| line.strip_prefix("sigmask:")).ok_or(NOT_A_SIGNALFD)?;
        u64::from_str_radix(mask.trim(), 16).map(SignalSet::from_bits).map_err(|_| NOT_A_SIGNALFD)
    }
}

/// The descriptor is not a signalfd: the read returned other data than a signalfd does.
const NOT_A_SIGNALFD: Errno = Errno::EBADF;

#[cold]
fn read_error(errno: Errno) -> Error {
    match errno {
        NOT_A_SIGNALFD => not_a_signalfd(READ),
        errno => Error::from_recv_errno(READ, errno),
    }
}

fn not_a_signalfd(operation: &'static str) -> Error {
    Error::new(operation, ErrorKind::WrongType).with_hint("pass a descriptor that is a signalfd")
}

impl AsFd for SignalFd {
    /// Readable for `poll(2)` while a signal of the set is pending for the polling thread or its
    /// process.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<SignalFd> for OwnedFd {
    fn from(signals: SignalFd) -> Self {
        signals.fd
    }
}

/// Converts a descriptor that was inherited or received over a socket. If it is not a signalfd,
/// reading fails with [`WrongType`](ErrorKind::WrongType).
impl From<OwnedFd> for SignalFd {
    fn from(fd: OwnedFd) -> Self {
        SignalFd { fd, given: AtomicU64::new(0), maker: None }
    }
}

/// An iterator over the signals of one read, in the order of the kernel.
#[derive(Clone)]
#[must_use]
pub struct Batch {
    infos: [SignalInfo; MAX_BATCH],
    /// The remaining signals are those from `next` to `end`.
    next: usize,
    end: usize,
}

impl Batch {
    const EMPTY: Batch = Batch { infos: [SignalInfo::PLACEHOLDER; MAX_BATCH], next: 0, end: 0 };

    fn push(&mut self, info: SignalInfo) {
        self.infos[self.end] = info;
        self.end += 1;
    }
}

impl Iterator for Batch {
    type Item = SignalInfo;

    #[inline]
    fn next(&mut self) -> Option<SignalInfo> {
        let info = *self.infos[..self.end].get(self.next)?;
        self.next += 1;
        Some(info)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batch {}

impl FusedIterator for Batch {}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.infos[self.next..self.end]).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{self as signals, Signal};

    #[test]
    fn sigtimedwait_fallback_takes_the_same_signals() {
        let rt = Signal::realtime(7).unwrap();
        let blocked = signals::block(rt | Signal::USR2).unwrap();
        let fd = SignalFd::new(&blocked).unwrap();
        let (pid, thread) = (crate::Pid::current(), signals::thread_id());
        assert_eq!(fd.take_by_sigtimedwait(), Err(Errno::EAGAIN));
        assert_eq!(fd.fill_by_sigtimedwait().map(drop), Err(Errno::EAGAIN));
        for value in [1, 2, 3] {
            signals::queue_thread(pid, thread, rt, value).unwrap();
        }
        assert_eq!(fd.take_by_sigtimedwait().unwrap().value(), Some(1));
        assert_eq!(
            fd.fill_by_sigtimedwait().unwrap().filter_map(|info| info.value()).collect::<Vec<_>>(),
            [2, 3]
        );
    }
}
