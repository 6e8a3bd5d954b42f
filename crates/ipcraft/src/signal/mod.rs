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
//!   started program inherits the blocked signals. Start programs that do not expect this before
//!   blocking.
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
//! # Contract
//!
//! * **Capacity.** Queued signals count against the `RLIMIT_SIGPENDING` of the **receiver**, for
//!   all processes of its real user. One process that takes no signals can exhaust the limit for
//!   the others. Beyond the limit, [`queue`] of a *standard* signal still succeeds, but its value
//!   and sender are lost: it arrives as [`Code::User`] without a sender.
//! * **Permission.** The real or effective user of the sender must be the real or saved user of the
//!   receiver, or the sender has `CAP_KILL`. `SIGCONT` may also be sent within a session. A
//!   permitted sender can forge the sender of a queued signal; see [`SignalInfo::sender`].
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
