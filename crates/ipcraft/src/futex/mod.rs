//! Futexes: sleeping until another process changes a word of shared memory (futex(7)).
//!
//! # When to use it
//!
//! * To build what waits in [shared memory](crate::shm): a lock, a queue, a flag. As long as nobody has to sleep or to
//!   be woken, it costs no system call.
//! * To wait for one of several words at once ([`wait_any`]).
//!
//! # When not
//!
//! * What is needed exists: a [counter](crate::semaphore::posix) to wait on, for example. A futex is a part to build
//!   such things from, and its rules are easy to break.
//! * **A process that is waited for may be killed.** The kernel tells nobody; see below.
//! * The other processes are not trusted to write the word, or a descriptor is to be waited for as well: that is what
//!   [`EventFd`](crate::event::EventFd) is for.
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
//! while word.load(Acquire) == 0 { // look,
//!     futex::wait(word, 0)?; // sleep if it is still so, and look again
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
//! * **The value is checked.** [`wait`] sleeps only if the word has the expected value, and to find that out and to go
//!   to sleep is one step. So nobody sleeps over a change, as long as it is made before the wake.
//! * **To return is no news.** A wait ends with a wake, at once if the word has another value, and sometimes for
//!   nothing; it does not say which. Whoever waits looks at the word in a loop. There is no form that never waits,
//!   since looking at the word is that.
//! * **The place counts, not the address.** Processes that have mapped the same memory at different addresses meet, as
//!   do two mappings within one process. After a fork, memory that is not shared is another place in each process.
//! * **Never private.** The futexes of the standard library (`Mutex`, `Condvar`, `park`) and of other crates carry
//!   `FUTEX_PRIVATE_FLAG`: a wake of those does not reach a waiter here, nor one from here a waiter there.
//! * **Reading is enough**, to wait and to wake. [`Mapping::atomic_u32`](crate::shm::Mapping::atomic_u32) gives no
//!   reference into read-only memory, where a store would be `SIGSEGV`;
//!   [`Mapping::pointer`](crate::shm::Mapping::pointer) leads to the word for code that vouches to only load.
//! * **Order.** A wake orders nothing: store with `Release` before it, and load with `Acquire` after the wait.
//! * **Time.** Timeouts are on the monotonic clock. One that has passed still ends well if the word has changed.
//! * **Signals** and stopping change nothing: the wait goes on, with the time that is left.
//! * **Threads.** Any number may wait on one word and wake it.
//! * **Fork and exec.** There is nothing to inherit: whoever has the memory has the word.
//! * **Death.** The kernel changes no word and wakes nobody when a process dies, and a wake may be lost with the process
//!   that it woke. Wait with a timeout where that may happen.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EAGAIN` | waiting | none: it is no error | the word has another value | look at it |
//! | `ETIMEDOUT` | [`wait_timeout`] and its like | [`TimedOut`](crate::ErrorKind::TimedOut) | nobody woke it in time | look at the word, then try again or give up |
//! | `EFAULT` | all | [`Other`](crate::ErrorKind::Other) | the memory behind the word is gone, since its object was made smaller | stop using the mapping: to touch the word would be `SIGBUS` |
//! | `EINVAL` | [`wake`], [`wake_all`], [`wake_bits`] | [`Invalid`](crate::ErrorKind::Invalid) | somebody waits there for a lock with priority inheritance | find out who uses the word for something else |
//! | `EINVAL` | [`wait_any`] | [`Invalid`](crate::ErrorKind::Invalid) | no word, or more than `FUTEX_WAITV_MAX` of them | 1 to 128 |
//! | `ENOSYS` | [`wait_any`] | [`Unsupported`](crate::ErrorKind::Unsupported) | the kernel is older than Linux 5.16 | wait on one word that all wakers share |
//!
//! Sources: [futex(2)], [futex(7)], [the kernel's page on futex_waitv].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [futex(2)]: https://man7.org/linux/man-pages/man2/futex.2.html
//! [futex(7)]: https://man7.org/linux/man-pages/man7/futex.7.html
//! [the kernel's page on futex_waitv]: https://docs.kernel.org/userspace-api/futex2.html

mod wait;
mod wake;

pub use crate::sys::futex::Waiter;
pub use wait::{wait, wait_any, wait_any_timeout, wait_bits, wait_bits_timeout, wait_timeout};
pub use wake::{wake, wake_all, wake_bits};

use nix::errno::Errno;

use crate::error::Error;

#[cold]
fn failed(operation: &'static str, errno: Errno) -> Error {
    let error = Error::from_errno(operation, errno);
    match errno {
        Errno::EFAULT => error.with_hint("the memory behind the word is gone: its object was made smaller"),
        _ => error,
    }
}
