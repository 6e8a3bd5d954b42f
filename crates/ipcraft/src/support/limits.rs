//! The limits behind an errno: their names and current values.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};

use super::memory_allowance::{Allowance, PLENTY};
use super::memory_limit;
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::pid::Pid;
use crate::time;

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

/// The memory that can be allocated without killing a process: of the machine, or of the control
/// group that has less left.
pub(crate) fn available_memory(bytes: usize) -> Option<Limit> {
    let least = least_memory(bytes as u64)?;
    Some(Limit { requested: Some(bytes as u64), ..least })
}

/// The same for any request of at most these bytes. A group that leaves more is not considered.
fn least_memory(bytes: u64) -> Option<Limit> {
    let text = whole_text("/proc/meminfo");
    let swap = text.as_deref().and_then(|text| kib(text, "SwapFree:")).unwrap_or(0).saturating_mul(1024);
    let machine = text.as_deref().and_then(|text| machine_memory(text, swap));
    let group = memory_limit::of_groups(bytes, swap);
    machine.into_iter().chain(group).min_by_key(|limit| limit.value)
}

/// [`available_memory`] for an errno that does not show how much was needed.
pub(crate) fn memory_left() -> Option<Limit> {
    available_memory(0).map(|limit| Limit { requested: None, ..limit })
}

/// Free or reclaimable memory, and swap (proc_meminfo(5)).
fn machine_memory(text: &str, swap: u64) -> Option<Limit> {
    let value = kib(text, "MemAvailable:")?.saturating_mul(1024).saturating_add(swap);
    Some(Limit { name: "available memory", value, requested: None })
}

/// Fails with [`LimitReached`](ErrorKind::LimitReached) if `bytes` more would make the kernel kill a
/// process.
///
/// Small requests may rely on limits that were read up to 100 ms before.
pub(crate) fn check_memory(operation: &'static str, bytes: usize) -> Result<()> {
    static ALLOWANCE: Allowance = Allowance::none();
    let (bytes, now) = (bytes as u64, time::now_coarse());
    if ALLOWANCE.take(bytes, now) {
        return Ok(());
    }
    match least_memory(bytes.max(PLENTY)) {
        Some(least) if least.value < bytes => Err(Error::new(operation, ErrorKind::LimitReached)
            .with_limit(Some(Limit { requested: Some(bytes), ..least }))
            .with_hint("ask for less, or raise the memory limit")),
        Some(least) => {
            ALLOWANCE.renew(least.value - bytes, now);
            Ok(())
        }
        None => Ok(()),
    }
}

/// A file of the kernel, whose length is unknown before it is read.
pub(crate) fn whole_text(path: impl AsRef<Path>) -> Option<String> {
    const USUAL_BYTES: usize = 4096;
    let mut text = String::with_capacity(USUAL_BYTES);
    // std asks a file, unlike what it takes from, for its length and position.
    File::open(path).ok()?.take(u64::MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The default size of huge pages.
pub(crate) fn default_huge_page() -> Option<usize> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    kib(&text, "Hugepagesize:")?.checked_mul(1024)?.try_into().ok()
}

/// The size of the pages of the mapping that starts at an address (proc_pid_smaps(5)).
pub(crate) fn page_size_at(start: usize) -> Option<usize> {
    let text = fs::read_to_string("/proc/self/smaps").ok()?;
    let heading = format!("{start:08x}-");
    let (_, mapping) = text.split_once(&format!("\n{heading}")).or_else(|| text.split_once(&heading))?;
    kib(mapping, "KernelPageSize:")?.checked_mul(1024)?.try_into().ok()
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

/// The limit behind `ENOMEM` of a new mapping: of the address space, or of the number of mappings.
pub(crate) fn mapping(bytes: usize) -> Option<Limit> {
    let space = rlimit("RLIMIT_AS", Resource::RLIMIT_AS, Some(bytes as u64))?;
    if space.value != RLIM_INFINITY {
        return Some(space);
    }
    let count = whole_text("/proc/self/maps")?.lines().count() as u64;
    sysctl("/proc/sys/vm/max_map_count", Some(count + 1)).filter(Limit::is_exceeded)
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
    fn mapping_without_an_exceeded_limit_names_none() {
        let unlimited = rlimit("RLIMIT_AS", Resource::RLIMIT_AS, None).unwrap().value == RLIM_INFINITY;
        assert_eq!(mapping(4096).is_none(), unlimited);
    }

    #[test]
    fn page_size_at_the_start_of_a_mapping_is_found() {
        let map = memmap2::MmapRaw::from(memmap2::MmapMut::map_anon(4096).unwrap());
        // Mappings may be merged. Then the address starts none.
        assert!(page_size_at(map.as_ptr().addr()).is_none_or(|size| size >= 4096));
        // No mapping starts within a page.
        assert_eq!(page_size_at(1), None);
    }

    #[test]
    fn sysctl_of_a_missing_file_returns_none() {
        assert_eq!(sysctl("/proc/sys/fs/no-such-limit", Some(1)), None);
    }
}
