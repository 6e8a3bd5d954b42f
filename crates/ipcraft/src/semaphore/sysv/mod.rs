//! System V semaphores: sets of counters that are changed together, with undo (semop(2), sysvipc(7)).
//!
//! # When to use it
//!
//! * A holder may be **killed** and must not take its unit along: the kernel takes back what was applied with
//!   [`undo`](Operation::undo).
//! * Several counters have to change **as one**: a buffer's free places and its lock, two forks of a philosopher.
//! * You have to work with programs that use them: databases, for instance.
//!
//! # When not
//!
//! * Every operation is a system call. A [`posix`](super::posix) semaphore makes none unless it has to wait or to wake
//!   somebody.
//! * Nothing of it can be polled, and no descriptor stands for it: a set that nobody removes stays until the machine
//!   stops.
//! * As a lock that tells the next owner of a death: undo gives the unit back and says nothing about the state it
//!   guarded.
//!
//! # Example
//!
//! ```
//! use ipcraft::ErrorKind;
//! use ipcraft::semaphore::sysv::{Operation, Options};
//! use ipcraft::sysv::Key;
//!
//! // Three free places, none taken.
//! const FREE: u16 = 0;
//! const TAKEN: u16 = 1;
//! let set = Options::new().remove_on_drop(true).create_new(Key::PRIVATE, &[3, 0])?;
//!
//! set.apply(&[Operation::subtract(FREE, 2), Operation::add(TAKEN, 2)])?;
//! assert_eq!(set.values()?, [1, 2]);
//!
//! // Both or neither: there is only one place left.
//! let two_more = [Operation::add(TAKEN, 2), Operation::subtract(FREE, 2)];
//! assert_eq!(set.try_apply(&two_more).unwrap_err().kind(), ErrorKind::WouldBlock);
//! assert_eq!(set.values()?, [1, 2]);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Creation without a race
//!
//! `semget(2)` makes a set whose values nobody has set yet, and at that moment others can find it by its key. Here,
//! whoever [creates](SemaphoreSet::create) one sets the values first and then applies an operation that changes
//! nothing. That makes the time of the last operation (`sem_otime`) differ from zero for the first time, and whoever
//! [opens](SemaphoreSet::open) the set waits for that, for a [limited time](Options::wait_for_creator). A creator that
//! was killed in between leaves a set that everybody refuses with [`TimedOut`](crate::ErrorKind::TimedOut): remove it
//! with `ipcrm -S KEY`. C programs take part if they do the same two things in the same order.
//!
//! # Contract
//!
//! * **Atomicity.** An array of operations is done as a whole or not at all, and nobody sees a part of it. What waits,
//!   waits for the whole array to be possible.
//! * **Order.** Waiters are served when their array becomes possible: one that needs much may be overtaken by ones
//!   that need little.
//! * **Time.** Timeouts are the kernel's own, on the monotonic clock, with no cost but the system call.
//! * **Values** are 0 to 32767. What a getter returns may be stale at once; only an operation's success can be relied
//!   on.
//! * **Undo** belongs to the *process*: what a thread took is given back when the whole process ends, not when the
//!   thread does. It survives **exec**. A child of **fork** starts without any. [`set_value`](SemaphoreSet::set_value)
//!   and [`set_values`](SemaphoreSet::set_values) forget it for every process. If taking it back would go below zero
//!   the value becomes zero. Of changes that cancel out (take with undo, give back with undo) nothing is left to undo;
//!   give back *without* undo and the kernel will give back once more.
//! * **Fork** gives the child the handle, but only the creating process removes the set on drop. **Exec** ends the
//!   handle; the set stays.
//! * **Death** leaves the set and, but for undo, its values. A waiter that is killed has done nothing.
//! * **Who may**: the mode's read bits are for looking, its write bits for operations and setting values; owner,
//!   creator and root may remove it and change the mode.
//! * **Removal** ends every wait and every later call with [`Removed`](crate::ErrorKind::Removed).
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EAGAIN` | [`try_apply`](SemaphoreSet::try_apply) | [`WouldBlock`](crate::ErrorKind::WouldBlock) | not possible now; nothing was done | do something else first |
//! | `EAGAIN`, told as `ETIMEDOUT` | [`apply_timeout`](SemaphoreSet::apply_timeout) | [`TimedOut`](crate::ErrorKind::TimedOut) | not possible in time; nothing was done | try again or give up |
//! | none | opening | [`TimedOut`](crate::ErrorKind::TimedOut) | the creator has set no values in time | remove the set if its creator died; [`wait_for_creator(None)`](Options::wait_for_creator) for a program that gives no sign |
//! | `EIDRM`, `EINVAL` | all | [`Removed`](crate::ErrorKind::Removed) | the set is gone, perhaps while the call waited | create it again, or stop |
//! | `ERANGE` | operations, setting values | [`Overflow`](crate::ErrorKind::Overflow) | a value, or what is to be undone, would pass 32767 (`SEMVMX`); nothing was done | look for a give without a take |
//! | `EFBIG`, none | operations, values | [`Invalid`](crate::ErrorKind::Invalid) | the set has no such semaphore, or the amount is not 1 to 32767 | indices start at 0 |
//! | `E2BIG` | operations | [`LimitReached`](crate::ErrorKind::LimitReached) | more operations than `SEMOPM` | fewer, or raise the third number in `/proc/sys/kernel/sem` |
//! | `ENOENT` | [`open`](SemaphoreSet::open) | [`NotFound`](crate::ErrorKind::NotFound) | no set has the key | create it |
//! | `EEXIST` | [`create_new`](SemaphoreSet::create_new) | [`AlreadyExists`](crate::ErrorKind::AlreadyExists) | a set has the key | open it, or take another key |
//! | `EINVAL` | [`create`](SemaphoreSet::create) | [`Invalid`](crate::ErrorKind::Invalid) | no values, or the existing set has fewer semaphores | somebody else may use the key |
//! | `EINVAL` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | more semaphores than a set may have (`SEMMSL`) | several sets, or raise the first number |
//! | `ENOSPC` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | too many sets (`SEMMNI`) or semaphores in all (`SEMMNS`) | remove stale ones (`ipcs -s`), or raise the fourth or second number |
//! | `ENOMEM` | creating, undo | [`LimitReached`](crate::ErrorKind::LimitReached) | no memory for the set or for the notes on what to undo | free some |
//! | `EACCES` | opening, operations, values | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the mode does not allow it | check owner and mode |
//! | `EPERM` | removing, `set_mode`, `set_owner` | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | neither owner nor creator | ask the owner |
//!
//! Sources: [semget(2)], [semop(2)], [semctl(2)], [sysvipc(7)].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [semget(2)]: https://man7.org/linux/man-pages/man2/semget.2.html
//! [semop(2)]: https://man7.org/linux/man-pages/man2/semop.2.html
//! [semctl(2)]: https://man7.org/linux/man-pages/man2/semctl.2.html
//! [sysvipc(7)]: https://man7.org/linux/man-pages/man7/sysvipc.7.html

mod limits;
mod operation;
mod options;
mod set;
mod statistics;

pub use operation::Operation;
pub use options::Options;
pub use set::SemaphoreSet;
pub use statistics::Statistics;
