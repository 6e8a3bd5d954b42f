//! The kill of a peer, and the time until a blocked call returns.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use ipcraft_bench::Usage;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::message::{Failure, Result};
use crate::work::Report;

/// How long a blocked call is watched after the kill. The slowest detection known here takes a
/// quarter of a second.
pub(crate) const WATCHED: Duration = Duration::from_secs(3);

/// The least time from the first call to the kill: enough to fill a channel and to block.
const UNTIL_BLOCKED: Duration = Duration::from_millis(150);

/// The kill is later by a part of this time that differs from kill to kill. Some competitors check
/// their peers at an interval, so that the time depends on the phase.
const PHASES: Duration = Duration::from_millis(250);

/// When the first call returned after the kill, or why one failed before it.
type Returned = std::result::Result<Instant, String>;

/// Returns a number from 0 to 1. Those of consecutive kills are spread evenly.
fn phase(number: u64) -> f64 {
    const GOLDEN_RATIO: f64 = 0.618_033_988_749_895;
    (number as f64 * GOLDEN_RATIO).fract()
}

/// One peer that is killed while a call is blocked.
pub(crate) struct Watch {
    peer: Pid,
    killed: AtomicBool,
    stuck: AtomicBool,
}

impl Watch {
    pub(crate) fn new(peer: Pid) -> Watch {
        Watch { peer, killed: AtomicBool::new(false), stuck: AtomicBool::new(false) }
    }

    /// Repeats the call until one returns after the kill.
    pub(crate) fn repeat(&self, call: &mut impl FnMut() -> Result<()>) -> Returned {
        loop {
            let outcome = call();
            let now = Instant::now();
            if self.killed.load(Ordering::Acquire) {
                return Ok(now);
            }
            outcome.map_err(|error| format!("before the peer was killed: {error}"))?;
        }
    }

    /// Starts the calls in the other thread, kills the peer, and waits for the blocked call.
    /// Reports no time if it is still blocked after [`WATCHED`].
    ///
    /// The peer is a child of the process that started both, which reaps it when it has ended. It
    /// ends by this kill only, so its id belongs to no other process.
    pub(crate) fn kill(
        &self,
        number: u64,
        requests: &Sender<()>,
        returns: &Receiver<Returned>,
    ) -> Result<Report> {
        requests.send(())?;
        thread::sleep(UNTIL_BLOCKED + PHASES.mul_f64(phase(number)));
        if let Ok(early) = returns.try_recv() {
            early?;
        }
        let before = Usage::so_far()?;
        self.killed.store(true, Ordering::Release);
        let killed = Instant::now();
        kill(self.peer, Signal::SIGKILL)?;
        match returns.recv_timeout(WATCHED) {
            Ok(returned) => {
                let elapsed_ns = (returned?.saturating_duration_since(killed).as_nanos() as u64).max(1);
                let usage = before.elapsed()?;
                Ok(Report { samples: vec![elapsed_ns], elapsed_ns, usage, ..Report::default() })
            }
            Err(RecvTimeoutError::Timeout) => {
                self.stuck.store(true, Ordering::Release);
                Ok(Report { usage: before.elapsed()?, ..Report::default() })
            }
            Err(RecvTimeoutError::Disconnected) => Err(Failure::from("the blocked call panicked")),
        }
    }

    /// Returns whether the blocked call never returned.
    pub(crate) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};
    use std::sync::mpsc;

    use super::*;

    fn sleeper() -> (Child, Watch) {
        let child = Command::new("sleep").arg("600").spawn().unwrap();
        let watch = Watch::new(Pid::from_raw(child.id() as i32));
        (child, watch)
    }

    #[test]
    fn kill_reports_the_time_of_a_call_that_ends_with_the_peer() {
        let (mut child, watch) = sleeper();
        let (requests, requested) = mpsc::channel();
        let (returned, returns) = mpsc::channel();
        let report = thread::scope(|scope| {
            let (watch, child) = (&watch, &mut child);
            scope.spawn(move || {
                requested.recv().unwrap();
                returned.send(watch.repeat(&mut || child.wait().map(drop).map_err(Failure::from))).unwrap();
            });
            watch.kill(0, &requests, &returns).unwrap()
        });
        assert_eq!(report.samples.len(), 1);
        assert!(report.elapsed_ns > 0 && !watch.is_stuck());
    }

    #[test]
    fn kill_fails_if_a_call_fails_before() {
        let (mut child, watch) = sleeper();
        let (requests, _requested) = mpsc::channel();
        let (returned, returns) = mpsc::channel();
        returned.send(watch.repeat(&mut || Err("early".into()))).unwrap();
        let error = watch.kill(0, &requests, &returns).unwrap_err();
        assert!(error.to_string().contains("early"), "{error}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
