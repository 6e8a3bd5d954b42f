//! How long calls take.

use std::time::{Duration, Instant};

/// How much longer than its timeout a call may take, on a machine that is busy with other things.
const SLACK: Duration = Duration::from_secs(5);

/// Watches calls, and counts how they end.
#[derive(Debug)]
pub struct Clock {
    /// For calls that may wait.
    pub timeout: Duration,
    /// How many returned a value.
    pub values: u64,
    /// How many returned an error.
    pub errors: u64,
}

impl Clock {
    /// Gives this timeout to calls that may wait.
    pub fn new(timeout: Duration) -> Clock {
        Clock { timeout, values: 0, errors: 0 }
    }

    /// What the call returns.
    ///
    /// # Panics
    ///
    /// If it takes much longer than the timeout.
    pub fn call<R, E>(&mut self, name: &str, call: impl FnOnce(Duration) -> Result<R, E>) -> Option<R> {
        let start = Instant::now();
        let returned = call(self.timeout);
        let took = start.elapsed();
        assert!(took <= self.timeout + SLACK, "{name} took {took:?}");
        *(if returned.is_ok() { &mut self.values } else { &mut self.errors }) += 1;
        returned.ok()
    }
}
