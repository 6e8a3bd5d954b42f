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
#![forbid(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod escape;
mod name;

pub use name::{Kind, NameError, ObjectName, SocketName, SysvName};
