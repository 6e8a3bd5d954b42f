//! Named shared memory, for unrelated processes (shm_overview(7)).
//!
//! # When to use it
//!
//! For processes that did not start each other but agree on a name: a service and its monitors, or
//! a cache that outlives its creators.
//!
//! # When not
//!
//! * Child processes, or peers connected by a socket: a [`memfd`](crate::shm::memfd) has no name
//!   that could be taken, hijacked or left behind. No process can shrink it.
//! * Data that has to survive a reboot: the memory lives on a tmpfs.
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
//! // Another handle, usually in another process that knows only the name:
//! let found = SharedMemory::open(&name)?;
//! let mut text = [0; 3];
//! found.map_read_only()?.read_at(100, &mut text)?;
//! assert_eq!(&text, b"met");
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Contract
//!
//! * **An object is a file** in `/dev/shm`, so C programs and shells find it too. It is created
//!   without a name (`O_TMPFILE`), sized with space for every page reserved, and then linked. So no
//!   process can open one without its size. Exactly one of several racing creators succeeds. A
//!   creator that dies early leaves nothing. This needs a tmpfs on `/dev/shm`, and `/proc` or Linux
//!   6.10.
//! * **Objects of other programs** that use `shm_open(3)` are empty at first. Opening rejects them
//!   while they are empty, and [`open_timeout`](Options::open_timeout) waits for their size. An
//!   object whose creator died stays empty until it is [unlinked](SharedMemory::unlink).
//! * **Sparse objects** are made on [request](Options::sparse) only: an access can raise `SIGBUS` or
//!   get a process killed.
//! * **Opening checks the object**: a regular file, of the [expected owner](Options::owner), with
//!   [no more permissions](Options::mode) than expected, and of a [least size](Options::min_size). A
//!   FIFO, symbolic link, directory, socket or empty file is rejected without blocking. The checks
//!   of [owner](Options::any_owner) and [mode](Options::any_mode) can be omitted.
//! * **Removal** needs no free descriptor, and spares another object that has the name. Without
//!   [`remove_on_drop`](Options::remove_on_drop) and with a full descriptor table,
//!   [`remove`](SharedMemory::remove) leaves a moment in which it may meet that other object.
//! * **The name** persists until it is [removed](SharedMemory::remove) or the machine stops. The
//!   memory persists while it has a name, a descriptor or a mapping.
//! * **Size.** An object can [grow](SharedMemory::grow), and this library never shrinks it: see the
//!   [contract of mappings](crate::shm#contract).
//! * **Fork** gives the child the handle, but only the creating process removes the name on drop.
//!   **Exec** closes it. **Death** leaves the name, even with
//!   [`remove_on_drop`](Options::remove_on_drop).
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EEXIST` | [`create_new`](Options::create_new) | [`AlreadyExists`](crate::ErrorKind::AlreadyExists) | the name is taken | [`open`](Options::open) it, or use another name |
//! | `ENOENT` | opening, removing | [`NotFound`](crate::ErrorKind::NotFound) | no object has this name | create it, or [wait](Options::open_timeout) for it |
//! | `ETIMEDOUT` | [`open_timeout`](Options::open_timeout) | [`TimedOut`](crate::ErrorKind::TimedOut) | no process created and sized it in time; an object that is there is named with its size | retry, or [unlink](SharedMemory::unlink) an abandoned one |
//! | `ELOOP`, `EINVAL`, `ENXIO`, none | opening | [`WrongType`](crate::ErrorKind::WrongType) | the name belongs to a symbolic link, a directory, a socket, a FIFO or an empty file | find out which program created it; [unlink](SharedMemory::unlink) an abandoned one |
//! | none | [`create`](Options::create) | [`WrongType`](crate::ErrorKind::WrongType) | the existing object is too small, as for [`min_size`](Options::min_size) | remove it, or [grow](SharedMemory::grow) it |
//! | `EAGAIN` | opening | [`WouldBlock`](crate::ErrorKind::WouldBlock) | another process has kept a lease on the file (`F_SETLEASE`) for 50 ms | find it in /proc/locks |
//! | `EACCES` | opening, unlinking | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | not permitted by its owner and mode | check owner and mode |
//! | none | opening | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | another owner than expected, or more permissions; the error names those found | set the [`Options`] accordingly if that is right |
//! | `ENOSPC`, none | creating, growing | [`LimitReached`](crate::ErrorKind::LimitReached) | no free space in `/dev/shm`, in memory, or in the control group | free some, or raise the limit |
//! | none | creating, growing | [`LimitReached`](crate::ErrorKind::LimitReached) | `RLIMIT_FSIZE`, for which the kernel would send `SIGXFSZ` | raise it |
//! | `EMFILE`, `ENFILE` | creating, opening | [`LimitReached`](crate::ErrorKind::LimitReached) | descriptor table full | close some, or raise `RLIMIT_NOFILE` |
//! | none | creating, opening | [`Invalid`](crate::ErrorKind::Invalid) | the size is 0, or the mode has bits beyond 0o777 | ask for more; write the mode in octal |
//! | none | [`reserve`](SharedMemory::reserve) | [`Invalid`](crate::ErrorKind::Invalid) | the range is empty, or not within the object | check the range |
//! | none | [`grow`](SharedMemory::grow) | [`Invalid`](crate::ErrorKind::Invalid) | the object is already larger | create another object |
//! | none | any | [`InvalidName`](crate::ErrorKind::InvalidName) | no leading slash, a second slash, or over 255 bytes | change it |
//! | none | [`remove`](SharedMemory::remove) | [`Removed`](crate::ErrorKind::Removed) | the name now belongs to another object | leave that object alone |
//! | `EOPNOTSUPP`, `ENOENT` | creating | [`Unsupported`](crate::ErrorKind::Unsupported) | no tmpfs on `/dev/shm`; no `/proc`, before Linux 6.10 | mount them |
//!
//! Sources: [shm_overview(7)], [shm_open(3)], [open(2)], [linkat(2)], [fallocate(2)].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [shm_overview(7)]: https://man7.org/linux/man-pages/man7/shm_overview.7.html
//! [shm_open(3)]: https://man7.org/linux/man-pages/man3/shm_open.3.html
//! [open(2)]: https://man7.org/linux/man-pages/man2/open.2.html
//! [linkat(2)]: https://man7.org/linux/man-pages/man2/link.2.html
//! [fallocate(2)]: https://man7.org/linux/man-pages/man2/fallocate.2.html

mod creation;
mod directory;
mod memory;
mod open;
mod options;

pub use memory::SharedMemory;
pub use options::Options;

use std::os::fd::BorrowedFd;

use crate::error::Result;
use crate::shm::{Access, Mapping};

/// Bytes that a name may have after its slash: `NAME_MAX` (shm_overview(7)).
const LONGEST_NAME: usize = 255;

/// Maps an object that is under construction and has no name yet.
pub(crate) fn map_new(fd: BorrowedFd<'_>, size: usize) -> Result<Mapping> {
    Mapping::for_file(fd, size, 0, Access::ReadWrite, None)
}

/// Maps `size` bytes of a file for reading.
pub(crate) fn map_read_only(fd: BorrowedFd<'_>, size: usize) -> Result<Mapping> {
    Mapping::for_file(fd, size, 0, Access::ReadOnly, None)
}
