//! Signals as records of a descriptor.

use std::fmt;
use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::time::TimeSpec;

use super::{SignalInfo, SignalMaskGuard, SignalSet};
use crate::error::{Error, ErrorKind, Result};
use crate::support::{limits, wait};
use crate::sys::{readv, retry, signal};

const OPEN: &str = "signalfd";
const READ: &str = "read from signalfd";

/// The most signals that one call takes.
pub const MAX_BATCH: usize = 32;

/// `signalfd(2)`: a descriptor from which blocked signals are read.
///
/// It holds no signals: whoever reads takes what is pending **for itself**, thread and process, and poll(2) says
/// whether there is something for the one who polls. (An epoll set goes by the process that added the descriptor.) So
/// does a child that inherits it: it reads its own signals.
#[derive(Debug)]
pub struct SignalFd {
    fd: OwnedFd,
}

impl SignalFd {
    /// `signalfd(2)`: a descriptor for the signals that the guard blocks.
    ///
    /// Keep the guard for as long as the descriptor is used, and block the signals in all threads: a signal that some
    /// thread does not block is delivered there and never read.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if a descriptor table is full.
    #[doc(alias = "signalfd")]
    pub fn new(blocked: &SignalMaskGuard) -> Result<SignalFd> {
        match signal::open(blocked.signals().bits()) {
            Ok(fd) => Ok(SignalFd { fd }),
            Err(e) => Err(Error::from_errno(OPEN, e).with_limit(limits::descriptors(e))),
        }
    }

    /// `signalfd(2)`: reads the signals of this guard from now on, and no others.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if the descriptor it was made from is no signalfd.
    #[doc(alias = "signalfd")]
    pub fn set_signals(&self, blocked: &SignalMaskGuard) -> Result<()> {
        signal::replace(self.fd.as_fd(), blocked.signals().bits()).map_err(|e| match e {
            Errno::EINVAL => no_signalfd(OPEN),
            e => Error::from_errno(OPEN, e),
        })
    }

    /// Which signals are read, as proc_pid_fdinfo(5) tells.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if the descriptor it was made from is no signalfd.
    pub fn signals(&self) -> Result<SignalSet> {
        self.set().map_err(|e| unread(e).with_operation("fdinfo"))
    }

    /// `read(2)`: takes one signal, and waits for one if there is none.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if the descriptor it was made from is no signalfd.
    #[inline]
    pub fn read(&self) -> Result<SignalInfo> {
        self.take(0).map_err(unread)
    }

    /// [`read`](SignalFd::read) that fails with [`Empty`](ErrorKind::Empty) instead of waiting.
    pub fn try_read(&self) -> Result<SignalInfo> {
        self.try_take().map_err(unread)
    }

    /// [`read`](SignalFd::read) that fails with [`TimedOut`](ErrorKind::TimedOut) if no signal comes within `timeout`.
    pub fn read_timeout(&self, timeout: Duration) -> Result<SignalInfo> {
        wait::attempt_until(timeout, &self.readable(), || self.try_take()).map_err(unread)
    }

    /// `read(2)`: waits for one signal and takes with it those that have come already, [`MAX_BATCH`] at most.
    ///
    /// Lowest numbers first, and each number in the order of sending.
    pub fn read_many(&self) -> Result<Batch> {
        retry(|| self.fill(0)).map_err(unread)
    }

    /// [`read_many`](SignalFd::read_many) that fails with [`Empty`](ErrorKind::Empty) instead of waiting.
    pub fn try_read_many(&self) -> Result<Batch> {
        self.try_fill().map_err(unread)
    }

    /// [`read_many`](SignalFd::read_many) that fails with [`TimedOut`](ErrorKind::TimedOut) if no signal comes within
    /// `timeout`.
    pub fn read_many_timeout(&self, timeout: Duration) -> Result<Batch> {
        wait::attempt_until(timeout, &self.readable(), || self.try_fill()).map_err(unread)
    }

