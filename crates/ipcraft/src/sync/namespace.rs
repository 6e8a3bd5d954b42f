//! In which pid namespace a lock is used.
//!
//! The kernel knows the owner of a lock by the thread id, and compares it with that of a thread that dies, each as its
//! own pid namespace has it. So a thread that is killed while it waits for a lock would take it from an owner in another
//! namespace who has the same id there. Therefore a lock is for the namespace in which it was initialised.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicI32, AtomicU32, Ordering::Relaxed};

use nix::errno::Errno;
use nix::sys::stat::stat;
use nix::unistd::{getpid, getppid};

/// What a lock that was not initialised fails with.
pub(super) const NOWHERE: Errno = Errno::EINVAL;

/// What a lock of another namespace fails with.
pub(super) const ELSEWHERE: Errno = Errno::EXDEV;

/// The file whose inode number identifies the pid namespace of this process.
pub(super) const FILE: &str = "/proc/self/ns/pid";

/// The namespace of a lock: the number of its inode, or zero in new memory.
#[repr(transparent)]
pub(super) struct Namespace(AtomicU32);

/// That of this process, once somebody has asked.
static OURS: AtomicU32 = AtomicU32::new(UNKNOWN);

/// No inode of a namespace has this number, which the kernel takes for an invalid one, nor does new memory.
const UNKNOWN: u32 = u32::MAX;

impl Namespace {
    /// Notes that the lock is for the namespace of this process, as [`ours`] returned it.
    pub(super) fn init(&self, ours: u32) {
        self.0.store(ours, Relaxed);
    }

    /// Fails unless this process may use the lock.
    #[inline]
    pub(super) fn check(&self) -> nix::Result<()> {
        let wanted = self.0.load(Relaxed);
        if wanted == OURS.load(Relaxed) { Ok(()) } else { check_again(wanted) }
    }
}

#[cold]
fn check_again(wanted: u32) -> nix::Result<()> {
    match wanted {
        0 => Err(NOWHERE),
        wanted if wanted == ours()? => Ok(()),
        _ => Err(ELSEWHERE),
    }
}

/// The namespace of this process. Fails without /proc if no lock was used before.
pub(super) fn ours() -> nix::Result<u32> {
    match OURS.load(Relaxed) {
        UNKNOWN => find_ours(),
        known => Ok(known),
    }
}

fn find_ours() -> nix::Result<u32> {
    // First the handlers, so that no child that is forked meanwhile believes what it has from its parent.
    // SAFETY: because they do nothing but ask for process ids and store them, which is allowed in the child of a process
    // with threads, and having them twice changes nothing.
    match unsafe { libc::pthread_atfork(Some(before_fork), None, Some(in_child)) } {
        0 => {}
        errno => return Err(Errno::from_raw(errno)),
    }
    // The kernel has 32 bits for it.
    let found = stat(FILE)?.st_ino as u32;
    OURS.store(found, Relaxed);
    Ok(found)
}

/// Who forks.
static PARENT: AtomicI32 = AtomicI32::new(0);

extern "C" fn before_fork() {
    PARENT.store(getpid().as_raw(), Relaxed);
}

/// A parent in another namespace is 0 here. One that has died is not what it was either; then the same is found again.
extern "C" fn in_child() {
    if getppid().as_raw() != PARENT.load(Relaxed) {
        OURS.store(UNKNOWN, Relaxed);
    }
}
