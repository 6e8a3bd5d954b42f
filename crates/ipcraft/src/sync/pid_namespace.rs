//! The pid namespace in which a lock may be used.
//!
//! The kernel identifies the owner of a robust lock by its thread id. When a thread dies, the
//! kernel compares that id with the id of the dying thread, as its own pid namespace shows it. A
//! thread that is killed while it waits could thus release a lock whose owner has the same id in
//! another namespace. So a lock may be used only in the namespace that initialized it.
//!
//! A process finds its namespace out once. The number is in memory that the kernel clears in each
//! child. A handler of the C library's fork(3) restores it there. A child of a raw clone(2) runs no
//! handler, so its first use of a lock ends on the slow path.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering::Relaxed, Ordering::Release};

use nix::errno::Errno;
use nix::sys::stat::{fstat, stat};
use nix::unistd::{getpid, getppid};

use super::c_library;
use super::held_count::MAX_LOCKS;
use crate::support::process_identity::{PER_PROCESS, wipe_on_fork};
use crate::sys::pidfd;

/// The errno for a lock that was not initialized.
pub(super) const UNINITIALIZED: Errno = Errno::EINVAL;

/// The errno for a lock of another pid namespace.
pub(super) const FOREIGN_PID_NS: Errno = Errno::EXDEV;

/// The file whose inode number identifies the pid namespace of this process.
pub(super) const NAMESPACE_FILE: &str = "/proc/self/ns/pid";

/// The pid namespace of a lock, as its inode number. Zero in new memory.
#[repr(transparent)]
pub(super) struct PidNamespace(AtomicU32);

impl PidNamespace {
    /// Binds the lock to a namespace that [`current`] returned.
    pub(super) fn init(&self, namespace: u32) {
        self.0.store(namespace, Relaxed);
    }

    /// Returns whether this is known to be the namespace of this process. False if either is not
    /// known.
    ///
    /// Requires that one of them is known: the lock is initialized, or the thread is below its
    /// limit of locks.
    #[inline]
    pub(super) fn is_current(&self) -> bool {
        self.0.load(Relaxed) == PER_PROCESS.lock_namespace.load(Relaxed)
    }

    /// Fails unless this process may use the lock.
    #[cold]
    pub(super) fn check(&self) -> nix::Result<()> {
        match self.0.load(Relaxed) {
            0 => Err(UNINITIALIZED),
            expected if expected == current()? => Ok(()),
            _ => Err(FOREIGN_PID_NS),
        }
    }

    /// Returns whether the lock was initialized.
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Relaxed) != 0
    }
}

/// Returns the namespace of this process.
///
/// # Errors
///
/// If it is not known yet: the errno of reading it, or [`c_library::UNKNOWN_PROCESS`].
pub(super) fn current() -> nix::Result<u32> {
    match PER_PROCESS.lock_namespace.load(Relaxed) {
        0 => establish(),
        known => Ok(known),
    }
}

/// Finds out which namespace this process is in, and that it may use locks.
#[cold]
fn establish() -> nix::Result<u32> {
    c_library::check_thread()?;
    // The handlers and the clearing come first, so that no child made meanwhile keeps the number.
    register_fork_handlers()?;
    // Without the clearing, only the handlers notice a new process.
    let _ = wipe_on_fork();
    let found = find()?;
    remember(found);
    Ok(found)
}

/// Stores the namespace, and then the limit that lets threads lock without a slow path.
fn remember(namespace: u32) {
    PER_PROCESS.lock_namespace.store(namespace, Relaxed);
    PER_PROCESS.max_held_locks.store(if namespace == 0 { 0 } else { MAX_LOCKS }, Release);
}

/// Reads the number of the namespace: from /proc, or else through a pidfd (Linux 6.11).
fn find() -> nix::Result<u32> {
    // An inode number of a namespace has 32 bits, and is not 0.
    stat(NAMESPACE_FILE).or_else(|errno| find_by_pidfd().map_err(|_| errno)).map(|found| found.st_ino as u32)
}

fn find_by_pidfd() -> nix::Result<nix::sys::stat::FileStat> {
    fstat(pidfd::pid_namespace(&pidfd::open(getpid().as_raw())?)?)
}

fn register_fork_handlers() -> nix::Result<()> {
    static REGISTERED: AtomicBool = AtomicBool::new(false);
    if REGISTERED.load(Relaxed) {
        return Ok(());
    }
    // SAFETY: because the handlers only ask for process ids and store them, which the child of a
    // process with threads may do, and registering them twice changes nothing.
    match unsafe { libc::pthread_atfork(Some(before_fork), None, Some(in_child)) } {
        0 => {
            REGISTERED.store(true, Relaxed);
            Ok(())
        }
        errno => Err(Errno::from_raw(errno)),
    }
}

/// The process that called fork.
static PARENT: AtomicI32 = AtomicI32::new(0);

/// The namespace of the process that called fork; zero if it was not known.
static INHERITED: AtomicU32 = AtomicU32::new(0);

extern "C" fn before_fork() {
    PARENT.store(getpid().as_raw(), Relaxed);
    INHERITED.store(PER_PROCESS.lock_namespace.load(Relaxed), Relaxed);
}

/// Restores the namespace if the parent has the id that it had before the fork.
///
/// A parent in another namespace has the id 0 here. So has the process that takes its place when it
/// dies: it is in the namespace of the parent. If the parent died in this namespace, the child
/// reads the same number again.
extern "C" fn in_child() {
    let same = getppid().as_raw() == PARENT.load(Relaxed);
    remember(if same { INHERITED.load(Relaxed) } else { 0 });
}
