//! Starting children that inherit exactly the descriptors that they are meant to have.
//!
//! # When to use it
//!
//! To give a child process one end of a [`pipe`](crate::pipe), a [`socket`](crate::socket) pair or any other descriptor, besides its standard
//! streams. [`CommandExt`] extends [`std::process::Command`].
//!
//! # When not
//!
//! * The child needs its standard streams only: hand them to [`Command::stdin`](std::process::Command::stdin) and its like.
//! * The peer is running already: send the descriptor over a [`socket`](crate::socket).
//!
//! # Example
//!
//! The parent names what it gives; the child, a program of its own, takes it by that name.
//!
//! ```
//! use std::env;
//! use std::io::{Read, Write};
//! use std::process::Command;
//! use ipcraft::process::{self, CommandExt, Inherit};
//! use ipcraft::pipe;
//!
//! if env::args().nth(1).as_deref() == Some("child") {
//!     let mut results = pipe::Writer::from(process::take("results")?);
//!     results.write_all(b"42")?;
//!     return Ok(());
//! }
//!
//! let (mut reader, writer) = pipe::pipe()?;
//! let mut child = Command::new(env::current_exe()?)
//!     .arg("child")
//!     .spawn_inheriting(Inherit::new().named("results", writer))?;
//!
//! let mut text = String::new();
//! reader.read_to_string(&mut text)?; // ends, since the parent's copy of the writer is closed
//! assert_eq!(text, "42");
//! assert!(child.wait()?.success());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Contract
//!
//! * **Exactly these.** The child gets its standard streams and what the [`Inherit`] holds. Every other descriptor is closed at its exec, also one that
//!   somebody in this process opened without close-on-exec. On kernels before 5.11, which cannot mark all at once, this costs a system call per possible number.
//! * **Race-free.** The descriptors lose close-on-exec in the child alone, between fork and exec, so a child that another thread starts at the same moment
//!   does not get them.
//! * **Handed over.** The parent's copies are closed when [`spawn_inheriting`](CommandExt::spawn_inheriting) returns, so end of stream works as one expects. To keep one, give a
//!   clone (`try_clone`) away.
//! * **Known names.** The names travel in the environment variable `IPCRAFT_FDS`, with the identity (device and inode) of each descriptor.
//!   [`take`] checks it, so a variable that was passed on to a grandchild, which has other descriptors under those numbers, is recognised
//!   as stale. (Event descriptors and their like share one identity and are not told apart.)
//! * **Known numbers**, for programs that do not use this library: [`Inherit::numbered`] puts the descriptor where the program expects it.
//! * **Taken once.** [`take`] gives each descriptor out as an [`OwnedFd`](std::os::fd::OwnedFd) once, close-on-exec again.
//! * **Cost.** The child is forked, not vforked: with gigabytes of memory mapped that takes milliseconds.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `ENOENT` | spawning | [`NotFound`](crate::ErrorKind::NotFound) | no such program, or its interpreter or working directory is missing | check the path |
//! | `EACCES` | spawning | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the program is not executable | check its mode |
//! | `ENOEXEC` | spawning | [`Other`](crate::ErrorKind::Other) | the file is no program | check what it is |
//! | `E2BIG` | spawning | [`Other`](crate::ErrorKind::Other) | arguments and environment are too long | shorten them |
//! | `EAGAIN`, `ENOMEM` | spawning | [`LimitReached`](crate::ErrorKind::LimitReached) | no more processes (`RLIMIT_NPROC`) or memory | end some |
//! | `EMFILE` | spawning | [`LimitReached`](crate::ErrorKind::LimitReached) | descriptor table full | close some, or raise `RLIMIT_NOFILE` |
//! | none | spawning | [`Invalid`](crate::ErrorKind::Invalid) | a number below 3, above the limit, or given twice | choose another |
//! | none | spawning | [`InvalidName`](crate::ErrorKind::InvalidName) | a name is empty, given twice, or has other characters than letters, digits, `-`, `_`, `.` | choose another |
//! | none | [`take`] | [`NotFound`](crate::ErrorKind::NotFound) | nothing of that name was given to this process | check how it was started |
//! | none | [`take`] | [`InUse`](crate::ErrorKind::InUse) | it was taken before | take it once and pass it on |
//!
//! Sources: [fork(2)], [execve(2)], [close_range(2)], [fcntl(2)].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [fork(2)]: https://man7.org/linux/man-pages/man2/fork.2.html
//! [execve(2)]: https://man7.org/linux/man-pages/man2/execve.2.html
//! [close_range(2)]: https://man7.org/linux/man-pages/man2/close_range.2.html
//! [fcntl(2)]: https://man7.org/linux/man-pages/man2/fcntl.2.html

mod exit;
mod handover;
mod inherit;
mod manifest;
mod pidfd;
mod sending;
mod spawn;
mod state;
mod take;
mod waiting;

pub use exit::Exit;
pub use inherit::Inherit;
pub use pidfd::PidFd;
pub use spawn::CommandExt;
pub use state::{State, state};
pub use take::{take, take_number};
