//! The identity of this process, which no fork and no reused id can fake.
//!
//! A forked child has copies of its parent's handles, and must not remove what they made. A
//! process id does not distinguish the two: in a pid namespace of its own, a child can have its
//! parent's id.
//!
//! So the identity is a word of memory that the kernel clears in each child (`MADV_WIPEONFORK`,
//! Linux 4.14), also in one of a raw clone(2), for which no handler of the C library runs. Threads
//! and the child of a vfork(2) share the memory. There a handle is the same one and no copy, so
//! the identity is the same too.

#![allow(unsafe_code)]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use nix::sys::mman::{MmapAdvise, madvise};

/// Memory that is zero again in each new process, however that was made. It fills whole pages.
///
/// What a process finds out about itself and has to forget in a child gets a word here. It is
/// stored only after [`wipe_on_fork`] succeeded.
#[repr(C)]
#[cfg_attr(target_arch = "x86_64", repr(align(4096)))]
#[cfg_attr(not(target_arch = "x86_64"), repr(align(65536)))]
pub(crate) struct PerProcess {
    /// The identity of this process; zero until it is first needed.
    identity: AtomicU64,
    /// The pid namespace of this process, for the locks; zero until it is first needed.
    pub(crate) lock_namespace: AtomicU32,
    /// How many locks a thread may hold; zero until `lock_namespace` is known.
    pub(crate) max_held_locks: AtomicU32,
}

pub(crate) static PER_PROCESS: PerProcess = PerProcess {
    identity: AtomicU64::new(0),
    lock_namespace: AtomicU32::new(0),
    max_held_locks: AtomicU32::new(0),
};

/// The highest identity that this process or an ancestor had. It survives a fork, so the child's
/// next number is one that no copied handle contains.
static LAST: AtomicU64 = AtomicU64::new(0);

/// Makes the kernel clear [`PER_PROCESS`] in all children of this process from now on.
pub(crate) fn wipe_on_fork() -> nix::Result<()> {
    let memory = NonNull::from(&PER_PROCESS).cast();
    // SAFETY: because MADV_WIPEONFORK changes nothing in this process (madvise(2)), and the range
    // consists of whole pages that contain no other static. A child has no references that expect
    // other values than zeroes, since every word is an atomic.
    unsafe { madvise(memory, size_of::<PerProcess>(), MmapAdvise::MADV_WIPEONFORK) }
}

/// A process, as a handle notes it that only its own process may clean up after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcessIdentity {
    /// The word that the kernel clears on fork.
    Word(u64),
    /// Where the kernel does not: before Linux 4.14, and under some emulators.
    Numbers(Numbers),
}

impl ProcessIdentity {
    /// Returns the identity of the calling process.
    pub(crate) fn current() -> ProcessIdentity {
        match PER_PROCESS.identity.load(Relaxed) {
            0 => first_use(),
            known => ProcessIdentity::Word(known),
        }
    }

    /// The identity of no process.
    #[cfg(test)]
    pub(crate) const OTHER: ProcessIdentity = ProcessIdentity::Word(u64::MAX);

    /// Returns whether this is the calling process.
    pub(crate) fn is_current(self) -> bool {
        match self {
            ProcessIdentity::Word(word) => PER_PROCESS.identity.load(Relaxed) == word,
            ProcessIdentity::Numbers(numbers) => numbers.match_those_of(Numbers::current()),
        }
    }
}

#[cold]
fn first_use() -> ProcessIdentity {
    if wipe_on_fork().is_err() {
        return ProcessIdentity::Numbers(Numbers::current());
    }
    ProcessIdentity::Word(claim(&PER_PROCESS.identity, &LAST))
}

/// Stores a number that no ancestor had. Several threads agree on the first.
fn claim(identity: &AtomicU64, last: &AtomicU64) -> u64 {
    let next = last.fetch_add(1, Relaxed) + 1;
    identity.compare_exchange(0, next, Relaxed, Relaxed).map_or_else(|first| first, |_| next)
}

