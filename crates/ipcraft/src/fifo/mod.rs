//! FIFOs: pipes with a name in the file system, for unrelated processes (fifo(7)).
//!
//! # When to use it
//!
//! For a one-way byte stream between processes that share only a path. Examples are a shell script
//! and a daemon, a log collector, or a command channel that `echo` can write to.
//!
//! # When not
//!
//! * A child process: a [`pipe`](crate::pipe) needs no name and leaves no file.
//! * Several clients that expect answers: a [`socket::stream`](crate::socket::stream) separates
//!   them; in a FIFO all writers share one stream.
//! * Messages longer than [`PIPE_BUF`] from several writers: they interleave. Use
//!   [`socket::seqpacket`](crate::socket::seqpacket).
//!
//! # Example
//!
//! ```
//! use std::thread;
//! use std::time::Duration;
//! use ipcraft::{ErrorKind, fifo, name};
//!
//! let path = name::unique_path("doc-fifo");
//! let fifo = fifo::Options::new().remove_on_drop(true).create_new(&path)?;
//! assert_eq!(fifo.try_open_write().unwrap_err().kind(), ErrorKind::NoReader);
//!
//! // Usually another process, which knows the path only:
//! let writing = thread::spawn(move || {
//!     let writer = fifo::Fifo::open(path)?.open_write_timeout(Duration::from_secs(5))?;
//!     writer.write(b"met")
//! });
//!
//! let reader = fifo.open_read()?;
//! let mut buffer = [0; 8];
//! assert_eq!(reader.read(&mut buffer)?, 3);
//! assert_eq!(&buffer[..3], b"met");
//! assert_eq!(writing.join().unwrap()?, 3);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Contract
//!
//! * **Opening waits for the peer.** [`open_read`](Fifo::open_read) blocks until a writer opens the
//!   FIFO, and [`open_write`](Fifo::open_write) until a reader does. The `try_` forms do not block.
//!   The `_timeout` forms retry at growing intervals of at most 5 ms, since the kernel has no timed
//!   open.
//! * **Data** behaves as in a [`pipe`](crate::pipe): order, atomicity up to [`PIPE_BUF`] bytes,
//!   capacity, no `SIGPIPE`.
//! * **End of stream** is reached when the last writer closes. From then on each read returns
//!   `Ok(0)` immediately, and so does each timed one. It is not final: the same [`Reader`] reads
//!   the bytes of the next writer. A reader that [stays open](Options::stay_open) never reaches it,
//!   neither before the first writer nor between writers.
//! * **Non-blocking forms** of an open end need neither /proc nor a right to open the FIFO.
//!   [`Reader::try_read`] is `vmsplice(2)`, since FIFOs refuse `RWF_NOWAIT` on every kernel. The
//!   first [`Writer::try_write`] opens a second descriptor through /proc. If that fails, as after
//!   `setuid(2)`, each write goes through a private pipe. It then takes five system calls more and
//!   two free descriptors, and occupies whole pages of the FIFO.
//! * **The name** has an owner and a mode, 0600 unless set, less the umask unless
//!   [exact](Options::exact_mode). It outlives every process until it is [removed](Fifo::remove).
//!   The bytes are lost when both sides are closed.
//! * **Identity.** A [`Fifo`] holds the file that it made or opened, and its directory, by two
//!   descriptors without access. [`remove`](Fifo::remove) and a removal on drop never remove
//!   another file that has taken the name. Both work after a change of the working directory.
//! * **Creation** makes the FIFO as `.ipcraft-…` in the same directory, and then gives it its name.
//!   A process that is killed in between leaves that file.
//! * **The type of the file** is checked at every open. Anything but a FIFO is refused, so a
//!   substituted file, device or directory receives no data. A symbolic link to a FIFO is followed.
//!   In a sticky directory such as `/tmp` the kernel refuses links and FIFOs of other users
//!   (`/proc/sys/fs/protected_symlinks`, `protected_fifos`).
//! * **Fork** gives the child both ends and the handle, but only the creating process removes the
//!   name on drop. **Exec** closes the ends. **Death** closes them too and leaves the name, even
//!   with [`remove_on_drop`](Options::remove_on_drop).
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `ENXIO` | [`try_open_write`](Fifo::try_open_write) | [`NoReader`](crate::ErrorKind::NoReader) | no process has it open for reading | start the reader, or use [`open_write_timeout`](Fifo::open_write_timeout) |
//! | `ETIMEDOUT` | `…_timeout` | [`TimedOut`](crate::ErrorKind::TimedOut) | no peer, data or room in time | retry or stop |
//! | `EEXIST` | [`create_new`](Fifo::create_new) | [`AlreadyExists`](crate::ErrorKind::AlreadyExists) | the name exists | [`open`](Fifo::open) it, or choose another name |
//! | none | creating, opening, removing | [`WrongType`](crate::ErrorKind::WrongType) | the file at the path is not a FIFO | find out which process created it |
//! | `ENOENT` | [`create`](Fifo::create) | [`WrongType`](crate::ErrorKind::WrongType) | the path is a symbolic link that leads nowhere | remove the link |
//! | `ESTALE` | [`remove`](Fifo::remove) | [`Removed`](crate::ErrorKind::Removed) | the name leads to another FIFO now | [`unlink`](Fifo::unlink) removes that one |
//! | none | creating | [`Invalid`](crate::ErrorKind::Invalid) | mode bits beyond 0o777 | write the mode in octal |
//! | `ENOSYS` | creating with [`exact_mode`](Options::exact_mode) | [`Unsupported`](crate::ErrorKind::Unsupported) | before Linux 6.6 and without /proc | mount /proc |
//! | `ENOENT`, `ENOTDIR` | creating, opening | [`NotFound`](crate::ErrorKind::NotFound) | no such name, or a component of the path is not a directory | create it |
//! | `EACCES`, `EPERM`, `EROFS` | creating, opening | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | directory or FIFO not permitted, or file system read-only | check owner and mode |
//! | `ENAMETOOLONG`, `ELOOP`, none | creating, opening | [`InvalidName`](crate::ErrorKind::InvalidName) | too long, over 40 symbolic links, empty, or with a NUL byte | shorten it |
//! | `EPIPE` | writing | [`Disconnected`](crate::ErrorKind::Disconnected) | the last reader closed | open it again to wait for the next one |
//! | `EAGAIN` | writing | [`Full`](crate::ErrorKind::Full) | no room, and the call may not block | wait for `POLLOUT`, or drop data |
//! | `EAGAIN` | reading | [`Empty`](crate::ErrorKind::Empty) | a writer has it open, no data is available, and the call may not block | wait for `POLLIN` |
//! | `ENOSPC`, `EDQUOT` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | no room for the directory entry | free disk space |
//! | `EMFILE`, `ENFILE` | creating, opening, `try_write` | [`LimitReached`](crate::ErrorKind::LimitReached) | descriptor table full | close some, or raise `RLIMIT_NOFILE` |
//!
//! Sources: [fifo(7)], [mkfifo(3)], [open(2)], [pipe(7)].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [fifo(7)]: https://man7.org/linux/man-pages/man7/fifo.7.html
//! [mkfifo(3)]: https://man7.org/linux/man-pages/man3/mkfifo.3.html
//! [open(2)]: https://man7.org/linux/man-pages/man2/open.2.html
//! [pipe(7)]: https://man7.org/linux/man-pages/man7/pipe.7.html

mod handle;
mod open;
mod options;
mod reader;
mod writer;

pub use handle::Fifo;
pub use options::Options;
pub use reader::Reader;
pub use writer::Writer;

/// The most bytes that one write transfers as a whole, without interleaving with another writer:
/// 4096 (pipe(7)).
pub const PIPE_BUF: usize = crate::support::pipe_end::PIPE_BUF;
