//! The counter and its operations.

use std::io::IoSliceMut;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::PollFlags;
use nix::sys::stat::fstat;

use super::Options;
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::support::backoff::Backoff;
use crate::support::dup::duplicate;
use crate::support::wait;
use crate::sys::poll;
use crate::sys::{readv, retry};
use crate::time::Deadline;

/// The largest value of a counter: 2^64 - 2 (eventfd(2)).
pub const MAX: u64 = u64::MAX - 1;

const ADD: &str = "write to eventfd";
const TAKE: &str = "read from eventfd";
const WAIT: &str = "ppoll of eventfd";

/// A counter that processes wait on, behind a descriptor.
///
/// All methods take `&self`, so threads and processes may use it concurrently. Dropping it closes
/// the descriptor. The counter exists until the last descriptor in any process is closed.
#[derive(Debug)]
pub struct EventFd {
    fd: OwnedFd,
}

impl EventFd {
    /// `eventfd(2)`: creates a counter that starts at `initial`, is taken as a whole, and blocks.
    /// Use [`Options`] for other counters.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if the descriptor table is full.
    #[doc(alias = "eventfd")]
    pub fn new(initial: u32) -> Result<EventFd> {
        Options::new().create(initial)
    }

    /// `write(2)`: adds to the counter. Blocks while the sum would exceed [`MAX`].
    ///
    /// Adding 0 changes nothing and wakes no waiter.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) for more than [`MAX`]; [`Full`](ErrorKind::Full) only if the
    /// counter is [non-blocking](Options::nonblocking).
    #[doc(alias = "eventfd_write")]
    #[inline]
    pub fn add(&self, count: u64) -> Result<()> {
        self.write(count).map_err(|e| failed_add(e, count))
    }

    /// Adds as [`add`](EventFd::add), without blocking.
    ///
    /// # Errors
    ///
    /// [`Full`](ErrorKind::Full) if the sum would exceed [`MAX`];
    /// [`Unsupported`](ErrorKind::Unsupported) if the counter is not
    /// [non-blocking](Options::nonblocking), because the kernel has no non-blocking write for a
    /// single call; otherwise as [`add`](EventFd::add).
    pub fn try_add(&self, count: u64) -> Result<()> {
        self.require_nonblocking()?;
        self.add(count)
    }

    /// Adds as [`add`](EventFd::add), and blocks for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](ErrorKind::TimedOut) if the sum exceeds [`MAX`] for all of `timeout`; otherwise
    /// as [`try_add`](EventFd::try_add).
    pub fn add_timeout(&self, count: u64, timeout: Duration) -> Result<()> {
        self.require_nonblocking()?;
        let mut backoff = Backoff::new();
        // The kernel reports when 1 fits. Whether all of `count` fits can only be tried.
        let wait_for_room =
            |deadline| Ok(self.is_ready(PollFlags::POLLOUT, deadline)? && backoff.sleep(deadline));
        wait::attempt_between(timeout, || self.write(count), wait_for_room).map_err(|e| failed_add(e, count))
    }

    /// `read(2)`: takes the whole counter, or 1 in [semaphore mode](Options::semaphore). Blocks
    /// while the counter is 0.
    ///
    /// # Errors
    ///
    /// [`Empty`](ErrorKind::Empty) only if the counter is [non-blocking](Options::nonblocking).
    #[doc(alias = "eventfd_read")]
    #[inline]
    pub fn take(&self) -> Result<u64> {
        let mut count = [0; 8];
        let read = retry(|| readv::read(self.fd.as_fd(), &mut count));
        value(read, count).map_err(failed_take)
    }

    /// `preadv2(2)` with `RWF_NOWAIT`: takes as [`take`](EventFd::take), without blocking. Does not
    /// need a [non-blocking](Options::nonblocking) counter.
    ///
    /// # Errors
    ///
    /// [`Empty`](ErrorKind::Empty) if the counter is 0.
    #[inline]
    pub fn try_take(&self) -> Result<u64> {
        self.read_now().map_err(|e| self.failed_take_now(e))
    }

    /// Takes as [`take`](EventFd::take), and blocks for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](ErrorKind::TimedOut) if the counter is 0 for all of `timeout`.
    pub fn take_timeout(&self, timeout: Duration) -> Result<u64> {
        let ready = [(self.fd.as_fd(), PollFlags::POLLIN)];
        wait::attempt_until(timeout, &ready, || self.read_now()).map_err(|e| self.failed_take_now(e))
    }

