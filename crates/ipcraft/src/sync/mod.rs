//! Locks between processes that survive `kill -9` at any instruction.
//!
//! # When to use it
//!
//! Several processes change data in [shared memory](crate::shm), and any of them may be killed
//! during a change. Of the process-shared locks in the C library only the robust mutex survives
//! that. A process killed inside its condition variable, reader-writer lock or semaphore leaves the
//! other processes blocked forever.
//!
//! | type | purpose |
//! |---|---|
//! | [`Mutex`] | data that one thread at a time may use |
//! | [`RwLock`] | data that many threads may read, or one may change |
//! | [`Condvar`] | block until the data of a mutex meets a condition |
//! | [`Semaphore`] | limit concurrent access to N identical resources |
//! | [`Barrier`] | make N participants wait for one another |
//! | [`Once`] | run an initialization exactly once |
//! | [`Event`] | a flag to wait for |
//!
//! # When not
//!
//! * **The peer is not trusted.** A process that can write the memory can block every user of a
//!   lock in it, or make its data inconsistent. It can also crash other processes: the C library
//!   and the kernel follow pointers that the lock contains. Share locks only with trusted programs.
//!   Communicate with other programs over a [`socket`](crate::socket) or a [`queue`](crate::queue).
//!   Or copy from a [`Mapping`](crate::shm::Mapping) and validate the copy.
//! * Threads of one process: the locks of `std` are smaller and faster.
//! * Data whose old and new values may mix, such as counters: use atomics.
//! * Counting items that one process produces and another consumes: use a
//!   [`semaphore`](crate::semaphore).
//! * Threads of different real-time priorities: these locks have no priority inheritance, and
//!   [`futex::pi`](crate::futex::pi) has. A robust mutex of the C library could inherit, too, but
//!   would be slower for all others, and without timeouts before Linux 5.14.
//! * Processes on different machines, or without common memory.
//!
//! # Example
//!
//! A worker is killed in the middle of a change. The next owner gets an error that holds the lock,
//! and repairs the data.
//!
//! ```
//! use ipcraft::shm::{Shared, memfd::Memfd};
//! use ipcraft::sync::{Cause, LockError, Mutex};
//!
//! ipcraft::plain_struct! {
//!     /// The total is the sum of the parts, except in the middle of a change.
//!     #[derive(Debug)]
//!     pub struct Totals {
//!         pub parts: [u64; 3],
//!         pub total: u64,
//!     }
//! }
//!
//! let memory = Memfd::create("totals", Shared::<Mutex<Totals>>::SIZE)?;
//! let totals = Shared::<Mutex<Totals>>::initialize(memory.map()?, |totals| {
//!     totals.init(Totals { parts: [0; 3], total: 0 })
//! })?;
//!
//! // A thread that ends while it holds the lock has the same effect as a killed process.
//! std::thread::scope(|scope| {
//!     scope.spawn(|| {
//!         let mut guard = totals.lock().unwrap();
//!         guard.parts[1] += 5;
//!         std::mem::forget(guard); // the thread ends before it updates the total
//!     });
//! });
//!
//! match totals.lock() {
//!     Err(LockError::Inconsistent(mut found)) => {
//!         assert_eq!(found.cause(), Cause::OwnerDied);
//!         found.total = found.parts.iter().sum();
//!         assert_eq!(found.mark_consistent().total, 5);
//!     }
//!     other => panic!("{other:?}"),
//! }
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Placement
//!
//! A lock lives in a [`Shared`](crate::shm::Shared) value: alone, or as a field of a structure that
//! [`shared_struct!`](crate::shared_struct) declares. The data of a lock is
//! [`Plain`](crate::shm::Plain), for example a type that [`plain_struct!`](crate::plain_struct)
//! declares.
//!
//! New memory is all zero, and `init` makes it a lock. Call `init` in the closure that initializes
//! the `Shared` value, before other processes can see the value. Every operation on an
//! uninitialized lock fails.
//!
//! Locks work at different addresses in different processes, and between threads. They need no
//! destructor: discard the memory like any other.
//!
//! # Contract
//!
//! * **Death.** A process may be killed at any instruction of any operation. Other processes wait
//!   no longer than the kernel takes to notice the death, and no wake-up is lost. If the dead
//!   process held a mutex or a write lock, the next owner receives
//!   [`LockError::Inconsistent`]: the data may be half changed. Dead readers, waiters and permit
//!   holders leave nothing to repair. A thread that ends, and a process that exits or calls exec,
//!   count as dead; so does a zombie. A stopped process (`SIGSTOP`) is alive and keeps its locks.
//! * **Repair or abandon.** The caller that receives inconsistent data holds the lock. It repairs
//!   the data and calls [`mark_consistent`](Inconsistent::mark_consistent). If it abandons the lock
//!   instead, every later call fails with [`Unrecoverable`](crate::ErrorKind::Unrecoverable). A
//!   panic while the lock is held has the same consequence as a death.
//! * **Threads.** A lock belongs to a thread, so guards are not `Send`. A thread that waits
//!   for itself gets [`Deadlock`](crate::ErrorKind::Deadlock) in every form, also from `try_` calls.
//!   Not noticed: threads that wait for one another, and an [`Event`], which has no owner.
//! * **Fork.** A child holds none of its parent's locks. Its copies of guards must not be used, and
//!   dropping them has no effect.
//! * **Unmapping.** A guard borrows the lock, so the memory stays mapped while a guard exists or a
//!   call is in progress. The memory of a lock whose guard was leaked is never unmapped.
//! * **Limits.** When a thread dies the kernel releases at most 2048 of its locks, so acquiring one
//!   more fails. A reader of an `RwLock` holds one lock, a writer `READERS` + 1. A permit and a
//!   barrier participant hold one each.
//! * **System calls.** None to acquire or release without contention, and none to notify without
//!   waiters. Waiters block in `futex(2)`. Waiting for a permit or at a barrier also wakes every
//!   20 ms, because no event reports that a holder or participant died.
//! * **Pid namespaces.** A lock works only in the pid namespace that initialized it. The kernel
//!   identifies an owner by its thread id, which another namespace assigns to other threads. A
//!   process finds its namespace out when it first uses a lock; a child of fork(3) inherits it. The
//!   number is that of `/proc/self/ns/pid`. Without /proc, a pidfd shows it from Linux 6.11 on.
//! * **clone(2).** A child made by the system call itself can neither take nor release a lock
//!   before it calls exec, because the C library takes it for its parent. Its own children made by
//!   fork(3) can. Container runtimes make such children.
//! * **Fairness.** Waiters have no guaranteed order. A waiting writer precedes later readers.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EOWNERDEAD` | locking a [`Mutex`], [`RwLock::write`] | [`OwnerDied`](crate::ErrorKind::OwnerDied), as [`LockError::Inconsistent`] | the last owner died or panicked; **the caller holds the lock** | repair the data and call `mark_consistent` |
//! | `EOWNERDEAD` | [`RwLock::read`] | [`OwnerDied`](crate::ErrorKind::OwnerDied) | the last writer died or panicked | lock for writing and repair the data |
//! | `EOWNERDEAD` | [`Participant::wait`] | [`OwnerDied`](crate::ErrorKind::OwnerDied) | a participant died | let a replacement join, then wait again |
//! | `ENOTRECOVERABLE` | locking | [`Unrecoverable`](crate::ErrorKind::Unrecoverable) | an owner abandoned inconsistent data | create new memory |
//! | `EBUSY` | `try_` calls | [`WouldBlock`](crate::ErrorKind::WouldBlock) | another thread holds the lock | block, or try again later |
//! | `EDEADLK` | locking, [`Semaphore::acquire`], [`Once::call_once`], [`Participant::wait`] | [`Deadlock`](crate::ErrorKind::Deadlock) | the calling thread itself holds what it would wait for | drop its guard first |
//! | `ETIMEDOUT` | `_timeout` calls | [`TimedOut`](crate::ErrorKind::TimedOut) | the lock was not available within the timeout | find out what the owner is doing |
//! | `ENOLCK` | locking | [`LimitReached`](crate::ErrorKind::LimitReached) | the thread holds 2048 locks (`ROBUST_LIST_LIMIT`) | hold fewer locks |
//! | `EXDEV` | locking | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the lock belongs to another pid namespace | create one lock per namespace, or share the namespace |
//! | `EPERM` | `init`, locking | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the process was made by clone(2), unknown to the C library | make it with fork(3), or call exec |
//! | `ENOENT` | `init`, locking | [`NotFound`](crate::ErrorKind::NotFound) | `/proc` is not mounted, before Linux 6.11 or without a free descriptor | mount it before the first use of a lock |
//! | none | [`Barrier::join`] | [`LimitReached`](crate::ErrorKind::LimitReached) | the barrier is full | create a larger barrier |
//! | none | all but `init` | [`Invalid`](crate::ErrorKind::Invalid) | the lock is not initialized | call `init` first |
//! | none | `init` | [`InUse`](crate::ErrorKind::InUse) | another thread is initializing the lock, or died there | wait, or create new memory |
//! | none | locking | [`WrongType`](crate::ErrorKind::WrongType) | the lock's memory is corrupted | find the program that overwrote it |
//!
//! This library itself reports `ENOLCK`, `EXDEV` and `EPERM`. The kernel would accept the lock in
//! these cases. It would then never release it after a death, or release it while its owner is
//! alive.
//!
//! Sources: [pthread_mutexattr_setrobust(3)], [get_robust_list(2)], [futex(2)], and experiments
//! that kill a process at every instruction. The project's crash sweeps repeat them.
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [pthread_mutexattr_setrobust(3)]: https://man7.org/linux/man-pages/man3/pthread_mutexattr_setrobust.3.html
//! [get_robust_list(2)]: https://man7.org/linux/man-pages/man2/get_robust_list.2.html
//! [futex(2)]: https://man7.org/linux/man-pages/man2/futex.2.html

