//! Looking again and again for what the kernel has no timed wait for.

use std::thread;
use std::time::Duration;

use crate::time::Deadline;

const FIRST: Duration = Duration::from_micros(100);
const LAST: Duration = Duration::from_millis(5);

/// How long to wait before the next look: grows from 100 us to 5 ms, twofold each time.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) fn new() -> Self {
        Backoff(FIRST)
    }

    /// The time until the next look.
    pub(crate) fn step(&mut self) -> Duration {
        let step = self.0;
        self.0 = (step * 2).min(LAST);
        step
    }

    /// Sleeps until the next look, but not beyond the deadline; says false, at once, if that has passed.
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
    fn steps_grow_to_the_last_and_stay_there() {
        let mut backoff = Backoff::new();
        let steps: Vec<u128> = (0..8).map(|_| backoff.step().as_micros()).collect();
        assert_eq!(steps, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    }

    #[test]
    fn a_deadline_that_has_passed_ends_the_looking() {
        assert!(!Backoff::new().sleep(Deadline::after(Duration::ZERO)));
        assert!(Backoff::new().sleep(Deadline::NEVER));
    }
}
