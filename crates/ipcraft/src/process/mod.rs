//! Processes: children that inherit exactly the listed descriptors, race-free handles to processes,
//! and process states.
//!
//! # When to use it
//!
//! * To pass a child process one end of a [`pipe`](crate::pipe), a [`socket`](crate::socket) pair
//!   or any other descriptor besides its standard streams: [`CommandExt`] extends
//!   [`std::process::Command`].
//! * To wait for a process in a poll loop, or for one that is not a child: [`PidFd`].
//! * To send a signal that cannot reach the wrong process, or to duplicate a descriptor of another
//!   process: [`PidFd`].
//! * To see whether a process runs, is blocked, is stopped or has ended: [`State`].
//!
//! # When not
//!
//! * The child needs only its standard streams: use
//!   [`Command::stdin`](std::process::Command::stdin) and the like.
//! * The peer runs already: send the descriptor over a [`socket`](crate::socket).
//! * Only the exit status of one child is needed: use [`Child::wait`](std::process::Child::wait).
//! * To notice the death of a peer on a pipe or socket: its end of file or hang-up reports it.
//! * To synchronise: a state may have changed by the time it is read. Only
//!   [`Zombie`](State::Zombie) is final.
//!
//! # Example: passing descriptors to a child
//!
//! The parent gives each descriptor a name. The child, a program of its own, takes it by that name.
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
//! # Example: holding a process by a pidfd
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
//! // A process that has the same id now is not signalled.
//! assert_eq!(pidfd.send_signal(Signal::KILL).unwrap_err().kind(), ErrorKind::Disconnected);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Contract: children
//!
//! * **Exact.** The child gets its standard streams and the descriptors that its [`Inherit`] lists.
//!   All other descriptors are closed at exec, even without their own close-on-exec flag. Before
//!   Linux 5.11, this takes one system call per slot of the child's descriptor table. Without
//!   `/proc`, it then takes one per number below `RLIMIT_NOFILE`.
//! * **Race-free.** The descriptors lose close-on-exec only in the child, between fork and exec. A
//!   child that another thread starts at the same time does not inherit them.
//! * **Moved.** [`spawn_inheriting`](CommandExt::spawn_inheriting) closes the parent's copies
//!   before it returns, so that end of file works as expected. To keep a descriptor, pass a clone
//!   (`try_clone`).
//! * **By name.** The environment variable `IPCRAFT_FDS` carries the names, with the device and
//!   inode of each descriptor. [`take_inherited_fd`] checks them. So a grandchild that inherited
//!   the variable, but has other descriptors under these numbers, gets an error. Descriptors such
//!   as eventfds share one inode, so the check cannot distinguish them.
//! * **Closed standard streams** stay closed in the child. A descriptor with the number of one is
//!   passed under another number.
//! * **By number**, for programs that do not use this library: [`Inherit::numbered`] places the
//!   descriptor where the program expects it.
//! * **Once.** [`take_inherited_fd`] returns each descriptor as an
//!   [`OwnedFd`](std::os::fd::OwnedFd) once, and sets close-on-exec again.
//! * **Cost.** The child is forked, not vforked: with gigabytes of mapped memory this takes
//!   milliseconds.
//! * **Ignored `SIGCHLD`.** A process that ignores it, or has a thread that reaps any child, loses
//!   the status of its children. A start that fails returns its errno all the same. The standard
//!   library alone panics then. It still does if the command's user, group or process group is
//!   refused, or if a `pre_exec` closure of the program fails.
//! * **Signals.** As with [`Command::spawn`](std::process::Command::spawn), the child inherits the
//!   blocked and the ignored signals. [`Inherit::reset_signals`] gives it none.
//! * **Death of the parent** does not end the child. [`Inherit::death_signal`] sends it a signal.
//!
//! # Contract: pidfds
//!
//! * **One process.** An open [`PidFd`] always refers to the same process: running, ended or
//!   reaped. Only the opening can race, since an id may be reassigned. Open it by one of these,
//!   best first:
//!   * [`spawn_pidfd`](CommandExt::spawn_pidfd), where the child itself opens it;
//!   * [`PidFd::for_child`], for a child that was not waited for;
//!   * a socket's [`peer_pidfd`](crate::socket::stream::Stream::peer_pidfd) or
//!     [`Incoming`](crate::socket::Incoming), converted with `try_from`;
//!   * [`PidFd::open`], for other processes.
//! * **Ended** means all threads of the process, whether or not its parent has reaped it. The
//!   descriptor is readable for poll from then on. A stopped process has not ended. Neither has a
//!   process of which only the first thread has ended.
//! * **Reaped once.** [`PidFd::wait`] reaps a child as [`Child::wait`](std::process::Child::wait)
//!   does. Use one of the two. After it, `Child::wait` fails with `ECHILD`, and `Child::kill` may
//!   signal another process.
//! * **Stopped and continued.** [`PidFd::wait_stopped`] and [`PidFd::wait_continued`] report the
//!   state of a child and take nothing away. The end of the child ends them with an error, and
//!   leaves the status to [`PidFd::wait`]. Another process may continue the child before the call
//!   returns. `SIGCONT` clears the report of a stop when it is sent. The report of a continuation
//!   lasts until the next stop takes effect.
//! * **Status.** The parent gets the exit status. Other processes learn only that the process has
//!   ended. From Linux 6.15 on, they also get the status, once the parent has reaped the process.
//!   Otherwise the status is [`Exit::Unknown`]. The status of a traced child is withheld until its
//!   tracer has waited for it.
//! * **Zombies** accept signals without effect, and `kill(2)` of their id succeeds, although they
//!   have ended. [`PidFd::has_ended`] reports the end.
//! * **Passed on.** A pidfd can be inherited, sent over a socket, and outlive the process that
//!   opened it. Every holder may wait for the end. Sending signals and duplicating descriptors need
//!   the same permissions as by id.
//! * **Fork, exec, drop.** A forked child shares the pidfd, but is not the parent of the process.
//!   Exec closes it. Dropping it neither ends nor reaps the process.
//! * **Threads** may share one handle. If several wait for a child, at least one gets the status.
//!
//! # Kernels
//!
//! Linux 5.10 has everything that this module needs. Newer ones save calls, or add to it:
//!
//! | Linux | what it adds |
//! |---|---|
//! | 5.11 | a child closes all other descriptors in one call |
//! | 5.14 | [`PidFd::pid`] of a received pidfd after a change of the user |
//! | 6.5 | [`peer_pidfd`](crate::socket::stream::Stream::peer_pidfd), and pidfds in ancillary data |
//! | 6.15 | the exit status of a process that is not a child |
//! | 6.16 | [`PidFd::open`] of a thread is `ENOENT`, and no longer `EINVAL` |
//!
//! # Contract: states
//!
//! A state is that of the first thread, and may have changed when the call returns. Through a pidfd
//! it belongs to that process; by id it may belong to another one.
//!
//! | textbook term | [`State`] |
//! |---|---|
//! | created, ready, running | [`Running`](State::Running) for all three |
//! | blocked | [`Sleeping`](State::Sleeping), or [`DiskSleep`](State::DiskSleep) if no signal wakes it |
//! | suspended, ready or blocked | [`Stopped`](State::Stopped), or [`Traced`](State::Traced); the earlier state is not visible |
//! | terminated, not reaped | [`Zombie`](State::Zombie) |
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `ENOENT` | spawning | [`NotFound`](crate::ErrorKind::NotFound) | no such program, or its interpreter is missing | check the path |
//! | `EACCES` | spawning | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the program is not executable | check its mode |
//! | `ENOEXEC` | spawning | [`Other`](crate::ErrorKind::Other) | the file is not a program | check its format |
//! | `E2BIG` | spawning | [`Other`](crate::ErrorKind::Other) | arguments and environment are too long | shorten them |
//! | `ENOENT`, `ENOTDIR` | spawning, as `chdir` | [`NotFound`](crate::ErrorKind::NotFound) | the command's directory is missing | check [`Command::current_dir`](std::process::Command::current_dir) |
//! | `EAGAIN`, `ENOMEM` | spawning | [`LimitReached`](crate::ErrorKind::LimitReached) | no more processes, by `RLIMIT_NPROC` or `pids.max` of the cgroup, or no memory | end processes, or raise the limit |
//! | `EMFILE` | spawning | [`LimitReached`](crate::ErrorKind::LimitReached) | descriptor table full | close descriptors, or raise `RLIMIT_NOFILE` |
//! | none | spawning | [`Invalid`](crate::ErrorKind::Invalid) | a number is below 3, above the limit, or passed twice | choose another number |
//! | none | spawning | [`InvalidName`](crate::ErrorKind::InvalidName) | a name is empty, passed twice, or has characters other than letters, digits, `-`, `_`, `.` | choose another name |
//! | none | [`take_inherited_fd`] | [`NotFound`](crate::ErrorKind::NotFound) | this process inherited no descriptor of that name | check that the parent passes it |
//! | none | [`take_inherited_fd`] | [`InUse`](crate::ErrorKind::InUse) | the descriptor was taken before | take it once and pass it on |
//! | none | [`Pid`](crate::Pid) from a number | [`Invalid`](crate::ErrorKind::Invalid) | the id is below 1 or above `i32::MAX` | a process of another pid namespace has no id here: use a pidfd |
//! | `ESRCH` | [`PidFd::open`] | [`NotFound`](crate::ErrorKind::NotFound) | no process has this id | treat the process as ended |
//! | `ENOENT`, before Linux 6.16 `EINVAL` | [`PidFd::open`] | [`Invalid`](crate::ErrorKind::Invalid) | the id is that of a thread | open its process |
//! | `EMFILE`, `ENFILE` | opening, cloning, duplicating a descriptor | [`LimitReached`](crate::ErrorKind::LimitReached) | descriptor table full | close descriptors, or raise `RLIMIT_NOFILE` |
//! | none | [`PidFd::for_child`] | [`NotFound`](crate::ErrorKind::NotFound) | the child was reaped before | start it with [`spawn_pidfd`](CommandExt::spawn_pidfd) |
//! | none | `try_from` a descriptor | [`WrongType`](crate::ErrorKind::WrongType) | not a pidfd, or the pidfd of a thread | check where the descriptor comes from |
//! | `EAGAIN` | [`PidFd::try_wait`] | [`WouldBlock`](crate::ErrorKind::WouldBlock) | the process has not ended | try later, or wait |
//! | `ETIMEDOUT` | [`PidFd::wait_timeout`] | [`TimedOut`](crate::ErrorKind::TimedOut) | the process has not ended in time | wait again, or end the process |
//! | `EAGAIN` | [`PidFd::try_wait_stopped`], [`PidFd::try_wait_continued`] | [`WouldBlock`](crate::ErrorKind::WouldBlock) | the child is not stopped, or was not continued | try later, or wait |
//! | `ETIMEDOUT` | [`PidFd::wait_stopped_timeout`], [`PidFd::wait_continued_timeout`] | [`TimedOut`](crate::ErrorKind::TimedOut) | the child did not stop or continue in time | wait again, or send it the signal |
//! | `ESRCH`, `ECHILD` | waiting for a stop or continuation | [`Disconnected`](crate::ErrorKind::Disconnected) | the child has ended | get its status by [`PidFd::wait`] |
//! | `ECHILD` | waiting for a stop or continuation | [`Invalid`](crate::ErrorKind::Invalid) | the process is not a child of this one | wait in the parent, or poll [`PidFd::state`] |
//! | `ESRCH` | a signal, a descriptor, [`PidFd::pid`], [`PidFd::state`] | [`Disconnected`](crate::ErrorKind::Disconnected) | the process has ended | drop the handle |
//! | `EPERM` | sending a signal | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the process belongs to another user | send with `CAP_KILL`, or use another mechanism |
//! | `EINVAL` | sending a signal | [`Invalid`](crate::ErrorKind::Invalid) | its pid namespace is neither this one nor a descendant | send from its pid namespace |
//! | `EAGAIN` | [`PidFd::queue_signal`] | [`LimitReached`](crate::ErrorKind::LimitReached) | `RLIMIT_SIGPENDING` of the receiver | let the receiver take some signals first |
//! | `EBADF` | [`PidFd::descriptor`] | [`NotFound`](crate::ErrorKind::NotFound) | the number is not open in the process | pass a number that the process has open |
//! | `EPERM` | [`PidFd::descriptor`] | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | no permission to trace the process; the error states the setting of Yama if it restricts tracing | same user and a dumpable process, or `CAP_SYS_PTRACE`; under Yama `PR_SET_PTRACER` in the process |
//! | `ENOENT` | [`state()`] | [`NotFound`](crate::ErrorKind::NotFound) | no process has this id, or `/proc` hides it (`hidepid`) | use a pidfd, which distinguishes the two |
//! | `ENOENT` | [`state()`], [`PidFd::pid`], [`PidFd::state`] | [`Unsupported`](crate::ErrorKind::Unsupported) | `/proc` is not mounted | mount it; all other functions work without, and [`PidFd::pid`] where this process opened the handle |
//! | none | [`PidFd::pid`], [`PidFd::state`] | [`NotFound`](crate::ErrorKind::NotFound) | the pid namespace of the process is not visible from this one | use the other functions, which need no id |
//!
//! Sources: [fork(2)], [execve(2)], [close_range(2)], [fcntl(2)], [pidfd_open(2)],
//! [pidfd_send_signal(2)], [pidfd_getfd(2)], [waitid(2)], [proc_pid_stat(5)].
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

mod child;
mod exit;
mod inherit;
mod inherited;
mod lasting_thread;
mod manifest;
mod pidfd;
mod pidfd_signal;
mod pidfd_stop;
mod pidfd_wait;
mod report;
mod spawn;
mod state;
mod streams;
mod table;

pub use exit::Exit;
pub use inherit::Inherit;
pub use inherited::{take_inherited_fd, take_inherited_fd_number};
pub use pidfd::PidFd;
pub use spawn::CommandExt;
pub use state::{State, state};
