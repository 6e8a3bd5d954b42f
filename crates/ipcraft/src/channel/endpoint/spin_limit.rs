//! How long an adaptive endpoint spins: about as long as it takes to be woken.

use std::mem;
use std::time::Duration;

use crate::channel::tuning::{MAX_SPIN_LIMIT, SPIN_LIMIT, WAKE_COST_DECAY};

/// What an endpoint has learnt from its waits.
#[derive(Debug)]
pub(super) struct SpinLimit {
    /// How long a wake-up takes, within the limits of spinning.
    wake_cost: Duration,
    /// How long the next wait spins. Long waits lower it.
    budget: Duration,
    /// The part of the current wait that was a wake-up.
    last_wake: Duration,
}

impl Default for SpinLimit {
    fn default() -> SpinLimit {
        SpinLimit { wake_cost: SPIN_LIMIT, budget: SPIN_LIMIT, last_wake: Duration::ZERO }
    }
}

impl SpinLimit {
    /// Returns how long the next wait spins.
    pub(super) fn budget(&self) -> Duration {
        self.budget
    }

    /// Returns whether the last waits were short, so that the next one may begin by spinning.
    #[inline]
    pub(super) fn is_worthwhile(&self) -> bool {
        self.budget >= SPIN_LIMIT
    }

    /// Notes how long a wake-up took. A slow one counts immediately, and is forgotten slowly.
    pub(super) fn record_wake(&mut self, took: Duration) {
        self.last_wake = took;
        let faded = self.wake_cost - self.wake_cost / WAKE_COST_DECAY;
        self.wake_cost = took.max(faded).clamp(SPIN_LIMIT, MAX_SPIN_LIMIT);
    }

    /// Notes how long a wait took. If the notification came early, spinning pays next time; if it
    /// came late, blocking does.
    pub(super) fn record_wait(&mut self, took: Duration) {
        let until_notified = took.saturating_sub(mem::take(&mut self.last_wake));
        let short = until_notified <= self.wake_cost;
        self.budget = if short { self.wake_cost } else { self.budget / 2 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_millis(5);

    fn micros(count: u64) -> Duration {
        Duration::from_micros(count)
    }

    #[test]
    fn budget_after_slow_wakes_is_their_cost_and_after_fast_ones_the_least() {
        let mut limit = SpinLimit::default();
        limit.record_wake(micros(60));
        limit.record_wait(micros(110));
        assert_eq!(limit.budget(), micros(60), "the notification came after 50 us");
        limit.record_wait(micros(110));
        assert_eq!(limit.budget(), micros(30), "without a wake-up in between");
        for _ in 0..100 {
            limit.record_wake(micros(3));
        }
        limit.record_wait(micros(1));
        assert_eq!(limit.budget(), SPIN_LIMIT);
    }

    #[test]
    fn budget_after_a_preempted_wake_stays_within_its_bound() {
        let mut limit = SpinLimit::default();
        limit.record_wake(LONG);
        limit.record_wait(micros(1));
        assert_eq!(limit.budget(), MAX_SPIN_LIMIT);
    }

    #[test]
    fn budget_after_long_waits_ends_and_after_a_short_one_returns() {
        let mut limit = SpinLimit::default();
        for _ in 0..40 {
            limit.record_wait(LONG);
        }
        assert!(limit.budget() < micros(1) && !limit.is_worthwhile());
        limit.record_wait(micros(10));
        assert!(limit.is_worthwhile());
    }
}
