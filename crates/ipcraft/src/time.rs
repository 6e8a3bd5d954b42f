//! Deadlines on the monotonic clock.
//!
//! Every `…_timeout` call of this library takes a [`Duration`] and turns it into a [`Deadline`] once, so that a call
//! that is interrupted by signals or woken for nothing waits for the time that is *left*, and a step of the wall clock
//! changes nothing. Use a [`Deadline`] yourself when several calls share one time budget.
//!
//! The clock is `CLOCK_MONOTONIC` ([clock_gettime(2)]): it does not count time in suspend.
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

/// A point in monotonic time, or never.
///
/// A duration too long for the clock, such as [`Duration::MAX`], is never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(
    /// The time that the clock shows then.
    Option<Duration>,
);

impl Deadline {
    /// The deadline that never passes.
    pub const NEVER: Deadline = Deadline(None);

    /// `timeout` from now; zero has passed already.
    pub fn after(timeout: Duration) -> Self {
        let at = now().checked_add(timeout);
        Deadline(at.filter(|at| at.as_secs() <= libc::time_t::MAX as u64))
    }

    /// The time that is left: zero once it has passed, `None` if it never will.
    pub fn remaining(&self) -> Option<Duration> {
        self.0.map(|at| at.saturating_sub(now()))
    }

    /// Whether it has passed. May turn true at any moment after it was false; never the other way round.
    pub fn has_passed(&self) -> bool {
        self.remaining() == Some(Duration::ZERO)
    }

    /// Whether it has passed at that moment, as [`now`] shows it.
    pub(crate) fn has_passed_at(&self, now: Duration) -> bool {
        self.0.is_some_and(|at| at <= now)
    }

    /// The point itself, for calls that take `CLOCK_MONOTONIC` absolutely; `None` if it never passes.
    #[inline]
    pub(crate) fn absolute(&self) -> Option<TimeSpec> {
        // `after` lets no seconds pass that the kernel's type has no room for.
        self.0.map(TimeSpec::from_duration)
    }

    /// The earlier of this deadline and the moment at which the clock shows `at`, which is not far away.
    pub(crate) fn or_at(&self, at: Duration) -> Deadline {
        Deadline(Some(self.0.map_or(at, |own| own.min(at))))
    }

    /// The earlier of this deadline and `step` from now: for a wait that has to look up once in a while.
    pub(crate) fn capped(&self, step: Duration) -> Duration {
        self.remaining().map_or(step, |left| left.min(step))
    }
}

/// What the clock shows.
pub(crate) fn now() -> Duration {
    // The clock exists on every Linux, and so cannot fail to be read; it starts at zero.
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from)
}

/// What the clock showed at its last tick, some milliseconds ago: cheaper to know.
#[inline]
pub(crate) fn now_roughly() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE).map_or(Duration::ZERO, Duration::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_has_passed_and_max_never_does() {
        assert!(Deadline::after(Duration::ZERO).has_passed());
        assert!(!Deadline::after(Duration::MAX).has_passed());
        assert_eq!(Deadline::after(Duration::MAX), Deadline::NEVER);
    }

    #[test]
    fn remaining_shrinks_to_zero_and_stays_there() {
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
    fn absolute_is_in_the_future_however_far_that_is() {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
        for exponent in 30..64 {
            let at = Deadline::after(Duration::from_secs(1 << exponent)).absolute();
            assert!(at.is_none_or(|at| at > now), "2^{exponent} s");
        }
    }

    #[test]
    fn capped_takes_the_shorter() {
        let step = Duration::from_millis(1);
        assert_eq!(Deadline::NEVER.capped(step), step);
        assert_eq!(Deadline::after(Duration::ZERO).capped(step), Duration::ZERO);
    }
}
