//! The pid namespace in which a lock may be used.
//!
//! The kernel identifies the owner of a robust lock by its thread id. When a thread dies, the
//! kernel compares that id with the id of the dying thread, as its own pid namespace shows it. A
//! thread that is killed while it waits could thus release a lock whose owner has the same id in
//! another namespace. So a lock may be used only in the namespace that initialized it.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering::Relaxed};

use nix::errno::Errno;
use nix::sys::stat::stat;
use nix::unistd::{getpid, getppid};

/// The errno for a lock that was not initialized.
pub(super) const UNINITIALIZED: Errno = Errno::EINVAL;

/// The errno for a lock of another pid namespace.
pub(super) const FOREIGN_PID_NS: Errno = Errno::EXDEV;

/// The file whose inode number identifies the pid namespace of this process.
pub(super) const NAMESPACE_FILE: &str = "/proc/self/ns/pid";

/// The pid namespace of a lock, as its inode number. Zero in new memory.
#[repr(transparent)]
pub(super) struct PidNamespace(AtomicU32);

/// The pid namespace of this process, or [`UNKNOWN`] until it is first needed.
static CURRENT: AtomicU32 = AtomicU32::new(UNKNOWN);

/// A number that is neither the inode of a namespace, for which the kernel reserves it as invalid,
/// nor the content of new memory.
const UNKNOWN: u32 = u32::MAX;

impl PidNamespace {
    /// Binds the lock to a namespace that [`current`] returned.
    pub(super) fn init(&self, namespace: u32) {
        self.0.store(namespace, Relaxed);
    }

    /// Fails unless this process may use the lock.
    #[inline]
    pub(super) fn check(&self) -> nix::Result<()> {
        let expected = self.0.load(Relaxed);
        if expected == CURRENT.load(Relaxed) { Ok(()) } else { check_slow(expected) }
    }
}

#[cold]
fn check_slow(expected: u32) -> nix::Result<()> {
    match expected {
        0 => Err(UNINITIALIZED),
        expected if expected == current()? => Ok(()),
        _ => Err(FOREIGN_PID_NS),
    }
}

/// Returns the namespace of this process. Fails if it is not known yet and /proc cannot be read.
pub(super) fn current() -> nix::Result<u32> {
    match CURRENT.load(Relaxed) {
        UNKNOWN => read_current(),
        known => Ok(known),
    }
}

fn read_current() -> nix::Result<u32> {
    // The handlers come first, so that no child forked meanwhile keeps the number of its parent.
    register_fork_handlers()?;
    // An inode number of a namespace has 32 bits.
    let found = stat(NAMESPACE_FILE)?.st_ino as u32;
    CURRENT.store(found, Relaxed);
    Ok(found)
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

extern "C" fn before_fork() {
    PARENT.store(getpid().as_raw(), Relaxed);
}

/// Forgets the namespace unless the parent has the id that it had before the fork.
///
/// A parent in another namespace has the id 0 here. If the parent has died its id differs too, and
/// the child reads the same number again.
extern "C" fn in_child() {
    if getppid().as_raw() != PARENT.load(Relaxed) {
        CURRENT.store(UNKNOWN, Relaxed);
    }
}
