//! Signals: one number, at most with an integer, sent to a process or a thread (signal(7)).
//!
//! # Before anything else
//!
//! Signals interrupt a program wherever it is and belong to the whole process, so most of what goes wrong with them goes
//! wrong by default:
//!
//! * **Standard signals merge.** While one of 1 to 31 is pending, another of the same number is lost, value and all, and
//!   nobody is told. Never count with them. **Realtime signals queue**: each comes, the lowest number first and each
//!   number in the order of sending; when there is no room the *sender* is told ([`LimitReached`]), by
//!   [`queue`] and by the forms for threads: a plain [`send`] of a realtime signal merges then.
//! * **A signal that is neither blocked nor caught kills**, most of them. So block first and tell others your pid then.
//!   Here nothing waits for a signal that is not blocked: waiting is a method of the guard that blocks.
//! * **Handlers may do next to nothing**: no allocation, no lock, no printing (signal-safety(7)). This module has one that
//!   counts ([`catch`]). To do something on a signal, block it and take it from an ordinary place: [`SignalMaskGuard::wait`],
//!   or [`SignalFd`] in an event loop.
//! * **Some cannot be caught, blocked or ignored**: `SIGKILL` and `SIGSTOP`. A hardware fault (`SIGSEGV`, `SIGBUS`,
//!   `SIGFPE`, `SIGILL`) kills a thread that blocks it. 32 and 33 are the C library's: nobody else uses them.
//! * **Threads.** Handlers belong to the process, masks to each thread. A signal for the process goes to any thread that does
//!   not block it: block in `main` before the first thread is started.
//! * **Fork** gives the child mask and handlers, and an empty queue. **Exec** resets handlers to the default, but keeps
//!   the mask, what is ignored, **and what is pending**: a program that you start inherits your blocked signals. Start
//!   those that are not written for it before you block.
//! * **A pid may be another's** by now, unless it is a child's that you have not waited for. A pidfd never is.
//!
//! # When to use it
//!
//! * To hear what the kernel and the user say by signals: a child has ended, somebody pressed Ctrl-C, the terminal is
//!   gone, please stop.
//! * To wake or to nudge one process of which you know nothing but the pid, if a number is all you have to say.
//! * To receive from programs that send nothing else.
//!
//! # When not
//!
//! * Data: an integer each, a queue shared by all processes of the user, no order between numbers. Use
//!   [`queue::posix`](crate::queue::posix) or a [`socket`](crate::socket).
//! * Waking somebody who shares memory or a descriptor with you: a [semaphore](crate::semaphore) or a pipe does it
//!   without the hazards above.
//! * To learn whether a process lives: use a descriptor that it holds, or a descriptor of it.
//!
//! # Example
//!
//! ```standalone_crate
//! use std::time::Duration;
//! use ipcraft::{ErrorKind, Pid};
//! use ipcraft::signal::{self, Code, Signal, SignalFd};
//!
//! let job = Signal::realtime(0)?;
//! let blocked = signal::block(job | Signal::TERM)?; // first of all, and before any thread
//!
//! // Somebody else, usually another process, who knows the pid:
//! let me = Pid::current();
//! for number in [7, 8] {
//!     signal::queue(me, job, number)?;
//! }
//!
//! let first = blocked.wait_timeout(Duration::from_secs(5))?;
//! assert_eq!((first.signal(), first.code(), first.value()), (job, Code::Queue, Some(7)));
//! assert_eq!(first.sender().unwrap().pid, me);
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
//! * **Room.** Queued signals are counted for the **receiver's** real user, over all its processes, against the receiver's
//!   `RLIMIT_SIGPENDING`: one process that takes none uses up the room of the others. Beyond it [`queue`] of a *standard*
//!   signal still succeeds, but the value and the sender are lost: it arrives as [`Code::User`] from nobody.
//! * **Who may send.** The real or effective user of the sender has to be the real or saved user of the receiver, or
//!   the sender has `CAP_KILL`; `SIGCONT` may also be sent within a session. Whoever may send can also forge the sender
//!   of a queued signal: see [`SignalInfo::sender`].
//! * **Taking** one is exclusive: of several threads or descriptors that wait, one gets it. Signals for the thread are
//!   taken before those for its process.
//! * **Waiting** runs on the monotonic clock, in the kernel. A handler of another signal does not end it.
//! * **Stale at once:** [`pending`], [`check`]. **Relied upon:** what a wait or a read has taken.
//! * **Death** of the receiver discards what was queued; nobody is told. Death of the sender changes nothing.
//! * **A stopped process** takes nothing; `SIGCONT` and `SIGKILL` get through to it. Signals wait until it goes on.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `ESRCH` | sending, [`check`] | [`NotFound`](crate::ErrorKind::NotFound) | no such process, group or thread, or it was reaped | it is gone; a zombie still counts |
//! | `EPERM` | sending, [`check`] | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | it is another user's | ask its owner, or have `CAP_KILL` |
//! | none | sending, [`check`] | [`Invalid`](crate::ErrorKind::Invalid) | pid 0, a pid above `i32::MAX`, or group 1: to `kill(2)` they mean groups, or every process | pass the id of one process |
//! | `EAGAIN` | [`queue`], [`queue_thread`], [`send_thread`] | [`LimitReached`] | the receiver's user has `RLIMIT_SIGPENDING` signals queued; the error says how many | let the receiver take some, have it acknowledge, or raise the limit |
//! | `EAGAIN` | [`SignalMaskGuard::try_wait`], [`SignalFd::try_read`] | [`Empty`](crate::ErrorKind::Empty) | none is pending | wait for `POLLIN` |
//! | `ETIMEDOUT` | `…_timeout` | [`TimedOut`](crate::ErrorKind::TimedOut) | none came in time (the kernel says `EAGAIN`) | try again or give up |
//! | none | [`block`] | [`Invalid`](crate::ErrorKind::Invalid) | no signal in the set can be blocked | block others |
//! | none, `EINVAL` | [`catch`] | [`Invalid`](crate::ErrorKind::Invalid) | this signal cannot be caught with safety | block it, or leave it |
//! | none | [`Signal::realtime`], [`Signal::from_number`], parsing | [`Invalid`](crate::ErrorKind::Invalid) | there is no such signal | see `kill -l` |
//! | `EMFILE`, `ENFILE` | [`SignalFd::new`] | [`LimitReached`] | descriptor table full | close some, or raise `RLIMIT_NOFILE` |
//! | none | [`SignalFd`] from a descriptor | [`WrongType`](crate::ErrorKind::WrongType) | it leads to something else | find out who passed it |
//!
//! Sources: [signal(7)], [signal-safety(7)], [kill(2)], [tgkill(2)], [sigqueue(3)], [rt_sigqueueinfo(2)],
//! [sigwaitinfo(2)], [signalfd(2)], [sigaction(2)], [pthread_sigmask(3)], [getrlimit(2)].
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

mod blocked;
mod fd;
mod handler;
mod info;
mod number;
mod send;
mod set;

pub use blocked::{SignalMaskGuard, block, pending};
pub use fd::{Batch, MAX_BATCH, SignalFd};
pub use handler::{SignalCounter, catch};
pub use info::{Change, Code, Sender, SignalInfo};
pub use number::Signal;
pub use send::{check, queue, queue_thread, send, send_group, send_thread, thread_id};
pub use set::SignalSet;
