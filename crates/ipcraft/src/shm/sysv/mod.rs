//! System V shared memory: segments with a number for a name (sysvipc(7)).
//!
//! # When to use it
//!
//! For programs that use it already: databases, older C and Fortran codes, tools that show segments with `ipcs`. It
//! has two things that the others lack: the kernel counts who is attached, and `SHM_LOCK` keeps the memory of all from
//! being swapped out.
//!
//! # When not
//!
//! For anything new. Keys collide, a segment that nobody removes stays, and no descriptor leads to it: nothing can be
//! polled, passed on or closed. Use a [`memfd`](crate::shm::memfd), or [`posix`](crate::shm::posix) for a name.
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
//! // Somebody else, usually another process, who was told the identifier:
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
//! * **Size** is what was asked for, and fixed. The kernel accounts for all of it at creation.
//! * **New memory** is all zero, and visible at once: an opener can find a segment that its creator has not filled.
//!   [`Shared`](crate::shm::Shared) tells them apart.
//! * **Mappings** do not need the handle. Dropping one detaches it.
//! * **Removing** takes the key away at once and the memory with the last mapping. Until then the identifier works on,
//!   also for new attachments, on Linux alone.
//! * **The identifier** of a removed segment leads nowhere; the kernel gives the next segments others.
//! * **Fork** gives the child the mappings, which count; only the creating process removes the segment on drop.
//!   **Exec** and **death** detach and leave the segment, also with [`remove_on_drop`](Options::remove_on_drop).
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EEXIST` | [`create_new`](Options::create_new) | [`AlreadyExists`](crate::ErrorKind::AlreadyExists) | a segment has this key | [`open`](Options::open) it, or take another key |
//! | `ENOENT` | [`open`](Options::open) | [`NotFound`](crate::ErrorKind::NotFound) | no segment has this key | create it |
//! | `EINVAL` | [`create`](Options::create) | [`WrongType`](crate::ErrorKind::WrongType) | it exists and is smaller than asked for | find out whose it is: keys collide |
//! | `EINVAL` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | larger than `/proc/sys/kernel/shmmax` | raise it |
//! | `ENOSPC` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | `/proc/sys/kernel/shmmni` segments, or `shmall` pages | remove some; see `ipcs -m` |
//! | `ENOMEM` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | memory, or free huge pages, are short | ask for less |
//! | `EPERM` | creating | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | huge pages are for root and the group in `/proc/sys/vm/hugetlb_shm_group` | join it |
//! | none | creating, opening | [`Invalid`](crate::ErrorKind::Invalid) | the size is 0; or [`Key::PRIVATE`](crate::sysv::Key::PRIVATE) to open | ask for more; pass the identifier on |
//! | `EACCES` | attaching, statistics | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | not permitted by its mode | check owner and mode |
//! | `EPERM` | removing, changing, locking | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | neither owner nor creator | leave it to them |
//! | `EINVAL`, `EIDRM` | any but creating | [`Removed`](crate::ErrorKind::Removed) | removed, and everybody has detached | create another |
//! | `ENOMEM` | attaching | [`LimitReached`](crate::ErrorKind::LimitReached) | the address space is used up | detach some |
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
pub use statistics::Statistics;
