//! Why a measurement ended early.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Why there is no report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The run was cancelled.
    Stopped,
    /// The measurement failed, with the reason.
    Failed(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Stopped => f.write_str("stopped"),
            Failure::Failed(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for Failure {}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Failed(error.to_string())
    }
}

/// Ends a wait for a peer: by a timeout, or when the run is cancelled.
#[derive(Clone, Copy, Debug)]
pub struct CancelToken<'a> {
    /// A peer that is silent for longer has failed.
    pub timeout: Duration,
    /// Set to cancel the run.
    pub stop: &'a AtomicBool,
}

impl CancelToken<'_> {
    /// Returns when a wait that begins now times out.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    /// Fails if the run was cancelled or `deadline` has passed.
    pub(crate) fn check(&self, deadline: Instant) -> Result<(), Failure> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Failure::Stopped);
        }
        if Instant::now() >= deadline {
            let seconds = self.timeout.as_secs_f32();
            return Err(Failure::Failed(format!("no reply within {seconds} s")));
        }
        Ok(())
    }
}
