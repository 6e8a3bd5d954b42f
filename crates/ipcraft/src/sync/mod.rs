//! Locks between processes that survive `kill -9` at any instruction.
//!
//! # When to use it
//!
//! Several processes change data in [shared memory](crate::shm), and any of them may be killed while it does. The locks
//! of the C library do not bear that: of its process-shared ones only the robust mutex does, while a process that dies
//! inside a condition variable, a reader-writer lock or a semaphore leaves the others hanging.
//!
//! | type | what it is |
//! |---|---|
//! | [`Mutex`] | data that one at a time may use |
//! | [`RwLock`] | data that many may read, or one may change |
//! | [`Condvar`] | a place to sleep until the data of a mutex is as one wants it |
//! | [`Semaphore`] | a number of equal things to hand out |
//! | [`Barrier`] | a place where processes wait for each other |
//! | [`Once`] | something that is done a single time |
//! | [`Event`] | a flag to wait for |
//!
//! # When not
//!
//! * **You do not trust the peer.** Whoever can write the memory can make anybody who uses a lock in it hang, see data
//!   that was never consistent, or crash: the C library follows pointers that it keeps in the lock itself, and the kernel
//!   does when a process ends. Only share locks with programs that you would let change your own memory. With others
//!   talk over a [`socket`](crate::socket) or a [`queue`](crate::queue), or copy from a [`Mapping`](crate::shm::Mapping)
//!   and check the copy.
//! * Threads of one process: the locks of `std` are smaller and faster there.
//! * Data of which old and new values may mix, such as counters: use atomics.
//! * To count what one process makes and another uses up: a [`semaphore`](crate::semaphore).
//! * Processes on different machines, or that share no memory.
//!
//! # Example
//!
//! A worker is killed in the middle of a change; the next one is told, and repairs the data.
//!
//! ```
//! use ipcraft::shm::{Shared, memfd::Memfd};
//! use ipcraft::sync::{Cause, LockError, Mutex};
//!
//! ipcraft::plain_struct! {
//!     /// The total is that of the parts, but in the middle of a change.
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
//! // A thread that ends is as good as a process that is killed.
//! std::thread::scope(|scope| {
//!     scope.spawn(|| {
//!         let mut guard = totals.lock().unwrap();
//!         guard.parts[1] += 5;
//!         std::mem::forget(guard); // it dies before it comes to the total
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
//! # Where they live
//!
//! In a [`Shared`](crate::shm::Shared) value, by name or in any [`Mapping`](crate::shm::Mapping), alone or together in a
//! structure that [`shared_struct!`](crate::shared_struct) declares; the data inside is [`Plain`](crate::shm::Plain), such
//! as [`plain_struct!`](crate::plain_struct) declares. New memory is all zero; `init` makes it a lock, in the closure that
//! initialises the `Shared` value, so before anybody else can see it. A lock that was not initialised refuses to be used.
//! They work at different addresses in different processes, and between threads. Nothing has to be undone: memory with
//! locks in it is thrown away like any other.
//!
//! # Contract
//!
//! * **Death.** A process may be killed at any instruction of any operation: nobody else waits for it any longer than
//!   it takes the kernel to notice, and no wake-up is lost. The next owner of data that it may have left half changed is
//!   told: exactly if it held the lock. Dying readers, waiters and holders of permits leave nothing to repair. A thread
//!   that ends, a process that exits and one that calls exec die likewise; so does a zombie, which nobody has waited for
//!   yet. One that is stopped (`SIGSTOP`) lives, and those who wait for it wait.
//! * **Repair or give up.** Whoever is told has the lock and [says](Inconsistent::mark_consistent) when the data is in
//!   order. A panic while holding the lock has the same consequence as death. If it gives up, all fail with
//!   [`Unrecoverable`](crate::ErrorKind::Unrecoverable) from then on.
//! * **Threads.** Locks belong to threads: guards are not `Send`. A thread that waits for a lock of its own waits for ever.
//! * **Fork.** The child has none of the locks that its parent has; copies of guards do nothing when they are dropped
//!   there, and must not be used.
//! * **Unmapping.** A guard borrows the lock, and so the memory stays mapped while there is one, and while a call is under
//!   way. If a guard was leaked, memory that holds its lock is never unmapped.
//! * **Limits.** The kernel frees at most 2048 locks of a thread that dies, so a thread is refused the next. A reader of
//!   an `RwLock` holds one, its writer `READERS` + 1, a permit and a participant one each.
//! * **System calls.** None to take or give back what nobody else wants, and none to notify when nobody waits. One who
//!   waits sleeps on a futex. Only those who wait for a permit or at a barrier look up every 20 ms, since nobody can tell
//!   them that a holder or participant has died.
//! * **Pid namespaces.** A lock is for the processes of the namespace in which it was initialised; others are refused. The
//!   kernel knows an owner by the thread id, and would take one that dies for one with the same id in another namespace.
//!   To know its namespace, a process needs /proc when it first uses a lock; a forked child knows it from its parent.
//! * **Fairness.** None is promised between those who wait; a writer goes before readers who come later.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EOWNERDEAD` | taking a [`Mutex`], [`RwLock::write`] | [`OwnerDied`](crate::ErrorKind::OwnerDied), as [`LockError::Inconsistent`] | the last owner died or panicked; **you have the lock** | repair the data and call `mark_consistent` |
//! | `EOWNERDEAD` | [`RwLock::read`] | [`OwnerDied`](crate::ErrorKind::OwnerDied) | the last writer died or panicked | take the lock for writing and repair the data |
//! | `EOWNERDEAD` | [`Participant::wait`] | [`OwnerDied`](crate::ErrorKind::OwnerDied) | a participant died | let somebody join in its place and wait again |
//! | `ENOTRECOVERABLE` | taking a lock | [`Unrecoverable`](crate::ErrorKind::Unrecoverable) | somebody gave up on the data | make new memory |
//! | `EBUSY` | `try_` calls | [`WouldBlock`](crate::ErrorKind::WouldBlock) | somebody has it | wait, or come again |
//! | `ETIMEDOUT` | `_timeout` calls | [`TimedOut`](crate::ErrorKind::TimedOut) | somebody had it all the time | ask whether that is as it should be |
//! | `ENOLCK` | taking a lock | [`LimitReached`](crate::ErrorKind::LimitReached) | the thread holds 2048 locks (`ROBUST_LIST_LIMIT`) | hold fewer at a time |
//! | `EXDEV` | taking a lock | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | it was initialised in another pid namespace | make one for each namespace, or share the namespace |
//! | `ENOENT` | taking a lock | [`NotFound`](crate::ErrorKind::NotFound) | /proc is not mounted | mount it, or use a lock before it is out of reach |
//! | none | [`Barrier::join`] | [`LimitReached`](crate::ErrorKind::LimitReached) | all places are taken | make the barrier larger |
//! | none | all | [`Invalid`](crate::ErrorKind::Invalid) | it was not initialised | call `init` |
//! | none | taking a lock | [`WrongType`](crate::ErrorKind::WrongType) | its bytes were overwritten | find out by whom |
//!
//! `ENOLCK` and `EXDEV` stand for this library's own refusals: the kernel would say nothing, and not free the lock, or free
//! it too soon.
//!
//! Sources: [pthread_mutexattr_setrobust(3)], [get_robust_list(2)], [futex(2)], and experiments with a kill at every
//! instruction, which the project's tests repeat.
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [pthread_mutexattr_setrobust(3)]: https://man7.org/linux/man-pages/man3/pthread_mutexattr_setrobust.3.html
//! [get_robust_list(2)]: https://man7.org/linux/man-pages/man2/get_robust_list.2.html
//! [futex(2)]: https://man7.org/linux/man-pages/man2/futex.2.html

mod atomic;
mod barrier;
mod condition;
mod condvar;
mod event;
mod failure;
mod guard;
mod held;
mod inconsistent;
mod layout;
#[cfg(all(test, loom))]
pub(crate) mod model;
mod mutex;
mod namespace;
mod once;
#[cfg_attr(all(test, loom), path = "model/raw.rs")]
mod raw;
mod rwlock;
mod rwlock_guard;
mod semaphore;
mod slot;

use std::time::Duration;

pub use barrier::{Barrier, Participant};
pub use condvar::{Condvar, WaitTimeoutResult};
pub use event::Event;
pub use failure::{Cause, LockError};
pub use guard::MutexGuard;
pub use inconsistent::Inconsistent;
pub use mutex::Mutex;
pub use once::{Once, OnceState};
pub use rwlock::RwLock;
pub use rwlock_guard::{ReadGuard, WriteGuard};
pub use semaphore::{Permit, Semaphore};

/// How often those look for the dead who wait for something that nobody can tell them.
const LOOK_FOR_DEAD: Duration = Duration::from_millis(20);
