//! Events: a counter behind a descriptor, that can be polled (eventfd(2)).
//!
//! # When to use it
//!
//! * To tell another process **that** something is there, where what it is lies in [shared memory](crate::shm): the
//!   descriptor can be waited for together with sockets, in an event loop.
//! * To wake one thread or process of several, or all of them, whoever has the descriptor.
//! * To hand out a number of equal things ([semaphore mode](Options::semaphore)) and to poll for one.
//!
//! # When not
//!
//! * The other side's end has to be noticed: an eventfd has no other side. Use a [pipe](crate::pipe) or a
//!   [socket](crate::socket).
//! * Nobody has to poll: a [POSIX semaphore](crate::semaphore::posix) costs no system call when nobody waits.
//! * Strangers have to meet: it has no name.
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
//! * **Merging.** It counts, and keeps nothing apart: one [`take`](EventFd::take) gets the sum of all that was added
//!   since the last. In [semaphore mode](Options::semaphore) it gets 1.
//! * **Atomicity.** Each call adds or takes as a whole. Of several that wait to take, any may be first.
//! * **Order.** What was written to shared memory before an [`add`](EventFd::add) is seen after the `take` that got it.
//! * **Range.** It counts to [`MAX`], 2^64 - 2. What would go beyond waits until somebody takes, and is not lost. Only
//!   the kernel itself, where it is told to signal an eventfd, goes one further.
//! * **Polling.** It is readable if there is something to take, writable if 1 can be added, and in error if the kernel
//!   has gone beyond [`MAX`].
//! * **Waiting or not.** To take, each call decides. To add, the open file description does
//!   ([`Options::nonblocking`]), which all who share it share: [`try_add`](EventFd::try_add) and
//!   [`add_timeout`](EventFd::add_timeout) refuse one that waits, rather than to change it for everybody.
//! * **Time.** Timeouts are on the monotonic clock.
//! * **Threads.** Any number may use it.
//! * **Fork** gives the child the same counter, and so does a [socket](crate::socket::Ancillary) that passes the
//!   descriptor on. **Exec** closes it, unless it is [given](crate::process) to the child.
//! * **Death** changes nothing: what was taken stays taken, and who waits for somebody who is dead waits on.
//! * **Trust.** Whoever has the descriptor can take everything, fill the counter, and change whether it waits.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EAGAIN` | [`try_take`](EventFd::try_take) | [`Empty`](crate::ErrorKind::Empty) | the counter is 0 | wait for `POLLIN` |
//! | `EAGAIN` | [`try_add`](EventFd::try_add) | [`Full`](crate::ErrorKind::Full) | it would go beyond [`MAX`] | wait until somebody takes |
//! | `EAGAIN` | [`try_wait`](EventFd::try_wait) | [`WouldBlock`](crate::ErrorKind::WouldBlock) | the counter is 0 | do something else first |
//! | `EAGAIN` | [`take`](EventFd::take), [`add`](EventFd::add) | [`Empty`](crate::ErrorKind::Empty), [`Full`](crate::ErrorKind::Full) | the same, and it is non-blocking | the `_timeout` form waits all the same |
//! | `ETIMEDOUT` | `…_timeout` | [`TimedOut`](crate::ErrorKind::TimedOut) | it stayed so until then; nothing was taken or added | try again or give up |
//! | `EINVAL` | adding | [`Invalid`](crate::ErrorKind::Invalid) | more than [`MAX`] at once | less |
//! | none | [`try_add`](EventFd::try_add), [`add_timeout`](EventFd::add_timeout) | [`Unsupported`](crate::ErrorKind::Unsupported) | the counter is one that waits | make it with [`nonblocking`](Options::nonblocking) |
//! | none | taking, adding | [`WrongType`](crate::ErrorKind::WrongType) | the descriptor that was made into one by `From<OwnedFd>` behaves like none | convert the right one |
//! | `EMFILE`, `ENFILE` | creating, [`try_clone`](EventFd::try_clone) | [`LimitReached`](crate::ErrorKind::LimitReached) | descriptor table full | close some, or raise `RLIMIT_NOFILE` |
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
