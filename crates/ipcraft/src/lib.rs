//! Linux interprocess communication behind one safe, documented API.
//!
//! Each IPC mechanism of the kernel is one module: pipes, sockets, queues, shared memory,
//! semaphores, signals, eventfds, futexes. Locks and channels in shared memory build on them and
//! survive the death of a process.
//!
//! ```
//! use std::io::{Read, Write};
//!
//! let (mut reader, mut writer) = ipcraft::pipe::pipe()?;
//! writer.write_all(b"hello")?;
//! drop(writer);
//! let mut text = String::new();
//! reader.read_to_string(&mut text)?;
//! assert_eq!(text, "hello");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Which mechanism?
//!
//! | you need | use |
//! |---|---|
//! | a byte stream to or from a child process | [`pipe`] |
//! | bytes or messages both ways with a child process, or passing descriptors to it | a [`socket`] pair |
//! | a byte stream between unrelated processes that share a path | [`fifo`] |
//! | a server with many clients | [`socket::stream`] (bytes) or [`socket::seqpacket`] (messages) |
//! | messages from many senders to one receiver, without connections | [`socket::datagram`] |
//! | large data, or data that is read more often than written | [`shm`]: a [`memfd`](shm::memfd) for processes that can pass a descriptor, [`shm::posix`] for others |
//! | messages that wait for a receiver, urgent ones first | [`queue::posix`] |
//! | messages that wait, selected by type | [`queue::sysv`] |
//! | waiting for a process, signalling it without a pid race, its state | [`process`] (pidfds) |
//! | reacting to `SIGTERM`, `SIGCHLD` or Ctrl-C; signalling a process known only by pid | [`signal`] |
//! | limiting concurrent access to N identical resources | [`semaphore::posix`]; [`semaphore::sysv`] if a holder may be killed |
//! | waking a process that also polls sockets | [`event`] |
//! | building a synchronisation primitive of your own | [`futex`] |
//! | data in shared memory that several processes modify, even if one is killed meanwhile | [`sync`] |
//! | messages too frequent or too large for system calls and kernel copies | [`channel`]: one to one, work queue, broadcast, latest value, request and reply |
//!
//! # What holds everywhere
//!
//! * **Thin.** On the success path, a call makes the same system calls as hand-written C. No call
//!   allocates per message.
//! * **Three forms.** A blocking operation exists as `op()`, as `try_op()`, which never blocks, and
//!   as `op_timeout()`, which waits on the monotonic clock. An expired timeout still succeeds if
//!   the operation can proceed immediately.
//! * **Signals.** Interrupted calls are retried with the remaining time; callers never see `EINTR`.
//!   No call raises `SIGPIPE`.
//! * **Death of a peer.** Pipes, sockets and locks report it immediately. A blocked [`channel`]
//!   endpoint notices it within 250 ms. The page of each mechanism states the effects of a death.
//! * **Descriptors** are owned and close-on-exec from creation. A child inherits only the
//!   descriptors that are listed for it ([`process`]).
//! * **Names** outlive handles: dropping a handle closes it and never removes the object, unless
//!   `remove_on_drop` was set.
//! * **Errors** are one type, [`Error`], with the operation, the object, the cause and the limit
//!   that was reached.
//!
//! # Out of scope
//!
//! * **Async runtimes.** For event loops, every handle has a descriptor
//!   ([`AsFd`](std::os::fd::AsFd)) and non-blocking operations. Exceptions: System V objects and
//!   locks have no descriptor, and channels offer one through
//!   [`Readiness`](channel::Readiness). The crate `ipcraft-tokio` has async forms of all that have
//!   a descriptor, for tokio.
//! * **Serialisation.** Messages are bytes or plain values.
//! * **Other systems.** The guarantees rely on Linux.

#![deny(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]

#[cfg(not(target_os = "linux"))]
compile_error!("ipcraft supports only Linux, since its guarantees rely on the Linux kernel");

pub mod channel;
pub mod error;
pub mod event;
pub mod fifo;
pub mod futex;
pub mod name;
mod pid;
pub mod pipe;
pub mod process;
pub mod queue;
pub mod semaphore;
pub mod shm;
pub mod signal;
pub mod socket;
mod support;
pub mod sync;
mod sys;
pub mod sysv;
pub mod time;

pub use error::{Error, ErrorKind, Result};
pub use pid::Pid;
