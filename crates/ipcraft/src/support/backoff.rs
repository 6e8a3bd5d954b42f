//! Polling at growing intervals, for conditions without a timed wait in the kernel.

use std::thread;
use std::time::Duration;

use crate::time::Deadline;

const MIN_INTERVAL: Duration = Duration::from_micros(100);
const MAX_INTERVAL: Duration = Duration::from_millis(5);

/// The interval until the next poll. It starts at 100 us and doubles up to 5 ms.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) fn new() -> Self {
        Backoff(MIN_INTERVAL)
    }

    /// Returns the time until the next poll.
    pub(crate) fn step(&mut self) -> Duration {
        let step = self.0;
        self.0 = (step * 2).min(MAX_INTERVAL);
        step
    }

    /// Sleeps until the next poll, but not beyond the deadline. Returns false immediately if the
    /// deadline has passed.
    pub(crate) fn sleep(&mut self, deadline: Deadline) -> bool {
        let pause = deadline.capped(self.step());
        thread::sleep(pause);
        !pause.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_doubles_up_to_the_maximum() {
        let mut backoff = Backoff::new();
        let steps: Vec<u128> = (0..8).map(|_| backoff.step().as_micros()).collect();
        assert_eq!(steps, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    }

    #[test]
    fn sleep_after_the_deadline_returns_false() {
        assert!(!Backoff::new().sleep(Deadline::after(Duration::ZERO)));
        assert!(Backoff::new().sleep(Deadline::NEVER));
    }
}
