//! Anonymous pipes: a byte stream one way, between a process and its relatives (pipe(7)).
//!
//! # When to use it
//!
//! For a stream of bytes from one process to another that it started, or to several that share the work; for capturing a
//! command's output; for end-of-file as a sign that a process has ended. It is the cheapest byte stream that the kernel has.
//!
//! # When not
//!
//! * Both directions: [`duplex()`] works, but [`socket::stream::pair`](crate::socket::stream::pair) is one object instead of
//!   two and can carry descriptors.
//! * Messages: a pipe keeps no boundaries, unless in [packet mode](Options::packets). Use
//!   [`socket::seqpacket`](crate::socket::seqpacket).
//! * Unrelated processes: they meet at a name, so use [`fifo`](crate::fifo) or a [`socket`](crate::socket).
//!
//! # Example
//!
//! ```
//! use std::process::Command;
//! use ipcraft::pipe;
//!
//! let (reader, writer) = pipe::pipe()?;
//! let mut child = Command::new("echo").arg("from the child").stdout(writer).spawn().unwrap();
//! // `writer` was moved into the command, and with the command it is closed here: what is left is the child's copy.
//!
//! let mut text = String::new();
//! std::io::Read::read_to_string(&mut &reader, &mut text).unwrap();
//! assert_eq!(text, "from the child\n");
//! assert!(child.wait().unwrap().success());
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Contract
//!
//! * **Order.** Bytes come out in the order in which they went in. With several readers each byte goes to one of them.
//! * **Atomicity.** A write of at most [`PIPE_BUF`] bytes (4096) is never mixed with another writer's. A longer one may be,
//!   and may be transferred in part.
//! * **Capacity** is 64 KiB unless set; less for users above `pipe-user-pages-soft`, so ask [`Reader::capacity`]. It is counted in
//!   pages: many small writes that the kernel cannot merge fill a pipe before the bytes add up.
//! * **End of stream.** A read returns `Ok(0)` once every writer is closed and the pipe is empty. A copy of the writer that
//!   is still open anywhere, in a forked child too, keeps the stream open: drop the ends that you do not use.
//! * **Nobody reads.** A write fails with [`Disconnected`](crate::ErrorKind::Disconnected) and raises no `SIGPIPE`, whatever the program's
//!   disposition of that signal. Linux 6.18 has a flag for that (`RWF_NOSIGNAL`); on older kernels each write costs one more
//!   system call, and four more where the signal is at its default.
//! * **Fork** gives the child both ends, with the same position. **Exec** closes them, unless they are the child's standard streams or
//!   given by [`process`](crate::process). **Death**, by `SIGKILL` too, closes them: what was written stays readable.
//! * **Non-blocking forms** wait for nothing and leave the descriptor as it is, so processes that share it are not disturbed. On
//!   kernels before 6.4 the first such call opens one more descriptor through /proc.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EPIPE` | writing, `splice`, `tee` | [`Disconnected`](crate::ErrorKind::Disconnected) | no reader is left | stop writing |
//! | `EAGAIN` | writing | [`Full`](crate::ErrorKind::Full) | no room, and the call may not wait | wait for `POLLOUT`, or drop data |
//! | `EAGAIN` | reading | [`Empty`](crate::ErrorKind::Empty) | no data, and the call may not wait | wait for `POLLIN` |
//! | `ETIMEDOUT` | `…_timeout` | [`TimedOut`](crate::ErrorKind::TimedOut) | nothing was transferred in time | try again or give up |
//! | none | reading packets | [`Truncated`](crate::ErrorKind::Truncated) | the packet was longer than the buffer | read with [`PIPE_BUF`] bytes |
//! | `EMFILE` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | descriptor table full | close some, or raise `RLIMIT_NOFILE` |
//! | `ENFILE` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | the system's file table, or the user's pipe pages, are used up | see `/proc/sys/fs/file-max`, `pipe-user-pages-hard` |
//! | `EPERM` | [`Writer::set_capacity`] | [`LimitReached`](crate::ErrorKind::LimitReached) | above `/proc/sys/fs/pipe-max-size` without `CAP_SYS_RESOURCE` | ask for less |
//! | `EBUSY` | [`Writer::set_capacity`] | [`InUse`](crate::ErrorKind::InUse) | the pipe holds more than that now | drain it first |
//! | `EINVAL` | `splice`, `tee` | [`Invalid`](crate::ErrorKind::Invalid) | the other end cannot be spliced (opened for appending), or both ends are one pipe | copy with read and write |
//! | `EBADF` | any | [`Other`](crate::ErrorKind::Other) | a descriptor made into an end by `From<OwnedFd>` is of the wrong direction | convert the other one |
//!
//! Sources: [pipe(7)], [pipe(2)], [fcntl(2)] (`F_SETPIPE_SZ`), [splice(2)], [tee(2)], [vmsplice(2)].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [pipe(7)]: https://man7.org/linux/man-pages/man7/pipe.7.html
//! [pipe(2)]: https://man7.org/linux/man-pages/man2/pipe.2.html
//! [fcntl(2)]: https://man7.org/linux/man-pages/man2/fcntl.2.html
//! [splice(2)]: https://man7.org/linux/man-pages/man2/splice.2.html
//! [tee(2)]: https://man7.org/linux/man-pages/man2/tee.2.html
//! [vmsplice(2)]: https://man7.org/linux/man-pages/man2/vmsplice.2.html

mod duplex;
mod options;
mod reader;
mod splice;
mod writer;

pub use duplex::{Duplex, duplex};
pub use options::{Options, pipe};
pub use reader::Reader;
pub use writer::Writer;

/// The most bytes that one write transfers as a whole, never mixed with another writer's: 4096 (pipe(7)).
pub const PIPE_BUF: usize = crate::support::pipe_end::PIPE_BUF;
