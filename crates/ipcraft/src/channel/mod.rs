//! Channels: messages through shared memory, at the speed of the cache line.
//!
//! | kind | who | each message goes to | a slow receiver |
//! |---|---|---|---|
//! | [`spsc`] | one sender, one receiver | the receiver | holds the sender back |
//! | [`spsc::bytes`] | the same, with records of any length | the receiver | holds the sender back |
//! | [`mpmc`] | many senders, many receivers | one of the receivers | holds the senders back |
//! | [`broadcast`] | one publisher, many subscribers that come and go | all subscribers | holds the publisher back, or is told how many it missed |
//! | [`latest`] | one writer, many readers | whoever looks: there is only the newest value | sees fewer of them |
//! | [`request`] | one client, one server | the server, and its answer to the client | holds the client back |
//!
//! # When to use it
//!
//! * Two processes exchange so many messages, or wait for each other so often, that the system calls of a
//!   [pipe](crate::pipe) or a [socket](crate::socket) show: while both sides are busy, a channel makes none.
//! * Large messages are to be written and read where they lie, and not copied through the kernel.
//! * Work is to be spread over processes any of which may be killed, without losing any.
//!
//! # When not
//!
//! * A few messages a second: a pipe or a socket says the same, and every language and tool can speak to it.
//! * **The other side is not trusted to keep its promises.** It cannot make this one read where it should not, or hang for
//!   longer than its timeout; but it can keep messages back, and send any. See [safety](#what-a-peer-can-do).
//! * Descriptors are to be passed, or credentials to be known: that takes a [socket](crate::socket).
//! * Other machines: these are not reached.
//!
//! # Example
//!
//! ```
//! use std::thread;
//! use ipcraft::channel::spsc;
//!
//! let (mut sender, receiver) = spsc::channel::<u64>(1024)?;
//! let end = receiver.into_fd()?; // for a child, or to be sent over a socket
//! let peer = thread::spawn(move || -> ipcraft::Result<u64> { // usually another process
//!     let mut receiver = spsc::Receiver::<u64>::from_fd(end)?;
//!     receiver.iter().sum()
//! });
//! for number in 1..=100 {
//!     sender.send(number)?;
//! }
//! drop(sender); // the receiver's iteration ends
//! assert_eq!(peer.join().unwrap()?, 5050);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! By name, for processes that know nothing else of each other, with [`Options`] for all there is to choose:
//!
//! ```
//! use ipcraft::{channel::spsc, name};
//!
//! let name = format!("/{}", name::unique("doc-channel"));
//! let channel = spsc::Options::<[f32; 4]>::new().capacity(64).remove_on_drop(true).create_new(&name)?;
//! let mut sender = channel.sender()?;
//! let mut receiver = spsc::Receiver::<[f32; 4]>::open(&name)?; // usually in another process
//! sender.send([1.0, 2.0, 3.0, 4.0])?;
//! assert_eq!(receiver.recv()?[3], 4.0);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Contract
//!
//! * **Ends.** A channel has ends, and each end one owner at a time, in whatever process: a second sender of an `spsc` is
//!   refused. An end goes to another thread (`Send`), and is used by one at a time (not `Sync`).
//! * **Whole or not at all.** When `send` has returned, the message is in the channel until it is received, whoever dies. A
//!   message that a process was sending when it was killed, at whatever instruction, is received whole or not at all.
//! * **Once.** A message that `recv` has returned is not received again. One that a process was receiving when it was killed,
//!   or had in its hands with `recv_in_place` or a drain, goes to the next receiver (a broadcast's subscriber takes it along).
//! * **Leaving.** To drop an end, to exit and to be killed are the same to the others. The last sender's leaving ends the
//!   receivers' iteration, after the last message; the last receiver's is an error for senders, and the message comes back.
//!   Who sleeps is told at once when an end is dropped, and within a quarter of a second when a process was killed. Who sends
//!   without ever having to wait finds out in the same time, or after at most 256 more messages or batches. Before anybody has come,
//!   nobody is missed: a receiver waits for the first sender.
//! * **Successors.** A new end may be taken in the place of one that has left; it goes on where the messages are.
//! * **Waiting.** [`Adaptive`](WaitStrategy::Adaptive), unless something else is asked for: who waits looks again for some
//!   microseconds if the other side runs on another processor, and sleeps then. Who sleeps uses no processor, but for a look at who is
//!   there four times a second. Nobody is woken by a system call when nobody sleeps. For event loops there is
//!   [`Readiness`].
//! * **Timeouts** are on the monotonic clock; one that has passed still succeeds if nothing has to be waited for. Signals
//!   change nothing.
//! * **Order.** Messages of one sender arrive in the order in which they were sent.
//! * **Fork.** A child that is forked has copies of the descriptors, and so of the ends, as it has of those of a pipe: each end is
//!   used on one side, and dropped on the other, where it otherwise counts as being there. Programs that are
//!   executed inherit none: all descriptors are close-on-exec. How to hand an end on: `into_fd` and `from_fd`, with
//!   [`CommandExt`](crate::process::CommandExt) or [over a socket](crate::socket).
//! * **Memory.** A header of 2 KiB, and the slots: for `spsc` the size of a message, rounded up to 8 bytes; for `mpmc`,
//!   `broadcast` and `latest` 8 bytes more, in a small message's case rounded up to a power of two. All of it is reserved
//!   when the channel is made. One descriptor for the channel, and one for each end.
//!
//! # What a peer can do
//!
//! Whoever has the memory can write anywhere in it. What is read there is copied once, checked, and then used: a number that
//! cannot be is [`Corrupted`](crate::ErrorKind::Corrupted), and so are bytes that are no value of the message's
//! [type](Message). Nothing is accessed beyond the memory, and no search goes on without end. An anonymous channel cannot be
//! made smaller, since its memory is sealed; a named one can by whoever may write the file in `/dev/shm`, and then an access
//! is `SIGBUS`. A peer that holds the lock of an end without using it makes that end seem taken.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | none | `try_send` and its like | [`Full`](crate::ErrorKind::Full) | no room | wait, or drop the message, which comes back |
//! | none | `try_recv` and its like | [`Empty`](crate::ErrorKind::Empty) | no message | wait |
//! | none | `_timeout` calls | [`TimedOut`](crate::ErrorKind::TimedOut) | neither in time; nothing was transferred | try again or give up |
//! | none | sending | [`Disconnected`](crate::ErrorKind::Disconnected) | all receivers have left or died | wait for another, or give up |
//! | none | receiving | [`Disconnected`](crate::ErrorKind::Disconnected) | all senders have left or died, and all they sent is received | as above |
//! | none | a lossy [`broadcast`] | [`Lagged`](crate::ErrorKind::Lagged) | messages were overwritten; the error says how many | go on: the next call does |
//! | none | a [`request`] | [`Rejected`](crate::ErrorKind::Rejected) | the server rejected the request, or dropped it | send it again, or do without |
//! | none | all but making a channel | [`Corrupted`](crate::ErrorKind::Corrupted) | somebody writes to the channel who is no end of it, or the bytes are no value of the type | stop using it |
//! | none | taking an end | [`InUse`](crate::ErrorKind::InUse) | it has an owner, who is alive | wait until he leaves |
//! | none | taking an end of many | [`LimitReached`](crate::ErrorKind::LimitReached) | as many are there as can be | wait until one leaves |
//! | none | opening, `from_fd` | [`WrongType`](crate::ErrorKind::WrongType) | another kind, type, version or capacity, which the error names; or no channel | find out who made it; remove it if nobody needs it |
//! | none | `into_fd` | [`Invalid`](crate::ErrorKind::Invalid) | the channel has a name | open it by the name there |
//! | none | [`spsc::bytes`] | [`TooLarge`](crate::ErrorKind::TooLarge) | the record is longer than half of the ring | make a larger channel |
//! | none | [`spsc::bytes`] | [`TooLarge`](crate::ErrorKind::TooLarge) | the record is longer than the buffer of `recv_into`; it stays in the channel | receive it with a larger buffer |
//! | `ENOENT` | opening | [`NotFound`](crate::ErrorKind::NotFound) | no channel has this name | wait with `open_timeout` |
//! | `EEXIST` | [`Options::create_new`] | [`AlreadyExists`](crate::ErrorKind::AlreadyExists) | the name is taken | open it, or remove it |
//! | `EACCES`, `EPERM` | opening | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | another user's, or a mode that permits more than was expected | see [`Options::mode`] and [`Options::owner`] |
//! | `ENOSPC`, `ENOMEM` | making | [`LimitReached`](crate::ErrorKind::LimitReached) | no memory, or `/dev/shm` is full | make it smaller |
//! | `EMFILE`, `ENFILE` | making, opening, taking an end | [`LimitReached`](crate::ErrorKind::LimitReached) | descriptor table full | close some, or raise `RLIMIT_NOFILE` |
//! | `ENOENT` | taking an end | [`Unsupported`](crate::ErrorKind::Unsupported) | there is no `/proc` | mount it |
//! | `EAGAIN` | `readiness` | [`LimitReached`](crate::ErrorKind::LimitReached) | no more threads | see `RLIMIT_NPROC` |
//!
//! Sources: [fcntl(2)] for who is there (`F_OFD_SETLK`), [futex(2)] for sleeping, [shm_overview(7)] and [memfd_create(2)] for the
//! memory.
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [fcntl(2)]: https://man7.org/linux/man-pages/man2/fcntl.2.html
//! [futex(2)]: https://man7.org/linux/man-pages/man2/futex.2.html
//! [shm_overview(7)]: https://man7.org/linux/man-pages/man7/shm_overview.7.html
//! [memfd_create(2)]: https://man7.org/linux/man-pages/man2/memfd_create.2.html

pub mod broadcast;
mod core;
mod endpoint;
mod handle;
mod kind;
pub mod latest;
mod message;
pub mod mpmc;
mod options;
mod payload;
mod recv_error;
pub mod request;
mod ring;
mod send_error;
mod shared;
pub mod spsc;
#[cfg(test)]
mod tests;
mod tuning;
mod wait_strategy;

pub use endpoint::readiness::Readiness;
pub use handle::Channel;
pub use kind::Kind;
pub use message::Message;
pub use options::Options;
pub use payload::Payload;
pub use send_error::{SendAllError, SendError};
pub use wait_strategy::WaitStrategy;
