//! Deadlines on the monotonic clock.
//!
//! Every `…_timeout` call of this library converts its [`Duration`] to a [`Deadline`] once. A call
//! that is interrupted by signals or woken spuriously then waits for the *remaining* time. A step
//! of the wall clock has no effect. Use a [`Deadline`] directly if several calls share one time
//! budget.
//!
//! The clock is `CLOCK_MONOTONIC` ([clock_gettime(2)]), which stops during suspend.
//!
//! ```
//! use std::time::Duration;
//! use ipcraft::time::Deadline;
//!
//! let budget = Deadline::after(Duration::from_secs(5));
//! assert!(budget.remaining().unwrap() <= Duration::from_secs(5));
//! assert!(Deadline::after(Duration::ZERO).has_passed());
//! assert_eq!(Deadline::after(Duration::MAX).remaining(), None); // never
//! ```
//!
//! [clock_gettime(2)]: https://man7.org/linux/man-pages/man2/clock_gettime.2.html

use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

/// A point in monotonic time, or [`NEVER`](Deadline::NEVER).
///
/// A duration that exceeds the clock, such as [`Duration::MAX`], results in
/// [`NEVER`](Deadline::NEVER).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(
    /// The time of the clock at the deadline; `None` for never.
    Option<Duration>,
);

impl Deadline {
    /// A deadline that never passes.
    pub const NEVER: Deadline = Deadline(None);

    /// Returns the deadline that is `timeout` from now. A zero timeout has already passed.
    pub fn after(timeout: Duration) -> Self {
        let at = now().checked_add(timeout);
        Deadline(at.filter(|at| at.as_secs() <= libc::time_t::MAX as u64))
    }

    /// Returns the remaining time: zero after the deadline has passed, `None` if it never will.
    pub fn remaining(&self) -> Option<Duration> {
        self.0.map(|at| at.saturating_sub(now()))
    }

    /// Returns the remaining time as a timeout: [`Duration::MAX`] if the deadline never passes.
    pub(crate) fn timeout(&self) -> Duration {
        self.remaining().unwrap_or(Duration::MAX)
    }

    /// Returns whether the deadline has passed. `true` is permanent.
    pub fn has_passed(&self) -> bool {
        self.remaining() == Some(Duration::ZERO)
    }

    /// Returns whether the deadline has passed at the time `now`, which came from [`now()`].
    pub(crate) fn has_passed_at(&self, now: Duration) -> bool {
        self.0.is_some_and(|at| at <= now)
    }

    /// Returns the absolute time of `CLOCK_MONOTONIC`; `None` if the deadline never passes.
    #[inline]
    pub(crate) fn absolute(&self) -> Option<TimeSpec> {
        // Cannot overflow, since `after` limits the seconds to the range of the kernel's type.
        self.0.map(TimeSpec::from_duration)
    }

    /// Returns the earlier of this deadline and the time `at` of the clock.
    pub(crate) fn or_at(&self, at: Duration) -> Deadline {
        Deadline(Some(self.0.map_or(at, |own| own.min(at))))
    }

    /// Returns the remaining time, but at most `step`. Bounds one step of a wait with periodic
    /// checks.
    pub(crate) fn capped(&self, step: Duration) -> Duration {
        self.remaining().map_or(step, |left| left.min(step))
    }
}

/// Returns the time of the clock.
pub(crate) fn now() -> Duration {
    // Cannot fail, since every Linux has this clock.
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from)
}

/// Returns the time at the last tick of the clock, some milliseconds ago. Cheaper than [`now()`].
#[inline]
pub(crate) fn now_coarse() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE).map_or(Duration::ZERO, Duration::from)
}

/// Returns the time since boot, with suspend: the clock of start times in proc_pid_stat(5).
pub(crate) fn since_boot() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_zero_has_passed_and_after_max_never_does() {
        assert!(Deadline::after(Duration::ZERO).has_passed());
        assert!(!Deadline::after(Duration::MAX).has_passed());
        assert_eq!(Deadline::after(Duration::MAX), Deadline::NEVER);
    }

    #[test]
    fn remaining_shrinks_to_zero_and_stays_zero() {
        let deadline = Deadline::after(Duration::from_millis(5));
        assert!(deadline.remaining().unwrap() <= Duration::from_millis(5));
        std::thread::sleep(Duration::from_millis(6));
        assert_eq!(deadline.remaining(), Some(Duration::ZERO));
        assert!(deadline.has_passed());
    }

    #[test]
    fn absolute_is_on_the_monotonic_clock() {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
        let at = Deadline::after(Duration::from_secs(100)).absolute().unwrap();
        assert!(at >= now + TimeSpec::new(99, 0));
        assert_eq!(Deadline::NEVER.absolute(), None);
    }

    #[test]
    fn absolute_of_any_long_timeout_is_in_the_future() {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
        for exponent in 30..64 {
            let at = Deadline::after(Duration::from_secs(1 << exponent)).absolute();
            assert!(at.is_none_or(|at| at > now), "2^{exponent} s");
        }
    }

    #[test]
    fn capped_returns_the_shorter_time() {
        let step = Duration::from_millis(1);
        assert_eq!(Deadline::NEVER.capped(step), step);
        assert_eq!(Deadline::after(Duration::ZERO).capped(step), Duration::ZERO);
    }
}
