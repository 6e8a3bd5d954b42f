//! Signals: a number, with at most one integer, that is sent to a process or a thread (signal(7)).
//!
//! # Hazards
//!
//! A signal interrupts a program at any instruction, and most of its state belongs to the whole
//! process:
//!
//! * **Standard signals merge.** While one of 1 to 31 is pending, another of the same number is
//!   lost with its value, and the sender gets no error. Do not use them to count events.
//! * **Realtime signals queue.** Each is delivered, the lowest number first, and each number in the
//!   order of sending. If the queue is full, [`queue`] and the functions for threads fail with
//!   [`LimitReached`]. A plain [`send`] of a realtime signal merges then.
//! * **A signal that is neither blocked nor caught kills the process**, for most signals. Block it
//!   first, and pass the pid to other processes afterwards. In this module, only the guard that
//!   blocks a signal can wait for it.
//! * **Handlers are restricted**: no allocation, no lock, no printing (signal-safety(7)). This
//!   module has one handler, which counts ([`catch`]). For any other reaction, block the signal and
//!   take it in ordinary code: [`SignalMaskGuard::wait`], or [`SignalFd`] in an event loop.
//! * **Some cannot be caught, blocked or ignored**: `SIGKILL` and `SIGSTOP`. A hardware fault
//!   (`SIGSEGV`, `SIGBUS`, `SIGFPE`, `SIGILL`) kills a thread that blocks it. 32 and 33 are
//!   reserved for the C library.
//! * **Threads.** Handlers belong to the process, masks to each thread. A signal for the process is
//!   delivered to any thread that does not block it. Block in `main` before the first thread
//!   starts.
//! * **Fork** copies mask and handlers to the child, and empties the queue. **Exec** resets
//!   handlers to the default. It keeps the mask, the ignored signals **and the pending ones**. A
//!   started program inherits the blocked signals: `SIGTERM`, if blocked, does not end it. Start it
//!   with [`Inherit::reset_signals`](crate::process::Inherit::reset_signals), or before blocking.
//! * **A pid may belong to another process** by the time of the call, unless it is a child that was
//!   not reaped. A [`PidFd`](crate::process::PidFd) has no such race.
//!
//! # When to use it
//!
//! * To react to the kernel and the user: the end of a child, Ctrl-C, a terminal hangup, a request
//!   to stop.
//! * To wake a process of which only the pid is known, with at most a number as data.
//! * To receive from programs that only send signals.
//!
//! # When not
//!
//! * Data: a signal carries one integer, and all processes of the user share one queue. Signals of
//!   different numbers do not keep the order of sending. Use [`queue::posix`](crate::queue::posix)
//!   or a [`socket`](crate::socket).
//! * Waking a process that shares memory or a descriptor with the sender. A
//!   [semaphore](crate::semaphore) or a pipe does this without the hazards above.
//! * To learn whether a process is alive: use a descriptor that it holds, or a
//!   [`PidFd`](crate::process::PidFd).
//!
//! # Example
//!
//! ```standalone_crate
//! use std::time::Duration;
//! use ipcraft::{ErrorKind, Pid};
//! use ipcraft::signal::{self, Code, Signal, SignalFd};
//!
//! let job = Signal::realtime(0)?;
//! let blocked = signal::block(job | Signal::TERM)?; // before the first thread
//!
//! // The sender is usually another process that knows the pid.
//! let pid = Pid::current();
//! for number in [7, 8] {
//!     signal::queue(pid, job, number)?;
//! }
//!
//! let first = blocked.wait_timeout(Duration::from_secs(5))?;
//! assert_eq!((first.signal(), first.code(), first.value()), (job, Code::Queue, Some(7)));
//! assert_eq!(first.sender().unwrap().pid, pid);
//!
//! // The same for an event loop, which polls the descriptor beside others:
//! let signals = SignalFd::new(&blocked)?;
//! let values: Vec<_> = signals.read_many()?.map(|info| info.value()).collect();
//! assert_eq!(values, [Some(8)]);
//! assert_eq!(blocked.try_wait().unwrap_err().kind(), ErrorKind::Empty);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Acting on a signal during a blocking call
//!
//! The blocking calls of this library continue after a handler, so a signal does not end them. A
//! program that has to act on a signal meanwhile blocks it and waits for both. No signal is lost
//! between a check and the wait: it stays pending until it is read.
//!
//! Where the call waits for a descriptor, poll that beside a [`SignalFd`]:
//!
//! ```standalone_crate
//! use std::os::fd::AsFd;
//! use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
//! use ipcraft::signal::{self, Signal, SignalFd};
//! use ipcraft::{Pid, pipe};
//!
//! let blocked = signal::block(Signal::TERM)?; // before the first thread
//! let signals = SignalFd::new(&blocked)?;
//! let (reader, writer) = pipe::pipe()?;
//! writer.write(b"job")?;
//! signal::send(Pid::current(), Signal::TERM)?; // usually from outside
//!
//! let mut jobs = 0;
//! loop {
//!     let entry = |fd| PollFd::new(fd, PollFlags::POLLIN);
//!     let mut entries = [entry(reader.as_fd()), entry(signals.as_fd())];
//!     poll(&mut entries, PollTimeout::NONE).unwrap();
//!     if entries[0].any() == Some(true) {
//!         jobs += usize::from(reader.try_read(&mut [0; 16]).is_ok());
//!     } else if signals.try_read().is_ok() {
//!         break; // the work that was there is done
//!     }
//! }
//! assert_eq!(jobs, 1);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! Locks, semaphores, futexes and System V objects have no descriptor. Call the timed form in a
//! loop, and read the signals between two calls. The timeout bounds the delay of the reaction:
//!
//! ```standalone_crate
//! use std::time::Duration;
//! use ipcraft::semaphore::sysv::{Operation, Options, SemaphoreSet};
//! use ipcraft::signal::{self, Signal};
//! use ipcraft::sysv::Key;
//! use ipcraft::{ErrorKind, Pid, Result};
//!
//! /// Takes a permit; returns `false` if the program has to end first.
//! fn acquire(set: &SemaphoreSet, end: &signal::SignalMaskGuard) -> Result<bool> {
//!     loop {
//!         match set.apply_timeout(&[Operation::subtract(0, 1)], Duration::from_millis(100)) {
//!             Err(e) if e.kind() == ErrorKind::TimedOut => {}
//!             acquired => return acquired.map(|()| true),
//!         }
//!         if end.try_wait().is_ok() {
//!             return Ok(false);
//!         }
//!     }
//! }
//!
//! let end = signal::block(Signal::TERM)?;
//! let set = Options::new().remove_on_drop(true).create_new(Key::PRIVATE, &[1])?;
//! assert!(acquire(&set, &end)?);
//! signal::send(Pid::current(), Signal::TERM)?;
//! assert!(!acquire(&set, &end)?);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Contract
//!
//! * **Capacity.** Queued signals count against the `RLIMIT_SIGPENDING` of the **receiver**, for
//!   all processes of its real user. One process that takes no signals can exhaust the limit for
//!   the others. Beyond the limit, [`queue`] of a *standard* signal still succeeds, but its value
//!   and sender are lost: it arrives as [`Code::User`] without a sender.
//! * **Permission.** The real or effective user of the sender must be the real or saved user of the
//!   receiver, or the sender has `CAP_KILL`. `SIGCONT` may also be sent within a session. A
//!   permitted sender can forge the sender of a queued signal; see [`SignalInfo::sender`].
//! * **Former actions return** when the last counter of a signal from [`catch`] is dropped.
//! * **Shared files.** [`SignalFd::set_signals`] changes the set for everything that shares the
//!   descriptor's file, except that a forked child gets a file of its own.
//! * **Exclusive.** If several threads or descriptors wait for a signal, one gets it. Signals for
//!   the thread are taken before those for the process.
//! * **Waiting** uses the monotonic clock of the kernel. A handler of another signal does not end
//!   it.
//! * **Possibly stale:** the results of [`pending`] and [`check`]. **Reliable:** a signal that was
//!   taken.
//! * **Death** of the receiver discards its queue, and the sender gets no error. Death of the
//!   sender has no effect.
//! * **A stopped process** takes no signals but `SIGCONT` and `SIGKILL`. Other signals stay pending
//!   until it continues.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `ESRCH` | sending, [`check`] | [`NotFound`](crate::ErrorKind::NotFound) | no such process, group or thread, or it was reaped | drop the pid; a zombie still exists |
//! | `EPERM` | sending, [`check`] | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the process belongs to another user | send as that user, or with `CAP_KILL` |
//! | none | [`Pid`](crate::Pid) from a number | [`Invalid`](crate::ErrorKind::Invalid) | 0 or above `i32::MAX`: `kill(2)` addresses groups, or all processes | pass the id of one process |
//! | none | [`send_group`] | [`Invalid`](crate::ErrorKind::Invalid) | group 1: `kill(2)` takes -1 for all processes | pass the id of the group |
//! | `EAGAIN` | [`queue`], [`queue_thread`], [`send_thread`] | [`LimitReached`] | the receiver's user has `RLIMIT_SIGPENDING` signals queued; the error states the number | let the receiver take some, use acknowledgements, or raise the limit |
//! | `EAGAIN` | [`SignalMaskGuard::try_wait`], [`SignalFd::try_read`] | [`Empty`](crate::ErrorKind::Empty) | no signal is pending | wait for `POLLIN` |
//! | `ETIMEDOUT` | `…_timeout` | [`TimedOut`](crate::ErrorKind::TimedOut) | no signal arrived in time (the kernel reports `EAGAIN`) | wait again, or stop waiting |
//! | none | [`block`] | [`Invalid`](crate::ErrorKind::Invalid) | no signal of the set can be blocked | block other signals |
//! | none, `EINVAL` | [`catch`] | [`Invalid`](crate::ErrorKind::Invalid) | the signal cannot be caught safely | block it, or leave its default action |
//! | none | [`Signal::realtime`], [`Signal::from_number`], parsing | [`Invalid`](crate::ErrorKind::Invalid) | there is no such signal | see `kill -l` |
//! | `EMFILE`, `ENFILE` | [`SignalFd::new`] | [`LimitReached`] | descriptor table full | close descriptors, or raise `RLIMIT_NOFILE` |
//! | none | [`SignalFd`] from a descriptor | [`WrongType`](crate::ErrorKind::WrongType) | the descriptor is not a signalfd | check where the descriptor comes from |
//!
//! Sources: [signal(7)], [signal-safety(7)], [kill(2)], [tgkill(2)], [sigqueue(3)],
//! [rt_sigqueueinfo(2)], [sigwaitinfo(2)], [signalfd(2)], [sigaction(2)], [pthread_sigmask(3)],
//! [getrlimit(2)].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [`LimitReached`]: crate::ErrorKind::LimitReached
//! [signal(7)]: https://man7.org/linux/man-pages/man7/signal.7.html
//! [signal-safety(7)]: https://man7.org/linux/man-pages/man7/signal-safety.7.html
//! [kill(2)]: https://man7.org/linux/man-pages/man2/kill.2.html
//! [tgkill(2)]: https://man7.org/linux/man-pages/man2/tgkill.2.html
//! [sigqueue(3)]: https://man7.org/linux/man-pages/man3/sigqueue.3.html
//! [rt_sigqueueinfo(2)]: https://man7.org/linux/man-pages/man2/rt_sigqueueinfo.2.html
//! [sigwaitinfo(2)]: https://man7.org/linux/man-pages/man2/sigwaitinfo.2.html
//! [signalfd(2)]: https://man7.org/linux/man-pages/man2/signalfd.2.html
//! [sigaction(2)]: https://man7.org/linux/man-pages/man2/sigaction.2.html
//! [pthread_sigmask(3)]: https://man7.org/linux/man-pages/man3/pthread_sigmask.3.html
//! [getrlimit(2)]: https://man7.org/linux/man-pages/man2/getrlimit.2.html

mod handler;
mod info;
mod mask;
mod number;
mod send;
mod set;
mod signalfd;

pub use handler::{SignalCounter, catch};
pub use info::{ChildEvent, Code, Sender, SignalInfo};
pub use mask::{SignalMaskGuard, block, pending};
pub use number::Signal;
pub use send::{check, queue, queue_thread, send, send_group, send_thread, thread_id};
pub use set::SignalSet;
pub use signalfd::{Batch, MAX_BATCH, SignalFd};