    fn readable(&self) -> [(BorrowedFd<'_>, PollFlags); 1] {
        [(self.fd.as_fd(), PollFlags::POLLIN)]
    }

    #[inline]
    fn take(&self, flags: libc::c_int) -> nix::Result<SignalInfo> {
        let arrival = retry(|| signal::read_one(self.fd.as_fd(), flags))?;
        arrival.and_then(SignalInfo::new).ok_or(NO_SIGNALFD)
    }

    fn try_take(&self) -> nix::Result<SignalInfo> {
        match self.take(readv::NOWAIT) {
            Err(Errno::EOPNOTSUPP) => self.take_directly(),
            taken => taken,
        }
    }

    /// In older kernels a read of a signalfd cannot be kept from waiting: this takes a signal of its set from where the
    /// read would.
    #[cold]
    fn take_directly(&self) -> nix::Result<SignalInfo> {
        let set = self.set()?.bits();
        let arrival = retry(|| signal::wait(set, Some(TimeSpec::new(0, 0))))?;
        SignalInfo::new(arrival).ok_or(NO_SIGNALFD)
    }

    fn fill(&self, flags: libc::c_int) -> nix::Result<Batch> {
        let mut batch = Batch::EMPTY;
        let each = |arrival| SignalInfo::new(arrival).into_iter().for_each(|info| batch.push(info));
        let length = signal::read::<MAX_BATCH>(self.fd.as_fd(), flags, each)?;
        if length > 0 && length == batch.len() * signal::RECORD { Ok(batch) } else { Err(NO_SIGNALFD) }
    }

    fn try_fill(&self) -> nix::Result<Batch> {
        match retry(|| self.fill(readv::NOWAIT)) {
            Err(Errno::EOPNOTSUPP) => self.fill_directly(),
            filled => filled,
        }
    }

    #[cold]
    fn fill_directly(&self) -> nix::Result<Batch> {
        let mut batch = Batch::EMPTY;
        while batch.len() < MAX_BATCH {
            match self.take_directly() {
                Err(Errno::EAGAIN) if batch.len() > 0 => break,
                taken => batch.push(taken?),
            }
        }
        Ok(batch)
    }

    fn set(&self) -> nix::Result<SignalSet> {
        let path = format!("/proc/self/fdinfo/{}", self.fd.as_raw_fd());
        // Without /proc there is no way to tell.
        let text = fs::read_to_string(path).map_err(|_| Errno::ENOSYS)?;
        let mask = text.lines().find_map(|line| line.strip_prefix("sigmask:")).ok_or(NO_SIGNALFD)?;
        u64::from_str_radix(mask.trim(), 16).map(SignalSet::from_bits).map_err(|_| NO_SIGNALFD)
    }
}

/// What was read is not what a signalfd gives.
const NO_SIGNALFD: Errno = Errno::EBADF;

#[cold]
fn unread(errno: Errno) -> Error {
    match errno {
        NO_SIGNALFD => no_signalfd(READ),
        errno => Error::from_recv_errno(READ, errno),
    }
}

fn no_signalfd(operation: &'static str) -> Error {
    Error::new(operation, ErrorKind::WrongType).with_hint("the descriptor leads to no signalfd")
}

impl AsFd for SignalFd {
    /// For `poll(2)`: readable when a signal of the set is pending for the thread that polls, or for its process.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<SignalFd> for OwnedFd {
    fn from(signals: SignalFd) -> Self {
        signals.fd
    }
}

/// A descriptor that was inherited, or received over a socket; if it leads to something else, reading says so.
impl From<OwnedFd> for SignalFd {
    fn from(fd: OwnedFd) -> Self {
        SignalFd { fd }
    }
}

/// The signals of one read, in the order in which they came: an iterator.
#[derive(Clone)]
#[must_use]
pub struct Batch {
    infos: [SignalInfo; MAX_BATCH],
    /// Those from `next` to `end` are still to be taken.
    next: usize,
    end: usize,
}

impl Batch {
    const EMPTY: Batch = Batch { infos: [SignalInfo::NONE; MAX_BATCH], next: 0, end: 0 };

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
    fn the_way_of_older_kernels_takes_the_same_signals() {
        let rt = Signal::realtime(7).unwrap();
        let blocked = signals::block(rt | Signal::USR2).unwrap();
        let fd = SignalFd::new(&blocked).unwrap();
        let (pid, thread) = (crate::Pid::current(), signals::thread_id());
        assert_eq!(fd.take_directly(), Err(Errno::EAGAIN));
        assert_eq!(fd.fill_directly().map(drop), Err(Errno::EAGAIN));
        for value in [1, 2, 3] {
            signals::queue_thread(pid, thread, rt, value).unwrap();
        }
        assert_eq!(fd.take_directly().unwrap().value(), Some(1));
        assert_eq!(fd.fill_directly().unwrap().filter_map(|info| info.value()).collect::<Vec<_>>(), [2, 3]);
    }
}