    /// `ppoll(2)`: blocks until the counter is not 0, and does not change it. One
    /// [`add`](EventFd::add) thus releases all current and later waiters, until the counter is
    /// taken.
    pub fn wait(&self) -> Result<()> {
        self.wait_until(Deadline::NEVER, Errno::ETIMEDOUT)
    }

    /// Checks as [`wait`](EventFd::wait), without blocking.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](ErrorKind::WouldBlock) if the counter is 0.
    pub fn try_wait(&self) -> Result<()> {
        self.wait_until(Deadline::after(Duration::ZERO), Errno::EAGAIN)
    }

    /// Blocks as [`wait`](EventFd::wait), for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](ErrorKind::TimedOut) if the counter is 0 for all of `timeout`.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<()> {
        self.wait_until(Deadline::after(timeout), Errno::ETIMEDOUT)
    }

    /// `fcntl(2)` with `F_DUPFD_CLOEXEC`: returns another descriptor of the same counter.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if the descriptor table is full.
    #[doc(alias = "dup")]
    pub fn try_clone(&self) -> Result<EventFd> {
        Ok(EventFd { fd: duplicate(&self.fd)? })
    }

    #[inline]
    fn write(&self, count: u64) -> nix::Result<()> {
        retry(|| nix::unistd::write(&self.fd, &count.to_ne_bytes())).map(drop)
    }

    #[inline]
    fn read_now(&self) -> nix::Result<u64> {
        let mut count = [0; 8];
        let read =
            retry(|| readv::preadv2(self.fd.as_fd(), &mut [IoSliceMut::new(&mut count)], readv::NOWAIT));
        value(read, count)
    }

    /// Eventfds accept the flag of a single call since Linux 5.8. Pipes before 6.4 do not, nor do
    /// terminals; they have a type of file, and an eventfd has none.
    #[cold]
    fn failed_take_now(&self, errno: Errno) -> Error {
        let has_type = || fstat(&self.fd).is_ok_and(|stat| stat.st_mode & libc::S_IFMT != 0);
        match errno {
            Errno::EOPNOTSUPP | Errno::ENOSYS if has_type() => not_an_eventfd(TAKE),
            _ => failed_take(errno),
        }
    }

    fn wait_until(&self, deadline: Deadline, otherwise: Errno) -> Result<()> {
        match self.is_ready(PollFlags::POLLIN, deadline) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::from_wait_errno(WAIT, otherwise)),
            Err(errno) => Err(Error::from_errno(WAIT, errno)),
        }
    }

    fn is_ready(&self, interest: PollFlags, deadline: Deadline) -> nix::Result<bool> {
        poll::wait_ready(self.fd.as_fd(), interest, deadline)
    }

    /// Reads the flag each time, because any process that shares the description can change it.
    fn require_nonblocking(&self) -> Result<()> {
        let flags = fcntl(&self.fd, FcntlArg::F_GETFL).map_err(|e| Error::from_errno("fcntl(F_GETFL)", e))?;
        if OFlag::from_bits_retain(flags).contains(OFlag::O_NONBLOCK) {
            return Ok(());
        }
        Err(Error::new(ADD, ErrorKind::Unsupported)
            .with_hint("create the EventFd with nonblocking(true) for non-blocking adds"))
    }
}

/// Returns the value that was read, unless the read was too short for a counter.
#[inline]
fn value(read: nix::Result<usize>, count: [u8; 8]) -> nix::Result<u64> {
    match read? {
        8 => Ok(u64::from_ne_bytes(count)),
        _ => Err(Errno::EINVAL),
    }
}

#[cold]
fn failed_add(errno: Errno, count: u64) -> Error {
    let error = Error::from_send_errno(ADD, errno);
    match errno {
        Errno::EINVAL if count > MAX => {
            error.with_limit(Some(Limit { name: "the largest counter", value: MAX, requested: Some(count) }))
        }
        Errno::EINVAL => not_an_eventfd(ADD),
        _ => error,
    }
}

#[cold]
fn failed_take(errno: Errno) -> Error {
    if errno == Errno::EINVAL { not_an_eventfd(TAKE) } else { Error::from_recv_errno(TAKE, errno) }
}

/// An eventfd accepts and returns eight bytes, whatever its value.
fn not_an_eventfd(operation: &'static str) -> Error {
    Error::new(operation, ErrorKind::WrongType).with_hint("pass a descriptor that is an eventfd")
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// For a descriptor that is known to be an eventfd. Nothing is checked here; on any other
/// descriptor the first call fails.
impl From<OwnedFd> for EventFd {
    fn from(fd: OwnedFd) -> Self {
        EventFd { fd }
    }
}

impl From<EventFd> for OwnedFd {
    fn from(event: EventFd) -> Self {
        event.fd
    }
}
