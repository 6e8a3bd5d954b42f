//! Channels pass messages through shared memory, without a system call while both sides are busy.
//!
//! | kind | endpoints | each message goes to | a slow receiver |
//! |---|---|---|---|
//! | [`spsc`] | one sender, one receiver | the receiver | blocks the sender |
//! | [`spsc::bytes`] | the same, for records of any length | the receiver | blocks the sender |
//! | [`mpmc`] | many senders, many receivers | exactly one receiver | blocks the senders |
//! | [`broadcast`] | one publisher, many subscribers, which may join and leave | every subscriber | blocks the publisher, or learns how many messages it missed |
//! | [`latest`] | one writer, many readers | any reader: only the newest value exists | skips values |
//! | [`request`] | one client, one server | the server; its reply goes to the client | blocks the client |
//!
//! # When to use it
//!
//! * Two processes exchange messages, or wait for each other, so often that the system calls of a
//!   [pipe](crate::pipe) or a [socket](crate::socket) dominate the cost.
//! * Large messages must be written and read in place, without a copy through the kernel.
//! * Work must be spread over processes that may be killed at any time, without losing a job.
//!
//! # When not
//!
//! * A few messages a second: a pipe or a socket is as good, and every language and tool supports
//!   it.
//! * **The peer is not trusted to follow the protocol.** It cannot make this process access memory
//!   out of bounds, or block beyond its timeout. It can withhold messages and send arbitrary ones.
//!   See [what a peer can do](#what-a-peer-can-do).
//! * Descriptors must be passed, or credentials checked: use a [socket](crate::socket).
//! * The peer runs on another machine: a channel does not reach it.
//!
//! # Example
//!
//! ```
//! use std::thread;
//! use ipcraft::channel::spsc;
//!
//! let (mut sender, receiver) = spsc::channel::<u64>(1024)?;
//! let fd = receiver.into_fd()?; // for a child, or to be sent over a socket
//! let peer = thread::spawn(move || -> ipcraft::Result<u64> { // usually another process
//!     let mut receiver = spsc::Receiver::<u64>::from_fd(fd)?;
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
//! Unrelated processes find a channel by its name. [`Options`] configures it:
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
//! * **Endpoints.** Each endpoint of a channel has one owner at a time, in any process. A second
//!   sender of an `spsc` channel is refused with `InUse`. An endpoint may move to another thread
//!   (`Send`), but only one thread at a time uses it (not `Sync`).
//! * **Whole or not at all.** When `send` has returned, the message stays in the channel until it
//!   is received, even if processes die. A process may be killed at any instruction of a send. Its
//!   message is then received whole or not at all.
//! * **Once.** A message that `recv` has returned is not received again. A message that a process
//!   was receiving when it was killed goes to the next receiver. The same holds for messages that
//!   it held by `recv_in_place` or a drain. Messages of a killed broadcast subscriber are lost with
//!   it.
//! * **Leaving.** Peers see no difference between an endpoint that is dropped, a process that
//!   exits, and one that is killed.
//!   * After the last sender has left, receivers get the remaining messages, and their iteration
//!     ends.
//!   * After the last receiver has left, sending fails with `Disconnected`, and the error returns
//!     the message.
//!   * A blocked peer is woken immediately when an endpoint is dropped, and within 250 ms when a
//!     process was killed. An event loop is notified immediately of both.
//!   * A call that does not block checks the peers by one system call if the last check is 20 ms
//!     old. That holds for sends that find space, and for calls that fail with `Empty`, `Full` or
//!     `TimedOut`. So the first call after a pause reports a death.
//!   * A fast endpoint reads the clock only in every eighth call. If it pauses after several calls
//!     within one tick of the kernel's clock, up to 7 calls pass before the check. The first two
//!     messages of a new sender need no check, because opening it checks.
//!   * Before the first peer has connected, no call fails with `Disconnected`: a receiver waits
//!     for the first sender.
//! * **Successors.** A new endpoint may replace one that has left. It continues with the messages
//!   that are in the channel.
//! * **Waiting.** The default strategy is [`Adaptive`](WaitStrategy::Adaptive). A waiting endpoint
//!   polls for some microseconds while its peer runs on another core, and then blocks. A blocked
//!   endpoint uses no CPU time, except for a liveness check four times a second. A notification
//!   makes a system call only if a peer is blocked. For event loops there are [`Reactor`]
//!   and [`Readiness`].
//! * **Timeouts** use the monotonic clock. A call whose timeout is zero still succeeds if it need
//!   not wait. A call that a signal interrupts is continued.
//! * **Order.** Messages of one sender arrive in the order in which they were sent.
//! * **Fork.** As with a pipe, a forked child has copies of all descriptors, and so of the
//!   endpoints. Use each endpoint in one of the two processes, and drop it in the other. A copy
//!   that is not dropped counts as connected.
//! * **Exec.** Programs that are executed inherit no endpoint: all descriptors are close-on-exec.
//!   Pass an endpoint on by `into_fd` and `from_fd`, with
//!   [`CommandExt`](crate::process::CommandExt) or [over a socket](crate::socket).
//! * **Memory.** A channel consists of a header of 3968 bytes and the slots. A slot of `spsc` has
//!   the size of a message, rounded up to 8 bytes, or to 64 bytes beyond 128. A slot of `mpmc`,
//!   `broadcast` or `latest` needs 8 bytes more, and small ones are rounded up to a power of two.
//!   All memory is reserved when the channel is created. The channel takes one descriptor, and each
//!   endpoint another one.
//!
//! # What a peer can do
//!
//! A process that maps the memory can write anywhere in it. The library copies what it reads there
//! once, checks the copy, and then uses it. An impossible number fails with
//! [`Corrupted`](crate::ErrorKind::Corrupted), and so do bytes that are not a value of the
//! message's [type](Message). No access is outside the memory, and every search is bounded.
//!
//! An anonymous channel cannot be truncated, because its memory is sealed. A named channel can be
//! truncated by any process that may write its file in `/dev/shm`. An access then raises `SIGBUS`.
//! A process that holds the lock of an endpoint without using it makes that endpoint seem taken.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | none | `try_send` and similar | [`Full`](crate::ErrorKind::Full) | there is no space; the error returns the message | wait, or drop the message |
//! | none | `try_recv` and similar | [`Empty`](crate::ErrorKind::Empty) | there is no message | wait |
//! | none | `_timeout` calls | [`TimedOut`](crate::ErrorKind::TimedOut) | there was no space or message in time; nothing was transferred | retry or abandon; [`holder`](mpmc::Sender::holder) names a stopped process |
//! | none | sending | [`Disconnected`](crate::ErrorKind::Disconnected) | all receivers have left or died | wait for a new receiver, or abandon |
//! | none | receiving | [`Disconnected`](crate::ErrorKind::Disconnected) | all senders have left or died, and every message is received | wait for a new sender, or abandon |
//! | none | a lossy [`broadcast`] | [`Lagged`](crate::ErrorKind::Lagged) | messages were overwritten; the error states how many | call again: it continues after them |
//! | none | a [`request`] | [`Rejected`](crate::ErrorKind::Rejected) | the server rejected or dropped the request | send it again, or do without |
//! | none | all calls but creating a channel | [`Corrupted`](crate::ErrorKind::Corrupted) | a process that is no endpoint wrote to the channel, or the bytes are not a value of the type | stop using the channel |
//! | none | opening an endpoint | [`InUse`](crate::ErrorKind::InUse) | its owner is alive | wait until the owner leaves |
//! | none | opening one of several endpoints | [`LimitReached`](crate::ErrorKind::LimitReached) | the maximum number of endpoints is open | wait until one leaves |
//! | none | opening, `from_fd` | [`WrongType`](crate::ErrorKind::WrongType) | another kind, type, version or capacity: the error names both; or not a channel | find its creator; [`unlink`] it if it is unused |
//! | `EAGAIN` | opening, `from_fd` | [`InUse`](crate::ErrorKind::InUse) | a process has a lease on the file (`F_SETLEASE`) | refuse the descriptor |
//! | none | creating | [`Invalid`](crate::ErrorKind::Invalid) | a capacity or a number of subscribers that no channel can have | lower it |
//! | none | `into_fd` | [`Invalid`](crate::ErrorKind::Invalid) | the channel has a name | open it by name in the other process |
//! | none | [`spsc::bytes`] | [`TooLarge`](crate::ErrorKind::TooLarge) | the record is longer than half of the ring | create a larger channel |
//! | none | [`spsc::bytes`] | [`TooLarge`](crate::ErrorKind::TooLarge) | the record is longer than the buffer of `recv_into`; it stays in the channel | receive it with a larger buffer |
//! | `ENOENT` | opening | [`NotFound`](crate::ErrorKind::NotFound) | no channel has this name | wait with `open_timeout` |
//! | `EEXIST` | [`Options::create_new`] | [`AlreadyExists`](crate::ErrorKind::AlreadyExists) | the name is taken | open the channel, or remove it |
//! | `EACCES`, `EPERM` | opening | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the channel belongs to another user, or its mode permits more than expected | see [`Options::mode`] and [`Options::owner`] |
//! | `ENOSPC`, `ENOMEM` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | out of memory, or `/dev/shm` is full | reduce the capacity |
//! | `EMFILE`, `ENFILE` | creating, opening a channel or an endpoint | [`LimitReached`](crate::ErrorKind::LimitReached) | the descriptor table is full | close some, or raise `RLIMIT_NOFILE` |
//! | `ENOENT` | opening an endpoint | [`Unsupported`](crate::ErrorKind::Unsupported) | `/proc` is not mounted | mount it |
//! | `EMFILE`, `ENFILE` | [`Reactor::new`], `readiness` | [`LimitReached`](crate::ErrorKind::LimitReached) | the descriptor table is full | close some, or raise `RLIMIT_NOFILE` |
//! | `EAGAIN` | `register`, `readiness` | [`LimitReached`](crate::ErrorKind::LimitReached) | the kernel refuses inotify(7), and no thread can be created; the error names `RLIMIT_NPROC` if that is limited | raise it, or `pids.max` of the control group; or raise `fs.inotify.max_user_instances` |
//! | none | a [`Reactor`] in a forked child | [`Invalid`](crate::ErrorKind::Invalid) | it shares the events of the parent | create a new one |
//!
//! Sources: [fcntl(2)] for the leases of endpoints (`F_OFD_SETLK`), [futex(2)] for blocking,
//! [inotify(7)] for event loops,
//! [shm_overview(7)] and [memfd_create(2)] for the memory.
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [fcntl(2)]: https://man7.org/linux/man-pages/man2/fcntl.2.html
//! [futex(2)]: https://man7.org/linux/man-pages/man2/futex.2.html
//! [inotify(7)]: https://man7.org/linux/man-pages/man7/inotify.7.html
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
mod observer;
mod options;
mod payload;
mod polled;
mod recv_error;
pub mod request;
mod ring;
mod send_error;
mod shared;
pub mod spsc;
#[cfg(test)]
mod tests;
mod tuning;
pub mod untyped;
mod wait_strategy;

pub use endpoint::reactor::{Reactor, Registration, Token};
pub use endpoint::readiness::Readiness;
pub use handle::{Channel, unlink};
pub use kind::Kind;
pub use message::Message;
pub use observer::{
    ChannelKind, DirectionStats, EndpointRole, ObservedEndpoint, ObservedMessage, Observer, Rates,
    SideCounters, Stats,
};
pub use options::Options;
pub use payload::Payload;
pub use polled::{Awaitable, Polled};
pub use send_error::{SendAllError, SendError};
pub use shared::description::Description;
pub use wait_strategy::WaitStrategy;
