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
#![deny(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod aside;
mod channels;
mod error;
pub mod escape;
mod file_locks;
mod identity;
mod limits;
mod list;
mod locks;
mod maps;
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
pub use name::{Kind, NameError, ObjectName, SocketName, SysvName};
pub use object::{Maker, Object, Queued, Reason, State};
pub use process::Process;
pub use remove::{Refusal, remove, remove_dead};
pub use scan::{Holder, View};
pub use waiting::Thread;