/// What /proc contains about a process. Without /proc, only the id is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    pid: u32,
    /// The inode number of the pid namespace.
    namespace: Option<u64>,
    /// The start time, in clock ticks since the boot.
    started: Option<u64>,
}

impl Numbers {
    fn current() -> Numbers {
        Numbers {
            pid: process::id(),
            namespace: fs::metadata("/proc/self/ns/pid").ok().map(|file| file.ino()),
            started: fs::read("/proc/self/stat").ok().and_then(|stat| start_time(&stat)),
        }
    }

    fn match_those_of(self, other: Numbers) -> bool {
        let agree = |a: Option<u64>, b: Option<u64>| a.zip(b).is_none_or(|(a, b)| a == b);
        self.pid == other.pid && agree(self.namespace, other.namespace) && agree(self.started, other.started)
    }
}

/// The 22nd field of proc_pid_stat(5). The second one is a name that may contain anything.
fn start_time(stat: &[u8]) -> Option<u64> {
    let end_of_name = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = str::from_utf8(&stat[end_of_name + 1..]).ok()?;
    rest.split_ascii_whitespace().nth(22 - 3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::Pid;

    use super::*;

    /// Runs `check` in a child of a raw clone(2), for which no handler of the C library runs.
    fn in_raw_clone(check: impl FnOnce() -> bool) -> bool {
        // SAFETY: because clone(2) without a stack copies the process, as fork(2) does.
        let child = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
        if child == 0 {
            let status = i32::from(!check());
            // SAFETY: because _exit(2) runs no handlers or destructors of the parent's.
            unsafe { libc::_exit(status) }
        }
        waitpid(Pid::from_raw(child as i32), None).unwrap()
            == WaitStatus::Exited(Pid::from_raw(child as i32), 0)
    }

    #[test]
    fn identity_in_a_raw_clone_is_another_and_in_its_parent_the_same() {
        let parent = ProcessIdentity::current();
        assert!(matches!(parent, ProcessIdentity::Word(_)), "{parent:?}");
        assert!(in_raw_clone(|| {
            // Before and after the first use in the child.
            let before = parent.is_current();
            let child = ProcessIdentity::current();
            !before && !parent.is_current() && child != parent && child.is_current()
        }));
        assert!(in_raw_clone(|| {
            let child = ProcessIdentity::current();
            in_raw_clone(|| !child.is_current() && ![parent, child].contains(&ProcessIdentity::current()))
        }));
        assert!(parent.is_current() && ProcessIdentity::current() == parent);
    }

    #[test]
    fn identity_from_many_threads_at_first_use_is_one() {
        for round in 0..100 {
            let (identity, last) = (AtomicU64::new(0), AtomicU64::new(round));
            let found: Vec<_> = thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| claim(&identity, &last))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert!(found.iter().all(|one| *one == found[0] && *one > round), "{found:?}");
        }
    }

    #[test]
    fn numbers_of_another_process_do_not_match() {
        let own = Numbers::current();
        assert!(own.namespace.is_some() && own.started.is_some(), "{own:?}");
        assert!(own.match_those_of(Numbers::current()));
        for other in [
            Numbers { pid: own.pid + 1, ..own },
            Numbers { namespace: Some(1), ..own },
            Numbers { started: own.started.map(|ticks| ticks + 1), ..own },
        ] {
            assert!(!own.match_those_of(other) && !ProcessIdentity::Numbers(other).is_current(), "{other:?}");
        }
        // After a chroot, /proc may be missing.
        assert!(own.match_those_of(Numbers { namespace: None, started: None, ..own }));
    }

    #[test]
    fn start_time_after_a_name_with_parentheses_is_found() {
        let fields = (3..=52).map(|field| field.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(start_time(format!("7 (a) b) c) {fields}").as_bytes()), Some(22));
        assert_eq!(start_time(b"7 (a) S 1"), None);
    }
}
