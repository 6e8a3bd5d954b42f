//! Anonymous pipes: a one-way byte stream between related processes (pipe(7)).
//!
//! # When to use it
//!
//! * For a stream of bytes between a process and its children, or to several children that share
//!   the work.
//! * To capture a command's output.
//! * To detect by end of file that a process has ended.
//!
//! It is the cheapest byte stream that the kernel has.
//!
//! # When not
//!
//! * Both directions: [`duplex()`] works, but [`socket::stream::pair`](crate::socket::stream::pair)
//!   is one object instead of two and can carry descriptors.
//! * Messages: a pipe keeps no boundaries, unless in [packet mode](Options::packets). Use
//!   [`socket::seqpacket`](crate::socket::seqpacket).
//! * Unrelated processes: they need a name, so use [`fifo`](crate::fifo) or a
//!   [`socket`](crate::socket).
//!
//! # Example
//!
//! ```
//! use std::process::Command;
//! use ipcraft::pipe;
//!
//! let (reader, writer) = pipe::pipe()?;
//! let mut child = Command::new("echo").arg("from the child").stdout(writer).spawn().unwrap();
//! // `writer` was moved into the command, which has been dropped: only the child's copy is left.
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
//! * **Order.** Bytes are read in the order of writing. With several readers, each byte is received
//!   by one of them.
//! * **Atomicity.** A write of at most [`PIPE_BUF`] bytes (4096) never interleaves with another
//!   writer's. A longer write may interleave, and may be transferred in part.
//! * **Capacity** is 64 KiB unless set, and less for users above `pipe-user-pages-soft`;
//!   [`Reader::capacity`] returns it. It is counted in pages: small writes that the kernel cannot
//!   merge fill a pipe before their bytes add up to the capacity.
//! * **End of stream.** A read returns `Ok(0)` once every writer is closed and the pipe is empty. A
//!   copy of the writer in any process, such as a forked child, keeps the stream open: drop unused
//!   ends.
//! * **No reader.** A write fails with [`Disconnected`](crate::ErrorKind::Disconnected) and raises
//!   no `SIGPIPE`, whatever the program's disposition of that signal. Linux 6.18 has a flag for
//!   that (`RWF_NOSIGNAL`). On older kernels each write costs one additional system call, or four
//!   if the signal has its default action.
//! * **Fork** gives the child both ends, with the same position. **Exec** closes them, unless they
//!   are the child's standard streams or passed by [`process`](crate::process). **Death**, by
//!   `SIGKILL` too, closes them; written bytes stay readable.
//! * **Non-blocking forms** leave the descriptor's flags unchanged, so processes that share it are
//!   not affected. They need neither /proc nor a right to open the pipe. Two kinds of pipe refuse
//!   the flag of a single call: those of Linux before 6.4, and those on which a splicing call was
//!   made. On these, [`try_read`](Reader::try_read) uses `vmsplice(2)` at no further cost. The first
//!   [`try_write`](Writer::try_write) opens a second descriptor through /proc. If that fails, as
//!   after `setuid(2)`, each write goes through a private pipe. It then takes five system calls
//!   more and two free descriptors, and occupies whole pages of the pipe. Reading a packet costs
//!   the same.
//! * **From Linux 6.4 to 6.17** [`try_write`](Writer::try_write) costs what other writes cost
//!   there: one or four system calls more.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EPIPE` | writing, `splice`, `tee` | [`Disconnected`](crate::ErrorKind::Disconnected) | no reader is left | stop writing |
//! | `EAGAIN` | writing | [`Full`](crate::ErrorKind::Full) | no room, and the call may not block | wait for `POLLOUT`, or drop data |
//! | `EAGAIN` | reading | [`Empty`](crate::ErrorKind::Empty) | no data, and the call may not block | wait for `POLLIN` |
//! | `ETIMEDOUT` | `…_timeout` | [`TimedOut`](crate::ErrorKind::TimedOut) | nothing was transferred in time | retry or stop |
//! | none | reading packets | [`Truncated`](crate::ErrorKind::Truncated) | the packet was longer than the buffer | read with [`PIPE_BUF`] bytes |
//! | `EMFILE` | creating, cloning, `try_…` where the flag of one call is refused | [`LimitReached`](crate::ErrorKind::LimitReached) | descriptor table full | close some, or raise `RLIMIT_NOFILE` |
//! | `ENFILE` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | the system's file table, or the user's pipe pages, are used up | see `/proc/sys/fs/file-max`, `pipe-user-pages-hard` |
//! | `EPERM` | [`Writer::set_capacity`] | [`LimitReached`](crate::ErrorKind::LimitReached) | above `/proc/sys/fs/pipe-max-size` without `CAP_SYS_RESOURCE` | request less |
//! | `EBUSY` | [`Writer::set_capacity`] | [`InUse`](crate::ErrorKind::InUse) | the pipe contains more than that now | drain it first |
//! | `EINVAL` | `splice`, `tee` | [`Invalid`](crate::ErrorKind::Invalid) | the other end cannot be spliced (opened for appending), or both ends are one pipe | copy with read and write |
//! | `ENOSYS`, `EOPNOTSUPP`, `EPERM` | `try_…`, `…_timeout` | [`Unsupported`](crate::ErrorKind::Unsupported) | the pipe refuses the flag of one call (see above), and a seccomp filter refuses `splice(2)` or `vmsplice(2)` | allow them |
//! | `EBADF` | `try_…`, `…_timeout` | [`WrongType`](crate::ErrorKind::WrongType) | the descriptor given to `From<OwnedFd>` is no pipe | pass one of a pipe |
//! | `EBADF` | any | [`Other`](crate::ErrorKind::Other) | the descriptor given to `From<OwnedFd>` has the wrong direction | pass the other one |
//!
//! Sources: [pipe(7)], [pipe(2)], [fcntl(2)] (`F_SETPIPE_SZ`), [splice(2)], [tee(2)],
//! [vmsplice(2)].
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

/// The most bytes that one write transfers as a whole, without interleaving with another writer:
/// 4096 (pipe(7)).
pub const PIPE_BUF: usize = crate::support::pipe_end::PIPE_BUF;
