//! System V semaphores: sets of counters that change together, with undo (semop(2), sysvipc(7)).
//!
//! # When to use it
//!
//! * A holder may be **killed**, and its units must be returned: the kernel reverts operations that
//!   were applied with [`undo`](Operation::undo).
//! * Several counters must change **atomically**: the free slots of a buffer and its lock, for
//!   example.
//! * For programs that already use them, such as databases.
//!
//! # When not
//!
//! * Every operation is a system call. A [`posix`](super::posix) semaphore needs none unless it
//!   blocks or wakes a process.
//! * A set cannot be polled and has no descriptor. A forgotten set persists until the machine
//!   stops.
//! * As a lock whose next owner must learn of a death. Undo returns the unit, but does not report
//!   the state of the protected data.
//!
//! # Example
//!
//! ```
//! use ipcraft::ErrorKind;
//! use ipcraft::semaphore::sysv::{Operation, Options};
//! use ipcraft::sysv::Key;
//!
//! // Three free slots, none taken.
//! const FREE: u16 = 0;
//! const TAKEN: u16 = 1;
//! let set = Options::new().remove_on_drop(true).create_new(Key::PRIVATE, &[3, 0])?;
//!
//! set.apply(&[Operation::subtract(FREE, 2), Operation::add(TAKEN, 2)])?;
//! assert_eq!(set.values()?, [1, 2]);
//!
//! // Both operations or neither: only one slot is free.
//! let two_more = [Operation::add(TAKEN, 2), Operation::subtract(FREE, 2)];
//! assert_eq!(set.try_apply(&two_more).unwrap_err().kind(), ErrorKind::WouldBlock);
//! assert_eq!(set.values()?, [1, 2]);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Creation without a race
//!
//! `semget(2)` creates a set without initial values, and other processes can open it by its key at
//! that moment. [`create`](SemaphoreSet::create) therefore sets the values first and then applies
//! an operation that changes nothing. This sets the time of the last operation (`sem_otime`), which
//! is zero until then. [`open`](SemaphoreSet::open) waits for that, for a [limited
//! time](Options::wait_for_creator). C programs interoperate if they take the same two steps in the
//! same order.
//!
//! If the creator was killed in between, [`create`](SemaphoreSet::create) heals the set after that
//! time. It replaces a set without values, and accepts one that has them. `open` fails with
//! [`TimedOut`](crate::ErrorKind::TimedOut), unless
//! [`wait_for_creator(None)`](Options::wait_for_creator) accepts every set as it is. A creator that
//! was merely slow notices the replacement and creates the set again. If it was stopped for longer
//! than that time and had just finished, its handle fails with
//! [`Removed`](crate::ErrorKind::Removed).
//!
//! # Contract
//!
//! * **Atomicity.** An array of operations is applied as a whole or not at all, and no process sees
//!   a part of it. A blocked call waits until the whole array can be applied.
//! * **Order.** Waiters proceed when their array can be applied. A waiter that needs much may be
//!   overtaken by waiters that need little.
//! * **Time.** Timeouts are the kernel's own, on the monotonic clock, without an additional system
//!   call.
//! * **Values** are 0 to 32767. The result of a getter may be stale; only the success of an
//!   operation is reliable.
//! * **Undo** belongs to the *process*: units that a thread took are returned when the whole
//!   process ends. It survives **exec**. A child of **fork** starts without any.
//!   [`set_value`](SemaphoreSet::set_value) and [`set_values`](SemaphoreSet::set_values) discard it
//!   for every process. If an undo would make the value negative, it becomes zero. Two changes with
//!   undo that cancel out leave nothing to undo. If a unit that was taken with undo is returned
//!   *without* undo, the kernel returns it again when the process ends.
//! * **Fork** gives the child the handle, but only the creating process removes the set on drop.
//!   **Exec** drops the handle; the set stays.
//! * **Death** leaves the set and, except for undo, its values. A process killed while it waits has
//!   changed nothing.
//! * **Permissions**: read bits allow the getters, write bits operations and setting values. Owner,
//!   creator and root may remove the set and change its mode. Opening needs no right.
//! * **Removal** makes blocked and later calls fail with [`Removed`](crate::ErrorKind::Removed).
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EAGAIN` | [`try_apply`](SemaphoreSet::try_apply) | [`WouldBlock`](crate::ErrorKind::WouldBlock) | not possible now; nothing changed | retry later |
//! | `EAGAIN`, reported as `ETIMEDOUT` | [`apply_timeout`](SemaphoreSet::apply_timeout) | [`TimedOut`](crate::ErrorKind::TimedOut) | not possible in time; nothing changed | retry or abort |
//! | none | opening | [`TimedOut`](crate::ErrorKind::TimedOut) | the creator has not set the values in time | [`create`](Options::create) the set again if its creator died; use [`wait_for_creator(None)`](Options::wait_for_creator) for a program that applies no operation |
//! | `EIDRM`, `EINVAL` | all | [`Removed`](crate::ErrorKind::Removed) | the set was removed, perhaps while the call blocked | create it again, or stop |
//! | `ERANGE` | operations, setting values | [`Overflow`](crate::ErrorKind::Overflow) | a value or its undo would exceed 32767 (`SEMVMX`); nothing changed | find the add without a subtract |
//! | `EFBIG`, none | operations, values | [`Invalid`](crate::ErrorKind::Invalid) | no such semaphore in the set, or the amount is not 1 to 32767 | count indices from 0 |
//! | `E2BIG` | operations | [`LimitReached`](crate::ErrorKind::LimitReached) | more operations than `SEMOPM` | use fewer, or raise the third number in `/proc/sys/kernel/sem` |
//! | `ENOENT` | [`open`](SemaphoreSet::open) | [`NotFound`](crate::ErrorKind::NotFound) | no set has the key | create it |
//! | `EINVAL`, `EIDRM` | [`from_id`](SemaphoreSet::from_id) | [`NotFound`](crate::ErrorKind::NotFound) | no set has this identifier | obtain it again |
//! | `EEXIST` | [`create_new`](SemaphoreSet::create_new) | [`AlreadyExists`](crate::ErrorKind::AlreadyExists) | a set has the key | open it, or use another key |
//! | `EINVAL` | [`create`](SemaphoreSet::create) | [`Invalid`](crate::ErrorKind::Invalid) | no values | pass one for each semaphore |
//! | `EINVAL`, none | [`create`](SemaphoreSet::create) | [`WrongType`](crate::ErrorKind::WrongType) | the existing set has fewer semaphores, or [more](Options::exact_count) | find out which program created it: keys collide |
//! | none, `EINVAL` | creating, changing | [`Invalid`](crate::ErrorKind::Invalid) | a mode beyond 0o777, or an id that this user namespace does not map | write the mode in octal; map the id |
//! | `EINVAL` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | more semaphores than a set may have (`SEMMSL`) | use several sets, or raise the first number |
//! | `ENOSPC` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | too many sets (`SEMMNI`) or semaphores in all (`SEMMNS`) | remove stale ones (`ipcs -s`), or raise the fourth or second number |
//! | `ENOMEM` | creating, undo | [`LimitReached`](crate::ErrorKind::LimitReached) | out of memory for the set or for undo records | free some |
//! | `EACCES` | operations, values | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | not permitted by its mode | check owner and mode |
//! | `EPERM` | removing, `set_mode`, `set_owner` | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the caller is neither owner nor creator | act as one of them |
//!
//! Sources: [semget(2)], [semop(2)], [semctl(2)], [sysvipc(7)].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [semget(2)]: https://man7.org/linux/man-pages/man2/semget.2.html
//! [semop(2)]: https://man7.org/linux/man-pages/man2/semop.2.html
//! [semctl(2)]: https://man7.org/linux/man-pages/man2/semctl.2.html
//! [sysvipc(7)]: https://man7.org/linux/man-pages/man7/sysvipc.7.html

mod control;
mod initialization;
mod limits;
mod operation;
mod options;
mod set;
mod statistics;

pub use operation::Operation;
pub use options::Options;
pub use set::SemaphoreSet;
pub use statistics::{Statistics, list};
