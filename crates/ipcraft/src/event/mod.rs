//! Events: a counter behind a descriptor that can be polled (eventfd(2)).
//!
//! # When to use it
//!
//! * To notify another process of data in [shared memory](crate::shm), when an event loop should
//!   poll for it together with sockets.
//! * To wake one of several threads or processes, or all of them.
//! * To hand out N identical resources ([semaphore mode](Options::semaphore)) and to poll for one.
//!
//! # When not
//!
//! * The death of the peer must be noticed: an eventfd has no peer. Use a [pipe](crate::pipe) or a
//!   [socket](crate::socket).
//! * Nothing needs to be polled: a [POSIX semaphore](crate::semaphore::posix) makes no system call
//!   without waiters.
//! * Unrelated processes must find each other: an eventfd has no name.
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//! use ipcraft::ErrorKind;
//! use ipcraft::event::EventFd;
//!
//! let ready = EventFd::new(0)?;
//! let theirs = ready.try_clone()?; // usually given to another process
//! theirs.add(2)?;
//! theirs.add(1)?;
//! assert_eq!(ready.take()?, 3);
//! let error = ready.take_timeout(Duration::from_millis(1)).unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::TimedOut);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Contract
//!
//! * **Merging.** The counter keeps a sum only: one [`take`](EventFd::take) returns all that was
//!   added since the last. In [semaphore mode](Options::semaphore) it returns 1.
//! * **Atomicity.** Each call adds or takes as a whole. Of several blocked takers any one may be
//!   first.
//! * **Order.** Memory that was written before an [`add`](EventFd::add) is visible after the `take`
//!   that returned it.
//! * **Range.** The maximum is [`MAX`], 2^64 - 2. An `add` beyond it blocks until the counter is
//!   taken, and is not lost. Only the kernel itself can exceed [`MAX`], by one, when it signals the
//!   counter, for example for asynchronous I/O.
//! * **Polling.** The descriptor is readable if the counter is not 0, and writable if 1 can be
//!   added. It is in error if the kernel has exceeded [`MAX`].
//! * **Blocking.** Each take decides whether it blocks. For adds, the open file description decides
//!   ([`Options::nonblocking`]), and all processes that share it are affected. So
//!   [`try_add`](EventFd::try_add) and [`add_timeout`](EventFd::add_timeout) fail on a blocking
//!   counter instead of changing it.
//! * **Time.** Timeouts use the monotonic clock.
//! * **Threads.** Any number of threads may use the counter.
//! * **Fork** gives the child the same counter, and so does a [socket](crate::socket::Ancillary)
//!   that passes the descriptor on. **Exec** closes the descriptor unless the child
//!   [inherits](crate::process) it.
//! * **Death** of a process does not change the counter: what it took is not returned, and waiters
//!   are not woken.
//! * **Trust.** A process with the descriptor can take everything, fill the counter, and change
//!   whether adds block.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EAGAIN` | [`try_take`](EventFd::try_take) | [`Empty`](crate::ErrorKind::Empty) | the counter is 0 | poll for `POLLIN` |
//! | `EAGAIN` | [`try_add`](EventFd::try_add) | [`Full`](crate::ErrorKind::Full) | the sum would exceed [`MAX`] | wait until the counter is taken |
//! | `EAGAIN` | [`try_wait`](EventFd::try_wait) | [`WouldBlock`](crate::ErrorKind::WouldBlock) | the counter is 0 | try again later |
//! | `EAGAIN` | [`take`](EventFd::take), [`add`](EventFd::add) | [`Empty`](crate::ErrorKind::Empty), [`Full`](crate::ErrorKind::Full) | as above, on a non-blocking counter | use the `_timeout` call to block |
//! | `ETIMEDOUT` | `…_timeout` | [`TimedOut`](crate::ErrorKind::TimedOut) | the state lasted until the timeout; nothing was taken or added | try again or stop waiting |
//! | `EINVAL` | adding | [`Invalid`](crate::ErrorKind::Invalid) | a single add of more than [`MAX`] | add less |
//! | none | [`try_add`](EventFd::try_add), [`add_timeout`](EventFd::add_timeout) | [`Unsupported`](crate::ErrorKind::Unsupported) | the counter is a blocking one | create it with [`nonblocking`](Options::nonblocking) |
//! | none | taking, adding | [`WrongType`](crate::ErrorKind::WrongType) | the descriptor given to `From<OwnedFd>` is not an eventfd | convert the right descriptor |
//! | `EMFILE`, `ENFILE` | creating, [`try_clone`](EventFd::try_clone) | [`LimitReached`](crate::ErrorKind::LimitReached) | the descriptor table is full | close descriptors, or raise `RLIMIT_NOFILE` |
//!
//! Sources: [eventfd(2)], [poll(2)], [readv(2)] (`RWF_NOWAIT`).
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [eventfd(2)]: https://man7.org/linux/man-pages/man2/eventfd.2.html
//! [poll(2)]: https://man7.org/linux/man-pages/man2/poll.2.html
//! [readv(2)]: https://man7.org/linux/man-pages/man2/readv.2.html

mod counter;
mod options;

pub use counter::{EventFd, MAX};
pub use options::Options;
