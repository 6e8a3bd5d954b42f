//! Anonymous shared memory, shared by passing a descriptor (memfd_create(2)).
//!
//! # When to use it
//!
//! Whenever the peer can receive a descriptor: a child process (see [`process`](crate::process)),
//! or the peer of a [`socket`](crate::socket::Ancillary). It has no name that could be left behind
//! or hijacked. The sender cannot change the size, and the receiver checks that.
//!
//! # When not
//!
//! The peer shares nothing but a name with this process: use [`posix`](crate::shm::posix).
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
//! // The peer, usually another process, accepts it only if it is sealed against shrinking:
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
//! * **Sealed at creation.** The size is fixed, so an access to a mapping never raises `SIGBUS`.
//!   From Linux 6.3 the memory can never be executed. The set of seals is fixed too, unless the
//!   memfd was created [unsealed](Options::unsealed) to add more after filling it.
//! * **Seals belong to the memory**, across all descriptors and processes, and cannot be removed.
//! * **A received memfd** is accepted only with [`Seals::REQUIRED`]. Its contents may change at any
//!   time, unless [`seals`](Memfd::seals) contains [`Seals::WRITE`].
//! * **A punched hole** reads as zero and raises no signal.
//! * **Read-only sharing.** Map it, add [`Seals::FUTURE_WRITE`] and [`Seals::SEAL`], then pass it
//!   on: only existing mappings can write. With [`Seals::WRITE`] no mapping can; older kernels do
//!   not map such memory at all.
//! * **Sparse memfds** are made on [request](Options::sparse) only: an access can get a process
//!   killed.
//! * **Permission bits** matter to a receiver that reopens its descriptor: see
//!   [`exact_mode`](Options::exact_mode).
//! * **Fork** gives the child the descriptor and the mappings; **exec** and **death** close them.
//!   The memory is freed with the last of them.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | none, `EINVAL` | `Memfd::try_from` | [`WrongType`](crate::ErrorKind::WrongType) | a seal is missing, which the error names; or not a memfd; or empty | have the peer seal it, or disconnect |
//! | `EPERM` | [`seal`](Memfd::seal) | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the set of seals is sealed | create it [unsealed](Options::unsealed) |
//! | `EBUSY` | [`seal`](Memfd::seal) | [`InUse`](crate::ErrorKind::InUse) | a process maps it for writing | drop the mapping, or use [`Seals::FUTURE_WRITE`] |
//! | `EINVAL` | [`seal`](Memfd::seal) | [`Unsupported`](crate::ErrorKind::Unsupported) | the kernel does not know the seal | omit it |
//! | `EPERM`, `EACCES` | [`map`](Memfd::map) | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | sealed against writing, or a read-only descriptor | map it read-only |
//! | `ENOSPC`, none | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | memory of the machine or the control group, or free huge pages, are short | ask for less; see `/proc/meminfo` |
//! | none | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | `RLIMIT_FSIZE`, for which the kernel would send `SIGXFSZ` | raise it |
//! | `EMFILE`, `ENFILE` | creating, cloning | [`LimitReached`](crate::ErrorKind::LimitReached) | descriptor table full | close some, or raise `RLIMIT_NOFILE` |
//! | `ENODEV` | creating | [`Unsupported`](crate::ErrorKind::Unsupported) | the machine has no huge pages of that size | use another size |
//! | `EINVAL` | creating | [`InvalidName`](crate::ErrorKind::InvalidName) | over 249 bytes, or a NUL byte | shorten it |
//! | none | creating | [`Invalid`](crate::ErrorKind::Invalid) | the size is 0, or the mode has bits beyond 0o777 | ask for more; write the mode in octal |
//! | none | [`reserve`](Memfd::reserve) | [`Invalid`](crate::ErrorKind::Invalid) | the range is empty, or not within the memfd | check the range |
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
