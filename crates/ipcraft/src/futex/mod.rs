//! Futexes: blocking until another process changes a word of shared memory (futex(7)).
//!
//! # When to use it
//!
//! * To build a blocking structure in [shared memory](crate::shm): a lock, a queue, a flag. While
//!   no thread blocks, it makes no system calls.
//! * To wait for any of several words ([`wait_any`]).
//! * To lock between threads of different real-time priorities ([`pi`]).
//!
//! # When not
//!
//! * A finished mechanism fits, for example a [semaphore](crate::semaphore::posix). A futex is a
//!   building block, and its rules are easy to break.
//! * **The process that should wake may be killed.** The kernel then wakes no waiter; see below.
//! * The other processes must not write the memory, or a descriptor must be polled as well: use an
//!   [`EventFd`](crate::event::EventFd).
//!
//! # Example
//!
//! ```
//! use std::sync::atomic::{AtomicU32, Ordering::{Acquire, Release}};
//! use std::thread;
//! use std::time::Duration;
//! use ipcraft::shm::memfd::Memfd;
//! use ipcraft::{ErrorKind, futex};
//!
//! let memory = Memfd::create("doc-futex", 4096)?;
//! let (ours, theirs) = (memory.map()?, memory.map()?); // the second usually in another process
//! let peer = thread::spawn(move || -> ipcraft::Result<()> {
//!     let word = theirs.atomic_u32(64)?;
//!     word.store(7, Release); // change the word,
//!     futex::wake(word, 1)?; // then wake
//!     Ok(())
//! });
//! let word = ours.atomic_u32(64)?;
//! while word.load(Acquire) == 0 { // check the word,
//!     futex::wait(word, 0)?; // block if it is unchanged, and check again
//! }
//! assert_eq!(word.load(Acquire), 7);
//! peer.join().unwrap()?;
//! let error = futex::wait_timeout(word, 7, Duration::from_millis(1)).unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::TimedOut);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Contract
//!
//! * **Compare and block.** [`wait`] blocks only if the word has the expected value. The kernel
//!   compares and blocks in one step, so no waiter misses a change that precedes a wake.
//! * **Spurious wakeups.** `wait` may return without a wake or a change. Check the word again in a
//!   loop. There is no `try_wait`: a load of the word does that.
//! * **Identity.** A futex is the place in memory, not its address. Processes that map the same
//!   memory at different addresses share the futex, and so do two mappings in one process. After a
//!   fork, private memory is a separate futex in each process.
//! * **Never private.** Futexes of the standard library (`Mutex`, `Condvar`, `park`) and of other
//!   crates use `FUTEX_PRIVATE_FLAG`. Their wakes do not reach waiters here, and wakes here do not
//!   reach their waiters.
//! * **Access.** Waiting and waking only read the word.
//!   [`Mapping::atomic_u32`](crate::shm::Mapping::atomic_u32) refuses read-only memory, where a
//!   store would raise `SIGSEGV`. Unsafe code that only loads can use
//!   [`Mapping::pointer`](crate::shm::Mapping::pointer).
//! * **Order.** A wake orders no memory. Store with `Release` before it, and load with `Acquire`
//!   after the wait.
//! * **Time.** Timeouts use the monotonic clock. A wait whose deadline has passed still succeeds if
//!   the word has changed.
//! * **Signals.** A signal or a stop does not end a wait: it continues with the remaining time.
//! * **Threads.** Any number of threads may wait on one word and wake it.
//! * **Fork and exec.** Nothing is inherited beside the memory itself.
//! * **Death.** When a process dies, the kernel changes no word and wakes no waiter. A wake is lost
//!   if the woken process dies before it acts. Wait with a timeout if that can happen.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EAGAIN` | waiting | none: it is no error | the word has another value | check the word |
//! | `ETIMEDOUT` | [`wait_timeout`] and similar | [`TimedOut`](crate::ErrorKind::TimedOut) | no wake arrived in time | check the word, then wait again or stop waiting |
//! | `EFAULT` | all | [`Other`](crate::ErrorKind::Other) | the memory behind the word is gone, because its object was truncated | stop using the mapping: accessing the word raises `SIGBUS` |
//! | `EINVAL` | [`wake`], [`wake_all`], [`wake_bits`] | [`Invalid`](crate::ErrorKind::Invalid) | a priority-inheritance lock uses the word | find the program that uses the word for another purpose |
//! | `EINVAL` | [`wait_any`] | [`Invalid`](crate::ErrorKind::Invalid) | no word, or more than `FUTEX_WAITV_MAX` | pass 1 to 128 words |
//! | `ENOSYS` | [`wait_any`] | [`Unsupported`](crate::ErrorKind::Unsupported) | the kernel is older than Linux 5.16 | wait on one word that all wakers share |
//!
//! Sources: [futex(2)], [futex(7)], [the kernel's page on futex_waitv].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [futex(2)]: https://man7.org/linux/man-pages/man2/futex.2.html
//! [futex(7)]: https://man7.org/linux/man-pages/man7/futex.7.html
//! [the kernel's page on futex_waitv]: https://docs.kernel.org/userspace-api/futex2.html

pub mod pi;
mod wait;
mod waiter;
mod wake;

pub use wait::{wait, wait_any, wait_any_timeout, wait_bits, wait_bits_timeout, wait_timeout};
pub use waiter::Waiter;
pub use wake::{wake, wake_all, wake_bits};

use nix::errno::Errno;

use crate::error::Error;

#[cold]
fn failed(operation: &'static str, errno: Errno) -> Error {
    let error = Error::from_errno(operation, errno);
    match errno {
        Errno::EFAULT => error.with_hint("the memory behind the word is gone; its object was truncated"),
        _ => error,
    }
}
