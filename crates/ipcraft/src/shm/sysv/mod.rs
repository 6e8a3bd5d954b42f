//! System V shared memory: segments identified by a number (sysvipc(7)).
//!
//! # When to use it
//!
//! For programs that already use it: databases, older C and Fortran codes, tools that list segments
//! with `ipcs`. It has two features that the other kinds lack. The kernel counts the attachments,
//! and `SHM_LOCK` keeps the present pages in memory for all processes.
//!
//! # When not
//!
//! For anything new. Keys collide, a forgotten segment persists, and there is no descriptor to
//! poll, pass on or close. Use a [`memfd`](crate::shm::memfd), or [`posix`](crate::shm::posix) for
//! a name.
//!
//! # Example
//!
//! ```
//! use ipcraft::shm::sysv::{Options, Segment};
//! use ipcraft::sysv::Key;
//!
//! let segment = Options::new().remove_on_drop(true).create_new(Key::PRIVATE, 10_000)?;
//! segment.attach()?.write_at(0, b"met")?;
//!
//! // Another handle, usually in another process that received the identifier:
//! let found = Segment::from_id(segment.id())?;
//! let mapping = found.attach_read_only()?;
//! let mut text = [0; 3];
//! mapping.read_at(0, &mut text)?;
//! assert_eq!(&text, b"met");
//! assert_eq!(segment.statistics()?.attachments, 1);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Contract
//!
//! * **Size** is fixed at creation. The kernel takes the memory on first access, and kills a
//!   process if there is none: [`populate`](crate::shm::Mapping::populate) fails instead.
//! * **New memory** is zero and immediately visible: another process can find a segment before its
//!   creator has filled it. Attaching a [`Shared`](crate::shm::Shared) value fails until its
//!   creator has finished.
//! * **Mappings** do not need the handle. Dropping one detaches it.
//! * **Removal** frees the key immediately, and the memory with the last mapping. Until then, Linux
//!   still allows new attachments by the identifier.
//! * **The identifier** of a removed segment is invalid; the kernel assigns others to the next
//!   segments, and the same one after some million. A removal therefore compares the key first, and
//!   on drop also creator and IPC namespace.
//! * **Fork** gives the child the mappings, which count as attachments. Only the creating process
//!   removes the segment on drop. **Exec** and **death** detach and leave the segment, even with
//!   [`remove_on_drop`](Options::remove_on_drop).
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EEXIST` | [`create_new`](Options::create_new) | [`AlreadyExists`](crate::ErrorKind::AlreadyExists) | a segment has this key | [`open`](Options::open) it, or use another key |
//! | `ENOENT` | [`open`](Options::open) | [`NotFound`](crate::ErrorKind::NotFound) | no segment has this key | create it |
//! | `EINVAL`, `EIDRM` | [`from_id`](Segment::from_id) | [`NotFound`](crate::ErrorKind::NotFound) | no segment has this identifier | obtain it again |
//! | `EINVAL` | [`create`](Options::create) | [`WrongType`](crate::ErrorKind::WrongType) | the existing segment is too small | find out which program created it: keys collide |
//! | `EINVAL` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | larger than `/proc/sys/kernel/shmmax` | raise it |
//! | `ENOSPC` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | `/proc/sys/kernel/shmmni` segments, or `shmall` pages | remove some; see `ipcs -m` |
//! | `ENOMEM` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | memory, or free huge pages, are short | ask for less |
//! | `EPERM` | creating | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | huge pages require root or the group in `/proc/sys/vm/hugetlb_shm_group` | join the group |
//! | none, `EINVAL` | creating, changing | [`Invalid`](crate::ErrorKind::Invalid) | a mode beyond 0o777, or an id that this user namespace does not map | write the mode in octal; map the id |
//! | none | creating, opening | [`Invalid`](crate::ErrorKind::Invalid) | the size is 0; or opening by [`Key::PRIVATE`](crate::sysv::Key::PRIVATE) | ask for more; pass the identifier |
//! | `EACCES` | attaching, statistics | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | not permitted by its mode | check owner and mode |
//! | `EPERM` | removing, changing, locking | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the caller is neither owner nor creator | act as one of them |
//! | `EINVAL`, `EIDRM` | any but creating | [`Removed`](crate::ErrorKind::Removed) | removed and detached everywhere | create another |
//! | `ENOMEM` | attaching | [`LimitReached`](crate::ErrorKind::LimitReached) | the address space is exhausted | detach some |
//! | `ENOMEM` | [`lock`](Segment::lock) | [`LimitReached`](crate::ErrorKind::LimitReached) | `RLIMIT_MEMLOCK` | raise it |
//!
//! Sources: [sysvipc(7)], [shmget(2)], [shmop(2)], [shmctl(2)].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [sysvipc(7)]: https://man7.org/linux/man-pages/man7/sysvipc.7.html
//! [shmget(2)]: https://man7.org/linux/man-pages/man2/shmget.2.html
//! [shmop(2)]: https://man7.org/linux/man-pages/man2/shmop.2.html
//! [shmctl(2)]: https://man7.org/linux/man-pages/man2/shmctl.2.html

mod options;
mod segment;
mod statistics;

pub use options::Options;
pub use segment::Segment;
pub use statistics::{Statistics, list};
