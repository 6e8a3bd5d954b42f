//! Shared memory without a name, that one passes to relatives and peers (memfd_create(2)).
//!
//! # When to use it
//!
//! Whenever the peer can be handed a descriptor: a child (with [`process`](crate::process)), or the other end of a
//! [`socket`](crate::socket::Ancillary). Nothing is left behind, nobody can plant anything, and the receiver need not
//! trust the sender with the size.
//!
//! # When not
//!
//! The peer shares nothing but a name with you: [`posix`](crate::shm::posix).
//!
//! # Example
//!
//! ```
//! use std::os::fd::AsFd;
//! use ipcraft::shm::memfd::Memfd;
//! use ipcraft::socket::{Ancillary, seqpacket};
//!
//! let (ours, theirs) = seqpacket::pair()?;
//! let memory = Memfd::create("picture", 100_000)?;
//! memory.map()?.write_at(99_990, b"last bytes")?;
//! ours.send_descriptors(b"picture", &[memory.as_fd()])?;
//!
//! // The peer, usually another process, takes it only if nobody can make it smaller any more:
//! let (_, mut descriptors) = theirs.recv_descriptors(&mut [0; 16], 1)?.expect("not the end");
//! let picture = Memfd::try_from(descriptors.remove(0))?;
//! let mut text = [0; 10];
//! picture.map_read_only()?.read_at(99_990, &mut text)?;
//! assert_eq!(&text, b"last bytes");
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Contract
//!
//! * **Sealed from birth.** Its size is fixed, so no access to a mapping can be `SIGBUS`, and from Linux 6.3 on it can
//!   never be executed. The set of seals is fixed too, unless it was made [unsealed](Options::unsealed) to add more
//!   when it has been filled.
//! * **Seals belong to the memory**, whatever descriptor leads to it and in whatever process, and cannot be taken off.
//! * **What comes from a peer** is taken only with [`Seals::REQUIRED`]. Its contents may change at any time, unless
//!   [`Seals::WRITE`] is among its seals, which `seals()` tells.
//! * **A hole** that somebody punches into it reads as zero; it is no fault.
//! * **Read-only for others.** Map it, then add [`Seals::FUTURE_WRITE`] and [`Seals::SEAL`], then pass it on: only
//!   mappings that were there can write. With [`Seals::WRITE`] nobody can; older kernels do not map such memory at
//!   all.
//! * **Fork** gives the child the descriptor and the mappings, **exec** closes them, **death** too; the memory is gone
//!   with the last of them.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | none, `EINVAL` | [`from_received`](Memfd::try_from) | [`WrongType`](crate::ErrorKind::WrongType) | a seal is missing, which the text names; no memfd at all; or an empty one | have the peer seal it; hang up |
//! | `EPERM` | [`seal`](Memfd::seal) | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the set of seals is sealed | make it [unsealed](Options::unsealed) |
//! | `EBUSY` | [`seal`](Memfd::seal) | [`InUse`](crate::ErrorKind::InUse) | it is mapped for writing somewhere | drop the mapping, or use [`Seals::FUTURE_WRITE`] |
//! | `EINVAL` | [`seal`](Memfd::seal) | [`Unsupported`](crate::ErrorKind::Unsupported) | the kernel does not know the seal | do without |
//! | `EPERM`, `EACCES` | [`map`](Memfd::map) | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | sealed against writing, or a descriptor for reading only | map it read-only |
//! | `ENOSPC`, none | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | memory, or free huge pages, are short | ask for less; see `/proc/meminfo` |
//! | none | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | `RLIMIT_FSIZE`, for which the kernel would send `SIGXFSZ` | raise it |
//! | `EMFILE`, `ENFILE` | creating, cloning | [`LimitReached`](crate::ErrorKind::LimitReached) | descriptor table full | close some, or raise `RLIMIT_NOFILE` |
//! | `ENODEV` | creating | [`Unsupported`](crate::ErrorKind::Unsupported) | no huge pages of that size on this machine | take another size |
//! | `EINVAL` | creating | [`InvalidName`](crate::ErrorKind::InvalidName) | over 249 bytes, or a NUL byte | shorten it |
//! | none | creating | [`Invalid`](crate::ErrorKind::Invalid) | the size is 0 | ask for more |
//!
//! Sources: [memfd_create(2)], [fcntl(2)], [fallocate(2)].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [memfd_create(2)]: https://man7.org/linux/man-pages/man2/memfd_create.2.html
//! [fcntl(2)]: https://man7.org/linux/man-pages/man2/fcntl.2.html
//! [fallocate(2)]: https://man7.org/linux/man-pages/man2/fallocate.2.html

mod memory;
mod options;
mod seals;

pub use memory::Memfd;
pub use options::Options;
pub use seals::Seals;
