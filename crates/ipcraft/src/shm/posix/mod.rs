//! Shared memory with a name, where unrelated processes meet (shm_overview(7)).
//!
//! # When to use it
//!
//! For processes that did not start each other and know a name: a service and its monitors, a cache that outlives its
//! makers.
//!
//! # When not
//!
//! * Relatives, or peers that one has a socket to: a [`memfd`](crate::shm::memfd) has no name that could be taken,
//!   left behind or planted, and cannot be made smaller by anybody.
//! * Data that has to survive the machine: the memory is on a tmpfs and gone at the next boot.
//!
//! # Example
//!
//! ```
//! use ipcraft::{name, shm::posix::{Options, SharedMemory}};
//!
//! let name = format!("/{}", name::unique("doc-posix"));
//! let memory = Options::new().remove_on_drop(true).create_new(&name, 4096)?;
//! memory.map()?.write_at(100, b"met")?;
//!
//! // Somebody else, usually another process, who knows nothing but the name:
//! let found = SharedMemory::open(&name)?;
//! let mut text = [0; 3];
//! found.map_read_only()?.read_at(100, &mut text)?;
//! assert_eq!(&text, b"met");
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Contract
//!
//! * **The object is a file** in `/dev/shm`, so that C programs and shells find it too. It is made without a name
//!   (`O_TMPFILE`), given its size, with room for every page, and then linked: nobody finds one without its size, one
//!   of several racing creators wins, and one that dies half way leaves nothing. This takes a tmpfs on `/dev/shm`, and
//!   `/proc`. Other programs may make objects the usual way, which are empty for a moment, and are refused in it.
//! * **What is behind the name** is checked at every open: a regular file, of the [expected owner](Options::owner),
//!   with [no more permissions](Options::mode) than expected, not empty. A planted FIFO, symbolic link, directory,
//!   socket or empty file is refused, and none of them is waited for.
//! * **The name** outlives every process until it is [removed](SharedMemory::remove) or the machine stops. The memory
//!   lives until it has neither name, descriptor nor mapping.
//! * **Size.** It can [grow](SharedMemory::grow), and is never made smaller here: see the [contract of the
//!   mappings](crate::shm#contract).
//! * **Fork** gives the child the handle, but only the creating process removes the name on drop. **Exec** closes it.
//!   **Death** leaves the name, also with [`remove_on_drop`](Options::remove_on_drop).
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EEXIST` | [`create_new`](Options::create_new) | [`AlreadyExists`](crate::ErrorKind::AlreadyExists) | something has this name | [`open`](Options::open) it, or take another name |
//! | `ENOENT` | opening, removing | [`NotFound`](crate::ErrorKind::NotFound) | nothing has this name | create it, or [wait](Options::open_timeout) for it |
//! | `ETIMEDOUT` | [`open_timeout`](Options::open_timeout) | [`TimedOut`](crate::ErrorKind::TimedOut) | nobody made it in time | try again or give up |
//! | `ELOOP`, `EINVAL`, `ENXIO`, none | opening | [`WrongType`](crate::ErrorKind::WrongType) | a symbolic link, a directory, a socket; or a FIFO, or an empty file | find out who put it there |
//! | none | [`create`](Options::create) | [`WrongType`](crate::ErrorKind::WrongType) | it exists and is smaller than asked for | remove it, or [grow](SharedMemory::grow) it |
//! | `EACCES` | opening | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | not permitted by its mode | check owner and mode |
//! | none | opening | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | another owner than expected, or more permissions | say so in the [`Options`] if it is right |
//! | `ENOSPC`, none | creating, growing | [`LimitReached`](crate::ErrorKind::LimitReached) | no free space in `/dev/shm`, or in memory | free some, or mount it larger |
//! | none | creating, growing | [`LimitReached`](crate::ErrorKind::LimitReached) | `RLIMIT_FSIZE`, for which the kernel would send `SIGXFSZ` | raise it |
//! | `EMFILE`, `ENFILE` | creating, opening | [`LimitReached`](crate::ErrorKind::LimitReached) | descriptor table full | close some, or raise `RLIMIT_NOFILE` |
//! | none | creating | [`Invalid`](crate::ErrorKind::Invalid) | the size is 0 | ask for more |
//! | none | [`grow`](SharedMemory::grow) | [`Invalid`](crate::ErrorKind::Invalid) | it is larger already | make another object |
//! | none | any | [`InvalidName`](crate::ErrorKind::InvalidName) | no slash in front, another one, or over 255 bytes | change it |
//! | none | [`remove`](SharedMemory::remove) | [`Removed`](crate::ErrorKind::Removed) | another object has the name by now | nothing: it is not yours |
//! | `EOPNOTSUPP`, `ENOENT` | creating | [`Unsupported`](crate::ErrorKind::Unsupported) | no tmpfs on `/dev/shm`, or no `/proc` | mount them |
//!
//! Sources: [shm_overview(7)], [shm_open(3)], [open(2)], [linkat(2)], [fallocate(2)].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [shm_overview(7)]: https://man7.org/linux/man-pages/man7/shm_overview.7.html
//! [shm_open(3)]: https://man7.org/linux/man-pages/man3/shm_open.3.html
//! [open(2)]: https://man7.org/linux/man-pages/man2/open.2.html
//! [linkat(2)]: https://man7.org/linux/man-pages/man2/link.2.html
//! [fallocate(2)]: https://man7.org/linux/man-pages/man2/fallocate.2.html

mod directory;
mod memory;
mod open;
mod options;

pub use memory::SharedMemory;
pub use options::Options;

use std::os::fd::BorrowedFd;

use crate::error::Result;
use crate::shm::{Access, Mapping};

/// Maps memory that is being made and has no name yet.
pub(crate) fn map_new(fd: BorrowedFd<'_>, size: usize) -> Result<Mapping> {
    Mapping::for_file(fd, size, Access::ReadWrite, None)
}
