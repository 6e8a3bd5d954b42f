//! Every way two processes on one Linux machine can talk, behind one consistent, safe, documented API.
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
//! | you have | use |
//! |---|---|
//! | a child process and a stream of bytes one way | [`pipe`] |
//! | a child process, bytes or messages both ways, or descriptors to hand over | [`socket`]'s pairs |
//! | unrelated processes that meet at a name, bytes one way | [`fifo`] |
//! | a server and many clients | [`socket::stream`] (bytes) or [`socket::seqpacket`] (messages) |
//! | messages from many senders to one receiver, no connection | [`socket::datagram`] |
//! | much data, or data that changes less often than it is read | [`shm`]: a [`memfd`](shm::memfd) for whoever can be handed a descriptor, [`shm::posix`] for strangers |
//! | messages that wait for whoever comes, urgent ones first | [`queue::posix`] |
//! | messages that wait, each for the receiver of its type | [`queue::sysv`] |
//! | a process: to wait for its end, to signal it and no other, to see what it does | [`process`]'s pidfds |
//! | to hear of Ctrl-C, of a child's end or of a request to stop; to nudge a process of which you know only the pid | [`signal`] |
//! | a counter to wait on, or a number of equal things to hand out | [`semaphore::posix`]; [`semaphore::sysv`] if a holder may be killed |
//! | a process to wake that polls, or has sockets to wait for as well | [`event`] |
//! | words in shared memory to sleep on, as a part to build with | [`futex`] |
//! | data in shared memory that several change, any of which may be killed while it does | [`sync`] |
//! | so many messages, or such large ones, that system calls and copies show | [`channel`]: one to one, a work queue, a broadcast, the newest value, calls and answers |
//!
//! # What holds everywhere
//!
//! * **Thin.** On the success path a call makes the system calls that hand-written C would make, and no others. Nothing
//!   is allocated per message.
//! * **Three forms.** A blocking operation comes as `op()`, `try_op()`, which never waits, and `op_timeout()`, which
//!   waits on the monotonic clock. An expired timeout still succeeds if the operation can proceed at once.
//! * **Signals** never show: a call that a signal interrupts is continued with the time that is left, and no call raises
//!   `SIGPIPE`.
//! * **Descriptors** are owned, close-on-exec from birth, and given to a child only by name ([`process`]).
//! * **Names** outlive handles: dropping a handle closes it and never removes the object, unless that was asked for.
//! * **Errors** are one type, [`Error`], that names the operation, the object, the cause and the limit that was hit.
//!
//! # What this crate does not do
//!
//! No async runtime: every handle but those of System V objects and of locks has a descriptor ([`AsFd`](std::os::fd::AsFd)) and a
//! non-blocking mode, which is what an event loop needs. No serialisation: messages are bytes. No Windows, macOS or BSD: what is promised here rests on
//! what Linux does.

#![deny(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]

#[cfg(not(target_os = "linux"))]
compile_error!("ipcraft is for Linux: what it promises rests on what the Linux kernel does");

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
