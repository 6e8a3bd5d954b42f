//! The time that calls take.

use std::time::{Duration, Instant};

/// The time that a call may take beyond its timeout, on a busy machine.
const GRACE: Duration = Duration::from_secs(5);

/// Bounds the time of calls, and counts their results.
#[derive(Debug)]
pub struct Clock {
    /// For calls that may block.
    pub timeout: Duration,
    /// The calls that returned a value.
    pub values: u64,
    /// The calls that returned an error.
    pub errors: u64,
}

impl Clock {
    /// Gives this timeout to calls that may block.
    pub fn new(timeout: Duration) -> Clock {
        Clock { timeout, values: 0, errors: 0 }
    }

    /// Returns the value that the call returns.
    ///
    /// # Panics
    ///
    /// If the call takes much longer than the timeout.
    pub fn call<R, E>(&mut self, name: &str, call: impl FnOnce() -> Result<R, E>) -> Option<R> {
        let start = Instant::now();
        let returned = call();
        let took = start.elapsed();
        assert!(took <= self.timeout + GRACE, "{name} took {took:?}");
        *(if returned.is_ok() { &mut self.values } else { &mut self.errors }) += 1;
        returned.ok()
    }
}
