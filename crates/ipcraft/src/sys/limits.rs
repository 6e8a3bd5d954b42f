//! The limits behind an errno: which one it was, and its value now.

use std::fs;

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};

use crate::error::Limit;

/// The limit behind `EMFILE` (this process's descriptor table), `ENFILE` (the system's) or `ETOOMANYREFS` (descriptors
/// that the user has sent and nobody has received).
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

/// A limit of this process, as it is now.
pub(crate) fn rlimit(name: &'static str, resource: Resource, requested: Option<u64>) -> Option<Limit> {
    let (soft, _hard) = getrlimit(resource).ok()?;
    Some(Limit { name, value: soft, requested })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_table_that_is_full() {
        assert_eq!(descriptors(Errno::EMFILE).unwrap().name(), "RLIMIT_NOFILE");
        assert_eq!(descriptors(Errno::ENFILE).unwrap().name(), "/proc/sys/fs/file-max");
        assert_eq!(descriptors(Errno::EINVAL), None);
    }

    #[test]
    fn an_unreadable_limit_is_no_limit() {
        assert_eq!(sysctl("/proc/sys/fs/no-such-limit", Some(1)), None);
    }
}
