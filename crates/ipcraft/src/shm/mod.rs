//! Shared memory: the same bytes in several processes, with no copy and no system call in between (shm_overview(7)).
//!
//! # When to use it
//!
//! For data that is large, or read far more often than it changes, or passed so often that a system call per message
//! is too much. Three kinds of objects differ in how the others find it; what is done with the memory is the same for
//! all, and [`Mapping`] and [`Shared`] do it:
//!
//! | | found by | lives until | size | permission |
//! |---|---|---|---|---|
//! | [`memfd`] | a descriptor that one passes on | the last descriptor and mapping are gone | sealed: nobody can change it | whoever gets the descriptor |
//! | [`posix`] | a name, `/jobs` | removed, and then as above | can grow | owner and mode, as a file |
//! | [`sysv`] | a number that both agree on | removed and detached by all | fixed | owner and mode |
//!
//! Take a memfd for relatives and for peers that one has a socket to: it leaves nothing behind and its receiver need
//! not trust its sender with the size. Take `posix` for strangers who know a name, and `sysv` for programs that use it
//! already.
//!
//! # When not
//!
//! * Memory says nothing about *when*: a peer must be told that there is something to read. Mechanisms that tell, such
//!   as a [`socket`](crate::socket::seqpacket), are simpler, and fast enough for most.
//! * The peer is not to be trusted with what it writes *while* you read. Copy first and check the copy, or have a
//!   message sent.
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
//! // One writes the data and then says so, with `Release`.
//! ours.write_at(64, b"a frame")?;
//! ours.atomic_u32(0)?.store(7, Release);
//!
//! // The other looks with `Acquire`, and then sees all of it.
//! let length = theirs.atomic_u32(0)?.load(Acquire) as usize;
//! let mut frame = vec![0; length.min(64)]; // a peer may say anything
//! theirs.read_at(64, &mut frame)?;
//! assert_eq!(frame, b"a frame");
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Contract
//!
//! * **No references.** Safe code gets no `&[u8]` and no `&mut` into memory that others write: the compiler may read
//!   such a byte twice, and take both for the same. There are copies ([`read_at`](Mapping::read_at),
//!   [`write_at`](Mapping::write_at)), atomics, and values made of atomics ([`Shared`]).
//! * **Copies** find each byte as somebody wrote it, old or new. Only what an atomic with `Acquire` and `Release`, or
//!   another mechanism, puts in order is whole.
//! * **Room** is reserved when the object is made. A full `/dev/shm` is an error then, and no `SIGBUS` at the first
//!   access to a page.
//! * **Size.** A mapping is as long as the object was when it was mapped. Within it an access can fail in one way
//!   only: somebody who may write a *named* object makes it smaller, which is `SIGBUS` for all who touch the rest.
//!   This library never does, and the mode 0600 keeps other users out; against such peers a sealed [`memfd`] is the
//!   remedy.
//! * **Half made.** A [`posix`] object has its size, and a [`Shared`] value its contents, before its name appears: it
//!   is linked when it is complete, so nobody finds it earlier and a creator that dies leaves nothing.
//! * **Fork** gives the child all mappings. **Exec** and **death** remove them; the memory stays as it is, however
//!   many bytes a dying writer had written.
//!
//! # Errors
//!
//! Of [`Mapping`] and [`Shared`]; each kind of object has its own table.
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | none | access at an offset | [`Invalid`](crate::ErrorKind::Invalid) | beyond the length, or not aligned | check what you compute, above all from what a peer wrote |
//! | none | writing, atomics | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the mapping is read-only | map it for writing |
//! | `EACCES`, `EPERM` | mapping | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | opened for reading only, or sealed against writing | map it read-only |
//! | `ENOMEM` | mapping | [`LimitReached`](crate::ErrorKind::LimitReached) | `RLIMIT_AS`, or more than 65530 mappings (`vm.max_map_count`) | unmap some |
//! | `ENOMEM`, `EPERM`, `EAGAIN` | [`lock`](Mapping::lock) | [`LimitReached`](crate::ErrorKind::LimitReached) | `RLIMIT_MEMLOCK` | raise it |
//! | `EINVAL` | [`populate`](Mapping::populate) | [`Unsupported`](crate::ErrorKind::Unsupported) | a kernel before 5.14 | touch the pages instead |
//! | `EINVAL` | [`advise`](Mapping::advise) | [`Invalid`](crate::ErrorKind::Invalid) | the kernel was built without huge pages | do without |
//! | none | [`Shared::attach`] | [`WrongType`](crate::ErrorKind::WrongType) | the header shows another type or version, or there is no header | find out who wrote it; remove it if nobody needs it |
//! | none | [`Shared::attach`], [`Shared::initialize`] | [`InUse`](crate::ErrorKind::InUse) | the creator has not finished, or died before it had | wait, or make new memory |
//! | none | [`Shared::initialize`] | [`AlreadyExists`](crate::ErrorKind::AlreadyExists) | a value is there | attach to it |
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
mod huge;
mod mapping;
pub mod memfd;
pub mod posix;
mod shared;
pub mod sysv;

pub use access::{Access, Advice};
pub use huge::HugePages;
pub use mapping::Mapping;
pub use shared::{Plain, ProcessShared, Shared, SharedLayout};
