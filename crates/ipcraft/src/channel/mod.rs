//! Channels: messages through shared memory, without system calls while both sides are busy.
//!
//! | kind | endpoints | each message goes to | a slow receiver |
//! |---|---|---|---|
//! | [`spsc`] | one sender, one receiver | the receiver | blocks the sender |
//! | [`spsc::bytes`] | the same, for records of any length | the receiver | blocks the sender |
//! | [`mpmc`] | many senders, many receivers | one of the receivers | blocks the senders |
//! | [`broadcast`] | one publisher, many subscribers | all subscribers | blocks the publisher, or learns how many messages it missed |
//! | [`latest`] | one writer, many readers | every reader that loads: only the newest value exists | sees fewer values |
//! | [`request`] | one client, one server | the server, and its reply to the client | blocks the client |
//!
//! # When to use it
//!
//! * Two processes exchange messages so often that the system calls of a [pipe](crate::pipe) or a
//!   [socket](crate::socket) limit them. A channel makes no system call while both sides are busy.
//! * Large messages shall be written and read in place instead of being copied through the kernel.
//! * Work shall be spread over processes, and none may be lost if one of them is killed.
//!
//! # When not
//!
//! * For a few messages a second, a pipe or a socket serves as well, and every language and tool
//!   supports it.
//! * **The peer is not trusted to follow the protocol.** It cannot cause an access outside of the
//!   memory, or exceed a timeout. But it can withhold messages, and send any. See
//!   [below](#what-a-peer-can-do).
//! * To pass descriptors, or to learn credentials, use a [socket](crate::socket).
//! * Other machines cannot be reached.
//!
//! # Example
//!
//! ```
//! use std::thread;
//! use ipcraft::channel::spsc;
//!
//! let (mut sender, receiver) = spsc::channel::<u64>(1024)?;
//! let endpoint = receiver.into_fd()?; // for a child, or to be sent over a socket
//! let peer = thread::spawn(move || -> ipcraft::Result<u64> { // usually another process
//!     let mut receiver = spsc::Receiver::<u64>::from_fd(endpoint)?;
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
//! By name, between unrelated processes, with [`Options`] for all settings:
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
//! * **Endpoints.** Each endpoint of a channel has one owner at a time, in any process: opening a
//!   second sender of an `spsc` fails. An endpoint may move to another thread (`Send`), but is not
//!   shared (not `Sync`).
//! * **Whole or not at all.** When `send` has returned, the message stays in the channel until it
//!   is received, even if any process dies. If a process is killed during `send`, its message is
//!   received whole or not at all.
//! * **Once.** A message that `recv` has returned is not received again. A message still held
//!   through `recv_in_place` or `drain` when the process dies is redelivered to the next receiver
//!   (`broadcast`: it is lost with the subscriber).
//! * **Leaving.** Peers cannot distinguish dropping an endpoint, exiting, and being killed. After
//!   the last sender left, the receivers' iteration ends behind the last message. After the last
//!   receiver left, sending fails, and the error returns the message. A blocked endpoint is woken
//!   immediately when its peer is dropped, and within 250 ms when the peer is killed. An endpoint
//!   that never blocks notices within 250 ms or 256 calls, whichever is later. Until the first
//!   sender connects, a receiver blocks instead of returning `Disconnected`.
//! * **Successors.** A new endpoint may replace one that has left. It continues at its position.
//! * **Waiting.** The default strategy is [`Adaptive`](WaitStrategy::Adaptive). A waiting endpoint
//!   spins for a few microseconds if its peer runs on another core, then blocks in `futex(2)`.
//!   While blocked it wakes every 250 ms to check that its peers are alive. Sending makes no system
//!   call while no endpoint is blocked. For event loops there is [`Readiness`].
//! * **Timeouts** use the monotonic clock. A call whose timeout has passed still succeeds if it
//!   need not wait. Interrupted calls are retried.
//! * **Order.** Messages of one sender arrive in the order in which they were sent.
//! * **Fork.** A forked child has copies of the descriptors, and so of the endpoints. Use each
//!   endpoint in one process and drop it in the other, where it otherwise counts as connected.
//!   Executed programs inherit no endpoint: all descriptors are close-on-exec. To pass an endpoint
//!   on, use `into_fd` and `from_fd`, with [`CommandExt`](crate::process::CommandExt) or [over a
//!   socket](crate::socket).
//! * **Memory.** A header of 2 KiB, and the slots. For `spsc`, a slot has the size of a message,
//!   rounded up to 8 bytes. For `mpmc`, `broadcast` and `latest`, it has 8 bytes more, and that of
//!   a small message is rounded up to a power of two. All memory is reserved when the channel is
//!   created. The channel has one descriptor, and each endpoint one.
//!
//! # What a peer can do
//!
//! A process that has the memory can write anywhere in it. Whatever is read there is copied once,
//! validated, and then used. An out-of-range value yields
//! [`Corrupted`](crate::ErrorKind::Corrupted), and so do bytes that are no value of the message's
//! [type](Message). Every loop over shared memory is bounded. An anonymous channel cannot shrink,
//! since its memory is sealed. A process that may write the file of a named channel in `/dev/shm`
//! can truncate it; then an access raises `SIGBUS`. A peer that holds the lock of an endpoint
//! without using it makes that endpoint seem taken.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | none | `try_send` and similar calls | [`Full`](crate::ErrorKind::Full) | no space | wait, or drop the returned message |
//! | none | `try_recv` and similar calls | [`Empty`](crate::ErrorKind::Empty) | no message | wait |
//! | none | `_timeout` calls | [`TimedOut`](crate::ErrorKind::TimedOut) | neither in time; nothing was transferred | try again |
//! | none | sending | [`Disconnected`](crate::ErrorKind::Disconnected) | all receivers have left or died | wait for another, or stop |
//! | none | receiving | [`Disconnected`](crate::ErrorKind::Disconnected) | all senders have left or died, and all their messages are received | as above |
//! | none | a lossy [`broadcast`] | [`Lagged`](crate::ErrorKind::Lagged) | messages were overwritten; the error has their number | continue with the next call |
//! | none | a [`request`] | [`Rejected`](crate::ErrorKind::Rejected) | the server rejected the request, or dropped it | send it again, or do without |
//! | none | all but creating | [`Corrupted`](crate::ErrorKind::Corrupted) | another process wrote to the memory, or the bytes are no value of the type | stop using the channel |
//! | none | opening an endpoint | [`InUse`](crate::ErrorKind::InUse) | a living process owns it | wait until it leaves |
//! | none | opening one of many endpoints | [`LimitReached`](crate::ErrorKind::LimitReached) | all leases are taken | wait until one leaves |
//! | none | opening, `from_fd` | [`WrongType`](crate::ErrorKind::WrongType) | no channel, or another kind, type, version or capacity, which the error names | find its creator; remove it if it is unused |
//! | none | `into_fd` | [`Invalid`](crate::ErrorKind::Invalid) | the channel has a name | open it by the name there |
//! | none | [`spsc::bytes`] | [`TooLarge`](crate::ErrorKind::TooLarge) | the record is longer than half of the ring | create a larger channel |
//! | none | [`spsc::bytes`] | [`TooLarge`](crate::ErrorKind::TooLarge) | the record is longer than the buffer of `recv_into`; it stays in the channel | receive it with a larger buffer |
//! | `ENOENT` | opening | [`NotFound`](crate::ErrorKind::NotFound) | no channel has this name | wait with `open_timeout` |
//! | `EEXIST` | [`Options::create_new`] | [`AlreadyExists`](crate::ErrorKind::AlreadyExists) | the name is taken | open it, or remove it |
//! | `EACCES`, `EPERM` | opening | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | another owner, or a mode that permits more than was expected | see [`Options::mode`] and [`Options::owner`] |
//! | `ENOSPC`, `ENOMEM` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | no memory, or `/dev/shm` is full | reduce the capacity |
//! | `EMFILE`, `ENFILE` | creating, opening | [`LimitReached`](crate::ErrorKind::LimitReached) | the descriptor table is full | close some, or raise `RLIMIT_NOFILE` |
//! | `ENOENT` | opening an endpoint | [`Unsupported`](crate::ErrorKind::Unsupported) | there is no `/proc` | mount it |
//! | `EAGAIN` | `readiness` | [`LimitReached`](crate::ErrorKind::LimitReached) | no more threads | see `RLIMIT_NPROC` |
//!
//! Sources: [fcntl(2)] for the leases (`F_OFD_SETLK`), [futex(2)] for blocking, [shm_overview(7)]
//! and [memfd_create(2)] for the memory.
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
