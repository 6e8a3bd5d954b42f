//! The handle and its operations.

use std::io::IoSliceMut;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::PollFlags;

use super::Options;
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::support::backoff::Backoff;
use crate::support::dup::duplicate;
use crate::support::wait;
use crate::sys::poll;
use crate::sys::{readv, retry};
use crate::time::Deadline;

/// The most that it counts to: 2^64 - 2 (eventfd(2)).
pub const MAX: u64 = u64::MAX - 1;

const ADD: &str = "write to eventfd";
const TAKE: &str = "read from eventfd";
const WAIT: &str = "ppoll of eventfd";

/// A counter that processes wait on: nothing but a descriptor.
///
/// All methods take `&self`: threads and processes use it at once. Dropping it closes the descriptor; the counter is
/// gone with the last one, in whatever process.
#[derive(Debug)]
pub struct EventFd {
    fd: OwnedFd,
}

impl EventFd {
    /// `eventfd(2)`: makes a counter that starts at `initial`, is taken as a whole, and that calls wait for; see
    /// [`Options`] for others.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if the descriptor table is full.
    #[doc(alias = "eventfd")]
    pub fn new(initial: u32) -> Result<EventFd> {
        Options::new().create(initial)
    }

    /// `write(2)`: adds to the counter, waiting for as long as it would go beyond [`MAX`], which is until somebody
    /// takes. To add 0 changes nothing and wakes nobody.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) for more than [`MAX`]; [`Full`](ErrorKind::Full) only if it is
    /// [non-blocking](Options::nonblocking).
    #[doc(alias = "eventfd_write")]
    #[inline]
    pub fn add(&self, count: u64) -> Result<()> {
        self.write(count).map_err(|e| failed_add(e, count))
    }

    /// [`add`](EventFd::add) that fails with [`Full`](ErrorKind::Full) instead of waiting.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](ErrorKind::Unsupported) if it is not [non-blocking](Options::nonblocking), since the kernel can
    /// wait for room or not, but not by the call; those of [`add`](EventFd::add).
    pub fn try_add(&self, count: u64) -> Result<()> {
        self.require_nonblocking()?;
        self.add(count)
    }

    /// [`try_add`](EventFd::try_add) that waits for room, and fails with [`TimedOut`](ErrorKind::TimedOut) if there is
    /// none within `timeout`.
    ///
    /// # Errors
    ///
    /// As for [`try_add`](EventFd::try_add).
    pub fn add_timeout(&self, count: u64, timeout: Duration) -> Result<()> {
        self.require_nonblocking()?;
        let mut backoff = Backoff::new();
        // The kernel tells when there is room for one; whether there is for all can only be tried.
        let room = |deadline| Ok(self.is_ready(PollFlags::POLLOUT, deadline)? && backoff.sleep(deadline));
        wait::attempt_between(timeout, || self.write(count), room).map_err(|e| failed_add(e, count))
    }

    /// `read(2)`: takes all that the counter has, or one in [semaphore mode](Options::semaphore), waiting until there
    /// is something.
    ///
    /// # Errors
    ///
    /// [`Empty`](ErrorKind::Empty) only if it is [non-blocking](Options::nonblocking).
    #[doc(alias = "eventfd_read")]
    #[inline]
    pub fn take(&self) -> Result<u64> {
        let mut count = [0; 8];
        let read = retry(|| readv::read(self.fd.as_fd(), &mut count));
        value(read, count).map_err(failed_take)
    }

    /// `preadv2(2)` with `RWF_NOWAIT`: [`take`](EventFd::take) that fails with [`Empty`](ErrorKind::Empty) instead of
    /// waiting, also where others wait.
    #[inline]
    pub fn try_take(&self) -> Result<u64> {
        self.read_now().map_err(failed_take)
    }

    /// [`try_take`](EventFd::try_take) that waits until there is something, and fails with
    /// [`TimedOut`](ErrorKind::TimedOut) if there is nothing within `timeout`.
    pub fn take_timeout(&self, timeout: Duration) -> Result<u64> {
        let ready = [(self.fd.as_fd(), PollFlags::POLLIN)];
        wait::attempt_until(timeout, &ready, || self.read_now()).map_err(failed_take)
    }

    /// `ppoll(2)`: waits until there is something to take, and takes nothing: so one [`add`](EventFd::add) lets
    /// everybody go on who waits so, then and later.
    pub fn wait(&self) -> Result<()> {
        self.wait_until(Deadline::NEVER, Errno::ETIMEDOUT)
    }

    /// [`wait`](EventFd::wait) that fails with [`WouldBlock`](ErrorKind::WouldBlock) instead of waiting.
    pub fn try_wait(&self) -> Result<()> {
        self.wait_until(Deadline::after(Duration::ZERO), Errno::EAGAIN)
    }

    /// [`wait`](EventFd::wait) that fails with [`TimedOut`](ErrorKind::TimedOut) if there is nothing within `timeout`.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<()> {
        self.wait_until(Deadline::after(timeout), Errno::ETIMEDOUT)
    }

    /// `fcntl(2)` with `F_DUPFD_CLOEXEC`: another descriptor for the same counter, to give away and keep one.
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

    /// Asked for each time, since whoever shares the description can change it.
    fn require_nonblocking(&self) -> Result<()> {
        let flags = fcntl(&self.fd, FcntlArg::F_GETFL).map_err(|e| Error::from_errno("fcntl(F_GETFL)", e))?;
        if OFlag::from_bits_retain(flags).contains(OFlag::O_NONBLOCK) {
            return Ok(());
        }
        Err(Error::new(ADD, ErrorKind::Unsupported).with_hint(
            "there is no adding without waiting to a counter that was not made with nonblocking(true)",
        ))
    }
}

/// What a read has brought, unless it was too short for a counter.
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
        Errno::EINVAL => no_eventfd(ADD),
        _ => error,
    }
}

#[cold]
fn failed_take(errno: Errno) -> Error {
    if errno == Errno::EINVAL { no_eventfd(TAKE) } else { Error::from_recv_errno(TAKE, errno) }
}

/// An eventfd has room for eight bytes and gives eight, whatever it counts.
fn no_eventfd(operation: &'static str) -> Error {
    Error::new(operation, ErrorKind::WrongType).with_hint("the descriptor is no eventfd")
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// For a descriptor that is known to be an eventfd: nothing is checked here, and the first call on another is an error.
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
