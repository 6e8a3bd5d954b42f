//! Which IPC objects exist, which processes hold them, and which wait for which.
//!
//! The engine of `ipcraft ls` and its relatives. It reads `/proc`, the directories of POSIX objects
//! and the kernel's tables of System V objects. It prints nothing, and its results serialise.
//!
//! # When to use it
//!
//! * A service must find its own leftovers after a crash, or those of programs that are gone.
//! * An operator asks which process holds an object, or waits for it.
//!
//! # When not
//!
//! * **To decide what a program does next with an object.** Everything here is out of date when it
//!   is returned. Use locks and exclusive creation for that.
//! * To list all descriptors of all processes: lsfd(1) does.
//!
//! # Example
//!
//! ```
//! use ipcraft::shm::posix::Options;
//! use ipcraft_inspect::{ObjectName, State, find};
//!
//! let name = format!("/{}", ipcraft::name::unique("doc-inspect"));
//! let memory = Options::new().remove_on_drop(true).create_new(&name, 4096)?;
//! let (object, _) = find(&format!("shm:{name}").parse::<ObjectName>()?)?;
//! assert_eq!(object.state, State::Live);
//! assert_eq!(object.holders[0].process.pid, std::process::id());
//! # drop(memory);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What DEAD means
//!
//! [`State::Dead`] is a proof that no process held the object at one moment during the call. The
//! kernel counts open file descriptions for leases (`F_SETLEASE`, [fcntl(2)]), over all namespaces,
//! with descriptors in transit and mappings whose descriptor is closed. It counts attachments of
//! System V segments (`shm_nattch`, [shmctl(2)]), and refuses connections to a socket's file
//! without a socket. Where it counts nothing, the state is never `Dead`: System V queues and sets
//! of semaphores, and FIFOs. `/proc` only names the holders.
//!
//! The files that no process holds are leased for about a microsecond. A process that opens one
//! meanwhile waits, or gets `EAGAIN` with `O_NONBLOCK`. The lease notifies this process by
//! `SIGURG`, which is ignored by default.
//!
//! # Contract
//!
//! * **Stale.** Each object was read at a moment of its own. Objects and processes that come and go
//!   meanwhile may be missing, and fail no call.
//! * **Rights.** What may not be read is counted in [`View`], or makes a state
//!   [`State::Unknown`]. Only the owner of an object and root get a proof.
//! * **Fork, exec, death.** A call leaves nothing behind, except [`remove`]: if it is killed while
//!   it removes a file, that may be left as `.ipcraft-rm-…`.
//!
//! # Errors
//!
//! | errno | from | what happened | what to do |
//! |---|---|---|---|
//! | `ENOENT` | [`find`], [`remove`] | no object has the name | list them |
//! | `ESRCH` | [`held_by`] | no visible process has the id | check the pid namespace |
//! | `EACCES` | [`held_by`] | the process belongs to another user | run as root |
//! | `ENOENT` | all | `/proc` is not mounted | mount it |
//! | `EMFILE` | all | the descriptor table is full | raise `RLIMIT_NOFILE` |
//! | `EPERM`, `EACCES` | [`remove`] | the directory may not be changed | run as its owner or root |
//!
//! Sources: [fcntl(2)], [shmctl(2)], [proc(5)], [unix(7)].
//!
//! [fcntl(2)]: https://man7.org/linux/man-pages/man2/fcntl.2.html
//! [shmctl(2)]: https://man7.org/linux/man-pages/man2/shmctl.2.html
//! [proc(5)]: https://man7.org/linux/man-pages/man5/proc.5.html
//! [unix(7)]: https://man7.org/linux/man-pages/man7/unix.7.html
#![deny(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod aside;
mod channels;
mod error;
pub mod escape;
pub mod exchange;
mod file_locks;
mod identity;
mod limits;
mod list;
mod locks;
mod maps;
mod message_type;
mod name;
mod object;
mod paths;
mod posix_queues;
mod process;
mod proof;
mod remove;
mod scan;
mod shared_files;
mod sockets;
mod sys;
mod sysv;
mod waiting;

pub use channels::{ChannelDetails, Direction, Endpoint};
pub use error::{Error, Result};
pub use identity::{FileId, Identity};
pub use limits::{Limit, Most, limits};
pub use list::{Listing, find, held_by, list};
pub use locks::{Owner, Resource, Wait, Waits, waits};
pub use message_type::MessageType;
pub use name::{Kind, NameError, ObjectName, SocketName, SysvName};
pub use object::{Maker, Object, Queued, Reason, State};
pub use process::Process;
pub use remove::{Refusal, remove, remove_dead};
pub use scan::{Holder, View};
pub use waiting::Thread;
