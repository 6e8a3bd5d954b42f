//! The limits behind an errno: their names and current values.

use std::fs;

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};

use crate::error::Limit;
use crate::pid::Pid;

/// The limit behind `EMFILE` (this process's descriptor table), `ENFILE` (the system's) or
/// `ETOOMANYREFS` (descriptors that the user has in transit).
pub(crate) fn descriptors(errno: Errno) -> Option<Limit> {
    match errno {
        Errno::EMFILE | Errno::ETOOMANYREFS => rlimit("RLIMIT_NOFILE", Resource::RLIMIT_NOFILE, None),
        Errno::ENFILE => sysctl("/proc/sys/fs/file-max", None),
        _ => None,
    }
}

/// A limit under /proc/sys, if it can be read.
pub(crate) fn sysctl(path: &'static str, requested: Option<u64>) -> Option<Limit> {
    let value = fs::read_to_string(path).ok()?.trim().parse().ok()?;
    Some(Limit { name: path, value, requested })
}

/// The limit of memory that the process may lock.
pub(crate) fn locked(bytes: usize) -> Option<Limit> {
    rlimit("RLIMIT_MEMLOCK", Resource::RLIMIT_MEMLOCK, Some(bytes as u64))
}

/// The limit of the size of a file.
pub(crate) fn file_size(bytes: usize) -> Option<Limit> {
    rlimit("RLIMIT_FSIZE", Resource::RLIMIT_FSIZE, Some(bytes as u64))
}

/// The memory that can be allocated without killing a process: free or reclaimable memory, and swap
/// (proc_meminfo(5)).
pub(crate) fn available_memory(bytes: usize) -> Option<Limit> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let value = kib(&text, "MemAvailable:")?.saturating_add(kib(&text, "SwapFree:")?).saturating_mul(1024);
    Some(Limit { name: "available memory", value, requested: Some(bytes as u64) })
}

/// The default size of huge pages.
pub(crate) fn default_huge_page() -> Option<usize> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    kib(&text, "Hugepagesize:")?.checked_mul(1024)?.try_into().ok()
}

/// The limit of signals queued for the user of a process, and the number with one more
/// (proc_pid_status(5), `SigQ`).
pub(crate) fn pending_signals(pid: Pid) -> Option<Limit> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let numbers = text.lines().find_map(|line| line.strip_prefix("SigQ:"))?;
    let (queued, value) = numbers.trim().split_once('/')?;
    let queued: u64 = queued.parse().ok()?;
    Some(Limit { name: "RLIMIT_SIGPENDING", value: value.parse().ok()?, requested: Some(queued + 1) })
}

/// A line of proc_meminfo(5).
fn kib(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse().ok())
}

/// The limit of the process's address space.
pub(crate) fn address_space(bytes: usize) -> Option<Limit> {
    rlimit("RLIMIT_AS", Resource::RLIMIT_AS, Some(bytes as u64))
}

/// A limit of this process at its current value.
pub(crate) fn rlimit(name: &'static str, resource: Resource, requested: Option<u64>) -> Option<Limit> {
    let (soft, _hard) = getrlimit(resource).ok()?;
    Some(Limit { name, value: soft, requested })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_names_the_table_of_each_errno() {
        assert_eq!(descriptors(Errno::EMFILE).unwrap().name(), "RLIMIT_NOFILE");
        assert_eq!(descriptors(Errno::ENFILE).unwrap().name(), "/proc/sys/fs/file-max");
        assert_eq!(descriptors(Errno::EINVAL), None);
    }

    #[test]
    fn pending_signals_reports_the_number_with_one_more() {
        let limit = pending_signals(Pid::current()).unwrap();
        assert_eq!(limit.name(), "RLIMIT_SIGPENDING");
        assert!(limit.requested() >= Some(1));
        assert_eq!(pending_signals(Pid::from_raw(i32::MAX).unwrap()), None);
    }

    #[test]
    fn sysctl_of_a_missing_file_returns_none() {
        assert_eq!(sysctl("/proc/sys/fs/no-such-limit", Some(1)), None);
    }
}
