//! The durations that tests wait for, in one place.

use std::env;
use std::time::Duration;

/// A timeout that is meant to expire: long enough to see that an operation waited.
pub const SHORT_TIMEOUT: Duration = Duration::from_millis(20);

/// A timeout that must not expire, even on a slow and loaded machine.
pub const LONG_TIMEOUT: Duration = Duration::from_secs(20);

/// The watchdog aborts a test that runs longer than this.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Returns the factor by which this machine is slower than the durations here assume:
/// `IPCRAFT_PATIENCE`, or 1. An emulated machine needs about 20.
///
/// # Panics
///
/// If the variable is not a number.
pub fn patience() -> u32 {
    env::var("IPCRAFT_PATIENCE").map_or(1, |factor| factor.parse().expect("IPCRAFT_PATIENCE is a number"))
}

/// Returns the time in which an endpoint must report the death of its peer.
///
/// The library promises 250 ms. The rest is for a loaded machine, which may run other processes
/// first.
pub fn death_notice_timeout() -> Duration {
    Duration::from_secs(1) * patience()
}
