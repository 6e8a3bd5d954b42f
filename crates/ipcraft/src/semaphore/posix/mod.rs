//! POSIX semaphores: a counter in shared memory, with a name or without (sem_overview(7)).
//!
//! # When to use it
//!
//! * To tell another process that something is there, or to hand out a number of equal things, at **no system call**
//!   unless somebody has to wait or to be woken.
//! * Beside your own [shared memory](crate::shm): the semaphore can lie [in it](Semaphore::init_in).
//! * Together with programs in C or Python: a name leads to the same semaphore there.
//!
//! # When not
//!
//! * **A holder may be killed.** Its unit is lost, nothing gives it back, and the others wait for ever: use
//!   [`semaphore::sysv`](super::sysv) with undo.
//! * Something else is to be waited for as well: a semaphore cannot be polled.
//! * Several counters have to change as one: that is what a System V set is for.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use ipcraft::semaphore::posix::{Options, Semaphore};
//! use ipcraft::shm::memfd::Memfd;
//! use ipcraft::{ErrorKind, name};
//!
//! // By name: two printers for all processes.
//! let name = format!("/{}", name::unique("doc-printers"));
//! let printers = Options::new().remove_on_drop(true).create_new(&name, 2)?;
//! let mine = Semaphore::open(&name)?; // usually in another process
//! let permit = mine.acquire()?;
//! assert_eq!(printers.value()?, 1);
//! drop(permit);
//! assert_eq!(printers.value()?, 2);
//!
//! // In memory: who maps it finds the semaphore at the agreed offset.
//! let memory = Arc::new(Memfd::create("doc", 4096)?.map()?);
//! let ready = Semaphore::init_in(&memory, 64, 0)?;
//! assert_eq!(ready.wait_timeout(Duration::from_millis(1)).unwrap_err().kind(), ErrorKind::TimedOut);
//! Semaphore::find_in(&memory, 64)?.post()?;
//! ready.wait()?;
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Contract
//!
//! * **Order.** What was written before a [`post`](Semaphore::post) is seen after the [`wait`](Semaphore::wait) that
//!   took it. Among several that wait, any may be first.
//! * **Time.** Timeouts are on the monotonic clock (`sem_clockwait(3)`, not `sem_timedwait(3)`, which a step of the
//!   wall clock would prolong or cut short).
//! * **Values** are 0 to 2147483647. [`value`](Semaphore::value) may be stale at once; only a successful wait can be
//!   relied on.
//! * **The name** is a slash and at most 251 bytes. It leads to `/dev/shm/sem.NAME`, with owner and mode, 0600 unless
//!   set, less the umask. It appears together with the value, and stays until it is [removed](Semaphore::remove) or
//!   the machine stops.
//! * **What is behind the name** is checked when it is opened: a regular file of the [expected owner](Options::owner)
//!   and [mode](Options::mode), large enough for a semaphore, with a semaphore for processes in it. `sem_open(3)`
//!   itself would take an empty file, and its first use would be `SIGBUS`.
//! * **Trust.** Whoever may write to the memory can break the semaphore: make others wait for ever, or have the C
//!   library abort the process on finding nonsense there. Whoever may write to the file of a named one can also shrink
//!   it, which makes the next use `SIGBUS`. Give write permission to processes that you trust.
//! * **A handle** of a named semaphore holds a descriptor and a mapping. Two handles of one name are the same
//!   semaphore, within a process too.
//! * **Fork** gives the child the handle, but only the creating process removes the name on drop. **Exec** ends the
//!   handle.
//! * **Death** changes nothing: what was taken stays taken. One that is killed while it waits takes nothing.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EAGAIN` | [`try_wait`](Semaphore::try_wait) | [`WouldBlock`](crate::ErrorKind::WouldBlock) | there is none to take | do something else first |
//! | `ETIMEDOUT` | [`wait_timeout`](Semaphore::wait_timeout) | [`TimedOut`](crate::ErrorKind::TimedOut) | there was none in time | try again or give up |
//! | `EOVERFLOW` | [`post`](Semaphore::post) | [`Overflow`](crate::ErrorKind::Overflow) | it is at its largest value, and stays so | look for a post without a wait |
//! | `EINVAL` | creating, [`init_in`](Semaphore::init_in) | [`Overflow`](crate::ErrorKind::Overflow) | the value is above `SEM_VALUE_MAX` | a smaller one |
//! | `ENOENT` | [`open`](Semaphore::open), [`remove`](Semaphore::remove) | [`NotFound`](crate::ErrorKind::NotFound) | no such name | create it |
//! | none | [`remove`](Semaphore::remove) | [`Removed`](crate::ErrorKind::Removed) | another object has the name by now | leave that alone |
//! | `EEXIST` | [`create_new`](Semaphore::create_new) | [`AlreadyExists`](crate::ErrorKind::AlreadyExists) | something has this name | open it, or take another name |
//! | none, `ELOOP`, `ENXIO`, `EISDIR` | opening, [`find_in`](Semaphore::find_in) | [`WrongType`](crate::ErrorKind::WrongType) | no semaphore is there, but something else: a short file, a symbolic link, a directory | find out who put it there |
//! | none | opening | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | it belongs to another user, or its mode permits more than expected | say so with [`owner`](Options::owner) and [`mode`](Options::mode) if that is right |
//! | `EACCES` | opening, removing | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | its mode does not allow it | check owner and mode |
//! | none | creating, opening | [`InvalidName`](crate::ErrorKind::InvalidName) | no slash at the start, another one within, too long, or a NUL byte | `/name` |
//! | none | [`init_in`](Semaphore::init_in), [`find_in`](Semaphore::find_in) | [`Invalid`](crate::ErrorKind::Invalid) | beyond the mapping, or the offset is no multiple of 8 | another offset |
//! | `ENOSPC`, `ENOMEM` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | `/dev/shm` is full | free some; it is noticed here, and never `SIGBUS` later |
//! | `EMFILE`, `ENFILE` | creating, opening | [`LimitReached`](crate::ErrorKind::LimitReached) | descriptor table full | close some, or raise `RLIMIT_NOFILE` |
//!
//! Sources: [sem_overview(7)], [sem_open(3)], [sem_init(3)], [sem_wait(3)], [sem_post(3)], [sem_unlink(3)].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [sem_overview(7)]: https://man7.org/linux/man-pages/man7/sem_overview.7.html
//! [sem_open(3)]: https://man7.org/linux/man-pages/man3/sem_open.3.html
//! [sem_init(3)]: https://man7.org/linux/man-pages/man3/sem_init.3.html
//! [sem_wait(3)]: https://man7.org/linux/man-pages/man3/sem_wait.3.html
//! [sem_post(3)]: https://man7.org/linux/man-pages/man3/sem_post.3.html
//! [sem_unlink(3)]: https://man7.org/linux/man-pages/man3/sem_unlink.3.html

mod options;
mod permit;
mod raw;
mod semaphore;

pub use options::Options;
pub use permit::Permit;
pub use semaphore::Semaphore;

/// How many bytes of shared memory a semaphore takes: `size_of(sem_t)`.
pub const SIZE: usize = raw::SIZE;