mod atomic;
mod barrier;
mod c_library;
mod condvar;
mod errors;
mod event;
mod exclusive_guard;
mod held_count;
mod inconsistent;
mod lock_error;
mod mutex;
mod mutex_guard;
mod once;
mod pid_namespace;
mod process_shared;
#[cfg_attr(all(test, loom), path = "tests/loom/raw.rs")]
mod raw;
mod rwlock;
mod rwlock_guard;
mod semaphore;
mod slot;
mod state;
#[cfg(test)]
pub(crate) mod tests;
mod unlock_on_drop;

use std::time::Duration;

pub use barrier::{Barrier, Participant};
pub use condvar::{Condvar, WaitTimeoutResult};
pub use event::Event;
pub use exclusive_guard::ExclusiveGuard;
pub use inconsistent::Inconsistent;
pub use lock_error::{Cause, LockError};
pub use mutex::Mutex;
pub use mutex_guard::MutexGuard;
pub use once::{Once, OnceState};
pub use rwlock::RwLock;
pub use rwlock_guard::{ReadGuard, WriteGuard};
pub use semaphore::{Permit, Semaphore};

/// The interval at which a blocked call checks for dead permit holders and barrier participants.
///
/// No event reports these deaths. One check of a semaphore or barrier costs a few `try_lock` calls.
const DEAD_POLL_INTERVAL: Duration = Duration::from_millis(20);
