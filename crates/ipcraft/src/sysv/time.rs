//! Times of System V objects.

use std::time::{Duration, SystemTime};

/// Converts a time of the kernel, in seconds; 0 means never.
pub(crate) fn time(seconds: libc::time_t) -> Option<SystemTime> {
    let seconds = u64::try_from(seconds).ok().filter(|&seconds| seconds != 0)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}
