//! The durations that tests wait for, in one place.

use std::time::Duration;

/// A timeout that is meant to expire: long enough to see that an operation waited.
pub const SHORT_TIMEOUT: Duration = Duration::from_millis(20);

/// A timeout that must not expire, even on a slow and loaded machine.
pub const LONG_TIMEOUT: Duration = Duration::from_secs(20);

/// The time in which an endpoint must report the death of its peer.
///
/// The library promises 250 ms. The rest is for a loaded machine, which may run other processes
/// first.
pub const DEATH_NOTICE_TIMEOUT: Duration = Duration::from_secs(1);

/// The watchdog aborts a test that runs longer than this.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(60);
