//! POSIX semaphores: a counter in shared memory, named or unnamed (sem_overview(7)).
//!
//! # When to use it
//!
//! * To signal an event to another process, or to limit concurrent access to N identical resources.
//!   An operation makes **no system call** unless it blocks or wakes a process.
//! * As a part of other [shared memory](crate::shm): see [`Semaphore::init_in`].
//! * Together with programs in C or Python, which open the same semaphore by its name.
//!
//! # When not
//!
//! * **A holder may be killed.** Its unit is lost, nothing returns it, and the other processes wait
//!   forever: use [`semaphore::sysv`](super::sysv) with undo.
//! * The same thread waits for other events too: a semaphore cannot be polled.
//! * Several counters must change together: use a System V set.
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
//! // By name: at most two processes print at a time.
//! let name = format!("/{}", name::unique("doc-printers"));
//! let printers = Options::new().remove_on_drop(true).create_new(&name, 2)?;
//! let mine = Semaphore::open(&name)?; // usually in another process
//! let permit = mine.acquire()?;
//! assert_eq!(printers.value()?, 1);
//! drop(permit);
//! assert_eq!(printers.value()?, 2);
//!
//! // In memory: each process that maps it finds the semaphore at the agreed offset.
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
//! * **Order.** Writes before a [`post`](Semaphore::post) are visible after the
//!   [`wait`](Semaphore::wait) that takes it. Which of several waiters proceeds first is
//!   unspecified.
//! * **Time.** Timeouts use the monotonic clock (`sem_clockwait(3)`), since `sem_timedwait(3)`
//!   depends on the wall clock, which can be set.
//! * **Values** are 0 to 2147483647. The result of [`value`](Semaphore::value) may be stale; only a
//!   successful wait is reliable.
//! * **The name** is a slash and at most 251 bytes. It denotes the file `/dev/shm/sem.NAME`, with
//!   an owner and a mode (0600 by default, less the umask unless it is
//!   [exact](Options::exact_mode)). It appears together with the value, and
//!   persists until it is [removed](Semaphore::remove) or the machine stops.
//! * **Opening checks the file**: a regular file of the [expected owner](Options::owner) and
//!   [mode](Options::mode), large enough, with a process-shared semaphore in it. `sem_open(3)`
//!   itself would accept an empty file, whose first use raises `SIGBUS`. A file that
//!   another program left unfinished is refused until it is [unlinked](Semaphore::unlink). A file
//!   that is about to be finished can be [waited for](Options::open_timeout).
//! * **Trust.** A process that can write to the memory can break the semaphore. It can block other
//!   processes forever, or write invalid contents on which the C library aborts them. A process
//!   that can write to the file of a named semaphore can also shrink it, which makes the next use
//!   raise `SIGBUS`. Grant write permission to trusted processes only.
//! * **A handle** of a named semaphore holds a descriptor and a mapping. Two handles of one name
//!   are the same semaphore, within one process too.
//! * **Fork** gives the child the handle, but only the creating process removes the name on drop.
//!   **Exec** closes the handle.
//! * **Death** has no effect: units taken by the process stay taken. A process killed while it
//!   waits has taken nothing.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EAGAIN` | [`try_wait`](Semaphore::try_wait) | [`WouldBlock`](crate::ErrorKind::WouldBlock) | the value is 0 | retry later |
//! | `ETIMEDOUT` | [`wait_timeout`](Semaphore::wait_timeout) | [`TimedOut`](crate::ErrorKind::TimedOut) | the value stayed 0 | retry or abort |
//! | `EOVERFLOW` | [`post`](Semaphore::post) | [`Overflow`](crate::ErrorKind::Overflow) | the value is at its maximum and unchanged | find the post without a wait |
//! | `EINVAL` | creating, [`init_in`](Semaphore::init_in) | [`Overflow`](crate::ErrorKind::Overflow) | the value exceeds `SEM_VALUE_MAX` | use a smaller one |
//! | `ENOENT` | [`open`](Semaphore::open), [`remove`](Semaphore::remove), [`unlink`](Semaphore::unlink) | [`NotFound`](crate::ErrorKind::NotFound) | no semaphore has this name | create it |
//! | none | [`remove`](Semaphore::remove) | [`Removed`](crate::ErrorKind::Removed) | the name now belongs to another object | leave that object alone |
//! | `EEXIST` | [`create_new`](Semaphore::create_new) | [`AlreadyExists`](crate::ErrorKind::AlreadyExists) | the name is taken | open it, or use another name |
//! | none, `ELOOP`, `ENXIO`, `EISDIR` | opening, [`find_in`](Semaphore::find_in) | [`WrongType`](crate::ErrorKind::WrongType) | something else than a semaphore: a short file, a symbolic link, a directory | find out which program created it |
//! | none | opening | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | another owner than expected, or more permissions | set [`owner`](Options::owner), [`any_owner`](Options::any_owner), [`mode`](Options::mode) or [`any_mode`](Options::any_mode) if that is right |
//! | none | creating | [`Invalid`](crate::ErrorKind::Invalid) | a mode beyond 0o777 | write it in octal |
//! | `ETIMEDOUT` | [`open_timeout`](Options::open_timeout) | [`TimedOut`](crate::ErrorKind::TimedOut) | no semaphore has the name | start the creator |
//! | `EACCES` | opening, removing | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | not permitted by its owner and mode | check owner and mode |
//! | none | creating, opening, unlinking | [`InvalidName`](crate::ErrorKind::InvalidName) | no leading slash, a second slash, too long, or a NUL byte | use `/name` |
//! | none | [`init_in`](Semaphore::init_in), [`find_in`](Semaphore::find_in) | [`Invalid`](crate::ErrorKind::Invalid) | beyond the mapping, or the offset is not a multiple of 8 | use another offset |
//! | `ENOSPC`, `ENOMEM` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | `/dev/shm` is full; no later access raises `SIGBUS` | free some |
//! | `EMFILE`, `ENFILE` | creating, opening | [`LimitReached`](crate::ErrorKind::LimitReached) | descriptor table full | close some, or raise `RLIMIT_NOFILE` |
//!
//! Sources: [sem_overview(7)], [sem_open(3)], [sem_init(3)], [sem_wait(3)], [sem_post(3)],
//! [sem_unlink(3)].
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

/// Bytes of shared memory that a semaphore needs: `sizeof(sem_t)`.
pub const SIZE: usize = raw::SIZE;
