//! Processes: starting children that inherit exactly what they are meant to have, holding any process by a descriptor
//! that never comes to mean another one, and seeing what it is doing.
//!
//! # When to use it
//!
//! * To give a child process one end of a [`pipe`](crate::pipe), a [`socket`](crate::socket) pair or any other
//!   descriptor, besides its standard streams: [`CommandExt`] extends [`std::process::Command`].
//! * To wait for processes among other things in one poll loop, to wait for one that is no child, to send a signal that
//!   cannot hit the wrong process, or to take a descriptor out of a process: [`PidFd`].
//! * To see whether a process runs, waits, is stopped or has ended: [`State`].
//!
//! # When not
//!
//! * The child needs its standard streams only: hand them to [`Command::stdin`](std::process::Command::stdin) and its like.
//! * The peer is running already: send the descriptor over a [`socket`](crate::socket).
//! * All that is wanted is one child's status: [`Child::wait`](std::process::Child::wait).
//! * To learn that a peer is gone whom you talk to over a pipe or socket anyway: that tells.
//! * To synchronise: by the time a state is read it is old. Only [`Zombie`](State::Zombie) lasts.
//!
//! # Example: a child and what it inherits
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
//!     let mut results = pipe::Writer::from(process::take_inherited_fd("results")?);
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
//! # Example: a process, held
//!
//! ```
//! use std::os::unix::process::ExitStatusExt;
//! use std::process::Command;
//! use std::time::Duration;
//! use ipcraft::ErrorKind;
//! use ipcraft::process::{CommandExt, Inherit};
//! use ipcraft::signal::Signal;
//!
//! let (_child, pidfd) = Command::new("sleep").arg("60").spawn_pidfd(Inherit::new())?;
//! let early = pidfd.wait_timeout(Duration::from_millis(1)).unwrap_err();
//! assert_eq!(early.kind(), ErrorKind::TimedOut);
//!
//! pidfd.send_signal(Signal::TERM)?;
//! let exit = pidfd.wait()?;
//! assert_eq!(exit.status().unwrap().signal(), Some(Signal::TERM.number()));
//!
//! // Whoever has its id now is not hit.
//! assert_eq!(pidfd.send_signal(Signal::KILL).unwrap_err().kind(), ErrorKind::Disconnected);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Contract
//!
//! Of children and what they inherit:
//!
//! * **Exactly these.** The child gets its standard streams and what the [`Inherit`] holds. Every other descriptor is closed at its exec, also one that
//!   somebody in this process opened without close-on-exec. On kernels before 5.11, which cannot mark all at once, this costs a system call per possible number.
//! * **Race-free.** The descriptors lose close-on-exec in the child alone, between fork and exec, so a child that another thread starts at the same moment
//!   does not get them.
//! * **Handed over.** The parent's copies are closed when [`spawn_inheriting`](CommandExt::spawn_inheriting) returns, so end of stream works as one expects. To keep one, give a
//!   clone (`try_clone`) away.
//! * **Known names.** The names travel in the environment variable `IPCRAFT_FDS`, with the identity (device and inode) of each descriptor.
//!   [`take_inherited_fd`] checks it, so a variable that was passed on to a grandchild, which has other descriptors under those numbers, is recognised
//!   as stale. (Event descriptors and their like share one identity and are not told apart.)
//! * **Known numbers**, for programs that do not use this library: [`Inherit::numbered`] puts the descriptor where the program expects it.
//! * **Taken once.** [`take_inherited_fd`] gives each descriptor out as an [`OwnedFd`](std::os::fd::OwnedFd) once, close-on-exec again.
//! * **Cost.** The child is forked, not vforked: with gigabytes of memory mapped that takes milliseconds.
//! * **Ignored `SIGCHLD`.** To a process that ignores it a child's status is lost. Worse, the standard library panics
//!   there if the program cannot be executed, since it cannot wait for the child that failed.
//!
//! Of pidfds:
//!
//! * **One process for ever.** Once open, a [`PidFd`] refers to the same process, running, ended or reaped. What may go
//!   wrong is the moment of opening, since an id may have passed to another process: so take
//!   [`spawn_pidfd`](CommandExt::spawn_pidfd), where the child itself opens it; [`PidFd::for_child`] for a child that nobody
//!   has waited for; what a socket says of its peer
//!   ([`peer_pidfd`](crate::socket::stream::Stream::peer_pidfd), [`Incoming`](crate::socket::Incoming), both to be
//!   turned into a [`PidFd`] with `try_from`); and [`PidFd::open`] for the rest.
//! * **Ended** is the whole process, with all its threads, whether or not its parent has reaped it. From then on, for
//!   ever, the descriptor polls as readable. A process that is stopped has not ended, and neither has one of which the first
//!   thread has.
//! * **Reaped once.** [`PidFd::wait`] reaps a child as [`Child::wait`](std::process::Child::wait) does; use one of the two.
//!   After it, `Child::wait` fails with `ECHILD`, and `Child::kill` signals whoever has the id by then.
//! * **Status.** The parent learns it. Others learn the end, and from Linux 6.15 on the status when the parent has
//!   waited: else it is [`Exit::Unknown`]. While a child is traced by somebody else, its status waits for the tracer.
//! * **Zombies** take signals without effect, and `kill(2)` of their id succeeds: it says nothing about life.
//!   [`PidFd::has_ended`] does.
//! * **Given on.** A pidfd can be inherited, sent over a socket, and outlive the process that opened it. Whoever has it may
//!   wait for the end; to send signals or take descriptors needs the same rights as by id.
//! * **Fork, exec, drop.** A forked child shares it, and is not the parent of what it refers to; exec closes it;
//!   dropping it neither ends nor reaps the process.
//! * **Threads** may use one handle at once. If several wait for a child, one gets the status for certain.
//!
//! Of states: each is the kernel's word on the first thread, and stale when it is read. A pidfd's is that of its process
//! for certain; by id it may be another's.
//!
//! | taught as | [`State`] |
//! |---|---|
//! | created, ready, running | [`Running`](State::Running): one letter for all |
//! | blocked | [`Sleeping`](State::Sleeping), or [`DiskSleep`](State::DiskSleep) if no signal wakes it |
//! | suspended, ready or blocked | [`Stopped`](State::Stopped), or [`Traced`](State::Traced): what it was before does not show |
//! | terminated, not reaped | [`Zombie`](State::Zombie) |
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
//! | none | [`take_inherited_fd`] | [`NotFound`](crate::ErrorKind::NotFound) | nothing of that name was given to this process | check how it was started |
//! | none | [`take_inherited_fd`] | [`InUse`](crate::ErrorKind::InUse) | it was taken before | take it once and pass it on |
//! | `ESRCH` | [`PidFd::open`] | [`NotFound`](crate::ErrorKind::NotFound) | no process has this id | it has ended, or never was |
//! | `EINVAL` | [`PidFd::open`] | [`Invalid`](crate::ErrorKind::Invalid) | the id is below 1 | in another pid namespace a pid reads as 0: ask for a pidfd instead |
//! | `ENOENT`, before Linux 6.16 `EINVAL` | [`PidFd::open`] | [`Invalid`](crate::ErrorKind::Invalid) | the id is that of a thread | open its process |
//! | `EMFILE`, `ENFILE` | opening, cloning, taking a descriptor | [`LimitReached`](crate::ErrorKind::LimitReached) | descriptor table full | close some, or raise `RLIMIT_NOFILE` |
//! | none | [`PidFd::for_child`] | [`NotFound`](crate::ErrorKind::NotFound) | the child was waited for already | start it with [`spawn_pidfd`](CommandExt::spawn_pidfd) |
//! | none | `try_from` a descriptor | [`WrongType`](crate::ErrorKind::WrongType) | no pidfd, or that of a thread | check where it comes from |
//! | `EAGAIN` | [`PidFd::try_wait`] | [`WouldBlock`](crate::ErrorKind::WouldBlock) | it has not ended | ask later, or wait |
//! | `ETIMEDOUT` | [`PidFd::wait_timeout`] | [`TimedOut`](crate::ErrorKind::TimedOut) | it has not ended in time | wait on, or end it |
//! | `ESRCH` | a signal, a descriptor, [`PidFd::pid`], [`PidFd::state`] | [`Disconnected`](crate::ErrorKind::Disconnected) | the process has ended | nothing is left to do to it |
//! | `EPERM` | sending a signal | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | another user's process | `CAP_KILL`, or ask it otherwise |
//! | `EINVAL` | sending a signal | [`Invalid`](crate::ErrorKind::Invalid) | its pid namespace is neither yours nor below it | send from there |
//! | `EAGAIN` | [`PidFd::queue_signal`] | [`LimitReached`](crate::ErrorKind::LimitReached) | `RLIMIT_SIGPENDING` of the receiver | let it take some first |
//! | `EBADF` | [`PidFd::descriptor`] | [`NotFound`](crate::ErrorKind::NotFound) | nothing is open under this number there | learn the number from the process |
//! | `EPERM` | [`PidFd::descriptor`] | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | no right to trace the process; Yama's setting is named if it has one | the same user and a dumpable process, or `CAP_SYS_PTRACE`; under Yama `PR_SET_PTRACER` in the process |
//! | `ENOENT` | [`state()`] | [`NotFound`](crate::ErrorKind::NotFound) | no process has this id, or `/proc` hides it (`hidepid`) | it has ended, or never was; a pidfd says which |
//! | `ENOENT` | [`state()`], [`PidFd::pid`], [`PidFd::state`] | [`Unsupported`](crate::ErrorKind::Unsupported) | `/proc` is not mounted | mount it; all else works without |
//! | none | [`PidFd::pid`], [`PidFd::state`] | [`NotFound`](crate::ErrorKind::NotFound) | the process is in a pid namespace that cannot be seen from here | do without its id: all else works |
//!
//! Sources: [fork(2)], [execve(2)], [close_range(2)], [fcntl(2)], [pidfd_open(2)], [pidfd_send_signal(2)],
//! [pidfd_getfd(2)], [waitid(2)], [proc_pid_stat(5)].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [fork(2)]: https://man7.org/linux/man-pages/man2/fork.2.html
//! [execve(2)]: https://man7.org/linux/man-pages/man2/execve.2.html
//! [close_range(2)]: https://man7.org/linux/man-pages/man2/close_range.2.html
//! [fcntl(2)]: https://man7.org/linux/man-pages/man2/fcntl.2.html
//! [pidfd_open(2)]: https://man7.org/linux/man-pages/man2/pidfd_open.2.html
//! [pidfd_send_signal(2)]: https://man7.org/linux/man-pages/man2/pidfd_send_signal.2.html
//! [pidfd_getfd(2)]: https://man7.org/linux/man-pages/man2/pidfd_getfd.2.html
//! [waitid(2)]: https://man7.org/linux/man-pages/man2/waitid.2.html
//! [proc_pid_stat(5)]: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html

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
pub use take::{take_inherited_fd, take_inherited_fd_number};
