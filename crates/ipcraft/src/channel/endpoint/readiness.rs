//! A descriptor for event loops.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};

use crate::channel::endpoint::reactor::{Reactor, Registration, Token, Waiter};
use crate::channel::tuning::MAX_READINESS_INSTANCES;
use crate::error::Result;

/// A descriptor that polls as readable when an endpoint may have something to do: a message to
/// receive, space to send, or peers that have left.
///
/// A channel blocks on memory, and an event loop on descriptors. The kernel connects the two: a
/// peer makes it report an event of the channel's file (inotify(7)).
///
/// The order matters: [`clear`](Readiness::clear) it, call `try_` methods until one fails with
/// [`Empty`](crate::ErrorKind::Empty), and then poll. An event after `clear` makes it readable
/// again, so none is missed. It may also be readable without an event.
///
/// ```
/// use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
/// use std::os::fd::AsFd;
/// use ipcraft::channel::spsc;
///
/// let (mut sender, mut receiver) = spsc::channel::<u32>(16)?;
/// let readiness = receiver.readiness()?;
/// sender.send(7)?; // usually in another process
/// let mut received = Vec::new();
/// while received.is_empty() {
///     poll(&mut [PollFd::new(readiness.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE).unwrap();
///     readiness.clear()?;
///     while let Ok(number) = receiver.try_recv() {
///         received.push(number);
///     }
/// }
/// assert_eq!(received, [7]);
/// # Ok::<(), ipcraft::Error>(())
/// ```
///
/// It is a [`Reactor`] of its own with one endpoint, which takes three descriptors. Of all users'
/// inotify instances (`fs.inotify.max_user_instances`, 128 by default), a process takes at most 16
/// for this type. Each further one takes a thread with all signals blocked. For many endpoints, use
/// one [`Reactor`], which takes none.
///
/// Create a new one after a fork: a copy in the child shares the events of the parent, and
/// [`clear`](Readiness::clear) fails there.
#[derive(Debug)]
pub struct Readiness {
    registration: Registration,
    reactor: Reactor,
    /// Where the reactor puts the token. Always empty between two calls.
    woken: Mutex<Vec<Token>>,
    _instance: Instance,
}

/// How many instances of this process are taken.
static INSTANCES: AtomicUsize = AtomicUsize::new(0);

/// Counts a readiness.
#[derive(Debug)]
struct Instance;

impl Readiness {
    /// Creates it for an endpoint that waits.
    pub(crate) fn new(waiter: Waiter) -> Result<Readiness> {
        let instance = Instance;
        let before = INSTANCES.fetch_add(1, Relaxed);
        let reactor =
            if before < MAX_READINESS_INSTANCES { Reactor::new()? } else { Reactor::with_threads()? };
        let registration = reactor.register(waiter)?;
        // There may be something.
        reactor.make_readable()?;
        Ok(Readiness { registration, reactor, woken: Mutex::default(), _instance: instance })
    }

    /// Makes it unreadable until there may be an event again. Call `try_` methods afterwards.
    ///
    /// # Errors
    ///
    /// Fails with [`Invalid`](crate::ErrorKind::Invalid) in a forked child.
    pub fn clear(&self) -> Result<()> {
        self.reactor.drain(&mut self.woken.lock().unwrap_or_else(PoisonError::into_inner))?;
        self.registration.arm().map(drop)
    }

    /// Returns whether a thread waits for the endpoint, because no instance of inotify(7) was
    /// available.
    pub fn uses_thread(&self) -> bool {
        self.registration.uses_thread()
    }
}

impl AsFd for Readiness {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reactor.as_fd()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        INSTANCES.fetch_sub(1, Relaxed);
    }
}
