//! Creating a counter.

use nix::sys::eventfd::{EfdFlags, EventFd as Descriptor};

use super::EventFd;
use crate::error::{Error, Result};
use crate::support::limits;

/// How to make an [`EventFd`].
///
/// ```
/// use ipcraft::event::Options;
///
/// let tickets = Options::new().semaphore(true).create(2)?;
/// assert_eq!((tickets.take()?, tickets.take()?), (1, 1));
/// assert!(tickets.try_take().is_err());
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Options {
    semaphore: bool,
    nonblocking: bool,
}

impl Options {
    /// Returns the default: the counter is taken as a whole, and calls block.
    pub fn new() -> Self {
        Options::default()
    }

    /// `EFD_SEMAPHORE`: [`take`](EventFd::take) subtracts 1 instead of resetting the counter.
    #[doc(alias = "EFD_SEMAPHORE")]
    pub fn semaphore(mut self, yes: bool) -> Self {
        self.semaphore = yes;
        self
    }

    /// `EFD_NONBLOCK`: [`take`](EventFd::take) and [`add`](EventFd::add) fail instead of blocking.
    ///
    /// [`try_add`](EventFd::try_add) and [`add_timeout`](EventFd::add_timeout) need this option.
    /// The `_timeout` calls still block.
    #[doc(alias = "EFD_NONBLOCK")]
    pub fn nonblocking(mut self, yes: bool) -> Self {
        self.nonblocking = yes;
        self
    }

    /// `eventfd(2)`: creates a counter that starts at `initial`. The descriptor is close-on-exec.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full.
    #[doc(alias = "eventfd")]
    pub fn create(&self, initial: u32) -> Result<EventFd> {
        let mut flags = EfdFlags::EFD_CLOEXEC;
        flags.set(EfdFlags::EFD_SEMAPHORE, self.semaphore);
        flags.set(EfdFlags::EFD_NONBLOCK, self.nonblocking);
        let made = Descriptor::from_value_and_flags(initial, flags);
        let fd = made.map_err(|e| Error::from_errno("eventfd", e).with_limit(limits::descriptors(e)))?;
        Ok(EventFd::from(std::os::fd::OwnedFd::from(fd)))
    }
}
