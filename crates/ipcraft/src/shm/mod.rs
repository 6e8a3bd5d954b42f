//! Shared memory: the same bytes in several processes, without copies or system calls
//! (shm_overview(7)).
//!
//! # When to use it
//!
//! For data that is large, read far more often than it changes, or exchanged so often that one
//! system call per message costs too much. Three kinds of objects differ in how processes find
//! them. [`Mapping`] and [`Shared`] work on all three:
//!
//! | | found by | lifetime | size | access control |
//! |---|---|---|---|---|
//! | [`memfd`] | a descriptor passed to the peer | until the last descriptor and mapping are gone | sealed: no process can change it | possession of the descriptor |
//! | [`posix`] | a name, such as `/jobs` | until removed, then as above | can grow | owner and mode, like a file |
//! | [`sysv`] | a numeric key | until removed and detached everywhere | fixed | owner and mode |
//!
//! Prefer a memfd for child processes and for peers connected by a socket. It leaves nothing
//! behind, and its sender cannot change its size. Use `posix` for processes that share only a name,
//! and `sysv` for existing programs that use it.
//!
//! # When not
//!
//! * Memory carries no notification: a peer must learn by other means that there is something to
//!   read. Mechanisms with notification, such as a [`socket`](crate::socket::seqpacket), are
//!   simpler and usually fast enough.
//! * An untrusted peer may write data while this process reads it. Copy first and validate the
//!   copy, or exchange messages.
//!
//! # Example
//!
//! ```
//! use std::sync::atomic::Ordering::{Acquire, Release};
//! use ipcraft::shm::memfd::Memfd;
//!
//! let memory = Memfd::create("frames", 1 << 20)?;
//! let (ours, theirs) = (memory.map()?, memory.map()?); // the second usually in another process
//!
//! // The writer stores the data, then publishes its length with `Release`.
//! ours.write_at(64, b"a frame")?;
//! ours.atomic_u32(0)?.store(7, Release);
//!
//! // A reader that loads the length with `Acquire` sees all of the data.
//! let length = theirs.atomic_u32(0)?.load(Acquire) as usize;
//! let mut frame = vec![0; length.min(64)]; // validate what a peer wrote
//! theirs.read_at(64, &mut frame)?;
//! assert_eq!(frame, b"a frame");
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Contract
//!
//! * **No references.** Safe code gets no `&[u8]` and no `&mut` to memory that peers write. The
//!   compiler may read such a byte twice and assume equal values. Use copies
//!   ([`read_at`](Mapping::read_at), [`write_at`](Mapping::write_at)), atomics, or values made of
//!   atomics ([`Shared`]).
//! * **Copies** may mix old and new bytes. Data is consistent only if an atomic with `Acquire` and
//!   `Release`, or another mechanism, orders the accesses.
//! * **Space** is reserved at creation. A full `/dev/shm` is an error then, never a later `SIGBUS`.
//!   So is a request beyond the memory of the machine or of a control group; it gets no process
//!   killed. System V segments and sparse objects take memory on first access:
//!   [`populate`](Mapping::populate) checks first.
//! * **Size.** The length of a mapping is the size of the object when it was mapped. An access
//!   within it fails only if a process with write permission shrinks a *named* object: that raises
//!   `SIGBUS`. This library never shrinks an object, and mode 0600 excludes other users. Against an
//!   untrusted peer, use a sealed [`memfd`].
//! * **Incomplete objects** are invisible. A [`posix`] object has its size, and a [`Shared`] value
//!   its contents, before its name appears. A creator that dies earlier leaves nothing.
//! * **Older kernels.** [`populate`](Mapping::populate) needs Linux 5.14. Before 6.3 a memfd can be
//!   executed. Nothing else here depends on a version from 5.10 on.
//! * **Fork** gives the child all mappings. **Exec** and **death** unmap them. The memory keeps
//!   whatever a dying writer had written.
//!
//! # Errors
//!
//! These are the errors of [`Mapping`] and [`Shared`]; each kind of object has its own table.
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | none | access at an offset | [`Invalid`](crate::ErrorKind::Invalid) | beyond the length, or misaligned | check the offset, above all if a peer supplied it |
//! | none | writing, atomics | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the mapping is read-only | map it for writing |
//! | `EACCES`, `EPERM` | mapping | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | opened read-only, or sealed against writing | map it read-only |
//! | `ENOMEM` | mapping | [`LimitReached`](crate::ErrorKind::LimitReached) | `RLIMIT_AS`, or more than 65530 mappings (`vm.max_map_count`) | unmap some |
//! | `ENOMEM`, `EPERM`, `EAGAIN` | [`lock`](Mapping::lock) | [`LimitReached`](crate::ErrorKind::LimitReached) | `RLIMIT_MEMLOCK` | raise it |
//! | none | [`populate`](Mapping::populate), [`lock`](Mapping::lock) | [`LimitReached`](crate::ErrorKind::LimitReached) | too little memory in the machine or the control group | map less, or raise the limit |
//! | `EFAULT` | [`populate`](Mapping::populate) | [`LimitReached`](crate::ErrorKind::LimitReached) | the file system is full, or the object shrank | free space, or map again |
//! | `EINVAL` | [`populate`](Mapping::populate) | [`Unsupported`](crate::ErrorKind::Unsupported) | a kernel before 5.14 | touch the pages instead |
//! | `EINVAL` | [`advise`](Mapping::advise) | [`Invalid`](crate::ErrorKind::Invalid) | the kernel was built without huge pages | omit the advice |
//! | none | [`Shared::attach`] | [`WrongType`](crate::ErrorKind::WrongType) | the header is missing, or of another type or version | find out which program wrote it; remove it if unused |
//! | none | [`Shared::attach`], [`Shared::initialize`] | [`InUse`](crate::ErrorKind::InUse) | the creator has not finished, or died before | wait, or create new memory |
//! | none | [`Shared::initialize`] | [`AlreadyExists`](crate::ErrorKind::AlreadyExists) | the memory already holds a value | attach to it |
//!
//! Sources: [shm_overview(7)], [mmap(2)], [madvise(2)], [mlock(2)].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [shm_overview(7)]: https://man7.org/linux/man-pages/man7/shm_overview.7.html
//! [mmap(2)]: https://man7.org/linux/man-pages/man2/mmap.2.html
//! [madvise(2)]: https://man7.org/linux/man-pages/man2/madvise.2.html
//! [mlock(2)]: https://man7.org/linux/man-pages/man2/mlock.2.html

mod access;
pub(crate) mod copy;
pub(crate) mod header;
mod huge;
mod mapping;
pub mod memfd;
pub mod posix;
mod residence;
mod shared;
pub mod sysv;

pub use access::{Access, Advice};
pub use huge::HugePages;
pub use mapping::Mapping;
pub(crate) use shared::hash_text;
pub use shared::{Plain, ProcessShared, Shared, SharedLayout};
