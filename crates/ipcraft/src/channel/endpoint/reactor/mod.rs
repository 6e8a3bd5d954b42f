//! One descriptor by which an event loop waits for many endpoints.

mod fallback;
mod registration;
mod schedule;
mod slot;
mod table;

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

pub use registration::Registration;
pub(crate) use slot::Waiter;

use crate::error::Result;
use table::Inner;

/// A descriptor that polls as readable when any of the registered endpoints may have an event: a
/// message to receive, space to send, or peers that have left.
///
/// # When to use it
///
/// * An event loop or an async runtime waits for channels, beside sockets, pipes and timers.
/// * It waits for many channels: 10 000 of them need one descriptor and no thread.
///
/// # When not
///
/// * A thread has nothing else to do: a blocking call is faster, since it needs no epoll(7).
/// * An event loop waits for a few endpoints, and registers a descriptor for each event source:
///   [`Readiness`](crate::channel::Readiness) is such a descriptor.
///
/// # How to wait
///
/// 1. Call the `try_` method of the endpoint until it fails with
///    [`Empty`](crate::ErrorKind::Empty) or [`Full`](crate::ErrorKind::Full).
/// 2. Call [`Registration::arm`]. If it returns `true`, return to step 1: an event may have
///    happened in between.
/// 3. Poll the reactor. When it is readable, call [`drain`](Reactor::drain). Continue with step 1
///    for each endpoint whose token it returns.
///
/// ```
/// use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
/// use std::os::fd::AsFd;
/// use ipcraft::ErrorKind::Empty;
/// use ipcraft::channel::{Reactor, spsc};
///
/// let reactor = Reactor::new()?;
/// let (mut sender, mut receiver) = spsc::channel::<u32>(16)?;
/// let registration = receiver.register(&reactor)?;
/// sender.send(7)?; // usually in another process
///
/// let (mut received, mut woken) = (Vec::new(), vec![registration.token()]);
/// while received.is_empty() {
///     while let Some(token) = woken.pop() {
///         assert_eq!(token, registration.token()); // with many endpoints: look it up
///         loop {
///             match receiver.try_recv() {
///                 Ok(number) => received.push(number),
///                 Err(e) if e.kind() != Empty => return Err(e),
///                 Err(_) if registration.arm()? => {} // once more
///                 Err(_) => break,
///             }
///         }
///     }
///     if received.is_empty() {
///         poll(&mut [PollFd::new(reactor.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE).unwrap();
///         reactor.drain(&mut woken)?;
///     }
/// }
/// assert_eq!(received, [7]);
/// # Ok::<(), ipcraft::Error>(())
/// ```
///
/// # Contract
///
/// * **Shapes.** A token names one registration of one reactor. A drain returns each armed
///   registration at most once, and disarms it.
/// * **Cost.** While an endpoint is not armed, its peers make no system call for it. To an armed
///   one, the first message costs the peer a futex(2) and a pread(2) or pwrite(2) of one byte, and
///   the drain a read(2). Idle registrations cost no CPU time, except for one timer of the reactor.
///   It fires four times a second, and loads three words of each armed endpoint.
/// * **Stale.** A token may come without an event: another endpoint was faster, or a process opened
///   and closed the channel. It may come once more within a millisecond after an endpoint was armed
///   for the first time in a while.
/// * **Death.** The kernel reports that a killed process closed the channel. Tokens of its peers
///   follow immediately, and again up to 250 ms later, in case the kernel was not finished.
/// * **Threads.** All methods take `&self`. One thread may drain while others arm and register.
///   Registrations may be dropped in any thread, also before or after their endpoint.
/// * **Edge-triggered polling** works, if each event leads to a drain.
/// * **Fork.** The child must not poll the copy, because it shares the parent's events. All methods
///   fail there with [`Invalid`](crate::ErrorKind::Invalid), and dropping it has no effect on the
///   parent. Create a new one in the child.
/// * **Exec** closes it.
/// * **Fallback.** Where the kernel refuses inotify(7), each registration takes a thread
///   ([`uses_thread`](Registration::uses_thread)). An event then takes one more context switch, and a
///   killed peer is noticed within 250 ms. The cause may be `fs.inotify.max_user_instances`,
///   `fs.inotify.max_user_watches`, a seccomp(2) filter, or a security module.
///
/// # Which one for an async runtime
///
/// One `Reactor` for each runtime, whose descriptor the runtime polls. One task drains it, and
/// wakes the task that waits for each token. A [`Readiness`](crate::channel::Readiness) for each
/// endpoint would take three descriptors each, and one of the few inotify instances of the user.
///
/// Sources: [inotify(7)], [epoll(7)], [timerfd_create(2)].
///
/// [inotify(7)]: https://man7.org/linux/man-pages/man7/inotify.7.html
/// [epoll(7)]: https://man7.org/linux/man-pages/man7/epoll.7.html
/// [timerfd_create(2)]: https://man7.org/linux/man-pages/man2/timerfd_create.2.html
#[derive(Debug)]
pub struct Reactor {
    inner: Arc<Inner>,
}

/// Names one [`Registration`] of a [`Reactor`]. A reactor does not reuse it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub(crate) u64);

impl Reactor {
    /// `inotify_init1(2)`, `timerfd_create(2)`, `epoll_create1(2)`: creates a reactor without
    /// endpoints.
    ///
    /// # Errors
    ///
    /// Fails with [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full
    /// (`EMFILE`, `ENFILE`). It needs three descriptors.
    #[doc(alias = "inotify_init1")]
    pub fn new() -> Result<Reactor> {
        Ok(Reactor { inner: Arc::new(Inner::new(true)?) })
    }

    /// A reactor whose registrations take threads.
    pub(crate) fn with_threads() -> Result<Reactor> {
        Ok(Reactor { inner: Arc::new(Inner::new(false)?) })
    }

    /// Replaces the contents of `woken` by the tokens of the endpoints that may have an event, and
    /// disarms them. Afterwards the reactor is unreadable until the next event. Does not block.
    ///
    /// # Errors
    ///
    /// Fails with [`Invalid`](crate::ErrorKind::Invalid) in a forked child.
    pub fn drain(&self, woken: &mut Vec<Token>) -> Result<()> {
        woken.clear();
        self.inner.drain(woken)
    }

    /// Returns the number of registrations.
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Returns whether no endpoint is registered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes it readable once without an event.
    pub(crate) fn make_readable(&self) -> Result<()> {
        self.inner.make_readable()
    }

    pub(crate) fn register(&self, waiter: Waiter) -> Result<Registration> {
        Registration::new(&self.inner, waiter)
    }
}

impl AsFd for Reactor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

impl Token {
    /// Returns the number that the token consists of, for tables of the caller.
    pub fn get(self) -> u64 {
        self.0
    }
}
